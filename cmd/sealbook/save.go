package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sealbook/sealbook/client"
)

// save writes a download beside its place and gives it its name once its digest is
// the recorded one.
func save(c *call, download *client.Download, out, digest string) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(out), "."+filepath.Base(out)+".*")
	if err != nil {
		return 0, fmt.Errorf("write the download: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // mostly it has another name by then
	bar := newProgress(c.stderr, "downloading", download.Size, true)
	sum := sha256.New()
	body := &metered{r: download, moved: func(done int64) { bar.to(done, download.Size) }}
	size, err = io.Copy(io.MultiWriter(f, sum), body)
	bar.end()
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return size, fmt.Errorf("download: %w", err)
	}
	got := hex.EncodeToString(sum.Sum(nil))
	if want := strings.TrimPrefix(digest, "sha256:"); got != want {
		return size, fmt.Errorf("what was downloaded has the digest sha256:%s, the ledger says %s; the file was not kept", got, printable(digest))
	}
	if err := os.Rename(f.Name(), out); err != nil {
		return size, fmt.Errorf("write the download: %w", err)
	}
	return size, nil
}
