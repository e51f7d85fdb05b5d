package worker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/workflows"
)

// checkArchive runs the workflow, each attempt of whose activities is lost once after
// it was done, and returns what it found.
func (s *system) checkArchive() (run audit.ArchiveCheckRun) {
	s.t.Helper()
	s.perform(audit.ArchiveCheckWorkflow, run, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterWorkflowWithOptions(func(ctx workflow.Context, start audit.ArchiveCheckRun) (_ audit.ArchiveCheckRun, err error) {
			run, err = workflows.CheckArchive(ctx, start)
			return run, err
		}, workflow.RegisterOptions{Name: audit.ArchiveCheckWorkflow})
	})
	return run
}

// archived lists the segments, and the paths of their files.
func (s *system) archived() (list []ledger.ArchivedSegment, paths []string) {
	s.t.Helper()
	list, err := s.log.ArchivedSegments(s.t.Context(), s.ledger, audit.Period{}, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range list {
		paths = append(paths, filepath.Join(s.folder, filepath.FromSlash(list[i].Artifact.Key)))
	}
	return list, paths
}

func (s *system) readFile(path string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *system) writeFile(path string, content []byte) {
	s.t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// A file that is lost, damaged or another's is found once it is read again, and one
// entry says so, however often it is read and whatever attempt dies; one more says
// when it is sound again.
func TestBadFilesAreToldOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage func(s *system, paths []string)
		says   []string
	}{
		"lost": {func(s *system, paths []string) {
			if err := os.Remove(paths[0]); err != nil {
				s.t.Fatal(err)
			}
		}, []string{"lost: the file is not in the artifact store"}},
		"a byte": {func(s *system, paths []string) {
			b := s.readFile(paths[0])
			b[len(b)/2] ^= 1
			s.writeFile(paths[0], b)
		}, []string{"damaged: the file has the digest sha256:", ", not sha256:"}},
		"half of it": {func(s *system, paths []string) {
			b := s.readFile(paths[0])
			s.writeFile(paths[0], b[:len(b)/2])
		}, []string{"damaged: ", "the segment file is damaged"}},
		"more behind it": {func(s *system, paths []string) {
			s.writeFile(paths[0], append(s.readFile(paths[0]), 'x'))
		}, []string{"damaged: "}},
		"swapped": {func(s *system, paths []string) {
			s.writeFile(paths[0], s.readFile(paths[1]))
		}, []string{"damaged: ", "which is not of the segment"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, clock, receipts := newOldSystem(t, 20)
			s.activities.CheckArchiveIn = 30 * 24 * time.Hour
			s.retain()
			_, paths := s.archived()
			whole := s.readFile(paths[0])
			if run := s.checkArchive(); run.Read != 0 { // they were read when they were archived
				t.Errorf("%+v", run)
			}
			c.damage(s, paths)
			clock.set(clock.now().AddDate(0, 0, 29))
			for range 2 { // what is bad is read in every run
				if run := s.checkArchive(); run.Bad != 1 || len(run.Names) != 1 || run.Unread != 0 || run.Failed != 0 {
					t.Errorf("%+v", run)
				}
				clock.set(clock.now().Add(time.Hour))
			}
			list, _ := s.archived()
			if list[0].Problem == nil || list[1].Problem != nil || list[1].LastCheckedAt == nil {
				t.Fatalf("%v %v %v", list[0].Problem, list[1].Problem, list[1].LastCheckedAt)
			}
			for _, text := range c.says {
				if !strings.Contains(*list[0].Problem, text) {
					t.Errorf("%q does not say %q", *list[0].Problem, text)
				}
			}
			if n := s.entries(audit.TypeArchiveCheckFailed); n != 1 || s.entries(audit.TypeArchiveCheckPassed) != 0 {
				t.Errorf("%d entries say so", n)
			}
			s.writeFile(paths[0], whole)
			for range 2 {
				clock.set(clock.now().Add(time.Hour))
				s.checkArchive()
			}
			if list, _ = s.archived(); list[0].Problem != nil {
				t.Errorf("%s", *list[0].Problem)
			}
			if failed, passed := s.entries(audit.TypeArchiveCheckFailed), s.entries(audit.TypeArchiveCheckPassed); failed != 1 || passed != 1 {
				t.Errorf("%d entries say that it is bad, %d that it is sound", failed, passed)
			}
			s.checkRetained(receipts, audit.Archived)
		})
	}
}

// The entry names the segment, what it holds, and what is there instead.
func TestEntryAboutABadFile(t *testing.T) {
	t.Parallel()
	s, clock, _ := newOldSystem(t, 20)
	s.activities.CheckArchiveIn = 24 * time.Hour
	s.retain()
	list, paths := s.archived()
	s.writeFile(paths[0], s.readFile(paths[1]))
	clock.set(clock.now().Add(time.Hour))
	if run := s.checkArchive(); run.Read != 2 || run.Bad != 1 || run.Names[0] != list[0].ID {
		t.Errorf("%+v", run)
	}
	for row, err := range s.log.Rows(t.Context(), s.ledger, 20, 1<<62) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := row.Entry()
		if err != nil {
			t.Fatal(err)
		}
		if e.Type != audit.TypeArchiveCheckFailed {
			continue
		}
		d := e.Details
		if e.Severity != audit.SeverityCritical || d.String("segment") != list[0].ID || d.String("sha256") != list[0].Digest || d.String("found_sha256") != list[1].Digest ||
			d.String("state") != ledger.FileDamaged || d.String("reason") == "" || fmt.Sprint(d["first"]) != fmt.Sprint(list[0].First()) || fmt.Sprint(d["last"]) != fmt.Sprint(list[0].Last()) {
			t.Errorf("%s %v", e.Severity, d)
		}
		return
	}
	t.Error("there is no entry")
}

// A store that gives nothing, or not everything, tells nothing of the files: no entry
// and no state, and the run fails at its end.
func TestAStoreThatFailsIsNoLoss(t *testing.T) {
	t.Parallel()
	s, clock, _ := newOldSystem(t, 20)
	s.activities.CheckArchiveIn = 24 * time.Hour
	s.retain()
	_, paths := s.archived()
	content := s.readFile(paths[0])
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(paths[0], paths[0]); err != nil { // something is there that cannot be read
		t.Fatal(err)
	}
	clock.set(clock.now().Add(time.Hour))
	var run audit.ArchiveCheckRun
	_, err := s.attempt(audit.ArchiveCheckWorkflow, run, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterWorkflowWithOptions(func(ctx workflow.Context, start audit.ArchiveCheckRun) (_ audit.ArchiveCheckRun, err error) {
			run, err = workflows.CheckArchive(ctx, start)
			return run, err
		}, workflow.RegisterOptions{Name: audit.ArchiveCheckWorkflow})
	})
	if err == nil || run.Unread != 1 || run.Read != 1 || run.Bad != 0 || run.Problem == "" {
		t.Errorf("%+v, %v", run, err)
	}
	if n := s.entries(audit.TypeArchiveCheckFailed); n != 0 {
		t.Errorf("%d entries", n)
	}
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
	s.writeFile(paths[0], content)
	clock.set(clock.now().Add(time.Hour))
	if run := s.checkArchive(); run.Bad != 0 {
		t.Errorf("%+v", run)
	}
	if n := s.entries(audit.TypeArchiveCheckPassed); n != 0 {
		t.Errorf("%d entries", n)
	}
}

// A run on a real Temporal; its history is what the replay test holds later versions
// against.
func TestArchiveCheckRuns(t *testing.T) {
	s, clock, _ := newOldSystem(t, 20)
	s.activities.CheckArchiveIn = 24 * time.Hour
	s.retain()
	_, paths := s.archived()
	if err := os.Remove(paths[1]); err != nil {
		t.Fatal(err)
	}
	clock.set(clock.now().Add(time.Hour))
	s.work()
	if err := s.temporal.ScheduleClient().GetHandle(t.Context(), "sealbook-archive-check").Trigger(t.Context(), client.ScheduleTriggerOptions{}); err != nil {
		s.eventually("there is a schedule", func() bool {
			return s.temporal.ScheduleClient().GetHandle(t.Context(), "sealbook-archive-check").Trigger(t.Context(), client.ScheduleTriggerOptions{}) == nil
		})
	}
	s.eventually("the schedule's run has read the files", func() bool { return s.entries(audit.TypeArchiveCheckFailed) == 1 })
	clock.set(clock.now().Add(time.Hour))
	id := fmt.Sprintf("archive_check_%d", os.Getpid())
	h, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: workflows.CoreQueue}, audit.ArchiveCheckWorkflow, audit.ArchiveCheckRun{})
	if err != nil {
		t.Fatal(err)
	}
	var run audit.ArchiveCheckRun
	if err := h.Get(t.Context(), &run); err != nil || run.Read != 2 || run.Bad != 1 {
		t.Fatalf("%+v, %v", run, err)
	}
	if n := s.entries(audit.TypeArchiveCheckFailed); n != 1 {
		t.Errorf("%d entries say so", n)
	}
	s.recordRun(id, "archive_checked")
}
