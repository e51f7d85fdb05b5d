//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxWorkerMemory is what an export of 100,000 entries may take of a worker.
const maxWorkerMemory = 200 << 20

func TestAnExportTakesBoundedMemory(t *testing.T) {
	i := install(t)
	i.must("sample", "--entries", "100000")
	idle := i.worker.peakMemory()
	start := time.Now()
	i.completes(i.order())
	took := time.Since(start)
	peak := i.worker.peakMemory()
	t.Logf("100,000 entries: %.1f s, worker memory at most %d MiB (%d MiB before)", took.Seconds(), peak>>20, idle>>20)
	if peak > maxWorkerMemory {
		t.Errorf("the worker took %d MiB", peak>>20)
	}
}

// verified is how many entries the larger ledger of the test has whose
// verification is measured. 10,000,000 take half an hour.
var verified = flag.Int("verified", 100_000, "entries of the larger ledger that TestVerificationTakesFlatMemory verifies")

// maxGrowth is what the verification of that ledger may take beyond that of
// one with a tenth of its entries.
const maxGrowth = 16 << 20

func TestVerificationTakesFlatMemory(t *testing.T) {
	i := install(t)
	peak := func(entries int) int64 {
		cmd := exec.CommandContext(t.Context(), binary, "sample", "--entries", strconv.Itoa(entries))
		cmd.Env = i.env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		began := time.Now()
		cmd = exec.CommandContext(t.Context(), binary, "verify", "--database")
		cmd.Env = i.env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		most := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
		t.Logf("%d entries more: verified in %.1f s, memory at most %d MiB", entries, time.Since(began).Seconds(), most>>20)
		return most
	}
	small := peak(*verified / 10)
	if large := peak(*verified); large > small+maxGrowth {
		t.Errorf("ten times the entries take %d MiB instead of %d", large>>20, small>>20)
	}
}

// peakMemory is the most that a process had resident, in bytes.
func (p *process) peakMemory() int64 {
	p.t.Helper()
	p.mu.Lock()
	pid := p.cmd.Process.Pid
	p.mu.Unlock()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); !ok || err != nil {
		p.t.Fatalf("no VmHWM: %v", err)
	}
	return kib << 10
}
