// Package artifact stores what Sealbook produces: packages, workflow histories
// and the parts they are built from. It guards their bytes: finished artifacts
// are named by their digest, and a reader learns at the end whether it got
// what was stored. The activities write to it; the API serves from it.
package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/url"
	"os"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file:// buckets
	_ "gocloud.dev/blob/memblob"  // mem:// buckets, for tests
	"gocloud.dev/gcerrors"

	"github.com/sealbook/sealbook/audit"
)

// Store is a bucket: a folder, or an object store.
type Store struct{ bucket *blob.Bucket }

// Open opens a bucket by URL, such as file:///var/lib/sealbook/artifacts. The
// folder of a file bucket is made if it is missing.
func Open(ctx context.Context, bucketURL string) (*Store, error) {
	u, err := url.Parse(bucketURL)
	if err != nil {
		return nil, fmt.Errorf("artifact store: %w", err)
	}
	if u.Scheme == "file" {
		if err := os.MkdirAll(u.Path, 0o700); err != nil {
			return nil, fmt.Errorf("make artifact folder: %w", err)
		}
		q := u.Query()
		// A temporary file elsewhere could not be renamed into the folder, and
		// attribute files would lie beside every artifact.
		q.Set("no_tmp_dir", "true")
		q.Set("metadata", "skip")
		u.RawQuery = q.Encode()
	}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("open artifact store: %w", err)
	}
	return &Store{b}, nil
}

// Close disconnects.
func (s *Store) Close() error { return s.bucket.Close() }

// Ping reports whether the store answers.
func (s *Store) Ping(ctx context.Context) error {
	ok, err := s.bucket.IsAccessible(ctx)
	if err == nil && !ok {
		err = fmt.Errorf("it is not there")
	}
	return wrap("reach artifact store", err)
}

// Put stores content under prefix and its digest. The object appears whole or
// not at all, and putting the same content again changes nothing.
func (s *Store) Put(ctx context.Context, prefix string, content io.ReadSeeker) (audit.Artifact, error) {
	h := sha256.New()
	size, err := io.Copy(h, content)
	if err != nil {
		return audit.Artifact{}, fmt.Errorf("digest artifact: %w", err)
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return audit.Artifact{}, fmt.Errorf("rewind artifact: %w", err)
	}
	sum := hex.EncodeToString(h.Sum(nil))
	a := audit.Artifact{Key: prefix + "/" + sum, Digest: "sha256:" + sum, Size: size}
	w, err := s.Create(ctx, a.Key)
	if err != nil {
		return a, err
	}
	if _, err := io.Copy(w, content); err != nil {
		w.Abandon()
		return a, fmt.Errorf("store artifact: %w", err)
	}
	return a, w.Close()
}

// Writer writes one object, which appears when Close succeeds.
type Writer struct {
	w      *blob.Writer
	cancel context.CancelFunc
}

// Create starts an object under a name of the caller's choice.
func (s *Store) Create(ctx context.Context, key string) (*Writer, error) {
	ctx, cancel := context.WithCancel(ctx)
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: "application/octet-stream"})
	if err != nil {
		cancel()
		return nil, wrap("create "+key, err)
	}
	return &Writer{w, cancel}, nil
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) { return w.w.Write(p) }

// Close makes the object visible.
func (w *Writer) Close() error {
	defer w.cancel()
	return wrap("store object", w.w.Close())
}

// Abandon drops what was written.
func (w *Writer) Abandon() {
	w.cancel()
	w.w.Close() //nolint:errcheck // it fails because it was canceled
}

// Read opens an object by name. Returns NotFound.
func (s *Store) Read(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := s.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, wrap("read "+key, err)
	}
	return r, nil
}

// ReadKept is Read of what was kept for long: that it is not there is believed only of
// a store that answers and has anything at all. One that is empty is more likely the
// wrong one, or a volume that is not mounted, and is Unavailable.
func (s *Store) ReadKept(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := s.Read(ctx, key)
	if audit.CodeOf(err) != audit.NotFound {
		return r, err
	}
	if away := s.Ping(ctx); away != nil {
		return nil, audit.Errorf(audit.Unavailable, "the artifact store is away: %w", away)
	}
	if list, _, listErr := s.bucket.ListPage(ctx, blob.FirstPageToken, 1, nil); listErr == nil && len(list) == 0 { // who may not list cannot tell
		return nil, audit.Errorf(audit.Unavailable, "the artifact store is empty: it is another one, or its volume is not mounted")
	}
	return nil, err
}

// Open opens a finished artifact. Reading to its end fails with Tampered when
// the bytes are not those that its digest names.
func (s *Store) Open(ctx context.Context, a audit.Artifact) (io.ReadCloser, error) {
	r, err := s.Read(ctx, a.Key)
	if err != nil {
		return nil, err
	}
	return &checked{r: r, digest: a.Digest, hash: sha256.New()}, nil
}

type checked struct {
	r      io.ReadCloser
	digest string
	hash   hash.Hash
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.hash.Write(p[:n])
	if err == io.EOF {
		if got := "sha256:" + hex.EncodeToString(c.hash.Sum(nil)); got != c.digest {
			return n, audit.Errorf(audit.Tampered, "the stored artifact has the digest %s, not %s", got, c.digest)
		}
	}
	return n, err
}

func (c *checked) Close() error { return c.r.Close() }

// Digest reads an object to its end and returns the digest that its bytes have.
// Returns NotFound.
func (s *Store) Digest(ctx context.Context, key string) (string, error) {
	r, err := s.Read(ctx, key)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("digest %s: %w", key, err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// Delete removes an object; that it is gone already is no error.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := s.bucket.Delete(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return wrap("delete "+key, err)
}

// DeleteAll removes every object under a prefix, which must end with a slash
// so that it cannot reach into another's.
func (s *Store) DeleteAll(ctx context.Context, prefix string) error {
	if !strings.HasSuffix(prefix, "/") {
		return fmt.Errorf("prefix %q does not end with a slash", prefix)
	}
	keys, err := s.List(ctx, prefix)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := s.Delete(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// List names the objects under a prefix.
func (s *Store) List(ctx context.Context, prefix string) (keys []string, err error) {
	for it := s.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if err == io.EOF {
			return keys, nil
		}
		if err != nil {
			return nil, wrap("list "+prefix, err)
		}
		keys = append(keys, o.Key)
	}
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	if gcerrors.Code(err) == gcerrors.NotFound {
		return audit.Errorf(audit.NotFound, "%s: it is not in the artifact store", what)
	}
	return fmt.Errorf("%s: %w", what, err)
}
