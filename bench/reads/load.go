package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/sample"
	"github.com/sealbook/sealbook/ledger"
)

// The data are the sample's last ten years, one after the other as they would
// have been recorded, each in several parts that have seeds of their own.
const (
	years       = 10
	lastYear    = 2025
	partEntries = 50_000 // at most
	appenders   = 4      // that submit side by side: one is prepared while another is written
)

// parts cuts the entries into the arguments of [sample.Year].
func parts(entries int) (all []part) {
	for y := range years {
		n := entries*(y+1)/years - entries*y/years
		pieces := (n + partEntries - 1) / partEntries
		for i := range pieces {
			all = append(all, part{entries: n*(i+1)/pieces - n*i/pieces, year: lastYear - years + 1 + y, seed: uint64(i + 1)})
		}
	}
	return all
}

type part struct {
	entries, year int
	seed          uint64
}

// events are what the API would hand to the ledger.
func (p part) events() ([]audit.Event, error) {
	requests := sample.Year(p.entries, p.year, p.seed)
	out := make([]audit.Event, len(requests))
	for i, r := range requests {
		text, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encode entry: %w", err)
		}
		var request audit.EntryRequest
		if err := json.Unmarshal(text, &request); err != nil {
			return nil, fmt.Errorf("decode entry: %w", err)
		}
		e, bad := request.Event(nil, time.Now())
		if bad != nil {
			return nil, fmt.Errorf("the sample's entry %d is not valid: %v", i+1, bad)
		}
		out[i] = e
	}
	return out, nil
}

// fill appends what is missing, has it indexed and lets Postgres look at it.
func (d *dataset) fill(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(d.folder, "signer.pem"))
	if err != nil {
		return fmt.Errorf("read the signing key: %w", err)
	}
	key, err := ledger.ParseSigningKey(text)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Config{
		Database: d.dsn(), Key: key, Origin: origin, Clock: audit.SystemClock, SignerState: filepath.Join(d.folder, "signer.state"),
	})
	if err != nil {
		return err
	}
	defer l.Close()
	if err := d.append(ctx, l); err != nil {
		return err
	}
	if err := d.index(ctx, l); err != nil {
		return err
	}
	fmt.Fprintln(d.log, "vacuum and analyze")
	for _, sql := range []string{"vacuum (analyze)", "checkpoint"} {
		if _, err := d.admin.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	d.state.Ready = true
	return d.save()
}

// append loads part by part. A part that was interrupted is submitted again:
// its external ids make that harmless.
func (d *dataset) append(ctx context.Context, l *ledger.Log) error {
	all := parts(d.entries)
	type made struct {
		events []audit.Event
		err    error
	}
	next := make(chan made, 1) // the next part is made while one is appended
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(next)
		for _, p := range all[min(d.state.Parts, len(all)):] {
			events, err := p.events()
			select {
			case next <- made{events, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	at := time.Now() // with the making, when that is what takes longer
	for m := range next {
		if m.err != nil {
			return m.err
		}
		if err := d.submit(ctx, l, m.events); err != nil {
			return err
		}
		took := time.Since(at)
		at = time.Now()
		d.state.Parts, d.state.Appending = d.state.Parts+1, d.state.Appending+took
		if err := d.save(); err != nil {
			return err
		}
		fmt.Fprintf(d.log, "appended part %d of %d: %s/s\n", d.state.Parts, len(all), whole(float64(len(m.events))/took.Seconds()))
	}
	return ctx.Err()
}

func (d *dataset) submit(ctx context.Context, l *ledger.Log, events []audit.Event) error {
	bulks := make(chan []audit.Event)
	failed := make(chan error, appenders)
	var group sync.WaitGroup
	for range appenders {
		group.Go(func() {
			for bulk := range bulks {
				out, err := l.Append(ctx, ledger.Submission{Ledger: d.state.Ledger, Events: bulk})
				for i := range out.Items {
					if err == nil {
						err = out.Items[i].Err
					}
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for len(events) > 0 && err == nil {
		n := min(ledger.MaxBulk, len(events))
		select {
		case bulks <- events[:n]:
			events = events[n:]
		case err = <-failed:
		}
	}
	close(bulks)
	group.Wait()
	select {
	case err = <-failed:
	default:
	}
	return err
}

// index brings the text index to the head, and says how far it is meanwhile.
func (d *dataset) index(ctx context.Context, l *ledger.Log) error {
	ended := make(chan struct{})
	defer close(ended)
	began := time.Now()
	before := d.state.Indexing
	size, err := d.indexed(ctx)
	if err != nil {
		return err
	}
	go func() {
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for last := size; ; {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			at, err := d.indexed(ctx)
			if err != nil {
				continue
			}
			fmt.Fprintf(d.log, "indexed %s entries: %s/s\n", whole(float64(at)), whole(float64(at-last)/10))
			last = at
			d.state.Indexing = before + time.Since(began)
			d.save() // it is saved again at the end
		}
	}()
	err = l.Index(ctx)
	d.state.Indexing = before + time.Since(began)
	return err
}

func (d *dataset) indexed(ctx context.Context) (n int64, err error) {
	err = d.admin.QueryRow(ctx, `select coalesce((select size from search_progress where ledger = $1), 0)`, d.state.Ledger).Scan(&n)
	return n, err
}
