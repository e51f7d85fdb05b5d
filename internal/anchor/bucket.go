package anchor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file:// buckets
	_ "gocloud.dev/blob/s3blob"   // s3:// buckets
	"gocloud.dev/gcerrors"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/exchange"
)

// Bucket is a folder, or an object store, to which checkpoints are added and
// where nothing is replaced. That nobody else replaces or deletes there is what
// its own protection must see to: an object lock, a write-once file system,
// another owner.
type Bucket struct {
	place Place
	url   string
}

// NewBucket reads a bucket's URL. It is opened for each checkpoint: a folder
// that is not mounted yet stops nothing.
func NewBucket(bucketURL string) (*Bucket, error) {
	u, err := url.Parse(bucketURL)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Path == "" {
		return nil, fmt.Errorf("%.200q is not a URL like s3://bucket?region=… or file:///mnt/worm", bucketURL)
	}
	if !blob.DefaultURLMux().ValidBucketScheme(u.Scheme) {
		return nil, fmt.Errorf("%s:// is none of the buckets that this program knows: %s", u.Scheme, strings.Join(blob.DefaultURLMux().BucketSchemes(), ", "))
	}
	name := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	if u.Scheme == "file" {
		q := u.Query()
		// A temporary file elsewhere could not be linked into the folder, and
		// attribute files would lie beside every note.
		q.Set("no_tmp_dir", "true")
		q.Set("metadata", "skip")
		u.RawQuery = q.Encode()
	}
	return &Bucket{Place{KindBucket, name}, u.String()}, nil
}

// Place says where this is.
func (b *Bucket) Place() Place { return b.place }

// ObjectName is where a checkpoint lies in a bucket:
// checkpoints/<origin, percent-encoded>/<size>.note.
func ObjectName(origin string, size int64) string {
	return fmt.Sprintf("checkpoints/%s/%d.note", url.PathEscape(origin), size)
}

// Publish writes the note unless it is there, and reads it back: what counts
// is what lies there. Another note under the name is Tampered: this ledger or
// the bucket was changed after the checkpoint was published.
func (b *Bucket) Publish(ctx context.Context, s Statement) ([]byte, error) {
	if path, ok := strings.CutPrefix(b.place.Name, "file://"); ok {
		// The driver would make the folder, beside a file system that is not
		// mounted.
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			return nil, audit.Errorf(audit.NotFound, "the folder of the %s is not there: make or mount it", b.place)
		}
	}
	bucket, err := blob.OpenBucket(ctx, b.url)
	if err != nil {
		return nil, b.failed("open", err)
	}
	defer bucket.Close() //nolint:errcheck // the note was read back
	name := ObjectName(s.Checkpoint.Origin, s.Checkpoint.Size)
	err = bucket.WriteAll(ctx, name, s.Note, &blob.WriterOptions{ContentType: "text/plain; charset=utf-8", IfNotExist: true})
	if err != nil && gcerrors.Code(err) != gcerrors.FailedPrecondition {
		return nil, b.failed("write to", err)
	}
	r, err := bucket.NewReader(ctx, name, nil)
	if err != nil {
		return nil, b.failed("read from", err)
	}
	defer r.Close() //nolint:errcheck // only read from
	there, err := io.ReadAll(io.LimitReader(r, exchange.MaxAnswer+1))
	if err != nil {
		return nil, b.failed("read from", err)
	}
	if !bytes.Equal(there, s.Note) {
		return nil, audit.Errorf(audit.Tampered, "the %s holds another checkpoint of %d entries than the ledger: one of the two was changed; keep both", b.place, s.Checkpoint.Size)
	}
	return []byte(strings.TrimRight(b.place.Name, "/") + "/" + name), nil
}

func (b *Bucket) failed(what string, err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.PermissionDenied:
		return &audit.Error{Code: audit.Forbidden, Message: fmt.Sprintf("the worker may not %s the %s: let it write and read objects", what, b.place), Err: err}
	case gcerrors.NotFound:
		return &audit.Error{Code: audit.NotFound, Message: fmt.Sprintf("the %s is not there, or has lost what was just written", b.place), Err: err}
	case gcerrors.InvalidArgument:
		return &audit.Error{Code: audit.InvalidState, Message: fmt.Sprintf("the worker cannot %s the %s: check the URL's parameters", what, b.place), Err: err}
	}
	return &audit.Error{Code: audit.Unavailable, Message: fmt.Sprintf("the worker cannot %s the %s", what, b.place), Err: err}
}
