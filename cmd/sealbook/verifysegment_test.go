package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// segmentFile archives ten entries, and returns their file.
func segmentFile(t *testing.T) (id string, origin string, content []byte) {
	t.Helper()
	now := time.Date(2022, 1, 3, 9, 0, 0, 0, time.UTC)
	l := ledgertest.Open(t, ledgertest.Database(t), func(c *ledger.Config) { c.Clock = func() time.Time { return now } })
	d, err := l.Create(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	var events []audit.Event
	for n := range 10 {
		e := ledgertest.Event(n)
		e.Type, e.Timestamp, e.Frameworks = "fix.applied", nil, nil
		events = append(events, e)
	}
	if _, err := l.Append(t.Context(), ledger.Submission{Ledger: d.ID, Events: events}); err != nil {
		t.Fatal(err)
	}
	logs, scans := audit.DefaultRetention.Archivable(now.AddDate(2, 0, 0))
	plan, err := l.PlanSegment(t.Context(), d.ID, logs, scans, nil)
	if err != nil || plan == nil {
		t.Fatalf("%v, %v", plan, err)
	}
	var file bytes.Buffer
	if err := l.WriteSegment(t.Context(), plan, &file, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	return plan.ID(), d.Genesis.Origin, file.Bytes()
}

// rewritten changes what a gzip file holds.
func rewritten(t *testing.T, content []byte, change func(lines []string) []string) []byte {
	t.Helper()
	in, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	io.WriteString(zip, strings.Join(change(strings.SplitAfter(string(text), "\n")), ""))
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestVerifySegment(t *testing.T) {
	t.Parallel()
	id, origin, content := segmentFile(t)
	digest := func(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }
	replaced := func(from, to string) []byte {
		return rewritten(t, content, func(lines []string) []string {
			for i := range lines {
				lines[i] = strings.Replace(lines[i], from, to, 1)
			}
			return lines
		})
	}
	whole := []string{"segment      " + id, "ledger       " + origin, "recorded     2022-01-03T09:00:00", "integrity     ok", "each payload is the one that its record commits to"}
	forged := replaced("fix.applied", "fix.denied!")
	for name, c := range map[string]struct {
		content []byte
		flags   []string
		code    int
		says    []string
	}{
		"alone":              {content, nil, exitUsage, append(slices.Clone(whole), "authenticity  cannot_tell", "--digest", "CANNOT TELL")},
		"with its digest":    {content, []string{"--digest", digest(content)}, exitOK, append(slices.Clone(whole), "authenticity  ok", "\nVERIFIED")},
		"in capitals":        {content, []string{"--digest", strings.ToUpper(digest(content))}, exitOK, []string{"\nVERIFIED"}},
		"another's digest":   {content, []string{"--digest", digest(nil)}, exitFailed, append(slices.Clone(whole), "authenticity  failed", "FAILED")},
		"changed":            {forged, nil, exitFailed, []string{"integrity     failed", "FAILED"}},
		"changed, digest":    {forged, []string{"--digest", digest(forged)}, exitFailed, []string{"integrity     failed", "authenticity  ok", "FAILED"}},
		"another origin":     {replaced(`"origin":"`, `"origin":"x`), nil, exitFailed, []string{"integrity     failed"}},
		"without its last":   {rewritten(t, content, func(l []string) []string { return l[:len(l)-2] }), nil, exitFailed, []string{"the segment file is damaged"}},
		"with one more":      {rewritten(t, content, func(l []string) []string { return append(l, l[1]) }), nil, exitFailed, []string{"goes on behind its last entry"}},
		"half":               {content[:len(content)/2], nil, exitFailed, []string{"damaged"}},
		"flipped":            {flipped(content, len(content)/2), nil, exitFailed, []string{"integrity     failed"}},
		"its start":          {content[:2], nil, exitFailed, []string{"damaged"}},
		"something appended": {append(bytes.Clone(content), "more"...), nil, exitFailed, []string{"damaged"}},
		"no segment":         {rewritten(t, content, func([]string) []string { return []string{"{}\n"} }), nil, exitFailed, []string{"this is no segment file"}},
	} {
		r := invoke(t, nil, "", append([]string{"verify", written(t, "file", c.content)}, c.flags...)...)
		if r.code != c.code || r.stderr != "" || !strings.Contains(r.stdout, "hash         "+digest(c.content)+"\n") || c.code != exitOK && strings.Contains(r.stdout, "VERIFIED") {
			t.Errorf("%s: exit code %d, not %d\n%s%s", name, r.code, c.code, r.stdout, r.stderr)
		}
		r.says(t, c.says...)
	}

	var said segmentReport
	file := written(t, "file", content)
	r := invoke(t, nil, "", "verify", "--json", file, "--digest", digest(content)).want(t, exitOK)
	if err := json.Unmarshal([]byte(r.stdout), &said); err != nil || said.File != file || said.Segment != id || said.Origin != origin || said.Size != int64(len(content)) ||
		said.Entries < 10 || *said.Last-*said.First+1 != said.Entries || said.Integrity != "ok" || said.Authenticity != "ok" || len(said.Findings) != 0 {
		t.Errorf("%s %v", r.stdout, err)
	}
	newer := written(t, "file", replaced("segment/1", "segment/2"))
	invoke(t, nil, "", "verify", newer).want(t, exitUsage).says(t, "sealbook-archive-segment/2, which is not known here")
	for _, flags := range [][]string{{"--digest", "sha256:12"}, {"--digest", strings.Repeat("0", 64)}, {"--key", origin + "+00000000+AQ=="}, {"--roots", file}} {
		invoke(t, nil, "", append([]string{"verify", file}, flags...)...).want(t, exitUsage)
	}
	invoke(t, nil, "", "verify", written(t, "file", []byte("{}")), "--digest", digest(content)).want(t, exitUsage).says(t, "--digest is for")
	invoke(t, nil, "", "verify", "--live", "--digest", digest(content)).want(t, exitUsage).says(t, "--digest is for")
}
