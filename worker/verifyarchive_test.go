package worker_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// A verification of entries that are archived reads their files, each once however the
// range is cut, says how many, and names the segment of a file that is lost or not
// what was written; what was destroyed it counts apart.
func TestVerificationReadsTheArchive(t *testing.T) {
	s, clock, _ := newOldSystem(t, 700)
	s.activities.SegmentEntries = ledger.TileWidth
	s.retain()
	list, paths := s.archived()
	window := audit.VerificationRequest{From: "2024-01-01", To: "2024-01-31"}
	s.work()
	verify := func() ledger.Summary {
		t.Helper()
		clock.set(clock.now().Add(time.Minute))
		return s.result(s.awaitVerification(s.orderVerification(window)))
	}
	var entries int64
	for i := range list {
		entries += list[i].Entries
	}
	r := verify()
	if !r.Verified || r.Archive == nil || *r.Archive != (ledger.ArchiveSummary{Entries: entries, FilesRead: int64(len(list))}) || r.Range == nil || r.Range.First != list[0].First() || r.Checked != 0 {
		t.Fatalf("%+v %+v %+v", r, r.Archive, r.Range)
	}
	whole := s.readFile(paths[0])
	for name, damage := range map[string]func(){
		"damaged": func() { b := append([]byte{}, whole...); b[len(b)/3] ^= 4; s.writeFile(paths[0], b) },
		"swapped": func() { s.writeFile(paths[0], s.readFile(paths[1])) },
		"lost": func() {
			if err := os.Remove(paths[0]); err != nil {
				t.Fatal(err)
			}
		},
	} {
		damage()
		r := verify()
		if r.Verified || r.ProblemCount != 1 || r.Problems[0].Kind != ledger.ArchiveFile || !strings.Contains(r.Problems[0].Message, list[0].ID) || !r.ChainValid ||
			r.Problems[0].Range == nil || r.Problems[0].Range.First != list[0].First() || r.Archive.FilesRead != int64(len(list)) {
			t.Errorf("%s: %+v", name, r)
		}
		s.writeFile(paths[0], whole)
	}
	if r := verify(); !r.Verified {
		t.Errorf("%+v", r.Problems)
	}
	if failed, passed := s.entries(audit.TypeArchiveCheckFailed), s.entries(audit.TypeArchiveCheckPassed); failed == 0 || passed == 0 {
		t.Errorf("%d entries say that it is bad, %d that it is sound", failed, passed)
	}

	clock.set(time.Date(2036, 1, 1, 9, 0, 0, 0, time.UTC))
	s.retain()
	if r := verify(); !r.Verified || r.Archive.Destroyed != entries || r.Archive.FilesRead != 0 {
		t.Errorf("%+v %+v", r, r.Archive)
	}
}
