package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// The types of the entries about what the API itself does. They start with
// [audit.ReservedPrefix], so nobody else can write them.
const (
	typeEntryRead           = "audit.entry_read"
	typeProofRead           = "audit.proof_read"
	typeEvidenceRead        = "audit.evidence_read"
	typeAssessmentRead      = "audit.compliance_assessment_read"
	typeKeyRead             = "audit.api_key_read"
	typeResourceRead        = "audit.resource_read" // what has no type of its own
	typeReadsCounted        = "audit.reads_counted"
	typeVerified            = audit.TypeLedgerVerified
	typeAssessmentRequested = "audit.compliance_assessment_requested"
	typeAssessmentCancel    = "audit.compliance_assessment_cancel_requested"
	typeCatalogAdded        = "audit.compliance_catalog_added"
	typeFindingChanged      = "audit.compliance_finding_changed"
	typeViolationChanged    = "audit.compliance_violation_changed"
	typeFindingRead         = "audit.compliance_finding_read"
	typeViolationRead       = "audit.compliance_violation_read"
	typeVerifyRequested     = "audit.ledger_verification_requested"
	typeVerifyCancel        = "audit.ledger_verification_cancel_requested"
	typeTampering           = "audit.tampering_detected"
	typeTypeRegistered      = "audit.event_type_registered"
	typeSchemaAdded         = "audit.event_schema_registered"
	typeExportRequested     = "audit.evidence_export_requested"
	typeExportCancel        = "audit.evidence_export_cancel_requested"
	typeDownloaded          = "audit.evidence_downloaded"
	typeKeyCreated          = "audit.api_key_created"
	typeKeyRotated          = "audit.api_key_rotated"
	typeKeyRevoked          = "audit.api_key_revoked"

	typePersonCreated     = "audit.person_created"
	typePersonChanged     = "audit.person_changed"
	typePersonReset       = "audit.person_reset"
	typeResetConfirmed    = "audit.person_reset_confirmed"
	typePersonUnlocked    = "audit.person_unlocked"
	typePersonDeactivated = "audit.person_deactivated"
	typePersonRead        = "audit.person_read"
	typeEnrolmentBegun    = "audit.enrolment_begun"
	typeEnrolled          = "audit.enrolled"
	typeSessionStarted    = "audit.session_started"
	typeSessionEnded      = "audit.session_ended"
	typeSignInFailed      = "audit.sign_in_failed"
	typePasswordChanged   = "audit.password_changed"
	typePasskeyAdded      = "audit.passkey_added"
	typePasskeyRemoved    = "audit.passkey_removed"
	typeIdentityLinked    = "audit.identity_linked"
	typeIdentityUnlinked  = "audit.identity_unlinked"

	typeStreamCreated  = "audit.stream_created"
	typeStreamChanged  = "audit.stream_changed"
	typeStreamDeleted  = "audit.stream_deleted"
	typeStreamReplayed = "audit.stream_replayed"
	typeStreamRotated  = "audit.stream_secret_rotated"
	typeStreamTested   = "audit.stream_tested"
	typeStreamRead     = "audit.stream_read"

	typeReportRequested    = "audit.report_requested"
	typeReportCancel       = "audit.report_cancel_requested"
	typeReportRead         = "audit.report_read"
	typeReportDownloaded   = "audit.report_downloaded"
	typeReportLinks        = "audit.report_links_renewed"
	typeReportResent       = "audit.report_distribution_requested"
	typeReportChecked      = "audit.report_verified"
	typeDeliveriesRead     = "audit.report_deliveries_read"
	typeDocumentViewed     = "audit.document_viewed"
	typeSignatureChallenge = "audit.signature_challenged"
	typeSigned             = "audit.signature_executed"
	typeSignatureFailed    = "audit.signature_failed"
	typeSignatureDeclined  = "audit.signature_declined"
	typeSignatureRead      = "audit.signature_read"

	typeInvestigationRead = audit.InvestigationEvent + "read"
	typeHoldIssued        = "audit.legal_hold_issued"
	typeHoldReleased      = "audit.legal_hold_released"
	typeHoldRead          = "audit.legal_hold_read"

	typeErasureRequested = "audit.erasure_requested"
	typeErasureApproved  = "audit.erasure_approved"
	typeErasureDeclined  = "audit.erasure_declined"
	typeErasureRead      = "audit.erasure_read"

	typeArchiveOrdered     = "audit.archive_ordered"
	typeRetrievalRequested = "audit.archive_retrieval_requested"
	typeRetrievalApproved  = "audit.archive_retrieval_approved"
	typeRetrievalRefused   = "audit.archive_retrieval_refused"
	typeRetrievalRead      = "audit.archive_retrieval_read"
	typeRetentionChanged   = "audit.retention_policy_changed"

	typeRetentionChangeRequested = "audit.retention_change_requested"
	typeRetentionChangeApproved  = "audit.retention_change_approved"
	typeRetentionChangeRefused   = "audit.retention_change_refused"
	typeRetentionChangeRead      = "audit.retention_change_read"

	typeEvidenceUploaded = "audit.evidence_uploaded"
)

// maxUserAgent bounds what of a client's name is recorded, in bytes.
const maxUserAgent = 512

// action is an entry about what a caller does here: who, from where, in which
// request.
func action(r *http.Request, eventType string, resource, details audit.Object) audit.Event {
	return audit.Event{
		Type: eventType, Class: audit.ClassSystem, Severity: audit.SeverityLow,
		Actor: principal(r).Actor(), Resource: resource, Details: details,
		Context:  audit.Object{"source_ip": remoteIP(r), "user_agent": userAgent(r)},
		Metadata: audit.Object{"request_id": callOf(r).id},
	}
}

func userAgent(r *http.Request) string {
	agent := r.UserAgent()
	return strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "")
}

// record appends one entry about the caller's action, with the statements that
// belong to it. The action takes place only if it is recorded.
func (s *server) record(r *http.Request, e audit.Event, key *ledger.RequestKey, with store.Statements) (ledger.Outcome, error) {
	out, err := s.append(r, ledger.Submission{Events: []audit.Event{e}, Request: key, With: with})
	if err != nil {
		return out, err
	}
	return out, out.Items[0].Err
}

// read decodes a row as it is stored. What contradicts its own hashes is
// returned all the same, as far as it can be read, and raises an alarm: an
// entry that says so, once, and an error in the log.
func (s *server) read(r *http.Request, row *ledger.Row) audit.Entry {
	e, err := row.Entry()
	if err != nil {
		e = audit.Entry{Seq: row.Seq, Hash: ledger.FormatHash(row.Leaf)}
		if rec, err := ledger.ParseRecord(row.Record); err == nil {
			e.Type, e.EventID, e.RecordedAt = rec.EventType, rec.EventID.String(), rec.RecordedAt
			e.Previous, e.Checksum = ledger.FormatHash(rec.Prev), fmt.Sprintf("%x", rec.PayloadRoot[:])
		}
	}
	if !e.Verified {
		_, why := row.Check()
		if why == nil {
			why = err
		}
		s.alarm(r, row.Seq, why)
	}
	return e
}

func (s *server) alarm(r *http.Request, seq int64, why error) {
	reason := "it cannot be read"
	if why != nil {
		reason = why.Error()
	}
	s.Logger.ErrorContext(r.Context(), "tampering detected", "ledger", principal(r).Ledger, "entry", seq, "reason", reason, "request_id", callOf(r).id)
	_, err := s.append(r, ledger.Submission{Events: []audit.Event{{
		Type: typeTampering, Class: audit.ClassSecurity, Severity: audit.SeverityCritical,
		ExternalID: fmt.Sprintf("%stampering/%d", audit.ReservedExternalID, seq),
		Actor:      audit.Object{"type": "system", "id": "sealbook"},
		Resource:   audit.Object{"type": "audit_entry"},
		Details:    audit.Object{"seq": seq, "reason": reason},
	}}})
	if err != nil { // the caller still gets to see the entry
		s.Logger.ErrorContext(r.Context(), "alarm not recorded", "entry", seq, "error", err)
	}
}
