package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// child starts the program as a process of its own.
func (i *installation) child(t testing.TB, args ...string) (*exec.Cmd, *logLines) {
	t.Helper()
	log := &logLines{}
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Stderr = i.env, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() }) // mostly it has ended
	return cmd, log
}

// load appends through many connections until the API goes away, and returns
// what was acknowledged.
func (i *installation) load(url string, callers int, stop <-chan struct{}) (acknowledged func() map[string]bool) {
	var mu sync.Mutex
	var running sync.WaitGroup
	known := map[string]bool{}
	for caller := range callers {
		running.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("load-%d-%d", caller, n)
				body := fmt.Sprintf(`{"event_type":"access.granted","external_id":%q,"user_id":"ada"}`, id)
				r, err := http.NewRequest(http.MethodPost, url+apiMount+"/entries", strings.NewReader(body))
				if err != nil {
					return
				}
				r.Header.Set("Authorization", "Bearer "+i.key.Key)
				r.Header.Set("Content-Type", "application/json")
				answer, err := client.Do(r)
				if err != nil {
					continue // it was not acknowledged; it may be there all the same
				}
				_, err = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if err == nil && answer.StatusCode == http.StatusCreated {
					mu.Lock()
					known[id] = true
					mu.Unlock()
				}
			}
		})
	}
	return func() map[string]bool {
		running.Wait()
		return known
	}
}

// stored returns the external ids in the ledger, and checks that it is whole.
func (i *installation) stored(t testing.TB) map[string]bool {
	t.Helper()
	l := ledgertest.Reader(t, i.dsn)
	size := ledgertest.Check(t, l, 1, -1).Checkpoint.Size
	ids := map[string]bool{}
	for row, err := range l.Rows(t.Context(), 1, 0, size) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := row.Entry()
		if err != nil {
			t.Fatal(err)
		}
		ids[e.ExternalID] = true
	}
	return ids
}

// TestGracefulStopLosesNothing: in the middle of a load, a real process is
// told to end. It ends with 0, and whatever it acknowledged is there.
func TestGracefulStopLosesNothing(t *testing.T) {
	t.Parallel()
	i := install(t)
	for round := range 3 {
		cmd, log := i.child(t, "serve")
		address := log.address(t)
		stop := make(chan struct{})
		acknowledged := i.load("http://"+address, 24, stop)
		time.Sleep(time.Duration(300+150*round) * time.Millisecond)
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the API ended with %v:\n%s", err, log)
			}
		case <-time.After(drainTime + 10*time.Second):
			t.Fatalf("the API does not end:\n%s", log)
		}
		close(stop)
		known := acknowledged()
		if len(known) == 0 {
			t.Fatal("nothing was acknowledged, so nothing is shown")
		}
		if !strings.Contains(log.String(), `"msg":"stopped"`) {
			t.Errorf("the end is not said:\n%s", log)
		}
		there := i.stored(t)
		for id := range known {
			if !there[id] {
				t.Errorf("round %d: %s was acknowledged and is lost", round, id)
			}
		}
		t.Logf("round %d: %d acknowledged, %d stored", round, len(known), len(there))
		// The next round's ids are others.
		i.reset(t)
	}
}

// readDetail reads one entry's detail under a request id, and reports whether it
// got it.
func (i *installation) readDetail(url, entry, id string) bool {
	r, err := http.NewRequest(http.MethodGet, url+apiMount+"/entries/"+entry, nil)
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer "+i.key.Key)
	r.Header.Set("X-Request-Id", id)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return err == nil && answer.StatusCode == http.StatusOK
}

// recordedReads are the ids of the requests that entries about reads are of, in
// the ledger's order, and how many sums there are.
func (i *installation) recordedReads(t testing.TB) (ids []string, sums int) {
	t.Helper()
	l := ledgertest.Reader(t, i.dsn)
	size := ledgertest.Check(t, l, 1, -1).Checkpoint.Size
	for row, err := range l.Rows(t.Context(), 1, 0, size) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := row.Entry()
		if err != nil {
			t.Fatal(err)
		}
		switch e.Type {
		case "audit.entry_read":
			ids = append(ids, e.Metadata.String("request_id"))
		case "audit.reads_counted":
			sums++
		}
	}
	return ids, sums
}

// TestWhatAStopAndACrashRecord: a process that is told to end records every
// read. One that is killed loses those of its last second at most: what is in
// the ledger are the first reads without a gap.
func TestWhatAStopAndACrashRecord(t *testing.T) {
	t.Parallel()
	for signal, all := range map[syscall.Signal]bool{syscall.SIGTERM: true, syscall.SIGKILL: false} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			i := install(t)
			cmd, log := i.child(t, "serve")
			url := "http://" + log.address(t)
			r, err := http.NewRequest(http.MethodPost, url+apiMount+"/entries", strings.NewReader(entry(1)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+i.key.Key)
			r.Header.Set("Content-Type", "application/json")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			id := answer.Header.Get("Location")
			id = id[strings.LastIndex(id, "/")+1:]
			var at []time.Time
			for began := time.Now(); time.Since(began) < 3*time.Second; time.Sleep(time.Millisecond) {
				if !i.readDetail(url, id, fmt.Sprint("read-", len(at))) {
					t.Fatalf("read %d failed:\n%s", len(at), log)
				}
				at = append(at, time.Now())
			}
			i.readDetail(url, "audit_entry_20250101_999999", "none") // counted
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			killed := time.Now()
			if err := cmd.Wait(); all && err != nil {
				t.Errorf("the API ended with %v:\n%s", err, log)
			}
			recorded, sums := i.recordedReads(t)
			for n, got := range recorded {
				if got != fmt.Sprint("read-", n) {
					t.Fatalf("entry %d is about %s", n, got)
				}
			}
			lost := len(at) - len(recorded)
			switch {
			case all && (lost != 0 || sums != 1):
				t.Errorf("%d of %d reads are not recorded, and there are %d sums", lost, len(at), sums)
			case !all && (lost == len(at) || sums != 0):
				t.Errorf("%d of %d reads are not recorded, and there are %d sums", lost, len(at), sums)
			case lost > 0:
				t.Logf("of %d reads, %d are lost; the first of them came %s before the end", len(at), lost, killed.Sub(at[len(recorded)]))
			}
		})
	}
}

// reset lets the next round start with an empty ledger and a new key.
func (i *installation) reset(t testing.TB) {
	t.Helper()
	*i = *install(t)
}

// TestStopWaitsForRequests: a request whose body is still on its way when the
// process is told to end gets its answer.
func TestStopWaitsForRequests(t *testing.T) {
	t.Parallel()
	i := install(t)
	cmd, log := i.child(t, "serve")
	address := log.address(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := entry(1)
	fmt.Fprintf(conn, "POST %s/entries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		apiMount, i.key.Key, len(body), body[:10])
	time.Sleep(200 * time.Millisecond) // the handler reads
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for refused := false; !refused; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if refused = err != nil; !refused {
			c.Close()
		}
	}
	io.WriteString(conn, body[10:])
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 201")) {
		t.Errorf("%s %v", answer, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the API ended with %v:\n%s", err, log)
	}
	if !i.stored(t)["entry-1"] {
		t.Error("the entry is lost")
	}
}

// TestSecondSignal: whoever does not want to wait need not.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	i := install(t)
	cmd, log := i.child(t, "serve")
	conn, err := net.Dial("tcp", log.address(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s/entries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", apiMount, i.key.Key)
	time.Sleep(200 * time.Millisecond)
	began := time.Now()
	for range 2 {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || time.Since(began) > drainTime/2 {
		t.Errorf("it ended with %v after %s", err, time.Since(began))
	}
}

func TestServeCannotStart(t *testing.T) {
	t.Parallel()
	i := install(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct {
		env  string
		code int
		says string
	}{
		"a taken port":    {"SEALBOOK_HTTP_ADDR=" + taken.Addr().String(), exitFailed, "SEALBOOK_HTTP_ADDR: listen tcp " + taken.Addr().String() + ": bind: address already in use"},
		"no database":     {"SEALBOOK_DATABASE_URL=postgres://x@127.0.0.1:1/x", exitFailed, "the database does not answer: "},
		"bad Temporal":    {"TEMPORAL_PROFILE=nobody", exitUsage, "Temporal's settings: "},
		"no such bucket":  {"SEALBOOK_ARTIFACTS=gopher://x", exitFailed, "open artifact store"},
		"a bad origin":    {"SEALBOOK_ORIGIN=a b", exitFailed, "is not visible ASCII"},
		"not a key":       {"SEALBOOK_SIGNER_KEY=" + i.dir + "/" + pepperFile, exitUsage, "not a PEM block"},
		"not a directory": {"SEALBOOK_ARTIFACTS=file:///dev/null/x", exitFailed, "make artifact folder"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // one that starts all the same ends then
		var stdout, stderr bytes.Buffer
		r := result{code: run(ctx, []string{"serve"}, strings.NewReader(""), &stdout, &stderr, append(i.env[:len(i.env):len(i.env)], c.env))}
		cancel()
		r.stderr = stderr.String()
		if r.code != c.code || !strings.Contains(r.stderr, c.says) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d\n%s", name, r.code, r.stderr)
		}
	}
}

// TestWorkerWaitsForTemporal: it starts without, says so once, and stops at
// once when it is told to.
func TestWorkerWaitsForTemporal(t *testing.T) {
	t.Parallel()
	i := install(t)
	ctx, stop := context.WithCancel(t.Context())
	log := &logLines{}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"worker"}, strings.NewReader(""), &bytes.Buffer{}, log, i.env) }()
	for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(log.String(), "waiting for Temporal"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not wait:\n%s", log)
		}
	}
	time.Sleep(time.Second)
	if n := strings.Count(log.String(), "waiting for Temporal"); n != 1 {
		t.Errorf("it says %d times that it waits:\n%s", n, log)
	}
	stop()
	select {
	case code := <-ended:
		if code != exitOK {
			t.Errorf("exit code %d:\n%s", code, log)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not stop")
	}
}
