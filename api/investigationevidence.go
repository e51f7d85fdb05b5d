package api

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// caseEvidenceBody is an item of evidence of an investigation.
type caseEvidenceBody struct {
	ID            string        `json:"evidence_id"`
	Kind          string        `json:"type"`
	Title         string        `json:"title"`
	Source        audit.Object  `json:"source"`
	FirstSeq      *int64        `json:"first_seq"`
	EndSeq        *int64        `json:"end_seq"` // exclusive
	Items         int64         `json:"items"`
	Digest        string        `json:"sha256"`
	Size          int64         `json:"size_bytes"`
	FileName      string        `json:"file_name"`
	MediaType     string        `json:"media_type"`
	EffectiveFrom *string       `json:"effective_from"`
	EffectiveTo   *string       `json:"effective_to"`
	AcquiredAt    string        `json:"acquired_at"`
	AcquiredBy    audit.Object  `json:"acquired_by"`
	Round         int           `json:"round"`
	Verified      bool          `json:"chain_of_custody_verified"`
	Reason        string        `json:"chain_of_custody_reason,omitempty"`
	Custody       []custodyBody `json:"custody"`
}

// custodyBody is one handling of an item of evidence.
type custodyBody struct {
	Number    int            `json:"number"`
	Event     string         `json:"event"`
	Actor     audit.Object   `json:"actor"`
	Recipient audit.PersonID `json:"recipient,omitempty"`
	Reason    string         `json:"reason,omitempty"`
	Before    string         `json:"sha256_before"`
	After     string         `json:"sha256_after"`
	Tool      string         `json:"tool"`
	At        string         `json:"at"`
}

func caseEvidenceView(e *store.CaseEvidence, events []store.Custody) caseEvidenceBody {
	a := e.Artifact.V
	v := caseEvidenceBody{
		ID: e.ID, Kind: e.Kind, Title: e.Title, Source: e.Source.V, FirstSeq: e.FirstSeq, EndSeq: e.EndSeq, Items: e.Items, Digest: a.Digest, Size: a.Size,
		FileName: e.FileName, MediaType: e.MediaType, EffectiveFrom: formattedOrNil(e.EffectiveFrom), EffectiveTo: formattedOrNil(e.EffectiveTo),
		AcquiredAt: audit.FormatTime(e.AcquiredAt), AcquiredBy: e.AcquiredBy.V, Round: e.Round, Custody: []custodyBody{},
	}
	var own []store.Custody
	for i := range events {
		if c := &events[i]; c.Evidence == e.ID {
			own = append(own, *c)
			v.Custody = append(v.Custody, custodyBody{c.Number, c.Event, c.Actor.V, c.Recipient, c.Reason, c.Before, c.After, c.Tool, audit.FormatTime(c.At)})
		}
	}
	v.Reason = store.CustodyBroken([]store.CaseEvidence{*e}, own)
	v.Verified = v.Reason == ""
	return v
}

func (s *server) listCaseEvidence(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	items, err := s.Store.CaseEvidence(r.Context(), row.Ledger, row.ID)
	if err != nil {
		return reply{}, err
	}
	events, err := s.Store.CustodyOf(r.Context(), row.Ledger, row.ID)
	data := make([]caseEvidenceBody, len(items))
	for i := range items {
		data[i] = caseEvidenceView(&items[i], events)
	}
	return reply{data: data}, err
}

func (s *server) showCaseEvidence(r *http.Request) (reply, error) {
	_, item, err := s.caseEvidence(r)
	if err != nil {
		return reply{}, err
	}
	return s.evidenceReply(r, item, 0)
}

func (s *server) evidenceReply(r *http.Request, item store.CaseEvidence, status int) (reply, error) {
	events, err := s.Store.CustodyOf(r.Context(), principal(r).Ledger, item.Investigation)
	return reply{status: status, data: caseEvidenceView(&item, events)}, err
}

var caseEvidenceID = regexp.MustCompile(`^[A-Za-z0-9_]{1,160}$`)

// caseEvidence is the item that the path names.
func (s *server) caseEvidence(r *http.Request) (row store.Investigation, item store.CaseEvidence, err error) {
	if row, err = s.investigation(r); err != nil {
		return row, item, err
	}
	if id := variable(r, "evidence_id"); caseEvidenceID.MatchString(id) {
		item, err = s.Store.CaseEvidenceItem(r.Context(), row.Ledger, row.ID, id)
	} else {
		err = audit.Errorf(audit.NotFound, "that is no id")
	}
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such evidence")
	}
	return row, item, err
}

// custodyEvent is the entry about a handling of evidence.
func custodyEvent(r *http.Request, item *store.CaseEvidence, c *store.Custody) audit.Event {
	about := action(r, audit.TypeCustody, audit.Object{"type": "case_evidence", "id": item.ID}, audit.Object{
		"investigation_id": item.Investigation, "custody_event": c.Event, "sha256_before": c.Before, "sha256_after": c.After,
	})
	if c.Recipient != "" {
		about.Details["recipient"] = c.Recipient
	}
	if c.Reason != "" {
		about.Metadata["reason"] = c.Reason
	}
	if c.Event == store.CustodyFailed {
		about.Severity = audit.SeverityCritical
	}
	return about
}

// handle records a handling of an item in the transaction of its entry.
func (s *server) handle(r *http.Request, item *store.CaseEvidence, c store.Custody) error {
	c.Evidence, c.Actor.V, c.Tool, c.At = item.ID, principal(r).Actor(), "sealbook "+s.Version, s.Clock()
	if c.Before == "" {
		c.Before, c.After = item.Artifact.V.Digest, item.Artifact.V.Digest
	}
	_, err := s.record(r, custodyEvent(r, item, &c), nil, store.AddCustody(principal(r).Ledger, c))
	return err
}

// downloadCaseEvidence answers with the bytes, whose custody knows of it before the
// reader has the first of them.
func (s *server) downloadCaseEvidence(r *http.Request) (reply, error) {
	_, item, err := s.caseEvidence(r)
	if err != nil {
		return reply{}, err
	}
	if err := s.require(principal(r), audit.ReadSensitive); err != nil { // entries in full
		return reply{}, err
	}
	if item.ErasedAt != nil {
		return reply{}, erasedEvidence(&item)
	}
	content, err := s.Artifacts.Open(r.Context(), item.Artifact.V)
	if err != nil {
		if audit.CodeOf(err) == audit.NotFound {
			err = &audit.Error{Code: audit.Internal, Message: "file of " + item.ID, Err: err}
		}
		return reply{}, err
	}
	if err := s.handle(r, &item, store.Custody{Event: store.CustodyAccessed, Reason: "downloaded"}); err != nil {
		content.Close()
		return reply{}, err
	}
	header, err := fileHeader(audit.EvidenceFile{Artifact: item.Artifact.V, Name: item.FileName, MediaType: item.MediaType})
	return reply{header: header, stream: func(w io.Writer) error {
		defer content.Close()
		return s.copyVerified(w, content)
	}}, err
}

// verifyCaseEvidence answers POST …/verify: the item is read again, and its custody
// knows what came of it.
func (s *server) verifyCaseEvidence(r *http.Request) (reply, error) {
	_, item, err := s.caseEvidence(r)
	if err != nil {
		return reply{}, err
	}
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	if item.ErasedAt != nil {
		return reply{}, erasedEvidence(&item)
	}
	c := store.Custody{Event: store.CustodyVerified, Before: item.Artifact.V.Digest, After: item.Artifact.V.Digest}
	got, err := s.Artifacts.Digest(r.Context(), item.Artifact.V.Key)
	if audit.CodeOf(err) == audit.NotFound {
		got, err = "missing", nil
	}
	if err != nil {
		return reply{}, err
	}
	if got != c.Before {
		c.Event, c.After = store.CustodyFailed, got
	}
	if err := s.handle(r, &item, c); err != nil {
		return reply{}, err
	}
	return s.evidenceReply(r, item, 0)
}

// erasedEvidence says why an item has no file any more. Its custody says so, too.
func erasedEvidence(item *store.CaseEvidence) error {
	return audit.Errorf(audit.ExportGone, "the file of %s was destroyed, because it held what was erased of a person", item.ID).
		With("reason", "erased").With("erased_at", formatted(item.ErasedAt))
}

type custodyRequest struct {
	Event     string `json:"event"`
	Recipient string `json:"recipient"`
	Reason    string `json:"reason"`
}

// handOver answers POST …/custody: an item is handed to a person, who accepts it.
func (s *server) handOver(r *http.Request) (reply, error) {
	row, item, err := s.caseEvidence(r)
	if err != nil {
		return reply{}, err
	}
	req, _, err := decode[custodyRequest](r)
	if err != nil {
		return reply{}, err
	}
	events, err := s.Store.CustodyOf(r.Context(), row.Ledger, row.ID)
	if err != nil {
		return reply{}, err
	}
	var waits audit.PersonID
	for _, c := range events {
		if c.Evidence == item.ID && c.Event == store.CustodyTransferred {
			waits = c.Recipient
		}
		if c.Evidence == item.ID && c.Event == store.CustodyAccepted {
			waits = ""
		}
	}
	c := store.Custody{Event: req.Event}
	switch req.Event {
	case store.CustodyTransferred:
		if waits != "" {
			return reply{}, audit.Errorf(audit.InvalidState, "the item waits to be accepted by %s", waits)
		}
		if c.Reason, err = reasonOf(req.Reason); err != nil {
			return reply{}, err
		}
		to, err := s.appointee(r, "/recipient", req.Recipient, &row.Request.V.Scope)
		if err != nil {
			return reply{}, err
		}
		if to == nil {
			return reply{}, invalid("the transfer is not valid", audit.FieldError{Field: "/recipient", Code: "required", Message: "say to whom, by id or e-mail address"})
		}
		c.Recipient = *to
	case store.CustodyAccepted:
		behind, err := s.behind(r, principal(r).Actor())
		if err != nil {
			return reply{}, err
		}
		if waits == "" || !principal(r).Person() || waits != audit.PersonID(behind) {
			return reply{}, audit.Errorf(audit.InvalidState, "only who an item was handed to accepts it, in person")
		}
		c.Recipient, c.Reason = waits, strings.TrimSpace(req.Reason)
	default:
		return reply{}, invalid("the event is not valid", audit.FieldError{Field: "/event", Code: "invalid", Message: "event is transferred or accepted"})
	}
	if err := s.handle(r, &item, c); err != nil {
		return reply{}, err
	}
	return s.evidenceReply(r, item, http.StatusCreated)
}

// addCaseEvidence answers POST …/evidence: a file from outside.
func (s *server) addCaseEvidence(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	form, err := s.readForm(r)
	defer form.close()
	if err != nil {
		return reply{}, err
	}
	title, source, err := form.ofCase()
	if err != nil {
		return reply{}, err
	}
	if row.Status.Final() {
		return reply{}, audit.Errorf(audit.InvalidState, "the investigation is %s", row.Status).With("investigation_status", row.Status).With("stage", row.Stage)
	}
	artifact, err := s.Artifacts.Put(r.Context(), "investigations/"+string(row.ID), form.file)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	item := store.CaseEvidence{
		ID: "caseev_" + newULID(now), Investigation: row.ID, Kind: "upload", Title: title, Source: store.JSON[audit.Object]{V: audit.Object{"said": source}}, Items: 1,
		Artifact: store.JSON[audit.Artifact]{V: artifact}, MediaType: form.mediaType, FileName: form.fileName, AcquiredAt: now, AcquiredBy: store.JSON[audit.Object]{V: p.Actor()},
		Round: row.Round,
	}
	about := custodyEvent(r, &item, &store.Custody{Event: store.CustodyCollected, Before: artifact.Digest, After: artifact.Digest})
	about.Details["file_name"], about.Details["size_bytes"] = item.FileName, artifact.Size
	key, err := requestKey(r, []byte(title+"\n"+source+"\n"+artifact.Digest))
	if err != nil {
		return reply{}, err
	}
	if key != nil {
		key.Note = item.ID
	}
	out, err := s.record(r, about, key, store.InsertEvidenceItem(p.Ledger, item, "sealbook "+s.Version))
	if err != nil { // the file may be that of another item: it is named by its digest, and stays
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if item, err = s.Store.CaseEvidenceItem(r.Context(), row.Ledger, row.ID, out.Note); err != nil {
			return reply{}, err
		}
	}
	rep, err := s.evidenceReply(r, item, http.StatusCreated)
	rep.header = replayed(http.Header{"Location": {callOf(r).mount + "/investigations/" + string(row.ID) + "/evidence/" + item.ID}}, out.Replayed)
	return rep, err
}

// ofCase reads the fields of a form that brings evidence to a case.
func (f *uploadForm) ofCase() (title, source string, err error) {
	var bad []audit.FieldError
	for name, values := range f.fields {
		switch {
		case name != "title" && name != "source":
			bad = append(bad, audit.FieldError{Field: strings.ToValidUTF8(name, "\uFFFD"), Code: "unknown", Message: "this field has no meaning here"})
		case len(values) > 1 || !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
			bad = append(bad, audit.FieldError{Field: name, Code: "invalid", Message: "it is given once, in UTF-8 without NUL"})
		case name == "title":
			title = strings.TrimSpace(values[0])
		default:
			source = strings.TrimSpace(values[0])
		}
	}
	if f.file == nil {
		bad = append(bad, audit.FieldError{Field: "file", Code: "required", Message: "file is required"})
	}
	if title == "" || len(title) > audit.MaxInvestigationTitle {
		bad = append(bad, audit.FieldError{Field: "title", Code: "length", Message: fmt.Sprintf("title has 1 to %d bytes", audit.MaxInvestigationTitle)})
	}
	if source == "" || len(source) > audit.MaxInvestigationText {
		bad = append(bad, audit.FieldError{Field: "source", Code: "length", Message: fmt.Sprintf("source says where it is from, in 1 to %d bytes", audit.MaxInvestigationText)})
	}
	if bad != nil {
		return "", "", &audit.Error{Code: audit.ValidationFailed, Message: "the evidence is not valid", Fields: bad[:min(len(bad), audit.MaxBadFields)]}
	}
	return title, source, nil
}
