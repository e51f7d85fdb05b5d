//go:build faults

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// A cycle gives the clients some requests to send, kills something at a random
// moment of the burst, and ends when the service acknowledges again.
const (
	defaultCycles = 20
	burst         = 20                    // requests of a cycle, of all clients
	killWithin    = 60 * time.Millisecond // of the burst's beginning
	backWithin    = 45 * time.Second      // the service, after a kill
	faultExports  = 20                    // at most, over all cycles
)

// victim is what a cycle kills, and how often in proportion to others.
type victim struct {
	name   string
	weight int
	kill   func()
	start  func()
	kills  int
}

// Processes and the database are killed without warning while clients append
// and exports run. Whatever was acknowledged must be there afterwards, once,
// under its number; every receipt must verify, offline and against the final
// tree; every export must end with a package that does. FAULT_CYCLES says how
// often something is killed.
func TestKills(t *testing.T) {
	cycles := defaultCycles
	if s := os.Getenv("FAULT_CYCLES"); s != "" {
		var err error
		if cycles, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	server := ledgertest.NewServer(t)
	i := installOn(t, server.Database("sealbook"))
	i.must("sample", "--entries", "500")
	victims := []*victim{
		{name: "postgres", weight: 8, kill: server.Kill, start: server.Start},
		{name: "api", weight: 8, kill: i.api.kill, start: i.api.start},
		{name: "worker", weight: 2, kill: i.worker.kill, start: i.worker.start},
		{name: "temporal", weight: 1, kill: i.temporal.kill, start: i.temporal.start},
		{name: "all at once", weight: 1,
			kill:  func() { server.Kill(); i.api.kill(); i.worker.kill(); i.temporal.kill() },
			start: func() { server.Start(); i.temporal.start(); i.api.start(); i.worker.start() }},
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(1, seed))

	began := time.Now()
	load := i.load()
	var exports []string
	every := max(cycles/faultExports, 4)
	for cycle := range cycles {
		if cycle%every == 0 {
			exports = append(exports, i.order())
		}
		load.allow(burst)
		time.Sleep(time.Duration(random.Int64N(int64(killWithin))))
		v := pick(victims, random)
		v.kill()
		v.kills++
		enough := load.history.Len() + len(kinds) + 1 // more than were on their way
		v.start()
		for deadline := time.Now().Add(backWithin); load.history.Len() < enough; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("cycle %d: nothing is acknowledged any more after %s was killed\n%s", cycle, v.name, i.logs())
			}
			load.allow(1)
		}
	}
	took := time.Since(began)
	i.ready()
	load.stop()

	began = time.Now()
	applied := load.check()
	i.must("verify", "--database")
	verified := time.Since(began)
	for _, id := range exports {
		i.completes(id)
	}
	var kills []string
	for _, v := range victims {
		kills = append(kills, fmt.Sprintf("%s %d", v.name, v.kills))
	}
	t.Logf("%d cycles in %.0f s; killed: %s; acknowledged: %d requests with %d entries; attempts of unknown outcome: %d; resolved by repeating: %d requests; not to be resolved: %d entries, %d of them are there; %d exports; verified in %.1f s",
		cycles, took.Seconds(), strings.Join(kills, ", "), load.history.Len(), load.entries, load.unknown, load.resolved, len(load.lost), applied, len(exports), verified.Seconds())
}

func pick(victims []*victim, random *rand.Rand) *victim {
	all := 0
	for _, v := range victims {
		all += v.weight
	}
	n := random.IntN(all)
	for _, v := range victims {
		if n -= v.weight; n < 0 {
			return v
		}
	}
	panic("weights do not add up")
}
