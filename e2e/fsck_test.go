//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/ledger"
)

// Tessera's checker, as it was released, reads the whole ledger over HTTP:
// every entry, every tile at every level, the root, the signature. It knows
// nothing of Sealbook and finds nothing wrong; once one record is changed, it
// does not pass.
func TestTesseraChecksTheLedger(t *testing.T) {
	i := install(t)
	key := i.auditor()
	i.fsck(i.url, key).passes(t, i.size(key)) // one partial tile
	i.must("sample", "--entries", "3000")
	i.fsck(i.url, key).passes(t, i.size(key)) // full tiles, and partial ones at two levels
	i.must("sample", "--entries", "66000", "--seed", "2")
	size := i.size(key) // at level 0 full tiles and a partial one, at level 1 one of each, at level 2 a partial one
	if size < 1<<16+256 || size%256 == 0 {
		t.Fatalf("%d entries do not make the tiles that this test is about", size)
	}
	i.fsck(i.url, key).passes(t, size)

	// Whoever changes a byte on the way cannot hide it.
	i.fsck(i.forger("/tile/entries/023"), key).fails(t, "/tile/entries/023", "log has")
	i.fsck(i.forger("/tile/1/000"), key).fails(t, "/tile/1/000", "log has")

	// Sealbook does not serve what contradicts its own hashes, so the checker
	// does not get to the end.
	const (
		change = `update entry set record = overlay(record placing '8' from 40) where seq = 6000`
		leaf   = `update entry set leaf = sha256('\x00'::bytea || record) where seq = 6000`
		tile   = `update tile t set hashes = overlay(t.hashes placing e.leaf from 32 * (6000 % 256) + 1) from entry e where t.ledger = e.ledger and t.level = 0 and t.idx = 6000 / 256 and e.seq = 6000`
	)
	i.superuser(`create table kept_entry as select * from entry where seq = 6000`, `create table kept_tile as select * from tile where level = 0 and idx = 6000 / 256`)
	for name, forgery := range map[string][]string{
		"a record": {change}, "a record and its leaf": {change, leaf}, "every copy of the leaf": {change, leaf, tile},
		"an entry is gone": {`delete from entry where seq = 6000`}, "a tile is gone": {`delete from tile where level = 0 and idx = 6000 / 256`},
	} {
		i.superuser(forgery...)
		i.fsck(i.url, key).fails(t, name, ": 500")
		i.superuser(`delete from entry where seq = 6000`, `insert into entry select * from kept_entry`,
			`delete from tile where level = 0 and idx = 6000 / 256`, `insert into tile select * from kept_tile`)
	}
	i.fsck(i.url, key).passes(t, size)
}

// auditor makes a key that can do nothing but verify.
func (i *installation) auditor() string {
	i.t.Helper()
	var key struct {
		Key string `json:"key"`
	}
	out := i.must("apikey", "create", "--organisation", "E2E", "--name", "auditor", "--permissions", "audit:verify", "--json")
	if err := json.Unmarshal([]byte(out), &key); err != nil {
		i.t.Fatalf("%s: %v", out, err)
	}
	return key.Key
}

// size is what the newest checkpoint says.
func (i *installation) size(key string) int64 {
	i.t.Helper()
	req, err := http.NewRequest(http.MethodGet, i.url+"/api/v1/audit/checkpoint", nil)
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer resp.Body.Close()
	note, err := io.ReadAll(resp.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	c, err := ledger.OpenCheckpoint(note, i.vkey)
	if err != nil {
		i.t.Fatalf("%s: %v", note, err)
	}
	return c.Size
}

// forger stands between the checker and the API and changes one byte of one
// resource.
func (i *installation) forger(path string) string {
	i.t.Helper()
	api, err := url.Parse(i.url)
	if err != nil {
		i.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(api) },
		ModifyResponse: func(r *http.Response) error {
			if !strings.HasSuffix(r.Request.URL.Path, path) {
				return nil
			}
			body, err := io.ReadAll(r.Body)
			if err == nil {
				body[len(body)/2] ^= 1
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			return err
		},
	}
	server := httptest.NewServer(proxy)
	i.t.Cleanup(server.Close)
	return server.URL
}

// checked is what the checker printed; its exit code says nothing.
type checked string

// fsck runs Tessera's checker, which make e2e builds from the release.
func (i *installation) fsck(url, key string) checked {
	i.t.Helper()
	program := os.Getenv("TESSERA_FSCK")
	if program == "" {
		i.t.Fatal("TESSERA_FSCK is not set: run the tests with make e2e, which builds Tessera's fsck")
	}
	vkey := filepath.Join(i.dir, "ledger.vkey")
	if err := os.WriteFile(vkey, []byte(i.vkey+"\n"), 0o600); err != nil {
		i.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(i.t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-ui=false", "-N=4", "-public_key="+vkey, "-storage_url="+url+"/api/v1/audit/", "-bearer_token="+key)
	out, err := cmd.CombinedOutput()
	if err != nil {
		i.t.Fatalf("%v\n%s", err, out)
	}
	return checked(out)
}

const passed = "Successfully fsck'd log with size "

// passes takes a few entries more, too: what is read here is summed up in the
// same ledger every minute.
func (c checked) passes(t *testing.T, size int64) {
	t.Helper()
	var n int64
	_, rest, _ := strings.Cut(string(c), passed)
	if _, err := fmt.Sscan(rest, &n); err != nil || n < size || n > size+9 || strings.Contains(string(c), "failed") {
		t.Fatalf("of %d entries: %s", size, c)
	}
}

func (c checked) fails(t *testing.T, what, why string) {
	t.Helper()
	if strings.Contains(string(c), passed) || !strings.Contains(string(c), "fsck failed") || !strings.Contains(string(c), why) {
		t.Errorf("%s: %.2000s", what, c)
	}
}
