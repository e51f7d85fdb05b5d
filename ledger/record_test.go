package ledger_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/ledger"
)

var vector = ledger.Record{
	Origin: "ledger.example/org_1", Seq: 7, Prev: ledger.LeafHash([]byte("before")),
	RecordedAt: time.Date(2026, 11, 24, 0, 15, 47, 123456000, time.UTC),
	EventType:  "scan.completed", EventID: ulid.MustParse("01ARZ3NDEKTSV4RRFFQ69G5FAV"), PayloadRoot: ledger.LeafHash([]byte("payload")),
}

// The encoding and its hash are frozen: a change here breaks every record that
// was ever written.
const vectorText = `audit-entry/v1
ledger.example/org_1
7
L0y2kW+kIAVmDTY7XaEj9q/abmTwKXRiweYTUiFdWsk=
2026-11-24T00:15:47.123456Z
scan.completed
01ARZ3NDEKTSV4RRFFQ69G5FAV
pOCi3RnLrw4Uz3dA6GLhcieCd1cUJGFB7kHm+uJUe8g=
`

const vectorHash = "sha256:8a858ad6ad10d564551818e94e4e789522fd9a381779030469f11580b3ac722c"

func TestRecordVector(t *testing.T) {
	t.Parallel()
	if got := string(vector.Encode()); got != vectorText {
		t.Errorf("got\n%swant\n%s", got, vectorText)
	}
	if got := ledger.FormatHash(ledger.LeafHash(vector.Encode())); got != vectorHash {
		t.Errorf("got %s, want %s", got, vectorHash)
	}
	r, err := ledger.ParseRecord([]byte(vectorText))
	if err != nil || r != vector {
		t.Errorf("%+v %v", r, err)
	}
}

func TestParseRecordRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":             "",
		"no last line feed": strings.TrimSuffix(vectorText, "\n"),
		"one line more":     vectorText + "\n",
		"future version":    strings.Replace(vectorText, "/v1", "/v2", 1),
		"no origin":         strings.Replace(vectorText, "ledger.example/org_1", "", 1),
		"space in origin":   strings.Replace(vectorText, "ledger.example/org_1", "ledger example", 1),
		"leading zero":      strings.Replace(vectorText, "\n7\n", "\n07\n", 1),
		"plus sign":         strings.Replace(vectorText, "\n7\n", "\n+7\n", 1),
		"negative":          strings.Replace(vectorText, "\n7\n", "\n-7\n", 1),
		"short hash":        strings.Replace(vectorText, "L0y2", "", 1),
		"hash with bits":    strings.Replace(vectorText, "Wsk=", "Wsl=", 1),
		"time without us":   strings.Replace(vectorText, ".123456Z", ".123Z", 1),
		"time with zone":    strings.Replace(vectorText, ".123456Z", ".123456+00:00", 1),
		"upper-case type":   strings.Replace(vectorText, "scan.completed", "Scan.completed", 1),
		"long type":         strings.Replace(vectorText, "scan.completed", strings.Repeat("a", 65), 1),
		"lower-case ulid":   strings.Replace(vectorText, "01ARZ", "01arz", 1),
		"overflowing ulid":  strings.Replace(vectorText, "01ARZ", "81ARZ", 1),
		"carriage return":   strings.Replace(vectorText, "\n7\n", "\r\n7\n", 1),
	} {
		if r, err := ledger.ParseRecord([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %+v", name, r)
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := ledger.Record{
			Origin: rapid.StringMatching(`[!-*,-~]{1,200}`).Draw(t, "origin"), Seq: rapid.Int64Min(0).Draw(t, "seq"),
			RecordedAt: time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at")).UTC(),
			EventType:  rapid.StringMatching(`[a-z0-9._-]{1,64}`).Draw(t, "type"),
		}
		copy(r.Prev[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "prev"))
		copy(r.PayloadRoot[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "root"))
		copy(r.EventID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		data := r.Encode()
		got, err := ledger.ParseRecord(data)
		if err != nil || got != r {
			t.Fatalf("%s: %+v %v", data, got, err)
		}
		// No flipped bit leads to the same hash or, unnoticed, to the same record.
		flipped := bytes.Clone(data)
		flipped[rapid.IntRange(0, len(data)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if other, err := ledger.ParseRecord(flipped); err == nil && other == r {
			t.Fatalf("%q reads as the same record", flipped)
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(vectorText))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := ledger.ParseRecord(data); err == nil && !bytes.Equal(r.Encode(), data) {
			t.Fatalf("%q is accepted but encodes as %q", data, r.Encode())
		}
	})
}
