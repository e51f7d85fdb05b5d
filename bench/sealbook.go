package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// sealbook is the ledger in this process, on a database of its own.
type sealbook struct {
	log     *ledger.Log
	ledgers []int32
	vkeys   []string // of the ledgers
	conn    *pgx.Conn
}

// withLedgers opens a Log with n ledgers for as long as use takes.
func (b *bench) withLedgers(ctx context.Context, n int, use func(*sealbook) error) error {
	dsn, drop, err := b.scratch(ctx)
	if err != nil {
		return err
	}
	defer drop()
	key, err := ledger.GenerateSigningKey()
	if err != nil {
		return err
	}
	s := &sealbook{}
	dir, err := os.MkdirTemp(b.dir, "ledger-")
	if err != nil {
		return err
	}
	if s.log, err = ledger.Open(ctx, ledger.Config{
		Database: dsn, Key: key, Origin: "ledger.bench", Clock: audit.SystemClock, SignerState: filepath.Join(dir, "signer.state"),
	}); err != nil {
		return err
	}
	defer s.log.Close()
	if s.conn, err = pgx.Connect(ctx, dsn); err != nil {
		return err
	}
	defer s.conn.Close(context.WithoutCancel(ctx))
	for i := range n {
		d, err := s.log.Create(ctx, audit.OrganisationID(fmt.Sprintf("org_%d", i)))
		if err != nil {
			return err
		}
		s.ledgers, s.vkeys = append(s.ledgers, d.ID), append(s.vkeys, d.Genesis.Key)
	}
	return use(s)
}

// append submits n entries from number first on, and takes nothing but new
// entries with receipts for an acknowledgement.
func (s *sealbook) append(ctx context.Context, id int32, first, n int) error {
	events := make([]audit.Event, n)
	for i := range events {
		events[i] = event(first + i)
	}
	out, err := s.log.Append(ctx, ledger.Submission{Ledger: id, Events: events})
	if err != nil {
		return err
	}
	for _, item := range out.Items {
		if item.Status != ledger.Created || item.Receipt == nil {
			return fmt.Errorf("entry not created: %s %w", item.Status, item.Err)
		}
	}
	return nil
}

func inProcess(ctx context.Context, b *bench, r row) (sample, error) { return appendTo(ctx, b, r, 1) }

// manyLedgers lets each call append to another organisation than the last.
func manyLedgers(ctx context.Context, b *bench, r row) (sample, error) {
	return appendTo(ctx, b, r, organisations)
}

func appendTo(ctx context.Context, b *bench, r row, ledgers int) (s sample, err error) {
	err = b.withLedgers(ctx, ledgers, func(sb *sealbook) error {
		size := max(r.bulk, 1)
		var err error
		if s, err = b.drive(ctx, r, 0, func(ctx context.Context, _, n int) error {
			return sb.append(ctx, sb.ledgers[n%ledgers], n*size, size)
		}); err != nil {
			return err
		}
		return sb.audit(ctx, &s)
	})
	return s, err
}

// audit refuses a measurement that did not leave what it acknowledged, or
// whose receipts do not verify.
func (s *sealbook) audit(ctx context.Context, of *sample) error {
	if err := counted(ctx, s.conn, *of, `select count(*) from entry where ledger > 0`); err != nil {
		return err
	}
	// In a batch over many ledgers each has a checkpoint; they share the time.
	var commits int64
	if err := s.conn.QueryRow(ctx, `select count(distinct xmin::text) from checkpoint where ledger > 0`).Scan(&commits); err != nil {
		return fmt.Errorf("count commits: %w", err)
	}
	of.perBatch = float64(of.acknowledged) / float64(max(commits, 1))
	e := event(-1)
	out, err := s.log.Append(ctx, ledger.Submission{Ledger: s.ledgers[0], Events: []audit.Event{e}})
	if err != nil {
		return err
	}
	if _, _, err := out.Items[0].Receipt.Check(s.vkeys[0]); err != nil {
		return fmt.Errorf("the receipt does not verify: %w", err)
	}
	return nil
}
