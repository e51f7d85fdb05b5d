package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
	"github.com/sealbook/sealbook/worker"
	"github.com/sealbook/sealbook/workflows"
)

// patience is how long a test waits for what others do, on a machine that is busy
// with much else.
const patience = 5 * time.Minute

// temporalAddress is of the cluster that TestMain starts.
var temporalAddress string

var recordHistories = flag.Bool("record-histories", false, "write workflows/testdata/histories")

func TestMain(m *testing.M) {
	flag.Parse()
	binary := os.Getenv("SEALBOOK_TEST_TEMPORAL")
	if binary == "" {
		fmt.Fprintln(os.Stderr, "SEALBOOK_TEST_TEMPORAL is not set: run the tests with make test, which builds the embedded Temporal")
		os.Exit(1)
	}
	cmd := exec.Command(binary, "-port", "0", "-headless", "-log-level", "error")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	var ready struct{ Address string }
	if err == nil {
		line, readErr := bufio.NewReader(out).ReadBytes('\n')
		if err = readErr; err == nil {
			err = json.Unmarshal(line, &ready)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "start Temporal:", err)
		os.Exit(1)
	}
	go io.Copy(io.Discard, out) // it ends with the process
	temporalAddress = ready.Address
	code := m.Run()
	cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	cmd.Wait()
	os.Exit(code)
}

// system is everything but the API, on a database and folder of its own.
type system struct {
	t          testing.TB
	dsn        string
	log        *ledger.Log
	store      *store.Store
	artifacts  *artifact.Store
	folder     string
	temporal   client.Client
	relay      *worker.Relay
	activities *activities.Activities
	ledger     int32
}

// Exports of different tests share one Temporal, so their ids must differ.
var (
	exportCount int
	exportMu    sync.Mutex
)

func newSystem(t testing.TB, change ...func(*ledger.Config)) *system {
	t.Helper()
	s := &system{t: t, folder: t.TempDir()}
	s.dsn = ledgertest.Database(t)
	s.log = ledgertest.Open(t, s.dsn, change...)
	d, err := s.log.Create(t.Context(), "org_test")
	if err != nil {
		t.Fatal(err)
	}
	s.ledger = d.ID
	if s.store, err = store.Open(t.Context(), s.dsn, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.store.Close)
	if s.artifacts, err = artifact.Open(t.Context(), "file://"+s.folder); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.artifacts.Close() })
	o := store.Organisation{ID: "org_test", Name: "Test Organisation", Ledger: s.ledger, CreatedAt: audit.SystemClock()}
	if err := s.store.CreateOrganisation(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	s.temporal, err = client.Dial(client.Options{HostPort: temporalAddress, Logger: log.NewStructuredLogger(quiet)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.temporal.Close)
	s.activities = &activities.Activities{
		Log: s.log, Store: s.store, Artifacts: s.artifacts, Key: ledgertest.Key, Temporal: s.temporal,
		Clock: audit.SystemClock, Software: "sealbook test", TempDir: t.TempDir(),
	}
	s.relay = worker.NewRelay(s.store, workflows.NewClient(s.temporal), quiet, audit.SystemClock)
	return s
}

// Workers of parallel tests would take each other's tasks: the queues are the
// product's. So tests that run a worker come one after the other.
func (s *system) work() (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.relay.Run(ctx) })
	wg.Go(func() {
		w := worker.New(s.temporal, s.activities, slog.New(slog.DiscardHandler))
		w.AnchorEvery = workflows.MaxAnchorEvery // tests trigger it themselves
		if err := w.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	s.t.Cleanup(stop)
	return stop
}

func request(include ...audit.Category) audit.ExportRequest {
	if include == nil {
		include = audit.Categories
	}
	return audit.ExportRequest{Format: audit.FormatZIP, Framework: audit.SOC2, AuditPeriod: audit.AuditPeriod{From: "2024-01-01", To: "2024-03-31"}, Include: include}
}

// order does what the API does for POST /evidence/export.
func (s *system) order(r audit.ExportRequest) audit.ExportID {
	s.t.Helper()
	exportMu.Lock()
	exportCount++
	id := audit.ExportID(fmt.Sprintf("export_%d_%d", os.Getpid(), exportCount))
	exportMu.Unlock()
	e := store.Export{ID: id, Ledger: s.ledger, Request: store.JSON[audit.ExportRequest]{V: r},
		RequestedBy: store.JSON[audit.Object]{V: audit.Object{"type": "api_key", "id": "k"}}, CreatedAt: audit.SystemClock()}
	start := store.Start{Workflow: audit.ExportWorkflow, WorkflowID: string(id), At: audit.SystemClock(), Input: audit.ExportStart{
		ID: id, Ledger: s.ledger, Organisation: "org_test", Framework: r.Framework, Period: r.AuditPeriod.From + " to " + r.AuditPeriod.To, Format: r.Format}}
	s.append("audit.evidence_export_requested", audit.Object{"export_id": id}, store.InsertExport(e, start))
	s.relay.Wake()
	return id
}

func (s *system) cancel(id audit.ExportID) error {
	now := audit.SystemClock()
	_, err := s.log.Append(s.t.Context(), ledger.Submission{Ledger: s.ledger,
		Events: []audit.Event{{Type: "audit.evidence_export_cancel_requested", Class: audit.ClassSystem, Severity: audit.SeverityLow}},
		With:   store.CancelExport(s.ledger, id, now, store.Cancel{WorkflowID: string(id), At: now})})
	s.relay.Wake()
	return err
}

func (s *system) append(eventType string, details audit.Object, with store.Statements) {
	s.t.Helper()
	_, err := s.log.Append(s.t.Context(), ledger.Submission{Ledger: s.ledger,
		Events: []audit.Event{{Type: eventType, Class: audit.ClassSystem, Severity: audit.SeverityLow, Details: details}}, With: with})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) job(id audit.ExportID) store.Export {
	s.t.Helper()
	e, err := s.store.Export(s.t.Context(), s.ledger, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// await waits until an export has ended.
func (s *system) await(id audit.ExportID) store.Export {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if e := s.job(id); e.Status.Final() {
			return e
		}
	}
	s.t.Fatalf("export %s does not end: %+v", id, s.job(id))
	panic("unreachable")
}

// entries counts entries of a type by their records, whose payloads may be archived.
func (s *system) entries(eventType string) (n int) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(s.t.Context(), `select record from entry where ledger = $1`, s.ledger)
	if err != nil {
		s.t.Fatal(err)
	}
	records, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		s.t.Fatal(err)
	}
	for _, text := range records {
		rec, err := ledger.ParseRecord(text)
		if err != nil {
			s.t.Fatal(err)
		}
		if rec.EventType == eventType {
			n++
		}
	}
	return n
}

// histories counts the archived histories of this test's own jobs: those that
// the tests before it left behind are archived by its worker, too.
func (s *system) histories() (n int) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	err = conn.QueryRow(s.t.Context(), `
		select count(*) from payload p join (select id from export union all select id from verification) j on strpos(p.fields, '"' || j.id || '"') > 0
		where p.event_type = 'audit.workflow_history_archived'`).Scan(&n)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// eventually waits for something that follows an export's end.
func (s *system) eventually(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	s.t.Errorf("it does not come to be that %s", what)
}

// pack reads and verifies a completed export's package as an auditor would.
func (s *system) pack(e store.Export) ([]byte, *evidence.Report) {
	s.t.Helper()
	if e.Status != audit.ExportCompleted || e.Artifact == nil {
		s.t.Fatalf("the export is %s: %v", e.Status, e.Error)
	}
	r, err := s.artifacts.Open(s.t.Context(), e.Artifact.V)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := s.log.Descriptor(s.t.Context(), s.ledger)
	if err != nil {
		s.t.Fatal(err)
	}
	return data, evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Keys: []string{d.Genesis.Key}})
}

// record keeps a kept history as a fixture of the replay test, when it is told
// to.
func (s *system) record(id audit.ExportID, name string) {
	s.t.Helper()
	if !*recordHistories {
		return
	}
	var files []string
	s.eventually("the history is kept", func() bool { files = s.files("histories/" + string(id)); return len(files) > 0 })
	text, err := os.ReadFile(filepath.Join(s.folder, files[0]))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("..", "workflows", "testdata", "histories", name+".json"), text, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// files lists what lies under a folder of the artifact store.
func (s *system) files(prefix string) (names []string) {
	s.t.Helper()
	err := filepath.WalkDir(s.folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if name, _ := filepath.Rel(s.folder, path); strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return names
}
