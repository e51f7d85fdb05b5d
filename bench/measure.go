package main

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// sample is one measurement of one row.
type sample struct {
	entries  int64 // acknowledged inside the window
	took     time.Duration
	waits    []time.Duration // of the calls that ended inside the window, sorted
	perBatch float64         // entries of one commit; 0 where nobody counted
	own      time.Duration   // CPU time of this process
	server   time.Duration   // of a server process that was measured
	postgres time.Duration   // of Postgres

	acknowledged int64 // in all, warming up included
}

func (s sample) rate() float64 { return float64(s.entries) / s.took.Seconds() }

// quantile returns how long the given share of the calls waited at most.
func (s sample) quantile(q float64) time.Duration {
	if len(s.waits) == 0 {
		return 0
	}
	return s.waits[min(int(q*float64(len(s.waits))), len(s.waits)-1)]
}

// call appends what n stands for and returns once it is acknowledged.
type call func(ctx context.Context, caller, n int) error

// drive lets callers call as fast as they are answered, and counts what is
// answered inside the window.
func (b *bench) drive(ctx context.Context, r row, server int, do call) (sample, error) {
	return b.driveFor(ctx, r, b.window, server, do)
}

func (b *bench) driveFor(ctx context.Context, r row, window time.Duration, server int, do call) (s sample, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		stop    atomic.Bool
		next    atomic.Int64
		all     atomic.Int64
		running sync.WaitGroup
		from    = time.Now().Add(b.warm)
		until   = from.Add(window)
		waits   = make([][]time.Duration, r.callers)
	)
	for c := range r.callers {
		running.Go(func() {
			for !stop.Load() {
				at := time.Now()
				if err := do(ctx, c, int(next.Add(1))); err != nil {
					stop.Store(true)
					cancel(err)
					return
				}
				end := time.Now()
				all.Add(1)
				if end.After(from) && end.Before(until) {
					waits[c] = append(waits[c], end.Sub(at))
				}
			}
		})
	}
	pause(ctx, b.warm)
	own, other, database := ownCPU(), processCPU(server), b.postgresCPU()
	began := time.Now()
	pause(ctx, window)
	s.took = time.Since(began)
	s.own, s.server, s.postgres = ownCPU()-own, processCPU(server)-other, b.postgresCPU()-database
	stop.Store(true)
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return s, err
	}
	s.waits = slices.Concat(waits...)
	slices.Sort(s.waits)
	size := int64(max(r.bulk, 1))
	s.entries, s.acknowledged = int64(len(s.waits))*size, all.Load()*size
	return s, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// ownCPU is the time that this process has computed.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// clockTick is the unit of /proc/PID/stat on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// processCPU is the time that a process has computed, the children that it
// waited for included; 0 where /proc does not tell.
func processCPU(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	f := stat(pid)
	var ticks int64
	for _, i := range []int{11, 12, 13, 14} { // utime, stime, cutime, cstime
		if i < len(f) {
			n, err := strconv.ParseInt(f[i], 10, 64)
			if err != nil {
				return 0
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * clockTick
}

// stat returns the fields of /proc/PID/stat from the third on: the second, the
// name, can hold blanks.
func stat(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

// childrenCPU is the time of a process and of the children it has now.
func childrenCPU(parent int) time.Duration {
	total := processCPU(parent)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if f := stat(pid); len(f) > 1 && f[1] == strconv.Itoa(parent) {
			total += processCPU(pid)
		}
	}
	return total
}
