package anchor_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/ledger"
)

const origin = "ledger.example/registry"

// log is a log in memory whose checkpoints are signed.
type log struct {
	t      testing.TB
	key    *ledger.SigningKey
	origin string
	hashes []tlog.Hash
	size   int64
}

func newLog(t testing.TB) *log {
	t.Helper()
	key, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	return &log{t: t, key: key, origin: origin}
}

func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		out[i] = l.hashes[n]
	}
	return out, nil
}

// grow appends entries; salt makes a log's history its own.
func (l *log) grow(n int, salt string) {
	l.t.Helper()
	for range n {
		h, err := tlog.StoredHashes(l.size, fmt.Appendf(nil, "%s %d", salt, l.size), l)
		if err != nil {
			l.t.Fatal(err)
		}
		l.hashes = append(l.hashes, h...)
		l.size++
	}
}

// state is the checkpoint of size entries, to be published at a place that took
// last before.
func (l *log) state(size, last int64) anchor.Statement {
	l.t.Helper()
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		l.t.Fatal(err)
	}
	c := ledger.Checkpoint{Origin: l.origin, Size: size, Root: root}
	note, err := l.key.Sign(c)
	if err != nil {
		l.t.Fatal(err)
	}
	return anchor.Statement{Checkpoint: c, Note: note, Last: last, Consistency: func(_ context.Context, first, second int64) ([]ledger.Hash, error) {
		return tlog.ProveTree(second, first, l)
	}}
}

type place interface {
	Place() anchor.Place
	Publish(context.Context, anchor.Statement) ([]byte, error)
}

// refuses publishes and expects an error of a code.
func refuses(t *testing.T, p place, s anchor.Statement, code audit.Code) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	evidence, err := p.Publish(ctx, s)
	if evidence != nil || audit.CodeOf(err) != code {
		t.Errorf("%s: %q, %v, want %s", p.Place(), evidence, err, code)
	}
	return err
}
