//go:build faults

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/ledger"
)

// held is an acknowledgement that a client keeps.
type held struct {
	body    string // the request
	key     string
	receipt ledger.Receipt
}

// Processes are killed without warning while clients append and exports run.
// Whatever was acknowledged must be there afterwards, once, under its number;
// every receipt must verify; every export must end with a package that does.
// FAULT_CYCLES says how often something is killed.
func TestKills(t *testing.T) {
	cycles := 20
	if s := os.Getenv("FAULT_CYCLES"); s != "" {
		var err error
		if cycles, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	i := install(t)
	i.must("sample", "--entries", "1000")
	var mu sync.Mutex
	var receipts []held
	var wg sync.WaitGroup
	halt := make(chan struct{})
	for c := range 6 {
		wg.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second}
			for n := 0; ; n++ {
				h := held{
					body: fmt.Sprintf(`{"event_type":"login","severity":"low","description":"client %d request %d","external_id":"fault-%d-%d"}`, c, n, c, n),
					key:  fmt.Sprintf("fault-%d-%d", c, n),
				}
				// The client repeats a request until it has an answer: the key
				// makes sure that it is one entry.
				for done := false; !done; {
					select {
					case <-halt:
						return
					default:
					}
					status, answer := i.post(client, "/entries", h.body, "Idempotency-Key", h.key)
					switch status {
					case http.StatusCreated, http.StatusOK:
						if err := json.Unmarshal(receiptOf(t, answer), &h.receipt); err != nil {
							t.Errorf("%s: %v", answer, err)
						}
						done = true
					case 0, http.StatusServiceUnavailable:
						time.Sleep(50 * time.Millisecond)
					default:
						t.Errorf("%d %s", status, answer)
						return
					}
				}
				mu.Lock()
				receipts = append(receipts, h)
				mu.Unlock()
			}
		})
	}
	var exports []string
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for cycle := range cycles {
		if cycle%4 == 0 {
			exports = append(exports, i.order())
		}
		time.Sleep(time.Duration(100+random.IntN(500)) * time.Millisecond)
		victim := []*process{i.api, i.worker, i.temporal}[random.IntN(3)]
		victim.kill()
		victim.start()
		if victim == i.api || cycle%4 == 3 {
			i.ready()
		}
	}
	i.ready()
	close(halt)
	wg.Wait()
	for _, id := range exports {
		i.completes(id)
	}
	i.must("verify", "--database")
	t.Logf("%d kills, %d acknowledged entries, %d exports", cycles, len(receipts), len(exports))
	if len(receipts) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	i.allThere(receipts)
}

// allThere checks every receipt, that no number was given twice, and that a
// repeated request still gets the same one.
func (i *installation) allThere(receipts []held) {
	i.t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	numbers := map[int64]string{}
	for n, h := range receipts {
		rec, _, err := h.receipt.Check(i.vkey)
		if err != nil {
			i.t.Errorf("receipt of %s: %v", h.key, err)
			continue
		}
		if other, taken := numbers[rec.Seq]; taken {
			i.t.Errorf("entry %d was acknowledged to %s and to %s", rec.Seq, other, h.key)
		}
		numbers[rec.Seq] = h.key
		if n%7 != 0 {
			continue
		}
		status, answer := i.post(client, "/entries", h.body, "Idempotency-Key", h.key)
		var again ledger.Receipt
		if err := json.Unmarshal(receiptOf(i.t, answer), &again); err != nil {
			i.t.Errorf("%d %s: %v", status, answer, err)
			continue
		}
		a, _ := json.Marshal(h.receipt)
		b, _ := json.Marshal(again)
		if string(a) != string(b) {
			i.t.Errorf("%s has another receipt now:\n%s\n%s", h.key, a, b)
		}
	}
}

func receiptOf(t testing.TB, answer []byte) []byte {
	t.Helper()
	var body struct {
		Data struct {
			Receipt json.RawMessage `json:"receipt"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &body); err != nil {
		t.Errorf("%s: %v", answer, err)
	}
	return body.Data.Receipt
}
