//go:build faults

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

const (
	bulkSize      = 10          // entries of a bulk request
	resolveWithin = time.Minute // a client that can repeat its request learns what became of it
	maxRepeats    = 300         // acknowledged requests that are sent again in the end
)

// kind is how a client sends its entries.
type kind struct {
	name     string
	size     int  // entries of a request; more than one is a bulk
	key      bool // with an Idempotency-Key
	external bool // with external ids
}

var kinds = []kind{
	{"single-key-1", 1, true, false}, {"single-key-2", 1, true, false}, {"single-external", 1, false, true},
	{"single-none-1", 1, false, false}, {"single-none-2", 1, false, false},
	{"bulk-key", bulkSize, true, false}, {"bulk-external", bulkSize, false, true}, {"bulk-none", bulkSize, false, false},
}

// request is what a client sends. Every entry's description is its own.
type request struct {
	path, body, key string
	sure            bool // to be the same request when it is sent again
	descriptions    []string
	receipts        []ledger.Receipt // once acknowledged
}

func (k kind) request(n int) *request {
	r := &request{path: "/entries", sure: k.key || k.external}
	if k.key {
		r.key = fmt.Sprintf("fault-%s-%d", k.name, n)
	}
	var entries []string
	for e := range k.size {
		d := fmt.Sprintf("%s %d %d", k.name, n, e)
		r.descriptions = append(r.descriptions, d)
		external := ""
		if k.external {
			external = fmt.Sprintf(`,"external_id":%q`, d)
		}
		entries = append(entries, fmt.Sprintf(`{"event_type":"login","severity":"low","description":%q%s}`, d, external))
	}
	r.body = entries[0]
	if k.size > 1 {
		r.path, r.body = "/entries/bulk", `{"entries":[`+strings.Join(entries, ",")+`]}`
	}
	return r
}

// load is clients that append, and what they were told.
type load struct {
	i       *installation
	history ledgertest.History
	budget  chan struct{} // a request each
	halt    chan struct{}
	clients sync.WaitGroup

	mu           sync.Mutex
	acknowledged []*request
	entries      int      // of those
	unknown      int      // attempts without an answer or with 503
	resolved     int      // requests that were acknowledged after such an attempt
	lost         []string // descriptions of entries whose fate their client cannot learn
}

// load starts a client of every kind.
func (i *installation) load() *load {
	l := &load{i: i, budget: make(chan struct{}, burst), halt: make(chan struct{})}
	for _, k := range kinds {
		l.clients.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			for n := 0; ; n++ {
				select {
				case <-l.halt:
					return
				case <-l.budget:
					l.send(client, k, k.request(n))
				}
			}
		})
	}
	return l
}

// allow lets the clients send n more requests. What they have not used is not
// saved up.
func (l *load) allow(n int) {
	for range n {
		select {
		case l.budget <- struct{}{}:
		default:
		}
	}
}

// stop lets the clients find out about their last requests.
func (l *load) stop() {
	close(l.halt)
	l.clients.Wait()
}

// send sends a request until its client knows what became of it, or once, if
// sending it again could add another entry.
func (l *load) send(client *http.Client, k kind, r *request) {
	for began, tries := time.Now(), 0; ; tries++ {
		status, receipts := l.i.append(client, r)
		switch {
		case receipts != nil:
			ended := time.Now()
			seqs := make([]int64, len(receipts))
			for n := range receipts {
				seqs[n] = receipts[n].Proof.Index
			}
			l.history.Acknowledged(k.name, began, ended, seqs...)
			r.receipts = receipts
			l.mu.Lock()
			defer l.mu.Unlock()
			l.acknowledged = append(l.acknowledged, r)
			l.entries += len(receipts)
			if tries > 0 {
				l.resolved++
			}
			return
		case status != 0 && status != http.StatusServiceUnavailable:
			return // append has said it
		case time.Since(began) > resolveWithin:
			l.i.t.Errorf("%s cannot learn what became of %s", k.name, r.descriptions[0])
			return
		}
		l.mu.Lock()
		l.unknown++
		if !r.sure {
			l.lost = append(l.lost, r.descriptions...)
		}
		l.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		if !r.sure {
			return
		}
	}
}

// append sends a request once and returns the receipts of its entries; nil
// with a status of 0 or 503 means that their fate is not known.
func (i *installation) append(client *http.Client, r *request) (status int, receipts []ledger.Receipt) {
	var header []string
	if r.key != "" {
		header = []string{"Idempotency-Key", r.key}
	}
	status, answer := i.post(client, r.path, r.body, header...)
	switch status {
	case 0, http.StatusServiceUnavailable:
		return status, nil
	case http.StatusOK, http.StatusCreated:
	default:
		i.t.Errorf("%s %s: %d %s", r.path, r.descriptions[0], status, answer)
		return status, nil
	}
	type result struct {
		Receipt *ledger.Receipt `json:"receipt"`
	}
	var body struct {
		Data struct {
			result
			Results []result `json:"results"`
		} `json:"data"`
	}
	err := json.Unmarshal(answer, &body)
	results := body.Data.Results
	if results == nil {
		results = []result{body.Data.result}
	}
	for _, one := range results {
		if one.Receipt != nil {
			receipts = append(receipts, *one.Receipt)
		}
	}
	if err != nil || len(receipts) != len(r.descriptions) {
		i.t.Errorf("%s %s: %v %s", r.path, r.descriptions[0], err, answer)
		return status, nil
	}
	return status, receipts
}

// row is an entry as the database has it.
type row struct {
	Record      []byte
	Description *string
}

// check compares what the clients were told with the database, and returns how
// many of the entries whose fate their client could not learn are there.
func (l *load) check() (applied int) {
	t := l.i.t
	t.Helper()
	l.history.Check(t)
	rows := l.i.rows()
	there := map[string]int{}
	tree, err := ledger.NewTree(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	roots := make([]ledger.Hash, 1, len(rows)+1) // of the final tree's beginnings, by size
	for seq, r := range rows {
		if r.Description != nil {
			there[*r.Description]++
		}
		if err := tree.Append(ledger.LeafHash(r.Record)); err != nil {
			t.Fatal(err)
		}
		root, err := tree.Root()
		if err != nil {
			t.Fatalf("entry %d: %v", seq, err)
		}
		roots = append(roots, root)
	}
	taken := map[int64]string{}
	for _, r := range l.acknowledged {
		for n, receipt := range r.receipts {
			what := r.descriptions[n]
			rec, c, err := receipt.Check(l.i.vkey)
			switch {
			case err != nil:
				t.Errorf("receipt of %s: %v", what, err)
				continue
			case c.Size >= int64(len(roots)) || c.Root != roots[c.Size]:
				t.Errorf("receipt of %s: its tree of %d entries is not the beginning of the final one of %d", what, c.Size, len(rows))
				continue
			case !bytes.Equal(rows[rec.Seq].Record, receipt.Record) || rows[rec.Seq].Description == nil || *rows[rec.Seq].Description != what:
				t.Errorf("entry %d was acknowledged as %s and is another", rec.Seq, what)
			}
			if other, twice := taken[rec.Seq]; twice {
				t.Errorf("entry %d was acknowledged to %s and to %s", rec.Seq, other, what)
			}
			taken[rec.Seq] = what
			if there[what] != 1 {
				t.Errorf("%s was acknowledged once and is there %d times", what, there[what])
			}
		}
	}
	for _, what := range l.lost {
		if there[what] > 1 {
			t.Errorf("%s was sent once and is there %d times", what, there[what])
		}
		applied += there[what]
	}
	l.sendAgain()
	return applied
}

// rows reads all entries, in their order.
func (i *installation) rows() []row {
	i.t.Helper()
	conn, err := pgx.Connect(i.t.Context(), i.dsn)
	if err != nil {
		i.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	found, err := conn.Query(i.t.Context(), `
		select e.record, p.fields::json->>'/description' as description
		from entry e join payload p using (ledger, seq)
		where ledger = (select ledger from organisation) order by seq`)
	if err != nil {
		i.t.Fatal(err)
	}
	rows, err := pgx.CollectRows(found, pgx.RowToStructByName[row])
	if err != nil {
		i.t.Fatal(err)
	}
	return rows
}

// sendAgain repeats some acknowledged requests: each gets the same receipts.
func (l *load) sendAgain() {
	client := &http.Client{Timeout: 10 * time.Second}
	sure := slices.DeleteFunc(slices.Clone(l.acknowledged), func(r *request) bool { return !r.sure })
	for n := 0; n < len(sure); n += 1 + len(sure)/maxRepeats {
		_, receipts := l.i.append(client, sure[n])
		before, _ := json.Marshal(sure[n].receipts)
		if now, _ := json.Marshal(receipts); !bytes.Equal(before, now) {
			l.i.t.Errorf("%s has other receipts now:\n%s\n%s", sure[n].descriptions[0], before, now)
		}
	}
}
