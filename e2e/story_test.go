package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The story of the README, told to separate processes: append, verify, export,
// verify the package offline, and see tampering named.
func TestStory(t *testing.T) {
	i := install(t)
	i.must("sample", "--entries", "600")
	entry := filepath.Join(i.dir, "entry.json")
	if err := os.WriteFile(entry, []byte(`{"event_type":"security_event","severity":"high","description":"a login failed five times","context":{"source_ip":"203.0.113.45","failure_count":5}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	receipt := filepath.Join(i.dir, "receipt.json")
	i.must("append", "--file", entry, "--receipt", receipt)
	i.must("verify", receipt, "--key", i.vkey)
	i.must("verify", "--live")
	i.must("verify", "--database")

	pack := filepath.Join(i.dir, "package.zip")
	i.must("export", "--framework", "soc2", "--from", "2020-01-01", "--to", "2030-12-31", "--out", pack)
	out := i.must("verify", pack, "--key", i.vkey, "--json")
	var report struct {
		Integrity    string `json:"integrity"`
		Completeness string `json:"completeness"`
		Authenticity string `json:"authenticity"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Integrity != "ok" || report.Completeness != "ok" || report.Authenticity != "ok" {
		t.Errorf("%s %v", out, err)
	}

	// One byte of the package, and one row of the database.
	data, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	altered := filepath.Join(i.dir, "altered.zip")
	if err := os.WriteFile(altered, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, code := i.command("verify", altered, "--key", i.vkey); code != 1 {
		t.Errorf("an altered package: exit %d", code)
	}
	i.superuser(`update payload set fields = replace(fields, '"/severity":"', '"/severity":"x') where seq = 300`)
	stdout, stderr, code := i.command("verify", "--database")
	if code != 1 || !strings.Contains(stdout+stderr, "300") {
		t.Errorf("an altered row: exit %d\n%s%s", code, stdout, stderr)
	}
	if _, _, code := i.command("verify", "--live"); code != 1 {
		t.Errorf("an altered row, asked over HTTP: exit %d", code)
	}
	// The package from before still verifies, and the receipt with it.
	i.must("verify", pack, "--key", i.vkey)
	i.must("verify", receipt, "--key", i.vkey)
}

func (i *installation) superuser(statements ...string) {
	i.t.Helper()
	conn, err := pgx.Connect(i.t.Context(), i.dsn)
	if err != nil {
		i.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range append([]string{`set session_replication_role = replica`}, statements...) {
		if _, err := conn.Exec(i.t.Context(), sql); err != nil {
			i.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// A graceful stop of the API and of the worker loses nothing: what was
// acknowledged is there, what was ordered ends.
func TestGracefulStop(t *testing.T) {
	i := install(t)
	i.must("sample", "--entries", "2000")
	var acknowledged atomic.Int64
	var wg sync.WaitGroup
	halt := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second}
			for {
				select {
				case <-halt:
					return
				default:
				}
				if status, _ := i.post(client, "/entries", `{"event_type":"login","severity":"low","description":"d"}`); status == http.StatusCreated {
					acknowledged.Add(1)
				} else {
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	id := i.order()
	for range 3 {
		time.Sleep(300 * time.Millisecond)
		for _, p := range []*process{i.api, i.worker} {
			if code := p.stop(); code != 0 {
				t.Errorf("%s stops with exit %d\n%s", p.name, code, p.tail())
			}
			p.start()
		}
		i.ready()
	}
	close(halt)
	wg.Wait()
	i.completes(id)
	i.must("verify", "--database")
	var n int64
	conn, err := pgx.Connect(t.Context(), i.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), `select count(*) from payload where event_type = 'login' and fields like '%"/description":"d"%'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n < acknowledged.Load() || acknowledged.Load() == 0 {
		t.Errorf("%d entries were acknowledged, %d are there", acknowledged.Load(), n)
	}
}

// order asks for an export and returns its id.
func (i *installation) order() string {
	i.t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	status, answer := i.post(client, "/evidence/export",
		`{"format":"zip","framework":"soc2","audit_period":{"from":"2020-01-01","to":"2030-12-31"},"include":["scan_results","issue_history","access_logs","fix_records","configuration_history"]}`)
	var body struct {
		Data struct {
			JobID string `json:"job_id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &body); err != nil || status != http.StatusAccepted {
		i.t.Fatalf("%d %s %v", status, answer, err)
	}
	return body.Data.JobID
}

// completes waits for an export and verifies its package.
func (i *installation) completes(id string) {
	i.t.Helper()
	client := &http.Client{Timeout: 30 * time.Second}
	var status struct {
		Data struct {
			Status string `json:"status"`
			Error  any    `json:"error"`
		} `json:"data"`
	}
	for deadline := time.Now().Add(2 * time.Minute); status.Data.Status != "completed"; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			i.t.Fatalf("export %s does not complete: %+v\n%s", id, status, i.logs())
		}
		if answer := i.get(client, "/evidence/export/"+id); answer != nil {
			if err := json.Unmarshal(answer, &status); err != nil {
				i.t.Fatal(err)
			}
		}
		if status.Data.Status == "failed" || status.Data.Status == "canceled" {
			i.t.Fatalf("export %s: %+v", id, status)
		}
	}
	pack := filepath.Join(i.dir, id+".zip")
	data := i.get(client, "/evidence/export/"+id+"/download")
	if err := os.WriteFile(pack, data, 0o600); err != nil {
		i.t.Fatal(err)
	}
	i.must("verify", pack, "--key", i.vkey)
}

// get returns nil when no good answer came.
func (i *installation) get(client *http.Client, path string) []byte {
	req, err := http.NewRequest(http.MethodGet, i.url+"/api/v1/audit"+path, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+i.key)
	r, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	return data
}
