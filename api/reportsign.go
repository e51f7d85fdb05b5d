package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// signatureStatement is what a signatory agrees to, beside the meaning.
const signatureStatement = "By signing I state that I have read the document whose digest is shown, and that this electronic signature is the legally binding equivalent of my handwritten signature."

// showDraft answers GET …/signature/document with the exact bytes that are signed.
// That they were shown is an entry.
func (s *server) showDraft(r *http.Request) (reply, error) {
	row, err := s.report(r)
	if err != nil {
		return reply{}, err
	}
	if row.Draft == nil || row.Status != audit.ReportPending && row.Status != audit.ReportGenerated {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and has no document to sign", row.ID, row.Status).With("job_status", row.Status)
	}
	if row.ErasedAt != nil {
		return reply{}, erasedReport(&row)
	}
	return s.sendReport(r, &row, row.Draft.V, audit.ReportPDF, typeDocumentViewed)
}

type challengeBody struct {
	Nonce      string                 `json:"nonce"`
	Digest     string                 `json:"digest"`
	Meaning    audit.SignatureMeaning `json:"signature_meaning"`
	Statement  string                 `json:"statement"`
	Components []string               `json:"components"` // everybody's
	Ways       []wayBody              `json:"ways"`       // all that the signatory has
	ExpiresAt  string                 `json:"expires_at"`
}

// challengeSignatory answers POST …/signature/challenge: a nonce that is good for
// one attempt, by this session, to sign this document with this meaning.
func (s *server) challengeSignatory(r *http.Request) (reply, error) {
	row, of, err := s.awaiting(r)
	if err != nil {
		return reply{}, err
	}
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	nonce, err := account.NewNonce()
	if err != nil {
		return reply{}, err
	}
	p, err := s.Store.Person(r.Context(), row.Ledger, of.Person)
	if err != nil {
		return reply{}, err
	}
	ways, err := s.ways(r, &p, nonce, row.Draft.V.Digest, of.Meaning)
	if err != nil {
		return reply{}, err
	}
	until := s.Clock().Add(audit.ChallengeLife)
	c := s.challenge(r, &row, nonce, row.Draft.V.Digest, of.Meaning)
	c.EndsAt = until
	about := action(r, typeSignatureChallenge, reportResource(row.ID), audit.Object{"sha256": c.Digest, "signature_meaning": c.Meaning, "ends_at": audit.FormatTime(until)})
	if _, err := s.record(r, about, nil, store.InsertChallenge(c)); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, data: challengeBody{nonce, c.Digest, c.Meaning, signatureStatement, byCode, ways, audit.FormatTime(until)}}, nil
}

func (s *server) challenge(r *http.Request, row *store.Report, nonce, digest string, meaning audit.SignatureMeaning) store.Challenge {
	return store.Challenge{NonceHash: s.sealer.MAC(nonce), Ledger: row.Ledger, Report: row.ID, Session: principal(r).Session, Digest: digest, Meaning: meaning}
}

type signing struct {
	Nonce    string                 `json:"nonce"`
	Digest   string                 `json:"digest"`
	Meaning  audit.SignatureMeaning `json:"signature_meaning"`
	Password string                 `json:"password,omitempty"` // with a code or a passkey
	Code     string                 `json:"code,omitempty"`
	Passkey  json.RawMessage        `json:"passkey,omitempty"`
	IDToken  string                 `json:"id_token,omitempty"` // alone
	Intent   bool                   `json:"intent"`
	Comment  string                 `json:"comment,omitempty"`
}

func (g *signing) check() error {
	var bad []audit.FieldError
	needs := map[string]string{"nonce": g.Nonce, "digest": g.Digest, "signature_meaning": string(g.Meaning)}
	if string(g.Passkey) == "null" {
		g.Passkey = nil
	}
	switch {
	case g.IDToken != "" && (g.Password != "" || g.Code != "" || g.Passkey != nil), g.Code != "" && g.Passkey != nil:
		bad = append(bad, audit.FieldError{Field: "", Code: "conflict", Message: "a signatory shows a password with a code, a password with a passkey, or an ID token, and no more"})
	case g.IDToken != "":
	case g.Passkey != nil:
		needs["password"] = g.Password
	default:
		needs["password"], needs["code"] = g.Password, g.Code
	}
	bad = append(bad, missing(needs)...)
	if !g.Intent {
		bad = append(bad, audit.FieldError{Field: "/intent", Code: "required", Message: "intent must be true: the signatory means to sign"})
	}
	if len(g.Comment) > audit.MaxSignatureComment {
		bad = append(bad, audit.FieldError{Field: "/comment", Code: "too_long", Message: fmt.Sprintf("a comment has at most %d bytes", audit.MaxSignatureComment)})
	}
	if bad != nil {
		return invalid("the signature is not valid", bad...)
	}
	return nil
}

// signReport answers POST …/signature. Each attempt uses its challenge up and is an
// entry, whatever comes of it.
func (s *server) signReport(r *http.Request) (reply, error) {
	row, of, err := s.awaiting(r)
	if err != nil {
		return reply{}, err
	}
	req, _, err := decode[signing](r)
	if err == nil {
		err = req.check()
	}
	if err != nil {
		return reply{}, err
	}
	began := s.Clock()
	p, err := s.Store.Person(r.Context(), row.Ledger, of.Person)
	if err != nil {
		return reply{}, err
	}
	since, known, err := s.Store.UseChallenge(r.Context(), s.challenge(r, &row, req.Nonce, req.Digest, req.Meaning), began)
	if err != nil {
		return reply{}, err
	}
	if !known {
		return reply{}, s.signingFailed(r, &row, "the challenge is over, was used, or is of another session, document or meaning", nil,
			audit.Errorf(audit.InvalidState, "the challenge is over, was used, or is of another session, document or meaning; ask for a new one"))
	}
	shown, err := s.prove(r, &p, &req, since)
	if err != nil {
		return reply{}, s.signingFailed(r, &row, "what was shown could not be checked", nil, err)
	}
	if shown.why != "" {
		var count store.Statements
		if shown.guess {
			count = store.NoteFailure(p.ID, began)
		}
		return reply{}, s.linger(r, began, s.signingFailed(r, &row, shown.why, count, shown.wrong))
	}
	if why := cannotSign(&p, began); why != "" {
		return reply{}, s.signingFailed(r, &row, why, nil, s.refused(principal(r).Refuse(audit.SignReports, why+", so you may not"), principal(r)))
	}
	g := store.Signature{
		ID: "esig_" + newULID(began), Ledger: row.Ledger, Report: row.ID, Turn: of.Turn, Person: p.ID, PrintedName: p.Name, Meaning: req.Meaning, Digest: req.Digest,
		Components: shown.components, Comment: req.Comment, SignedAt: audit.Instant(began), Signatories: len(row.Signatories()),
	}
	err = s.recordSignature(r, &row, &g, &shown)
	if audit.CodeOf(err) == audit.InvalidState { // somebody was faster: with what was shown, the signature, or a cancel
		return reply{}, s.signingFailed(r, &row, "what was shown is used up, or the report waits for no signature any more", nil, err)
	}
	if err != nil {
		return reply{}, err
	}
	s.wake()
	return reply{status: http.StatusCreated, header: http.Header{"Location": {callOf(r).mount + "/signatures/" + g.ID}}, data: signatureOfReport(&g)}, nil
}

// recordSignature makes a signature with its entry and, when somebody comes next, the
// entry that says so and the mail that asks them, all together.
func (s *server) recordSignature(r *http.Request, row *store.Report, g *store.Signature, shown *proof) error {
	due := g.SignedAt.Add(audit.SignatureWait)
	events := []audit.Event{signed(r, g, shown)}
	var with []store.Statements
	if all := row.Signatories(); g.Turn < len(all) {
		next := all[g.Turn]
		g.Awaited = &next.Person
		with = append(with, store.InsertNotice(store.NewNotice(principal(r).Organisation, row, next, audit.NoticeAsked, g.SignedAt)))
		events = append(events, audit.Event{
			Type: audit.TypeSignatureRequested, Class: audit.ClassSystem, Severity: audit.SeverityLow,
			ExternalID: fmt.Sprintf("%sreport/%s/signature_requested/%d", audit.ReservedExternalID, row.ID, next.Turn),
			Actor:      audit.Object{"type": "system", "id": "sealbook"}, Details: store.SignatureAsked(row, next, g.Digest, due),
		})
	}
	out, err := s.append(r, ledger.Submission{Events: events, Atomic: true, With: store.Sign(*g, shown.use, due, with...)})
	for _, item := range out.Items {
		if err == nil {
			err = item.Err
		}
	}
	return err
}

// signed is the entry about a signature. The comment stands where it can be erased.
func signed(r *http.Request, g *store.Signature, shown *proof) audit.Event {
	e := action(r, typeSigned, reportResource(g.Report), audit.Object{
		"signature_id": g.ID, "report_id": g.Report, "printed_name": g.PrintedName, "signature_meaning": g.Meaning, "signed_at": audit.FormatTime(g.SignedAt),
		"sha256": g.Digest, "components": g.Components, "statement": signatureStatement,
	})
	maps.Copy(e.Details, shown.details)
	e.Class, e.Severity = audit.ClassSecurity, audit.SeverityMedium
	if g.Signatories > 1 {
		e.Details["turn"], e.Details["signatories"] = g.Turn, g.Signatories
	}
	if g.Comment != "" {
		e.Metadata["comment"] = g.Comment
	}
	return e
}

// signingFailed records an attempt that failed and returns what the caller sees.
func (s *server) signingFailed(r *http.Request, row *store.Report, why string, with store.Statements, shown error) error {
	e := action(r, typeSignatureFailed, reportResource(row.ID), audit.Object{"report_id": row.ID, "reason": why})
	e.Class, e.Severity = audit.ClassSecurity, audit.SeverityHigh
	if _, err := s.record(r, e, nil, with); err != nil {
		return err
	}
	return shown
}

type declining struct {
	Reason string `json:"reason"`
}

// declineReport answers POST …/signature/decline: the report has failed, and says
// why.
func (s *server) declineReport(r *http.Request) (reply, error) {
	row, of, err := s.awaiting(r)
	if err != nil {
		return reply{}, err
	}
	req, _, err := decode[declining](r)
	if err != nil {
		return reply{}, err
	}
	if req.Reason = strings.TrimSpace(req.Reason); req.Reason == "" || len(req.Reason) > audit.MaxSignatureComment {
		return reply{}, invalid("the refusal is not valid", audit.FieldError{Field: "/reason", Code: "required", Message: fmt.Sprintf("a reason has 1 to %d bytes", audit.MaxSignatureComment)})
	}
	about := action(r, typeSignatureDeclined, reportResource(row.ID), audit.Object{"report_id": row.ID, "sha256": row.Draft.V.Digest})
	about.Metadata["reason"] = req.Reason
	with := store.Decline(row.Ledger, row.ID, of.Person, "the signatory declined: "+req.Reason, s.Clock())
	if _, err := s.record(r, about, nil, with); err != nil {
		return reply{}, err
	}
	s.wake()
	if row, err = s.report(r); err != nil {
		return reply{}, err
	}
	view, err := s.reportView(r, &row)
	return reply{data: view}, err
}
