package api

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"io"
	"net/http"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// MaxReportUpload bounds a report that is handed in to be verified, in bytes.
const MaxReportUpload = 32 << 20

// downloadReport answers GET …/download with the file. The download is an entry
// before the first byte goes out.
func (s *server) downloadReport(r *http.Request) (reply, error) {
	row, err := s.generated(r)
	if err != nil {
		return reply{}, err
	}
	return s.sendReport(r, &row, row.Artifact.V, row.Request.V.Format, typeReportDownloaded)
}

func (s *server) sendReport(r *http.Request, row *store.Report, a audit.Artifact, format audit.ReportFormat, event string) (reply, error) {
	content, err := s.Artifacts.Open(r.Context(), a)
	if err != nil {
		if audit.CodeOf(err) == audit.NotFound { // it is ours to have, not the caller's to know better
			err = &audit.Error{Code: audit.Internal, Message: "file of report " + string(row.ID), Err: err}
		}
		return reply{}, err
	}
	details := audit.Object{"sha256": a.Digest, "size_bytes": a.Size}
	if id := row.Request.V.Investigation; id != "" {
		details["investigation_id"] = id
	}
	if _, err := s.record(r, action(r, event, reportResource(row.ID), details), nil, nil); err != nil {
		content.Close()
		return reply{}, err
	}
	header, err := downloadHeader(string(row.ID)+"."+string(format), format.MediaType(), a)
	return reply{header: header, stream: func(w io.Writer) error {
		defer content.Close()
		return s.copyVerified(w, content)
	}}, err
}

// renewReportLinks answers POST …/download-links: the link works for another
// audit.ReportDownloadLife.
func (s *server) renewReportLinks(r *http.Request) (reply, error) {
	row, err := s.report(r)
	if err != nil {
		return reply{}, err
	}
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	if row.Status != audit.ReportGenerated {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and has no file", row.ID, row.Status).With("job_status", row.Status)
	}
	if row.ErasedAt != nil {
		return reply{}, erasedReport(&row)
	}
	until := s.Clock().Add(audit.ReportDownloadLife)
	about := action(r, typeReportLinks, reportResource(row.ID), audit.Object{"expires_at": audit.FormatTime(until)})
	if _, err := s.record(r, about, nil, store.RenewReportLinks(row.Ledger, row.ID, until)); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, data: reportLink{s.reportURL(r, row.ID), audit.FormatTime(until)}}, nil
}

type reportLink struct {
	URL       string `json:"download_url"`
	ExpiresAt string `json:"expires_at"`
}

// reportCheck is what a document that was handed in is worth.
type reportCheck struct {
	Verified   bool              `json:"verified"` // it is a report of this organisation, to the last byte
	Checksum   string            `json:"checksum"`
	Size       int               `json:"size_bytes"`
	ReportID   *audit.ReportID   `json:"report_id"`
	Reason     string            `json:"reason,omitempty"`
	Signatures []reportSealCheck `json:"signatures"`
}

type reportSealCheck struct {
	Valid       bool     `json:"valid"`
	Whole       bool     `json:"whole_document"`
	Trusted     bool     `json:"trusted"` // by the roots of the machine on which this API runs
	Signer      string   `json:"signer"`
	Fingerprint string   `json:"certificate_fingerprint"`
	Name        string   `json:"name"`
	Reason      string   `json:"reason"`
	SigningTime *string  `json:"signing_time"`
	StampedAt   *string  `json:"timestamped_at"`
	Problems    []string `json:"problems"`
}

// verifyReport answers POST /reports/verify, whose body is a report's file. What it
// says rests on what this installation keeps; "sealbook verify" needs none of it.
func (s *server) verifyReport(r *http.Request) (reply, error) {
	file, err := rawBody(r)
	if err != nil {
		return reply{}, err
	}
	if len(file) == 0 {
		return reply{}, audit.Errorf(audit.InvalidParameter, "the body is the report's file")
	}
	check := reportCheck{Checksum: ledger.FormatHash(sha256.Sum256(file)), Size: len(file), Signatures: []reportSealCheck{}}
	row, err := s.Store.ReportByDigest(r.Context(), principal(r).Ledger, check.Checksum)
	if err == nil {
		err = s.mayRead(r, &row)
	}
	switch audit.CodeOf(err) {
	case audit.NotFound:
		check.Reason = "no report of this organisation has these bytes"
	default:
		if err != nil {
			return reply{}, err
		}
		check.Verified, check.ReportID = true, &row.ID
	}
	if bytes.HasPrefix(file, []byte("%PDF-")) {
		all, err := sign.Verify(file, systemRoots(), systemRoots())
		if err != nil {
			check.Reason = "the document cannot be read: " + err.(*audit.Error).Message
		}
		for _, g := range all {
			check.Signatures = append(check.Signatures, reportSealCheck{
				g.Valid, g.WholeDocument, g.Trusted, g.Signer, g.Fingerprint, g.Name, g.Reason, timeOrNull(g.SigningTime), timeOrNull(g.TimestampTime), append([]string{}, g.Problems...),
			})
		}
	}
	details := audit.Object{"sha256": check.Checksum, "verified": check.Verified}
	resource := audit.Object{"type": "report"}
	if check.ReportID != nil {
		resource = reportResource(*check.ReportID)
	}
	if _, err := s.record(r, action(r, typeReportChecked, resource, details), nil, nil); err != nil {
		return reply{}, err
	}
	return reply{data: check}, nil
}

// systemRoots are the machine's certificates; without any, none is trusted.
func systemRoots() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return x509.NewCertPool()
	}
	return pool
}

func timeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := audit.FormatTime(t)
	return &text
}
