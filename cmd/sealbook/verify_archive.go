package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/ledger"
)

// listedSegments is how many segments are read from the database at once.
const listedSegments = 100

// openArchive opens the artifact store that --archive names. A folder that is not
// there is a mistake and no empty archive, so it is not made.
func openArchive(ctx context.Context, place string) (*artifact.Store, error) {
	u := &url.URL{Scheme: "file", Path: place}
	if strings.Contains(place, "://") {
		var err error
		if u, err = url.Parse(place); err != nil {
			return nil, usagef("--archive: %q is neither a folder nor a URL like file:///var/lib/sealbook/artifacts", place)
		}
	} else if full, err := filepath.Abs(place); err == nil {
		u.Path = full
	}
	if u.Scheme == "file" {
		info, err := os.Stat(u.Path)
		switch {
		case err != nil:
			return nil, &undecidedError{fmt.Errorf("--archive: %w", err)}
		case !info.IsDir():
			return nil, usagef("--archive: %s is a file, and not the folder of an artifact store", u.Path)
		}
	}
	store, err := artifact.Open(ctx, u.String())
	if err == nil {
		if err = store.Ping(ctx); err != nil {
			store.Close() //nolint:errcheck // the other error says why
		}
	}
	if err != nil {
		return nil, &undecidedError{fmt.Errorf("--archive: %w", err)}
	}
	return store, nil
}

// readFiles reads every file of the archive that a ledger has, one after the other,
// and adds what is wrong. A file that cannot be read, for another reason than that it
// is not there, is an error.
func (d *databaseCheck) readFiles(ctx context.Context, id int32, v *ledger.Verification) error {
	if v.Counts == nil {
		v.Counts = map[ledger.ProblemKind]int64{}
	}
	open := func(key string) (io.ReadCloser, error) { return d.archive.ReadKept(ctx, key) }
	whole := ledger.Span{First: 0, End: 1 << 62}
	for after := int64(-1); ; {
		list, err := d.log.SegmentFiles(ctx, id, whole, whole, after, listedSegments)
		if err != nil {
			return err
		}
		for i := range list {
			s := &list[i]
			after = s.First()
			fault, err := d.log.CheckSegmentFile(ctx, s, open, func(int64) error { return ctx.Err() })
			switch {
			case err != nil:
				return err
			case s.DestroyedAt != nil:
				continue
			}
			if v.FilesRead++; fault != nil {
				v.Add(fault.Problem(s))
			}
		}
		if len(list) < listedSegments {
			return nil
		}
	}
}

// tellDestroyed says how much nobody can verify any more.
func tellDestroyed(w io.Writer, n int64) {
	if n > 0 {
		fmt.Fprintf(w, "The content of %s destroyed when its retention ended; records and proofs remain.\n", counted(n, "entry was", "entries was"))
	}
}
