package api

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// How long a client may keep a resource. Answers belong to whom they were
// given, so caches that others share keep none. A full tile never changes; a
// partial one is out of use as soon as the tree has grown.
const (
	keepForever = "private, max-age=31536000, immutable"
	keepShortly = "private, max-age=60"
	keepNever   = "no-store"
)

// textPlain is the media type of notes and proofs, octets that of tiles.
const (
	textPlain = "text/plain; charset=utf-8"
	octets    = "application/octet-stream"
)

// showCheckpoint answers GET /checkpoint as C2SP tlog-tiles has it.
func (s *server) showCheckpoint(r *http.Request) (reply, error) {
	c, err := s.Log.Checkpoint(r.Context(), principal(r).Ledger, ledger.Newest)
	if err != nil {
		return reply{}, err
	}
	return resource(r, c.Note, textPlain, keepNever), nil
}

// showTile answers GET /tile/… with hashes or with entries, as C2SP tlog-tiles
// has them. They hold nothing but records, which have no personal data.
func (s *server) showTile(r *http.Request) (reply, error) {
	t, err := ledger.ParseTilePath(strings.TrimPrefix(callOf(r).path, "/"))
	if err != nil {
		return reply{}, audit.Errorf(audit.NotFound, "there is nothing at this path: %w", err)
	}
	read := s.Log.Tile
	if t.L < 0 {
		read = s.Log.EntryBundle
	}
	data, err := read(r.Context(), principal(r).Ledger, t)
	if err != nil {
		return reply{}, err
	}
	keep := keepForever
	if t.W < ledger.TileWidth {
		keep = keepShortly
	}
	return resource(r, data, octets, keep), nil
}

// resource is the reply with a body that has a tag, or with none when the
// client has it (RFC 9110 section 13.1.2).
func resource(r *http.Request, body []byte, mediaType, keep string) reply {
	tag := fmt.Sprintf(`"sha256:%x"`, sha256.Sum256(body))
	rep := reply{header: http.Header{"Etag": {tag}, "Cache-Control": {keep}}, raw: body, mediaType: mediaType}
	if holds(r, tag) {
		rep.status = http.StatusNotModified
	}
	return rep
}
