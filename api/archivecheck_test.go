package api_test

import (
	"bytes"
	"io"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// checkFiles does what a run of the archive's check does, a while later.
func (a *archivist) checkFiles() (done activities.CheckedFiles) {
	a.b.t.Helper()
	a.b.clock.move(25 * time.Hour)
	var found activities.ArchiveFilesDue
	a.run(a.do.ArchiveFilesDue, int32(0), &found)
	for _, order := range found.Due {
		if order.Due.Ledger == a.b.ledger {
			a.run(a.do.CheckArchiveFiles, order, &done)
		}
	}
	return done
}

// The list of segments says when each file was last read and what was wrong with it,
// and can be asked for what is wrong alone.
func TestSegmentsSayWhatIsWrongWithTheirFiles(t *testing.T) {
	t.Parallel()
	a := newArchivist(t)
	b := a.b
	a.do.CheckArchiveIn = 24 * time.Hour
	for range 3 {
		b.post("full", "~/entries", `{"event_type":"login","description":"d","severity":"low","user":{"user_id":"u_1"},"resource":{"type":"host","id":"reactor"}}`).want(201)
	}
	b.clock.move(2 * 365 * 24 * time.Hour)
	a.retain()
	if _, err := b.artifacts.Put(t.Context(), "other", strings.NewReader("so that the store is not empty")); err != nil {
		t.Fatal(err)
	}
	shown := func(query string) []map[string]any {
		return b.get("full", "~/archive/segments"+query).want(200).list("data")
	}
	if got := shown(""); len(got) != 1 || got[0]["last_checked_at"] != nil || got[0]["problem"] != nil {
		t.Fatalf("%v", got)
	}
	list, err := b.log.ArchivedSegments(t.Context(), b.ledger, audit.Period{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	file, err := b.artifacts.Open(t.Context(), list[0].Artifact)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err == nil {
		err = b.artifacts.Delete(t.Context(), list[0].Artifact.Key)
	}
	if err != nil {
		t.Fatal(err)
	}
	if done := a.checkFiles(); done.Read != 1 || done.Bad != 1 {
		t.Errorf("%+v", done)
	}
	for _, query := range []string{"", "?problem=true"} {
		got := shown(query)
		if len(got) != 1 || got[0]["last_checked_at"] == nil {
			t.Fatalf("%v", got)
		}
		if text, _ := got[0]["problem"].(string); !strings.HasPrefix(text, "lost: ") {
			t.Errorf("%v", got)
		}
	}
	if got := b.get("full", "~/logs?event_type="+audit.TypeArchiveCheckFailed).want(200); got.number("pagination.total") != 1 {
		t.Errorf("%s", got.body)
	}
	if _, err := b.artifacts.Put(t.Context(), path.Dir(list[0].Artifact.Key), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	a.checkFiles()
	if got := shown("?problem=true"); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := shown("?problem=false"); len(got) != 1 || got[0]["problem"] != nil {
		t.Errorf("%v", got)
	}
	b.get("full", "~/archive/segments?problem=perhaps").want(400)
	b.get("basic", "~/archive/segments?problem=true").want(403)
}

// A window whose entries are archived is verified by their records; what is in the
// files is compared by a job alone, and the answer does not say otherwise.
func TestVerifyOfArchivedEntriesReadsNoFile(t *testing.T) {
	t.Parallel()
	a := newArchivist(t)
	b := a.b
	began := b.clock.now()
	for range 5 {
		b.post("full", "~/entries", `{"event_type":"login","description":"d","severity":"low","user":{"user_id":"u_1"},"resource":{"type":"host","id":"reactor"}}`).want(201)
	}
	window := `{"from":"` + day(began.AddDate(0, 0, -1)) + `","to":"` + day(began.AddDate(0, 0, 1)) + `"}`
	if got := b.post("full", "~/verify", window).want(200); got.number("data.archive.entries") != 0 || got.number("data.logs_checked") < 5 {
		t.Errorf("%s", got.body)
	}
	b.clock.move(2 * 365 * 24 * time.Hour)
	a.retain()
	got := b.post("full", "~/verify", window).want(200)
	if archived := got.number("data.archive.entries"); archived < 5 || archived != got.number("data.range.entries") || got.number("data.archive.files_read") != 0 || got.number("data.logs_checked") != 0 {
		t.Errorf("%s", got.body)
	}
	if verified, _ := got.at("data.verified"); verified != true {
		t.Errorf("%s", got.body)
	}
}
