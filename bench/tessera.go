package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	badger "github.com/transparency-dev/tessera/storage/posix/antispam"
	"golang.org/x/mod/sumdb/note"
)

// What Tessera is measured with beside its defaults: the shortest checkpoint
// interval that its POSIX storage takes, batches as large as the callers can
// fill, and so little waiting for a batch to fill that it costs nothing.
const (
	tesseraInterval = 100 * time.Millisecond
	tesseraBatchAge = 5 * time.Millisecond
	tesseraPoll     = 5 * time.Millisecond // for a new checkpoint
)

func tesseraSequenced(ctx context.Context, b *bench, r row) (sample, error) {
	return b.tessera(ctx, r, tesseraTuned(r), b.window, false, false)
}

func tesseraSigned(ctx context.Context, b *bench, r row) (sample, error) {
	return b.tessera(ctx, r, tesseraTuned(r), b.window, true, false)
}

func tesseraAntispam(ctx context.Context, b *bench, r row) (sample, error) {
	return b.tessera(ctx, r, tesseraTuned(r), b.window, true, true)
}

// tesseraDefaults takes three checkpoints' time.
func tesseraDefaults(ctx context.Context, b *bench, r row) (sample, error) {
	return b.tessera(ctx, r, tessera.NewAppendOptions(), max(b.window, 3*tessera.DefaultCheckpointInterval), true, false)
}

func tesseraTuned(r row) *tessera.AppendOptions {
	return tessera.NewAppendOptions().
		WithBatching(uint(max(tessera.DefaultBatchMaxSize, r.callers)), tesseraBatchAge).
		WithCheckpointInterval(tesseraInterval)
}

// tessera measures a log of its own: until the index is there, or until the
// published checkpoint covers it.
func (b *bench) tessera(ctx context.Context, r row, o *tessera.AppendOptions, window time.Duration, signed, dedup bool) (s sample, err error) {
	dir, err := os.MkdirTemp(b.dir, "tessera-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	secret, _, err := note.GenerateKey(rand.Reader, "tessera.bench")
	if err != nil {
		return s, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return s, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir + "/log"})
	if err != nil {
		return s, err
	}
	o = o.WithCheckpointSigner(signer)
	if dedup {
		index, err := badger.NewAntispam(ctx, dir+"/antispam", badger.AntispamOpts{})
		if err != nil {
			return s, err
		}
		o = o.WithAntispam(tessera.DefaultAntispamInMemorySize, index)
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, o)
	if err != nil {
		return s, err
	}
	published := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, tesseraPoll)
	s, err = b.driveFor(ctx, r, window, 0, func(ctx context.Context, _, n int) error {
		for {
			future := appender.Add(ctx, tessera.NewEntry(body(n)))
			var err error
			if signed {
				_, _, err = published.Await(ctx, future)
			} else {
				_, err = future()
			}
			if !errors.Is(err, tessera.ErrPushback) {
				return err
			}
			pause(ctx, time.Millisecond) // as a caller does who is told to come back
		}
	})
	if err != nil {
		return s, err
	}
	size, err := reader.IntegratedSize(ctx)
	if err != nil {
		return s, err
	}
	if int64(size) != s.acknowledged {
		return s, fmt.Errorf("%d entries were acknowledged and %d are there", s.acknowledged, size)
	}
	return s, shutdown(ctx)
}
