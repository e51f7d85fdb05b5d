//go:build faults

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/ledger/ledgertest"
)

const (
	retentionEntries = 16_000
	retentionKills   = 2                      // at any moment
	purgeKills       = 3                      // just when payloads have gone
	retentionWithin  = 700 * time.Millisecond // of what was started again
	retentionEnds    = 5 * time.Minute        // what is left to do after the last kill
)

// Processes and the database are killed without warning while everything is
// archived and purged. Afterwards each payload is in one registered file and nowhere
// else, each file is the one that the registry names, and the ledger verifies.
func TestKillsDuringRetention(t *testing.T) {
	server := ledgertest.NewServer(t)
	i := installOn(t, server.Database("sealbook"))
	i.must("sample", "--entries", fmt.Sprint(retentionEntries))
	before := i.serverTime()
	payloads := i.payloadsBefore(before)
	if payloads < retentionEntries {
		t.Fatalf("%d payloads", payloads)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	body := fmt.Sprintf(`{"before":%q,"reason":"to see what a kill does"}`, before.Format(time.RFC3339Nano))
	if status, answer := i.post(client, "/archive/runs", body); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, answer)
	}
	victims := []*victim{
		{name: "worker", weight: 5, kill: i.worker.kill, start: i.worker.start},
		{name: "postgres", weight: 3, kill: server.Kill, start: server.Start},
		{name: "temporal", weight: 1, kill: i.temporal.kill, start: i.temporal.start},
		{name: "api", weight: 1, kill: i.api.kill, start: i.api.start},
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(1, seed))
	left, said := payloads, ""
	strike := func(v *victim) {
		v.kill()
		v.start()
		i.ready()
		left = i.payloadsBefore(before)
		said += fmt.Sprintf(" %s %d,", v.name, left)
	}
	for range retentionKills {
		time.Sleep(time.Duration(random.Int64N(int64(retentionWithin))))
		strike(pick(victims, random))
	}
	kills := 0
	for deadline := time.Now().Add(retentionEnds); left > 0; time.Sleep(5 * time.Millisecond) {
		switch now := i.payloadsBefore(before); {
		case now < left && now > 0 && kills < purgeKills:
			strike(victims[kills%2])
			kills++
			deadline = time.Now().Add(retentionEnds)
		case time.Now().After(deadline):
			t.Fatalf("%d payloads are still there\n%s", now, i.logs())
		default:
			left = now
		}
	}
	t.Logf("of %d payloads are left, after each kill:%s", payloads, said)
	if kills == 0 {
		t.Error("no purge was killed")
	}

	var list struct {
		Data []struct {
			Segment  string `json:"segment"`
			Entries  int64  `json:"entries"`
			Checksum string `json:"checksum"`
		} `json:"data"`
	}
	if err := json.Unmarshal(i.get(client, "/archive/segments?limit=100"), &list); err != nil {
		t.Fatal(err)
	}
	var archived int64
	for _, s := range list.Data {
		archived += s.Entries
	}
	if archived != payloads {
		t.Errorf("%d of %d payloads are in files: %+v", archived, payloads, list.Data)
	}
	files, err := filepath.Glob(filepath.Join(i.dir, "artifacts", "archive", "*", "*"))
	if err != nil || len(files) < len(list.Data) {
		t.Fatalf("%v, %v", files, err)
	}
	whole := 0
	for _, s := range list.Data {
		for _, file := range files {
			if _, _, code := i.command("verify", file, "--digest", s.Checksum); code == 0 {
				whole++
			}
		}
	}
	if whole != len(list.Data) {
		t.Errorf("%d files are what the registry names, of %d", whole, len(list.Data))
	}
	i.must("verify", "--database")
}

// serverTime is the database's, which recorded the entries.
func (i *installation) serverTime() (at time.Time) {
	i.t.Helper()
	i.query(`select now()`, &at)
	return at.UTC()
}

// payloadsBefore counts the organisation's payloads that were recorded before a time.
func (i *installation) payloadsBefore(at time.Time) (n int64) {
	i.t.Helper()
	i.query(`select count(*) from payload where ledger = (select ledger from organisation) and recorded_at < $1`, &n, at)
	return n
}

func (i *installation) query(sql string, into any, args ...any) {
	i.t.Helper()
	conn, err := pgx.Connect(i.t.Context(), i.dsn)
	if err != nil {
		i.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(i.t.Context(), sql, args...).Scan(into); err != nil {
		i.t.Fatal(err)
	}
}
