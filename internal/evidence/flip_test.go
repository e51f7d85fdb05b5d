package evidence_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
)

// smallPackage is a package of few entries, whose every byte can be tried.
func smallPackage(tb testing.TB) (data []byte, key string) {
	b := newBook(tb).fill(7)
	request := allCategories(audit.FormatZIP)
	request.AuditPeriod = audit.AuditPeriod{From: "2026-01-01", To: "2026-01-01"}
	request.Include = []audit.Category{audit.IssueHistory}
	data = b.build(b.scope(request, 0))
	if r := verify(tb, data, b.genesis.Key); r.Exit() != 0 {
		tb.Fatalf("the package does not verify:\n%s", reportText(tb, r))
	}
	return data, b.genesis.Key
}

// flip changes one byte, expects a failure, and that the file in which the
// byte lies is named.
func flip(tb failer, data []byte, files []*zip.File, at int, mask byte) {
	data[at] ^= mask
	defer func() { data[at] ^= mask }()
	check := verifyAlone // the second verifier takes fifty times as long
	if at%211 == 0 {
		check = verify
	}
	r := check(tb, data)
	if r.Exit() != 1 {
		tb.Fatalf("byte %d changed by %#02x: exit %d", at, mask, r.Exit())
	}
	if len(r.Findings) == 0 || r.Findings[0].Message == "" {
		tb.Fatalf("byte %d changed by %#02x: nothing is said", at, mask)
	}
	for _, f := range files {
		start, _ := f.DataOffset()
		if int64(at) < start || int64(at) >= start+int64(f.CompressedSize64) {
			continue
		}
		_, name, _ := strings.Cut(f.Name, "/")
		for _, found := range r.Findings {
			if found.File == name || found.File == f.Name {
				return
			}
		}
		tb.Fatalf("byte %d changed by %#02x: %s is not named, but %v", at, mask, name, r.Findings)
	}
}

func zipFiles(tb testing.TB, data []byte) []*zip.File {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	return z.File
}

// TestEveryByte is the promise itself: one byte changed anywhere in the zip,
// and verification fails.
func TestEveryByte(t *testing.T) {
	data, _ := smallPackage(t)
	step := 1
	if testing.Short() || raceEnabled {
		step = 37
	}
	masks := []byte{0x01, 0x80, 0xff, 0x10}
	for part := range 4 {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			data := bytes.Clone(data)
			files := zipFiles(t, data)
			for at := part * len(data) / 4; at < (part+1)*len(data)/4; at += step {
				flip(t, data, files, at, masks[at%len(masks)])
			}
		})
	}
}

func TestAnyByte(t *testing.T) {
	data, _ := smallPackage(t)
	files, changed := zipFiles(t, data), bytes.Clone(data)
	rapid.Check(t, func(t *rapid.T) {
		flip(t, changed, files, rapid.IntRange(0, len(data)-1).Draw(t, "at"), byte(rapid.IntRange(1, 255).Draw(t, "mask")))
	})
}

// TestCutOrGrown changes the length: no prefix of a package is one, nor a
// package with anything around it.
func TestCutOrGrown(t *testing.T) {
	data, _ := smallPackage(t)
	for _, n := range []int{0, 1, 21, 22, 100, len(data) / 2, len(data) - 22, len(data) - 1} {
		if r := verify(t, data[:n]); r.Exit() != 1 {
			t.Errorf("the first %d bytes: exit %d", n, r.Exit())
		}
	}
	for _, more := range [][]byte{{0}, []byte("PK\x05\x06"), data} {
		if r := verify(t, append(bytes.Clone(data), more...)); r.Exit() != 1 {
			t.Errorf("%d bytes more at the end: exit %d", len(more), r.Exit())
		}
		if r := verify(t, append(bytes.Clone(more), data...)); r.Exit() != 1 {
			t.Errorf("%d bytes more at the start: exit %d", len(more), r.Exit())
		}
	}
}
