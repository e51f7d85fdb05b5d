package api

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// downloadExport answers GET …/download with the package. The download is an
// entry before the first byte goes out.
func (s *server) downloadExport(r *http.Request) (reply, error) {
	e, err := s.export(r)
	if err != nil {
		return reply{}, err
	}
	switch status := s.statusOf(e); status {
	case audit.ExportCompleted:
	case audit.ExportExpired:
		if e.ErasedAt != nil {
			return reply{}, audit.Errorf(audit.ExportGone, "the package of %s was destroyed, because it held what was erased of a person; retry the export for a new one", e.ID).
				With("reason", "erased").With("erased_at", formatted(e.ErasedAt))
		}
		return reply{}, audit.Errorf(audit.ExportGone, "the package of %s has expired; retry the export for a new one", e.ID).
			With("expired_at", formatted(e.ArtifactExpiresAt))
	default:
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and has no package", e.ID, status).With("job_status", status)
	}
	a := e.Artifact.V
	content, err := s.Artifacts.Open(r.Context(), a)
	if err != nil {
		if audit.CodeOf(err) == audit.NotFound { // it is ours to have, not the caller's to know better
			err = &audit.Error{Code: audit.Internal, Message: "package of completed " + string(e.ID), Err: err}
		}
		return reply{}, err
	}
	if _, err := s.record(r, action(r, typeDownloaded, exportResource(e.ID), audit.Object{"sha256": a.Digest, "size_bytes": a.Size}), nil, nil); err != nil {
		content.Close()
		return reply{}, err
	}
	header, err := downloadHeader(string(e.ID)+"."+string(e.Request.V.Format), packageTypes[e.Request.V.Format], a)
	return reply{header: header, stream: func(w io.Writer) error {
		defer content.Close()
		return s.copyVerified(w, content)
	}}, err
}

// packageTypes are the media types of packages.
var packageTypes = map[audit.Format]string{
	audit.FormatZIP: "application/zip", audit.FormatJSON: "application/json", audit.FormatCSV: "text/csv; charset=utf-8",
}

func downloadHeader(name, mediaType string, a audit.Artifact) (http.Header, error) {
	sum, err := hex.DecodeString(strings.TrimPrefix(a.Digest, "sha256:"))
	if err != nil {
		return nil, fmt.Errorf("digest of file: %w", err)
	}
	digest := base64.StdEncoding.EncodeToString(sum)
	return http.Header{
		"Content-Type":        {mediaType},
		"Content-Length":      {strconv.FormatInt(a.Size, 10)},
		"Content-Disposition": {`attachment; filename="` + name + `"`},
		"Etag":                {`"` + a.Digest + `"`},
		"Digest":              {"sha-256=" + digest},        // RFC 3230
		"Repr-Digest":         {"sha-256=:" + digest + ":"}, // RFC 9530, which replaces it
	}, nil
}

// copyVerified copies content but keeps one piece back until the next is read.
// The reader finds out at the end whether the bytes are those that were
// stored; the last piece of others is never sent, so the client sees a
// download that broke off and not one that is complete.
func (s *server) copyVerified(w io.Writer, content io.Reader) error {
	pieces := [2][]byte{make([]byte, 64<<10), make([]byte, 64<<10)}
	var held []byte
	for i := 0; ; i ^= 1 {
		n, err := io.ReadFull(content, pieces[i])
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return err
		}
		if err := s.send(w, held); err != nil {
			return err
		}
		held = pieces[i][:n]
		if ended {
			return s.send(w, held)
		}
	}
}

// send gives a slow client time by the piece, not by the package.
func (s *server) send(w io.Writer, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if rw, ok := w.(http.ResponseWriter); ok {
		err := http.NewResponseController(rw).SetWriteDeadline(s.Clock().Add(s.DownloadStall + time.Second))
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	_, err := w.Write(p)
	return err
}
