package api

import (
	"math"
	"net/http"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// reportBody is a report as document B shows it, and a little more. Its keys are
// there from the beginning, null as long as nothing is known.
type reportBody struct {
	ID         audit.ReportID        `json:"report_id"`
	Status     audit.ReportStatus    `json:"status"`
	Type       audit.ReportType      `json:"report_type"`
	Framework  *audit.Framework      `json:"framework"`
	Case       audit.InvestigationID `json:"investigation_id,omitempty"` // of a report of an investigation
	Period     reportPeriod          `json:"period"`
	Generation reportGeneration      `json:"generation_info"`
	Summary    *reportSummary        `json:"summary"`
	Signature  reportSignature       `json:"digital_signature"`
	File       *reportFile           `json:"file_info"`
	Sending    reportDistribution    `json:"distribution"`
	Retention  *reportRetention      `json:"retention"`

	CreatedAt         string          `json:"created_at"`
	CancelRequestedAt string          `json:"cancel_requested_at,omitempty"`
	Error             string          `json:"error,omitempty"`
	Progress          *audit.Progress `json:"progress,omitempty"`
}

type reportPeriod struct {
	Start string `json:"start"`
	End   string `json:"end"` // the last second that belongs to it
	Days  int    `json:"duration_days"`
}

type reportGeneration struct {
	GeneratedAt *string `json:"generated_at"`
	GeneratedBy string  `json:"generated_by"`
	Millis      *int64  `json:"processing_time_ms"`
	Sources     *int    `json:"data_sources"`
	Records     *int64  `json:"total_records_analyzed"`
}

type reportSummary struct {
	Score       *float64 `json:"overall_compliance_score"`
	ScoreReason string   `json:"overall_compliance_score_reason,omitempty"`
	Coverage    *float64 `json:"coverage_percent"`
	Floor       *float64 `json:"score_floor"`
	Entries     int64    `json:"total_audit_entries"`
	Violations  int64    `json:"compliance_violations"`
	Critical    int64    `json:"critical_findings"`
	Remediated  int64    `json:"remediation_completed"`
	Pending     int64    `json:"pending_actions"`
}

// reportSignature is of the person who signs. The seal, which every PDF has, is
// the system's.
type reportSignature struct {
	Signed      bool                    `json:"signed"`
	Signatory   *string                 `json:"signatory"`
	Timestamp   *string                 `json:"signature_timestamp"`
	Meaning     *audit.SignatureMeaning `json:"signature_meaning"`
	Fingerprint *string                 `json:"certificate_fingerprint"`
	Required    bool                    `json:"required"`
	SignatureID string                  `json:"signature_id,omitempty"`
	DueAt       string                  `json:"due_at,omitempty"`
	Then        []countersignature      `json:"countersigners,omitempty"`
	Awaited     *audit.PersonID         `json:"awaited_signatory,omitempty"`
	Sealed      bool                    `json:"sealed"`
	StampedAt   *string                 `json:"timestamped_at"`
	Development bool                    `json:"development_certificate,omitempty"`
}

// countersignature is of one who signs after the first.
type countersignature struct {
	Signatory   audit.PersonID         `json:"signatory"`
	Meaning     audit.SignatureMeaning `json:"signature_meaning"`
	Signed      bool                   `json:"signed"`
	Timestamp   *string                `json:"signature_timestamp"`
	SignatureID string                 `json:"signature_id,omitempty"`
}

type reportFile struct {
	Format    audit.ReportFormat `json:"format"`
	Size      int64              `json:"size_bytes"`
	URL       string             `json:"download_url"`
	ExpiresAt string             `json:"expires_at"`
	Checksum  string             `json:"checksum"`
	Pages     int                `json:"pages,omitempty"`
	Omitted   int64              `json:"rows_omitted,omitempty"`
}

type reportDistribution struct {
	Sent       bool     `json:"email_sent"` // the provider has accepted every mail
	Recipients []string `json:"recipients"`
	Confirmed  bool     `json:"delivery_confirmation"` // every recipient's server has
}

type reportRetention struct {
	Period    string `json:"retention_period"`
	Location  string `json:"archive_location"`
	Immutable bool   `json:"immutable"`
	Until     string `json:"retained_until"`
}

func (s *server) reportView(r *http.Request, row *store.Report) (*reportBody, error) {
	req := &row.Request.V
	v := &reportBody{
		ID: row.ID, Status: row.Status, Type: req.Type, Case: req.Investigation, Period: reportPeriodOf(row.Period()),
		Generation: reportGeneration{GeneratedBy: first(row.RequestedBy.V["id"], row.RequestedBy.V["type"]).(string)},
		CreatedAt:  audit.FormatTime(row.CreatedAt), CancelRequestedAt: formatted(row.CancelRequestedAt),
	}
	if req.Framework != "" {
		v.Framework = &req.Framework
	}
	if row.Error != nil {
		v.Error = *row.Error
	}
	if row.Summary != nil {
		sum := &row.Summary.V
		sources := len(sum.Sources)
		v.Generation.Sources, v.Generation.Records = &sources, &sum.Entries
		v.Summary = &reportSummary{sum.Score, sum.ScoreReason, sum.Coverage, sum.Floor, sum.Entries, sum.Violations, sum.Critical, sum.Remediated, sum.Pending}
	}
	if err := s.signatureView(r, row, &v.Signature); err != nil {
		return nil, err
	}
	if err := s.sendingView(r, row, &v.Sending); err != nil {
		return nil, err
	}
	if row.Status != audit.ReportGenerated {
		return v, nil
	}
	at, took := formatted(row.CompletedAt), row.CompletedAt.Sub(row.CreatedAt).Milliseconds()
	v.Generation.GeneratedAt, v.Generation.Millis = &at, &took
	file := row.Artifact.V
	v.File = &reportFile{Format: req.Format, Size: file.Size, URL: s.reportURL(r, row.ID), ExpiresAt: formatted(row.LinksExpireAt), Checksum: file.Digest}
	if row.Seal != nil {
		v.File.Pages, v.File.Omitted = row.Seal.V.Pages, row.Seal.V.Omitted
	}
	policies, err := s.retention.of(r.Context(), row.Ledger)
	if err != nil {
		return nil, err
	}
	name, until := audit.KeptFrom(*row.CompletedAt, policies.Current().Policy.AuditLogs.RetentionDays)
	v.Retention = &reportRetention{Period: name, Location: "artifact_store", Immutable: true, Until: audit.FormatTime(until)}
	return v, nil
}

// reportPeriodOf names the last second of a period, and counts the days that it
// touches.
func reportPeriodOf(p audit.Period) reportPeriod {
	days := int(math.Ceil(p.Until.Sub(p.From).Hours() / 24))
	return reportPeriod{audit.FormatTime(p.From), audit.FormatTime(p.Until.Add(-time.Second)), days}
}

func (s *server) signatureView(r *http.Request, row *store.Report, v *reportSignature) error {
	if seal := row.Seal; seal != nil && row.Status == audit.ReportGenerated {
		v.Sealed, v.Fingerprint, v.Development = true, &seal.V.Fingerprint, seal.V.Development
		if seal.V.StampedAt != nil {
			at := formatted(seal.V.StampedAt)
			v.StampedAt = &at
		}
	}
	if row.Signatory == nil {
		return nil
	}
	who, all := string(*row.Signatory), row.Signatories()
	v.Required, v.Signatory, v.Meaning, v.DueAt = true, &who, &row.Request.V.Signature.Meaning, formatted(row.SignatureDueAt)
	given, err := s.Store.SignaturesOf(r.Context(), row.Ledger, row.ID)
	if err != nil {
		return err
	}
	if v.Signed = len(given) == len(all); v.Signed {
		v.DueAt = ""
	} else if row.Status == audit.ReportPending {
		v.Awaited = &all[len(given)].Person
	}
	for i, of := range all {
		c := countersignature{Signatory: of.Person, Meaning: of.Meaning}
		if i < len(given) {
			at := audit.FormatTime(given[i].SignedAt)
			c.Signed, c.Timestamp, c.SignatureID = true, &at, given[i].ID
		}
		if i == 0 {
			v.Timestamp, v.SignatureID = c.Timestamp, c.SignatureID
		} else {
			v.Then = append(v.Then, c)
		}
	}
	return nil
}

// sendingView says of each recipient's newest mail whether it was accepted and
// delivered.
func (s *server) sendingView(r *http.Request, row *store.Report, v *reportDistribution) error {
	v.Recipients = shownAddresses(r, row.Request.V.Distribution)
	if row.Status != audit.ReportGenerated {
		return nil
	}
	list, err := s.Store.Deliveries(r.Context(), row.Ledger, row.ID)
	if err != nil || len(list) == 0 {
		return err
	}
	newest := map[string]audit.DeliveryState{}
	var recipients []string
	for _, d := range list {
		if _, known := newest[d.Recipient]; !known {
			recipients = append(recipients, d.Recipient)
		}
		newest[d.Recipient] = d.State
	}
	v.Recipients = shownAddresses(r, recipients)
	v.Sent, v.Confirmed = true, true
	for _, state := range newest {
		v.Sent = v.Sent && (state == audit.DeliveryAccepted || state == audit.DeliveryDelivered || state == audit.DeliveryBounced)
		v.Confirmed = v.Confirmed && state == audit.DeliveryDelivered
	}
	return nil
}

// shownAddresses are e-mail addresses as the caller may see them.
func shownAddresses(r *http.Request, addresses []string) []string {
	out := append([]string{}, addresses...)
	if !principal(r).Can(audit.ReadSensitive) {
		for i := range out {
			out[i] = audit.Masked
		}
	}
	return out
}
