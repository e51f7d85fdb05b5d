//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
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
