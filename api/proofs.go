package api

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// checkpointView is a checkpoint. The note is what counts; the rest says it to
// people.
type checkpointView struct {
	Origin    string `json:"origin"`
	Size      int64  `json:"size"`
	Root      string `json:"root"`
	CreatedAt string `json:"created_at"`
	Note      string `json:"note,omitempty"` // not in lists
}

func viewOf(c *ledger.SignedCheckpoint) checkpointView {
	return checkpointView{c.Origin, c.Size, ledger.FormatHash(c.Root), audit.FormatTime(c.CreatedAt), string(c.Note)}
}

var checkpointParameters = []string{"limit", "cursor"}

// listCheckpoints answers GET /checkpoints.
func (s *server) listCheckpoints(r *http.Request) (reply, error) {
	q := callOf(r).query
	limit, cursor := q.number("limit", audit.DefaultPageLimit, 1, audit.MaxPageLimit), q.text("cursor")
	if q.err != nil {
		return reply{}, q.err
	}
	list, err := s.Log.Checkpoints(r.Context(), principal(r).Ledger, limit, cursor)
	if err != nil {
		return reply{}, err
	}
	data := make([]checkpointView, len(list.Checkpoints))
	for i := range data {
		data[i] = viewOf(&list.Checkpoints[i])
	}
	return reply{data: data, pagination: offsetPage{Limit: limit, HasMore: list.NextCursor != "", NextCursor: list.NextCursor}}, nil
}

func (s *server) showNewestCheckpoint(r *http.Request) (reply, error) {
	return s.checkpointOf(r, ledger.Newest)
}

func (s *server) showCheckpointOfSize(r *http.Request) (reply, error) {
	size, ok := parseNumber(variable(r, "size"))
	if !ok {
		return reply{}, audit.Errorf(audit.NotFound, "a checkpoint is named by its size, or latest")
	}
	return s.checkpointOf(r, size)
}

// checkpointOf answers with the signed note itself to who asks for text.
func (s *server) checkpointOf(r *http.Request, size int64) (reply, error) {
	c, err := s.Log.Checkpoint(r.Context(), principal(r).Ledger, size)
	if err != nil {
		return reply{}, err
	}
	if accepts(r, "text/plain") {
		return resource(r, c.Note, textPlain, keepNever), nil
	}
	return reply{data: viewOf(&c), tagged: true}, nil
}

// proofParameters of the three kinds of proof.
var (
	inclusionParameters   = []string{"size"}
	consistencyParameters = []string{"first", "second"}
	rangeParameters       = []string{"first", "end", "size"}
)

// proveEntry answers GET /entries/{id}/proof with a C2SP tlog-proof. It does not
// hold the record, so nothing that was kept from anyone.
func (s *server) proveEntry(r *http.Request) (reply, error) {
	q := callOf(r).query
	size := q.size("size")
	if q.err != nil {
		return reply{}, q.err
	}
	id := variable(r, "id")
	row, err := s.row(r, id)
	if err != nil {
		return reply{}, err
	}
	if !principal(r).Constraints.Empty() {
		e := s.read(r, &row)
		if err := covered(r, &e); err != nil {
			return reply{}, err
		}
	}
	proof, err := s.Log.ProveEntry(r.Context(), principal(r).Ledger, row.Seq, size)
	if err != nil {
		return reply{}, err
	}
	rep := resource(r, proof.Encode(), textPlain, keepNever)
	rep.header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.tlog-proof"`, id))
	return rep, nil
}

// proveConsistency answers GET /proofs/consistency.
func (s *server) proveConsistency(r *http.Request) (reply, error) {
	q := callOf(r).query
	first, second := q.required("first"), q.size("second")
	if q.err != nil {
		return reply{}, q.err
	}
	proof, err := s.Log.ProveConsistency(r.Context(), principal(r).Ledger, first, second)
	return reply{data: proof, tagged: true}, err
}

// proveRange answers GET /proofs/range.
func (s *server) proveRange(r *http.Request) (reply, error) {
	q := callOf(r).query
	first, end, size := q.required("first"), q.required("end"), q.size("size")
	if q.err != nil {
		return reply{}, q.err
	}
	proof, err := s.Log.ProveRange(r.Context(), principal(r).Ledger, first, end, size)
	return reply{data: proof, tagged: true}, err
}

// size reads the size of a checkpoint; without one, the newest is meant.
func (q *query) size(name string) int64 {
	if _, given := q.values[name]; !given {
		return ledger.Newest
	}
	return q.required(name)
}

// required reads the number or size of entries, which must be given.
func (q *query) required(name string) int64 {
	n, ok := parseNumber(q.text(name))
	if !ok {
		q.fail(name, nil, "%s is required: a whole number", name)
	}
	return n
}

// parseNumber reads a decimal number in its one spelling.
func parseNumber(text string) (n int64, ok bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == text
}
