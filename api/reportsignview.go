package api

import (
	"net/http"
	"regexp"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// ceremonyBody is where the signatures of a report stand. Signatory, meaning and
// signature are of the first, as of a report that has one; all of them are the list.
type ceremonyBody struct {
	ReportID    audit.ReportID          `json:"report_id"`
	Required    bool                    `json:"required"`
	Status      audit.ReportStatus      `json:"report_status"`
	Signatory   *signatoryBody          `json:"signatory"`
	Meaning     *audit.SignatureMeaning `json:"signature_meaning"`
	Statement   string                  `json:"statement,omitempty"`
	Digest      *string                 `json:"digest"` // of the document to sign
	DueAt       *string                 `json:"due_at"` // for whose turn it is
	Signature   *signatureBody          `json:"signature"`
	Signatories []turnBody              `json:"signatories"`
	Awaited     *signatoryBody          `json:"awaited_signatory"` // whose turn it is; null: nobody's
}

// turnBody is one who shall sign, or has.
type turnBody struct {
	Turn      int                    `json:"turn"`
	Signatory signatoryBody          `json:"signatory"`
	Meaning   audit.SignatureMeaning `json:"signature_meaning"`
	Signature *signatureBody         `json:"signature"`
	Notice    *noticeBody            `json:"notice"` // null: it was not their turn yet
}

type signatoryBody struct {
	ID   audit.PersonID `json:"user_id"`
	Name string         `json:"name"`
}

// signatureBody is an electronic signature (21 CFR 11.50): who, when, why, of what.
type signatureBody struct {
	ID         string                 `json:"signature_id"`
	ReportID   audit.ReportID         `json:"report_id"`
	Signatory  signatoryBody          `json:"signatory"`
	Meaning    audit.SignatureMeaning `json:"signature_meaning"`
	SignedAt   string                 `json:"signed_at"`
	Digest     string                 `json:"digest"`
	Components []string               `json:"components"`
	Comment    string                 `json:"comment,omitempty"`

	Turn        int             `json:"turn"`
	Signatories int             `json:"signatories"`       // of the report
	Awaited     *audit.PersonID `json:"awaited_signatory"` // whose turn it is now to sign the report
}

func signatureOfReport(g *store.Signature) *signatureBody {
	return &signatureBody{
		g.ID, g.Report, signatoryBody{g.Person, g.PrintedName}, g.Meaning, audit.FormatTime(g.SignedAt), g.Digest, g.Components, g.Comment,
		g.Turn, g.Signatories, g.Awaited,
	}
}

func (s *server) showReportSignature(r *http.Request) (reply, error) {
	row, err := s.report(r)
	if err != nil {
		return reply{}, err
	}
	v := ceremonyBody{ReportID: row.ID, Required: row.Signatory != nil, Status: row.Status, Signatories: []turnBody{}}
	if row.Signatory == nil {
		return reply{data: v}, nil
	}
	given, err := s.Store.SignaturesOf(r.Context(), row.Ledger, row.ID)
	if err != nil {
		return reply{}, err
	}
	mails, err := s.Store.Notices(r.Context(), row.Ledger, row.ID)
	if err != nil {
		return reply{}, err
	}
	for i, of := range row.Signatories() {
		who, err := s.Store.Person(r.Context(), row.Ledger, of.Person)
		if err != nil {
			return reply{}, err
		}
		t := turnBody{Turn: of.Turn, Signatory: signatoryBody{who.ID, who.Name}, Meaning: of.Meaning}
		if i < len(given) {
			t.Signature = signatureOfReport(&given[i])
		} else if i == len(given) && row.Status == audit.ReportPending {
			v.Awaited = &t.Signatory
		}
		t.Notice = noticeOf(r, mails, of.Turn, v.Awaited == &t.Signatory)
		v.Signatories = append(v.Signatories, t)
	}
	first := &v.Signatories[0]
	v.Signatory, v.Meaning, v.Statement, v.Signature = &first.Signatory, &first.Meaning, signatureStatement, first.Signature
	if row.Draft != nil {
		due := formatted(row.SignatureDueAt)
		v.Digest, v.DueAt = &row.Draft.V.Digest, &due
	}
	return reply{data: v}, nil
}

func (s *server) listSignatures(r *http.Request) (reply, error) {
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	reader, err := s.caseReader(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.Signatures(r.Context(), principal(r).Ledger, reader, page.limit, page.offset())
	if err != nil {
		return reply{}, err
	}
	data := make([]*signatureBody, len(list))
	for i := range list {
		data[i] = signatureOfReport(&list[i])
	}
	return reply{data: data, pagination: page.of(total)}, nil
}

var signatureID = regexp.MustCompile(`^esig_[0-9a-z]{26}$`)

func (s *server) showSignature(r *http.Request) (reply, error) {
	none := audit.Errorf(audit.NotFound, "there is no such signature")
	id := variable(r, "signature_id")
	if !signatureID.MatchString(id) {
		return reply{}, none
	}
	g, err := s.Store.Signature(r.Context(), principal(r).Ledger, id)
	if err == nil {
		var row store.Report
		if row, err = s.Store.Report(r.Context(), g.Ledger, g.Report); err == nil {
			err = s.mayRead(r, &row)
		}
	}
	if audit.CodeOf(err) == audit.NotFound {
		err = none
	}
	if err != nil {
		return reply{}, err
	}
	return reply{data: signatureOfReport(&g)}, nil
}
