package api

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/internal/stream"
	"github.com/sealbook/sealbook/ledger"
)

// streamRequest is what a person says of a stream.
type streamRequest struct {
	Name   string             `json:"name"`
	URL    string             `json:"url"`
	Format stream.Format      `json:"format"`
	Filter audit.StreamFilter `json:"filter,omitzero"`
	Status audit.StreamStatus `json:"status,omitempty"` // active or paused
}

// checkStream says what is wrong with what is asked of a stream whose status is was.
func (s *server) checkStream(q *streamRequest, was audit.StreamStatus) error {
	var bad []audit.FieldError
	fail := func(field, code, message string) {
		bad = append(bad, audit.FieldError{Field: field, Code: code, Message: message})
	}
	if q.Name = strings.TrimSpace(q.Name); q.Name == "" || len(q.Name) > audit.MaxStreamName {
		fail("/name", "length", fmt.Sprintf("a name has 1 to %d bytes", audit.MaxStreamName))
	}
	if err := stream.CheckURL(q.URL, s.StreamAllow); err != nil {
		fail("/url", "invalid", err.(*audit.Error).Message)
	}
	if _, err := stream.ParseFormat(string(q.Format)); err != nil {
		fail("/format", "invalid", err.(*audit.Error).Message)
	}
	if q.Status != was && q.Status != audit.StreamActive && q.Status != audit.StreamPaused {
		fail("/status", "invalid", "a stream is made active or paused")
	}
	if bad = append(bad, q.Filter.Check("/filter")...); bad != nil {
		return invalid("the stream is not valid", bad...)
	}
	return nil
}

type streamCreation struct {
	streamRequest
	FromSeq *int64 `json:"from_seq,omitempty"` // the first entry to deliver; default: the next one
}

// createStream answers POST /streams: 201 with the secret that messages are signed
// with, this once. Delivery begins with the entry about this.
func (s *server) createStream(r *http.Request) (reply, error) {
	req, body, err := decode[streamCreation](r)
	if err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	req.Status = audit.StreamActive
	if err := s.checkStream(&req.streamRequest, audit.StreamActive); err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	from, err := s.streamPosition(r, req.FromSeq)
	if err != nil {
		return reply{}, err
	}
	x := store.Stream{
		ID: audit.StreamID("stream_" + newULID(now)), Ledger: p.Ledger, Name: req.Name, URL: req.URL, Format: string(req.Format),
		Filter: store.JSON[audit.StreamFilter]{V: req.Filter}, Status: audit.StreamActive, NextSeq: from, Version: 1, CreatedBy: createdBy(p), CreatedAt: now, ChangedAt: now,
	}
	secret, err := s.newStreamSecret(&x)
	if err != nil {
		return reply{}, err
	}
	if key != nil {
		key.Note = string(x.ID)
	}
	out, err := s.record(r, streamChanged(r, typeStreamCreated, &x, streamDetails(&x)), key, store.InsertStream(x, store.Start{
		Workflow: audit.StreamWorkflow, WorkflowID: string(x.ID), At: now, Input: audit.StreamStart{ID: x.ID, Ledger: x.Ledger, Organisation: p.Organisation},
	}))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if x, err = s.Store.Stream(r.Context(), p.Ledger, audit.StreamID(out.Note)); err != nil {
			return reply{}, err
		}
		secret = ""
	} else {
		s.wake()
	}
	head, err := s.head(r)
	header := replayed(http.Header{"Location": {callOf(r).mount + "/streams/" + string(x.ID)}, "Etag": {streamTag(&x)}}, out.Replayed)
	return reply{status: http.StatusCreated, header: header, data: s.streamView(&x, head.Size, secret)}, err
}

// streamPosition is the number of the first entry to deliver, which is in the
// ledger or the next.
func (s *server) streamPosition(r *http.Request, asked *int64) (int64, error) {
	head, err := s.head(r)
	if err != nil {
		return 0, err
	}
	if asked == nil {
		return head.Size, nil
	}
	if *asked < 0 || *asked > head.Size {
		return 0, invalid("the stream cannot begin there", audit.FieldError{Field: "/from_seq", Code: "out_of_range", Message: fmt.Sprintf("from_seq is 0 to %d", head.Size)})
	}
	return *asked, nil
}

// head is of the caller's ledger, which may be empty.
func (s *server) head(r *http.Request) (ledger.Checkpoint, error) {
	head, _, err := s.Log.Head(r.Context(), principal(r).Ledger)
	if audit.CodeOf(err) == audit.NotFound {
		return ledger.Checkpoint{}, nil
	}
	return head, err
}

func (s *server) newStreamSecret(x *store.Stream) (text string, err error) {
	if text, err = stream.NewSecret(rand.Reader); err != nil {
		return "", err
	}
	secret, err := stream.ParseSecret(text)
	if err != nil {
		return "", err
	}
	x.Secret, err = s.sealer.Seal(secret, string(x.ID))
	return text, err
}

// changeStream answers PATCH /streams/{stream_id} for who has seen what it changes.
// Members that are left out stay.
func (s *server) changeStream(r *http.Request) (reply, error) {
	x, err := s.streamOf(r)
	if err != nil {
		return reply{}, err
	}
	tag := streamTag(&x)
	if err := checkIfMatch(r, tag); err != nil {
		return reply{header: http.Header{"Etag": {tag}}}, err
	}
	req := streamRequest{x.Name, x.URL, stream.Format(x.Format), x.Filter.V, x.Status}
	body, err := readBody(r)
	if err == nil {
		err = unmarshal(body, &req)
	}
	if err != nil {
		return reply{}, err
	}
	before := streamDetails(&x)
	if err := s.checkStream(&req, x.Status); err != nil {
		return reply{}, err
	}
	now := s.Clock()
	x.Name, x.URL, x.Format, x.Filter.V, x.Status = req.Name, req.URL, string(req.Format), req.Filter, req.Status
	_, err = s.record(r, streamChanged(r, typeStreamChanged, &x, audit.Object{"before": before, "after": streamDetails(&x)}), nil, store.ChangeStream(x, now))
	if audit.CodeOf(err) == audit.InvalidState {
		err = audit.Errorf(audit.PreconditionFailed, "it was changed since it was read; get it again")
	}
	if err != nil {
		return reply{}, err
	}
	return s.streamNow(r, x.ID, "")
}

// deleteStream answers DELETE /streams/{stream_id}. What is under way may still
// arrive.
func (s *server) deleteStream(r *http.Request) (reply, error) {
	x, err := s.streamOf(r)
	if err != nil {
		return reply{}, err
	}
	if _, err := s.record(r, streamChanged(r, typeStreamDeleted, &x, nil), nil, store.DeleteStream(x.Ledger, x.ID, s.Clock())); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}

type replayRequest struct {
	FromSeq *int64 `json:"from_seq"`
}

// replayStream answers POST …/replay: delivery goes on from an entry.
func (s *server) replayStream(r *http.Request) (reply, error) {
	req, _, err := decode[replayRequest](r)
	if err != nil {
		return reply{}, err
	}
	x, err := s.streamOf(r)
	if err != nil {
		return reply{}, err
	}
	if req.FromSeq == nil {
		return reply{}, invalid("the replay is not valid", audit.FieldError{Field: "/from_seq", Code: "required", Message: "from_seq is the first entry to deliver again"})
	}
	from, err := s.streamPosition(r, req.FromSeq)
	if err != nil {
		return reply{}, err
	}
	if _, err := s.record(r, streamChanged(r, typeStreamReplayed, &x, audit.Object{"from_seq": from, "was_at": x.NextSeq}), nil, store.ReplayStream(x.Ledger, x.ID, from, s.Clock())); err != nil {
		return reply{}, err
	}
	return s.streamNow(r, x.ID, "")
}

// rotateStream answers POST …/rotate: a new secret, and messages that are signed
// with both for a while.
func (s *server) rotateStream(r *http.Request) (reply, error) {
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	x, err := s.streamOf(r)
	if err != nil {
		return reply{}, err
	}
	secret, err := s.newStreamSecret(&x)
	if err != nil {
		return reply{}, err
	}
	now := s.Clock()
	with := store.RotateStream(x.Ledger, x.ID, x.Secret, now.Add(audit.StreamSecretLife), now)
	if _, err := s.record(r, streamChanged(r, typeStreamRotated, &x, nil), nil, with); err != nil {
		return reply{}, err
	}
	return s.streamNow(r, x.ID, secret)
}

func (s *server) streamNow(r *http.Request, id audit.StreamID, secret string) (reply, error) {
	x, err := s.Store.Stream(r.Context(), principal(r).Ledger, id)
	if err != nil {
		return reply{}, err
	}
	return s.streamReply(r, &x, secret)
}

func (s *server) streamReply(r *http.Request, x *store.Stream, secret string) (reply, error) {
	head, err := s.head(r)
	return reply{header: http.Header{"Etag": {streamTag(x)}}, data: s.streamView(x, head.Size, secret)}, err
}

func (s *server) showStream(r *http.Request) (reply, error) {
	x, err := s.streamOf(r)
	if err != nil {
		return reply{}, err
	}
	return s.streamReply(r, &x, "")
}

func (s *server) listStreams(r *http.Request) (reply, error) {
	list, err := s.Store.Streams(r.Context(), principal(r).Ledger)
	if err != nil {
		return reply{}, err
	}
	head, err := s.head(r)
	if err != nil {
		return reply{}, err
	}
	data := make([]*streamBody, len(list))
	for i := range list {
		data[i] = s.streamView(&list[i], head.Size, "")
	}
	return reply{data: data}, nil
}

var streamID = regexp.MustCompile(`^stream_[0-9a-z]{26}$`)

// streamOf returns the stream that the path names.
func (s *server) streamOf(r *http.Request) (x store.Stream, err error) {
	id := variable(r, "stream_id")
	if streamID.MatchString(id) {
		x, err = s.Store.Stream(r.Context(), principal(r).Ledger, audit.StreamID(id))
	}
	if (x.ID == "" || x.Status == audit.StreamDeleted) && (err == nil || audit.CodeOf(err) == audit.NotFound) {
		return store.Stream{}, audit.Errorf(audit.NotFound, "there is no such stream")
	}
	return x, err
}

func streamTag(x *store.Stream) string { return fmt.Sprintf(`"%s-v%d"`, x.ID, x.Version) }
