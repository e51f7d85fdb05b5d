// Code generated from api/openapi.yaml by go generate ./client; DO NOT EDIT.

package client

import (
	"bytes"
	"encoding/json"
	"time"
)

type APIKey struct {
	ID string `json:"id"`
	// the secret; shown once
	Key  string `json:"key,omitzero"`
	Name string `json:"name"`
	// the last characters of the secret
	Last4        string       `json:"last4"`
	Status       APIKeyStatus `json:"status"`
	Role         RoleName     `json:"role,omitzero"`
	Permissions  []Permission `json:"permissions"`
	Constraints  *Constraints `json:"constraints,omitzero"`
	AllowedCIDRs []string     `json:"allowed_cidrs,omitzero"`
	CreatedBy    string       `json:"created_by"`
	CreatedAt    time.Time    `json:"created_at"`
	ExpiresAt    time.Time    `json:"expires_at,omitzero"`
	// to the minute
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	RotatedAt  time.Time `json:"rotated_at,omitzero"`
	// the secret before the last rotation is good until then
	PreviousValidUntil time.Time `json:"previous_valid_until,omitzero"`
	RevokedAt          time.Time `json:"revoked_at,omitzero"`
}

// APIKeyRequest: either permissions or a role
type APIKeyRequest struct {
	// 1 to 256 bytes
	Name        string       `json:"name"`
	Permissions []Permission `json:"permissions,omitzero"`
	Role        RoleName     `json:"role,omitzero"`
	Constraints *Constraints `json:"constraints,omitzero"`
	// networks such as 192.0.2.0/24, or addresses, from which the key may be used; none is anywhere
	AllowedCIDRs []string `json:"allowed_cidrs,omitzero"`
	// RFC 3339, in the future; never if left out
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// APIKeyStatus is one of these, or one that is newer than this package.
type APIKeyStatus string

// The values of APIKeyStatus.
const (
	APIKeyStatusActive  APIKeyStatus = "active"
	APIKeyStatusExpired APIKeyStatus = "expired"
	APIKeyStatusRevoked APIKeyStatus = "revoked"
)

type AddCaseEvidenceRequest struct {
	// with a file name
	File  File   `json:"file"`
	Title string `json:"title"`
	// where it is from and how it was acquired
	Source string `json:"source"`
}

type AggregatedEvidence struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	// the framework's criteria for which it is evidence
	Criteria  []string  `json:"criteria"`
	DateRange DateRange `json:"date_range"`
	// entries whose events lie in the period
	RecordCount int64     `json:"record_count"`
	FirstEvent  time.Time `json:"first_event,omitzero"`
	LastEvent   time.Time `json:"last_event,omitzero"`
}

type AnchorPlace struct {
	Kind AnchorPlaceKind `json:"kind"`
	// a URL without credentials, or the name in the witness's key
	Name string `json:"name"`
	// whether the workers still publish there
	Configured bool                 `json:"configured"`
	Anchored   *AnchorPlaceAnchored `json:"anchored"`
	// why nothing is anchored there
	Reason      string                  `json:"reason,omitzero"`
	LastAttempt *AnchorPlaceLastAttempt `json:"last_attempt"`
}

// AnchorPlaceAnchored: the largest checkpoint that is anchored there
type AnchorPlaceAnchored struct {
	Size       int64     `json:"size"`
	AnchoredAt time.Time `json:"anchored_at"`
	// the signed note that the evidence is about; of a witness, with its cosignature
	Note string `json:"note"`
	// an RFC 3161 token in DER, the object's URL, or a cosignature's line
	Evidence []byte `json:"evidence"`
}

// AnchorPlaceKind is one of these, or one that is newer than this package.
type AnchorPlaceKind string

// The values of AnchorPlaceKind.
const (
	AnchorPlaceKindTimestamp AnchorPlaceKind = "timestamp"
	AnchorPlaceKindBucket    AnchorPlaceKind = "bucket"
	AnchorPlaceKindWitness   AnchorPlaceKind = "witness"
)

type AnchorPlaceLastAttempt struct {
	At   time.Time `json:"at"`
	Size int64     `json:"size"`
	// code and reason; null when it succeeded
	Error *string `json:"error"`
}

type Anchors struct {
	Registry *AnchorsRegistry `json:"registry"`
	// the largest size of the registry that some place outside has
	AnchoredThrough *int64 `json:"anchored_through"`
	// entries of the registry beyond that; null before the first publication
	OperatorAttestedEntries *int64 `json:"operator_attested_entries"`
	// why nothing is anchored
	Reason string        `json:"reason,omitzero"`
	Places []AnchorPlace `json:"places"`
}

// AnchorsRegistry: the newest published checkpoint of the registry
type AnchorsRegistry struct {
	Origin      string    `json:"origin"`
	Size        int64     `json:"size"`
	Root        string    `json:"root"`
	PublishedAt time.Time `json:"published_at"`
	// the checkpoint as a C2SP signed note, with the cosignatures that it has
	Note string `json:"note"`
}

type ArchiveRequest struct {
	// of the time of recording, RFC 3339
	Before string `json:"before"`
	Reason string `json:"reason"`
}

type ArchiveRun struct {
	RunID  string    `json:"run_id"`
	Before time.Time `json:"before"`
	Reason string    `json:"reason"`
}

type ArchiveSegment struct {
	Segment string `json:"segment"`
	// written: its payloads are still in the database; archived: in the file alone, but for those
	// held; online: a retrieval brought them back
	State   ArchiveSegmentState `json:"state"`
	Entries int64               `json:"entries"`
	// payloads that a legal hold keeps in the database
	Held          int64      `json:"held"`
	FirstSeq      int64      `json:"first_seq"`
	LastSeq       int64      `json:"last_seq"`
	RecordedFrom  time.Time  `json:"recorded_from"`
	RecordedUntil time.Time  `json:"recorded_until"`
	KeptUntil     time.Time  `json:"kept_until"`
	Checksum      string     `json:"checksum"`
	SizeBytes     int64      `json:"size_bytes"`
	ArchivedAt    time.Time  `json:"archived_at"`
	PurgedAt      *time.Time `json:"purged_at"`
	OnlineUntil   *time.Time `json:"online_until"`
	DestroyedAt   *time.Time `json:"destroyed_at"`
	// when the file was last read again and compared with the ledger; null: not since archived_at,
	// when it was read back
	LastCheckedAt *time.Time `json:"last_checked_at"`
	// what was wrong with the file then: begins with lost or damaged; null is nothing, and of a
	// destroyed one
	Problem *string `json:"problem"`
}

// ArchiveSegmentState is one of these, or one that is newer than this package.
type ArchiveSegmentState string

// The values of ArchiveSegmentState.
const (
	ArchiveSegmentStateWritten   ArchiveSegmentState = "written"
	ArchiveSegmentStateArchived  ArchiveSegmentState = "archived"
	ArchiveSegmentStateOnline    ArchiveSegmentState = "online"
	ArchiveSegmentStateDestroyed ArchiveSegmentState = "destroyed"
)

type Assessment struct {
	AssessmentID string `json:"assessment_id"`
	// completed: there is a result, whatever it is
	Status     AssessmentStatus      `json:"status"`
	Frameworks []AssessmentFramework `json:"frameworks"`
	// own catalogues that were asked for
	Catalogs []string `json:"catalogs,omitzero"`
	// the second bound does not belong to it
	Period            AssessmentPeriod `json:"period"`
	RequestedBy       map[string]any   `json:"requested_by"`
	CreatedAt         time.Time        `json:"created_at"`
	CompletedAt       time.Time        `json:"completed_at,omitzero"`
	CancelRequestedAt time.Time        `json:"cancel_requested_at,omitzero"`
	// why a failed assessment failed
	Error    string              `json:"error,omitzero"`
	Progress *AssessmentProgress `json:"progress,omitzero"`
	// of the whole result
	SHA256 string            `json:"sha256,omitzero"`
	Result *AssessmentResult `json:"result,omitzero"`
}

// AssessmentFramework is one of these, or one that is newer than this package.
type AssessmentFramework string

// The values of AssessmentFramework.
const (
	AssessmentFrameworkSOC2       AssessmentFramework = "SOC2"
	AssessmentFrameworkFDA21cfr11 AssessmentFramework = "FDA_21CFR11"
	AssessmentFrameworkISO27001   AssessmentFramework = "ISO_27001"
	AssessmentFrameworkGDPR       AssessmentFramework = "GDPR"
	AssessmentFrameworkSOX        AssessmentFramework = "SOX"
	AssessmentFrameworkNISTCSF    AssessmentFramework = "NIST_CSF"
)

// AssessmentPeriod: the second bound does not belong to it
type AssessmentPeriod struct {
	Name  string    `json:"name,omitzero"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

type AssessmentProgress struct {
	Stage        string `json:"stage"`
	EntriesDone  int64  `json:"entries_done"`
	EntriesTotal int64  `json:"entries_total"`
}

type AssessmentRequest struct {
	// current_year, current_quarter, current_month, last_30_days, last_90_days, last_year, YYYY,
	// YYYY-Qn or YYYY-MM, instead of from and to
	Period string `json:"period,omitzero"`
	// default: 90 days before the end
	From string `json:"from,omitzero"`
	// default, and at most: now
	To string `json:"to,omitzero"`
	// default: all, or those of the catalogues
	Frameworks []string `json:"frameworks,omitzero"`
	// own catalogues by their ids, each instead of the shipped one of its framework
	Catalogs []string `json:"catalogs,omitzero"`
}

type AssessmentResult struct {
	// the ledger's origin
	Ledger string `json:"ledger"`
	// the first entry that was read
	FirstSeq int64 `json:"first_seq"`
	// the size of the tree that was read, whose root is root
	EndSeq           int64  `json:"end_seq"`
	Root             string `json:"root"`
	VerificationHash string `json:"verification_hash"`
	// what was known beside the entries: as of when, probes of the ledger, uploads
	Facts      map[string]any    `json:"facts"`
	Frameworks []FrameworkReport `json:"frameworks"`
}

// AssessmentStatus is one of these, or one that is newer than this package.
type AssessmentStatus string

// The values of AssessmentStatus.
const (
	AssessmentStatusQueued     AssessmentStatus = "queued"
	AssessmentStatusProcessing AssessmentStatus = "processing"
	AssessmentStatusCompleted  AssessmentStatus = "completed"
	AssessmentStatusFailed     AssessmentStatus = "failed"
	AssessmentStatusCanceled   AssessmentStatus = "canceled"
)

type AttestData struct {
	Framework     Framework        `json:"framework"`
	RequirementID string           `json:"requirement_id"`
	ValidUntil    time.Time        `json:"valid_until"`
	Evidence      UploadedEvidence `json:"evidence"`
}

type AttestationRequest struct {
	Framework     string `json:"framework"`
	RequirementID string `json:"requirement_id"`
	Statement     string `json:"statement"`
	// of what is attested; default: today
	Date string `json:"date,omitzero"`
}

type BulkData struct {
	Results   []BulkItem `json:"results"`
	Created   int64      `json:"created"`
	Duplicate int64      `json:"duplicate"`
	Rejected  int64      `json:"rejected"`
}

type BulkItem struct {
	Index         int64          `json:"index"`
	Status        BulkItemStatus `json:"status"`
	ID            string         `json:"id,omitzero"`
	LogID         string         `json:"log_id,omitzero"`
	Seq           *int64         `json:"seq,omitzero"`
	Hash          string         `json:"hash,omitzero"`
	Investigation *Opened        `json:"investigation,omitzero"`
	Receipt       *Receipt       `json:"receipt,omitzero"`
	Error         *ErrorBody     `json:"error,omitzero"`
}

// BulkItemStatus is one of these, or one that is newer than this package.
type BulkItemStatus string

// The values of BulkItemStatus.
const (
	BulkItemStatusCreated   BulkItemStatus = "created"
	BulkItemStatusDuplicate BulkItemStatus = "duplicate"
	BulkItemStatusRejected  BulkItemStatus = "rejected"
)

type CaseEvent struct {
	EventID string         `json:"event_id"`
	Event   string         `json:"event"`
	Stage   CaseEventStage `json:"stage"`
	Version int64          `json:"version"`
	Actor   map[string]any `json:"actor"`
	Reason  string         `json:"reason,omitzero"`
	Details map[string]any `json:"details"`
	At      time.Time      `json:"at"`
}

// CaseEventStage is one of these, or one that is newer than this package.
type CaseEventStage string

// The values of CaseEventStage.
const (
	CaseEventStageScoping            CaseEventStage = "scoping"
	CaseEventStageEvidenceCollection CaseEventStage = "evidence_collection"
	CaseEventStageAnalysis           CaseEventStage = "analysis"
	CaseEventStageFindingsReview     CaseEventStage = "findings_review"
	CaseEventStageImplications       CaseEventStage = "implications"
	CaseEventStageDecision           CaseEventStage = "decision"
	CaseEventStageClosed             CaseEventStage = "closed"
)

type CaseEvidence struct {
	EvidenceID             string                    `json:"evidence_id"`
	Type                   string                    `json:"type"`
	Title                  string                    `json:"title"`
	Source                 map[string]any            `json:"source"`
	FirstSeq               *int64                    `json:"first_seq"`
	EndSeq                 *int64                    `json:"end_seq"`
	Items                  int64                     `json:"items"`
	SHA256                 string                    `json:"sha256"`
	SizeBytes              int64                     `json:"size_bytes"`
	FileName               string                    `json:"file_name"`
	MediaType              string                    `json:"media_type"`
	EffectiveFrom          *time.Time                `json:"effective_from"`
	EffectiveTo            *time.Time                `json:"effective_to"`
	AcquiredAt             time.Time                 `json:"acquired_at"`
	AcquiredBy             map[string]any            `json:"acquired_by"`
	Round                  int64                     `json:"round"`
	ChainOfCustodyVerified bool                      `json:"chain_of_custody_verified"`
	ChainOfCustodyReason   string                    `json:"chain_of_custody_reason,omitzero"`
	Custody                []CaseEvidenceCustodyItem `json:"custody"`
}

type CaseEvidenceCustodyItem struct {
	Number       int64                        `json:"number"`
	Event        CaseEvidenceCustodyItemEvent `json:"event"`
	Actor        map[string]any               `json:"actor"`
	Recipient    string                       `json:"recipient,omitzero"`
	Reason       string                       `json:"reason,omitzero"`
	SHA256Before string                       `json:"sha256_before"`
	SHA256After  string                       `json:"sha256_after"`
	Tool         string                       `json:"tool"`
	At           time.Time                    `json:"at"`
}

// CaseEvidenceCustodyItemEvent is one of these, or one that is newer than this package.
type CaseEvidenceCustodyItemEvent string

// The values of CaseEvidenceCustodyItemEvent.
const (
	CaseEvidenceCustodyItemEventCollected   CaseEvidenceCustodyItemEvent = "collected"
	CaseEvidenceCustodyItemEventAccessed    CaseEvidenceCustodyItemEvent = "accessed"
	CaseEvidenceCustodyItemEventAnalysed    CaseEvidenceCustodyItemEvent = "analysed"
	CaseEvidenceCustodyItemEventTransferred CaseEvidenceCustodyItemEvent = "transferred"
	CaseEvidenceCustodyItemEventAccepted    CaseEvidenceCustodyItemEvent = "accepted"
	CaseEvidenceCustodyItemEventExported    CaseEvidenceCustodyItemEvent = "exported"
	CaseEvidenceCustodyItemEventVerified    CaseEvidenceCustodyItemEvent = "verified"
	CaseEvidenceCustodyItemEventFailed      CaseEvidenceCustodyItemEvent = "failed"
	CaseEvidenceCustodyItemEventSealed      CaseEvidenceCustodyItemEvent = "sealed"
	CaseEvidenceCustodyItemEventErased      CaseEvidenceCustodyItemEvent = "erased"
)

type CaseFinding struct {
	FindingID string              `json:"finding_id"`
	Analysis  CaseFindingAnalysis `json:"analysis"`
	Kind      CaseFindingKind     `json:"kind"`
	Severity  CaseFindingSeverity `json:"severity"`
	Title     string              `json:"title"`
	Round     int64               `json:"round"`
	Status    CaseFindingStatus   `json:"status"`
	DecidedBy map[string]any      `json:"decided_by"`
	DecidedAt *time.Time          `json:"decided_at"`
	Reason    *string             `json:"reason"`
	CreatedAt time.Time           `json:"created_at"`
	Result    map[string]any      `json:"result"`
}

// CaseFindingAnalysis is one of these, or one that is newer than this package.
type CaseFindingAnalysis string

// The values of CaseFindingAnalysis.
const (
	CaseFindingAnalysisPatternDetection     CaseFindingAnalysis = "pattern_detection"
	CaseFindingAnalysisUserBehaviorAnalysis CaseFindingAnalysis = "user_behavior_analysis"
	CaseFindingAnalysisDataFlowMapping      CaseFindingAnalysis = "data_flow_mapping"
	CaseFindingAnalysisManual               CaseFindingAnalysis = "manual"
)

// CaseFindingKind is one of these, or one that is newer than this package.
type CaseFindingKind string

// The values of CaseFindingKind.
const (
	CaseFindingKindFact        CaseFindingKind = "fact"
	CaseFindingKindPattern     CaseFindingKind = "pattern"
	CaseFindingKindUnusual     CaseFindingKind = "unusual"
	CaseFindingKindObservation CaseFindingKind = "observation"
)

// CaseFindingSeverity is one of these, or one that is newer than this package.
type CaseFindingSeverity string

// The values of CaseFindingSeverity.
const (
	CaseFindingSeverityLow      CaseFindingSeverity = "low"
	CaseFindingSeverityMedium   CaseFindingSeverity = "medium"
	CaseFindingSeverityHigh     CaseFindingSeverity = "high"
	CaseFindingSeverityCritical CaseFindingSeverity = "critical"
)

// CaseFindingStatus is one of these, or one that is newer than this package.
type CaseFindingStatus string

// The values of CaseFindingStatus.
const (
	CaseFindingStatusCandidate CaseFindingStatus = "candidate"
	CaseFindingStatusAccepted  CaseFindingStatus = "accepted"
	CaseFindingStatusRejected  CaseFindingStatus = "rejected"
)

type CaseMetadata struct {
	Timestamp  time.Time `json:"timestamp"`
	RequestID  string    `json:"request_id"`
	CaseNumber string    `json:"case_number"`
}

type CaseNote struct {
	NoteID    string         `json:"note_id"`
	Author    map[string]any `json:"author"`
	Text      string         `json:"text"`
	CreatedAt time.Time      `json:"created_at"`
}

type Catalog struct {
	Framework         Framework `json:"framework"`
	Edition           string    `json:"edition"`
	Version           int64     `json:"version"`
	Digest            string    `json:"digest"`
	RequirementsTotal int64     `json:"requirements_total"`
	// criteria that no log can show
	NotInLedger  []string             `json:"not_in_ledger"`
	Requirements []CatalogRequirement `json:"requirements,omitzero"`
}

type CatalogRequirement struct {
	ID        string                     `json:"id"`
	Criterion string                     `json:"criterion"`
	Title     string                     `json:"title"`
	Severity  CatalogRequirementSeverity `json:"severity"`
	Checks    []CatalogRequirementCheck  `json:"checks"`
}

type CatalogRequirementCheck struct {
	ID   string                      `json:"id"`
	Kind CatalogRequirementCheckKind `json:"kind"`
}

// CatalogRequirementCheckKind is one of these, or one that is newer than this package.
type CatalogRequirementCheckKind string

// The values of CatalogRequirementCheckKind.
const (
	CatalogRequirementCheckKindRatio       CatalogRequirementCheckKind = "ratio"
	CatalogRequirementCheckKindAbsence     CatalogRequirementCheckKind = "absence"
	CatalogRequirementCheckKindCadence     CatalogRequirementCheckKind = "cadence"
	CatalogRequirementCheckKindSla         CatalogRequirementCheckKind = "sla"
	CatalogRequirementCheckKindSequence    CatalogRequirementCheckKind = "sequence"
	CatalogRequirementCheckKindUnique      CatalogRequirementCheckKind = "unique"
	CatalogRequirementCheckKindIntegrity   CatalogRequirementCheckKind = "integrity"
	CatalogRequirementCheckKindAttestation CatalogRequirementCheckKind = "attestation"
)

// CatalogRequirementSeverity is one of these, or one that is newer than this package.
type CatalogRequirementSeverity string

// The values of CatalogRequirementSeverity.
const (
	CatalogRequirementSeverityLow      CatalogRequirementSeverity = "low"
	CatalogRequirementSeverityMedium   CatalogRequirementSeverity = "medium"
	CatalogRequirementSeverityHigh     CatalogRequirementSeverity = "high"
	CatalogRequirementSeverityCritical CatalogRequirementSeverity = "critical"
)

type CatalogUpload struct {
	// YAML, at most 512 KiB
	Text string `json:"text"`
}

// Ceremony: the signatory, meaning and signature are of the first; all of them are the list.
type Ceremony struct {
	ReportID         string                    `json:"report_id"`
	Required         bool                      `json:"required"`
	ReportStatus     CeremonyReportStatus      `json:"report_status"`
	Signatory        *Signatory                `json:"signatory"`
	SignatureMeaning *CeremonySignatureMeaning `json:"signature_meaning"`
	// what the signatory agrees to
	Statement string `json:"statement,omitzero"`
	// of the document to sign
	Digest *string `json:"digest"`
	// until when whose turn it is can sign
	DueAt     *time.Time `json:"due_at"`
	Signature *Signature `json:"signature"`
	// in the order in which they sign
	Signatories []CeremonySignatory `json:"signatories"`
	// whose turn it is
	AwaitedSignatory *Signatory `json:"awaited_signatory"`
}

// CeremonyReportStatus is one of these, or one that is newer than this package.
type CeremonyReportStatus string

// The values of CeremonyReportStatus.
const (
	CeremonyReportStatusQueued           CeremonyReportStatus = "queued"
	CeremonyReportStatusProcessing       CeremonyReportStatus = "processing"
	CeremonyReportStatusPendingSignature CeremonyReportStatus = "pending_signature"
	CeremonyReportStatusGenerated        CeremonyReportStatus = "generated"
	CeremonyReportStatusFailed           CeremonyReportStatus = "failed"
	CeremonyReportStatusCanceled         CeremonyReportStatus = "canceled"
)

type CeremonySignatory struct {
	Turn             int64                             `json:"turn"`
	Signatory        Signatory                         `json:"signatory"`
	SignatureMeaning CeremonySignatorySignatureMeaning `json:"signature_meaning"`
	Signature        *Signature                        `json:"signature"`
	// what mails told them about their turn; null before it
	Notice *SignatureNotice `json:"notice"`
}

// CeremonySignatorySignatureMeaning is one of these, or one that is newer than this package.
type CeremonySignatorySignatureMeaning string

// The values of CeremonySignatorySignatureMeaning.
const (
	CeremonySignatorySignatureMeaningAuthorship          CeremonySignatorySignatureMeaning = "authorship"
	CeremonySignatorySignatureMeaningResponsibility      CeremonySignatorySignatureMeaning = "responsibility"
	CeremonySignatorySignatureMeaningReview              CeremonySignatorySignatureMeaning = "review"
	CeremonySignatorySignatureMeaningVerification        CeremonySignatorySignatureMeaning = "verification"
	CeremonySignatorySignatureMeaningApproval            CeremonySignatorySignatureMeaning = "approval"
	CeremonySignatorySignatureMeaningReviewedAndApproved CeremonySignatorySignatureMeaning = "reviewed_and_approved"
)

// CeremonySignatureMeaning is one of these, or one that is newer than this package.
type CeremonySignatureMeaning string

// The values of CeremonySignatureMeaning.
const (
	CeremonySignatureMeaningAuthorship          CeremonySignatureMeaning = "authorship"
	CeremonySignatureMeaningResponsibility      CeremonySignatureMeaning = "responsibility"
	CeremonySignatureMeaningReview              CeremonySignatureMeaning = "review"
	CeremonySignatureMeaningVerification        CeremonySignatureMeaning = "verification"
	CeremonySignatureMeaningApproval            CeremonySignatureMeaning = "approval"
	CeremonySignatureMeaningReviewedAndApproved CeremonySignatureMeaning = "reviewed_and_approved"
)

type Challenge struct {
	Nonce            string                    `json:"nonce"`
	Digest           string                    `json:"digest"`
	SignatureMeaning ChallengeSignatureMeaning `json:"signature_meaning"`
	Statement        string                    `json:"statement"`
	// what every signatory can show: the first of the ways
	Components []ChallengeComponent `json:"components"`
	// all that this signatory can show, one of which is enough
	Ways      []SigningWay `json:"ways"`
	ExpiresAt time.Time    `json:"expires_at"`
}

// ChallengeComponent is one of these, or one that is newer than this package.
type ChallengeComponent string

// The values of ChallengeComponent.
const (
	ChallengeComponentPassword ChallengeComponent = "password"
	ChallengeComponentTotp     ChallengeComponent = "totp"
)

// ChallengeSignatureMeaning is one of these, or one that is newer than this package.
type ChallengeSignatureMeaning string

// The values of ChallengeSignatureMeaning.
const (
	ChallengeSignatureMeaningAuthorship          ChallengeSignatureMeaning = "authorship"
	ChallengeSignatureMeaningResponsibility      ChallengeSignatureMeaning = "responsibility"
	ChallengeSignatureMeaningReview              ChallengeSignatureMeaning = "review"
	ChallengeSignatureMeaningVerification        ChallengeSignatureMeaning = "verification"
	ChallengeSignatureMeaningApproval            ChallengeSignatureMeaning = "approval"
	ChallengeSignatureMeaningReviewedAndApproved ChallengeSignatureMeaning = "reviewed_and_approved"
)

type Change struct {
	// 1 to 1024 bytes
	Field        string `json:"field"`
	OldValue     any    `json:"old_value,omitzero"`
	NewValue     any    `json:"new_value,omitzero"`
	ChangeReason string `json:"change_reason,omitzero"`
}

type Check struct {
	Name  CheckName `json:"name"`
	Ready bool      `json:"ready"`
}

// CheckName is one of these, or one that is newer than this package.
type CheckName string

// The values of CheckName.
const (
	CheckNameDatabase  CheckName = "database"
	CheckNameArtifacts CheckName = "artifacts"
	CheckNameTemporal  CheckName = "temporal"
)

type CheckResult struct {
	Check   string          `json:"check"`
	Kind    CheckResultKind `json:"kind"`
	Verdict Verdict         `json:"verdict"`
	// why it is not assessed
	Reason     string `json:"reason,omitzero"`
	Population int64  `json:"population"`
	Passed     int64  `json:"passed"`
	Failed     int64  `json:"failed"`
	// not due yet
	Pending *int64 `json:"pending,omitzero"`
	// entries for which an expression had no value
	RuleErrors *int64   `json:"rule_errors,omitzero"`
	Share      *float64 `json:"share"`
	// of the share, at 95 % (Wilson)
	LowerBound *float64         `json:"lower_bound"`
	FewEvents  *bool            `json:"few_events,omitzero"`
	Exceptions []map[string]any `json:"exceptions,omitzero"`
}

// CheckResultKind is one of these, or one that is newer than this package.
type CheckResultKind string

// The values of CheckResultKind.
const (
	CheckResultKindRatio       CheckResultKind = "ratio"
	CheckResultKindAbsence     CheckResultKind = "absence"
	CheckResultKindCadence     CheckResultKind = "cadence"
	CheckResultKindSla         CheckResultKind = "sla"
	CheckResultKindSequence    CheckResultKind = "sequence"
	CheckResultKindUnique      CheckResultKind = "unique"
	CheckResultKindIntegrity   CheckResultKind = "integrity"
	CheckResultKindAttestation CheckResultKind = "attestation"
)

type Checkpoint struct {
	// the ledger's name in what it signs
	Origin string `json:"origin"`
	// entries
	Size      int64     `json:"size"`
	Root      string    `json:"root"`
	CreatedAt time.Time `json:"created_at"`
	// a C2SP tlog-checkpoint in a signed-note
	Note string `json:"note,omitzero"`
}

type CloseRequest struct {
	Resolution                     CloseRequestResolution `json:"resolution"`
	RootCause                      string                 `json:"root_cause"`
	Summary                        string                 `json:"summary,omitzero"`
	RegulatoryNotificationRequired *bool                  `json:"regulatory_notification_required,omitzero"`
}

// CloseRequestResolution is one of these, or one that is newer than this package.
type CloseRequestResolution string

// The values of CloseRequestResolution.
const (
	CloseRequestResolutionConfirmed    CloseRequestResolution = "confirmed"
	CloseRequestResolutionUnfounded    CloseRequestResolution = "unfounded"
	CloseRequestResolutionInconclusive CloseRequestResolution = "inconclusive"
	CloseRequestResolutionLegitimate   CloseRequestResolution = "legitimate"
)

// Code is one of these, or one that is newer than this package.
type Code string

// The values of Code.
const (
	CodeInvalidParameter            Code = "INVALID_PARAMETER"
	CodeMalformedJSON               Code = "MALFORMED_JSON"
	CodePaginationTooDeep           Code = "PAGINATION_TOO_DEEP"
	CodeInvalidCursor               Code = "INVALID_CURSOR"
	CodeUnauthenticated             Code = "UNAUTHENTICATED"
	CodeInsufficientAuditPrivileges Code = "INSUFFICIENT_AUDIT_PRIVILEGES"
	CodeNotFound                    Code = "NOT_FOUND"
	CodeMethodNotAllowed            Code = "METHOD_NOT_ALLOWED"
	CodeInvalidState                Code = "INVALID_STATE"
	CodeExternalIDConflict          Code = "EXTERNAL_ID_CONFLICT"
	CodeExportExpired               Code = "EXPORT_EXPIRED"
	CodeReportDownloadExpired       Code = "REPORT_DOWNLOAD_EXPIRED"
	CodeAuditDataArchived           Code = "AUDIT_DATA_ARCHIVED"
	CodeAuditDataDestroyed          Code = "AUDIT_DATA_DESTROYED"
	CodeLegalHoldActive             Code = "LEGAL_HOLD_ACTIVE"
	CodePreconditionRequired        Code = "PRECONDITION_REQUIRED"
	CodePreconditionFailed          Code = "PRECONDITION_FAILED"
	CodePayloadTooLarge             Code = "PAYLOAD_TOO_LARGE"
	CodeUnsupportedMediaType        Code = "UNSUPPORTED_MEDIA_TYPE"
	CodeValidationFailed            Code = "VALIDATION_FAILED"
	CodeIdempotencyKeyReused        Code = "IDEMPOTENCY_KEY_REUSED"
	CodeTampered                    Code = "TAMPERED"
	CodeRateLimited                 Code = "RATE_LIMITED"
	CodeUnavailable                 Code = "UNAVAILABLE"
	CodeInternal                    Code = "INTERNAL"
)

type Compliance struct {
	ComplianceAssessment ComplianceComplianceAssessment `json:"compliance_assessment"`
	Frameworks           []FrameworkStatus              `json:"frameworks"`
	// open findings and violations that nobody has accepted, as they stand now
	RiskAssessment       ComplianceRiskAssessment        `json:"risk_assessment"`
	RecentViolations     []Violation                     `json:"recent_violations,omitzero"`
	UpcomingRequirements []ComplianceUpcomingRequirement `json:"upcoming_requirements"`
}

type ComplianceComplianceAssessment struct {
	// the mean of the scores below that are known
	OverallScore    *float64                             `json:"overall_score"`
	Status          ComplianceComplianceAssessmentStatus `json:"status"`
	LastAssessment  *time.Time                           `json:"last_assessment"`
	NextAssessment  *time.Time                           `json:"next_assessment"`
	AssessmentID    *string                              `json:"assessment_id"`
	ScoreFloor      float64                              `json:"score_floor"`
	CoveragePercent float64                              `json:"coverage_percent"`
	// why there is no score
	Reason               string `json:"reason,omitzero"`
	NextAssessmentReason string `json:"next_assessment_reason,omitzero"`
}

// ComplianceComplianceAssessmentStatus is one of these, or one that is newer than this package.
type ComplianceComplianceAssessmentStatus string

// The values of ComplianceComplianceAssessmentStatus.
const (
	ComplianceComplianceAssessmentStatusCompliant            ComplianceComplianceAssessmentStatus = "compliant"
	ComplianceComplianceAssessmentStatusPartiallyCompliant   ComplianceComplianceAssessmentStatus = "partially_compliant"
	ComplianceComplianceAssessmentStatusInsufficientEvidence ComplianceComplianceAssessmentStatus = "insufficient_evidence"
	ComplianceComplianceAssessmentStatusNonCompliant         ComplianceComplianceAssessmentStatus = "non_compliant"
	ComplianceComplianceAssessmentStatusNotAssessed          ComplianceComplianceAssessmentStatus = "not_assessed"
)

type ComplianceMetadata struct {
	Timestamp        time.Time `json:"timestamp"`
	RequestID        string    `json:"request_id"`
	AssessmentPeriod string    `json:"assessment_period"`
}

// ComplianceRiskAssessment: open findings and violations that nobody has accepted, as they stand
// now
type ComplianceRiskAssessment struct {
	OverallRisk   *ComplianceRiskAssessmentOverallRisk `json:"overall_risk"`
	CriticalRisks int64                                `json:"critical_risks"`
	HighRisks     int64                                `json:"high_risks"`
	MediumRisks   int64                                `json:"medium_risks"`
	LowRisks      int64                                `json:"low_risks"`
	// (100 critical + 10 high + 3 medium + low) for each requirement that was assessed
	RiskIndex  *float64                           `json:"risk_index"`
	RiskTrends ComplianceRiskAssessmentRiskTrends `json:"risk_trends"`
	Reason     string                             `json:"reason,omitzero"`
}

// ComplianceRiskAssessmentOverallRisk is one of these, or one that is newer than this package.
type ComplianceRiskAssessmentOverallRisk string

// The values of ComplianceRiskAssessmentOverallRisk.
const (
	ComplianceRiskAssessmentOverallRiskLow      ComplianceRiskAssessmentOverallRisk = "low"
	ComplianceRiskAssessmentOverallRiskMedium   ComplianceRiskAssessmentOverallRisk = "medium"
	ComplianceRiskAssessmentOverallRiskHigh     ComplianceRiskAssessmentOverallRisk = "high"
	ComplianceRiskAssessmentOverallRiskCritical ComplianceRiskAssessmentOverallRisk = "critical"
)

type ComplianceRiskAssessmentRiskTrends struct {
	Direction *ComplianceRiskAssessmentRiskTrendsDirection `json:"direction"`
	// of the weighed risks, since one period ago
	ChangePercent *float64 `json:"change_percent"`
	Reason        string   `json:"reason,omitzero"`
}

// ComplianceRiskAssessmentRiskTrendsDirection is one of these, or one that is newer than this
// package.
type ComplianceRiskAssessmentRiskTrendsDirection string

// The values of ComplianceRiskAssessmentRiskTrendsDirection.
const (
	ComplianceRiskAssessmentRiskTrendsDirectionImproving ComplianceRiskAssessmentRiskTrendsDirection = "improving"
	ComplianceRiskAssessmentRiskTrendsDirectionWorsening ComplianceRiskAssessmentRiskTrendsDirection = "worsening"
	ComplianceRiskAssessmentRiskTrendsDirectionStable    ComplianceRiskAssessmentRiskTrendsDirection = "stable"
)

type ComplianceUpcomingRequirement struct {
	Requirement   string    `json:"requirement"`
	RequirementID string    `json:"requirement_id"`
	Framework     Framework `json:"framework"`
	DueDate       time.Time `json:"due_date"`
	// at risk: three quarters of the interval are over
	PreparationStatus ComplianceUpcomingRequirementPreparationStatus `json:"preparation_status"`
	CompletionPercent int64                                          `json:"completion_percent"`
}

// ComplianceUpcomingRequirementPreparationStatus is one of these, or one that is newer than this
// package.
type ComplianceUpcomingRequirementPreparationStatus string

// The values of ComplianceUpcomingRequirementPreparationStatus.
const (
	ComplianceUpcomingRequirementPreparationStatusNotStarted ComplianceUpcomingRequirementPreparationStatus = "not_started"
	ComplianceUpcomingRequirementPreparationStatusOnTrack    ComplianceUpcomingRequirementPreparationStatus = "on_track"
	ComplianceUpcomingRequirementPreparationStatusAtRisk     ComplianceUpcomingRequirementPreparationStatus = "at_risk"
	ComplianceUpcomingRequirementPreparationStatusOverdue    ComplianceUpcomingRequirementPreparationStatus = "overdue"
)

type ConsistencyProof struct {
	Consistency string `json:"consistency"`
	// a C2SP tlog-checkpoint in a signed-note
	First string `json:"first"`
	// a C2SP tlog-checkpoint in a signed-note
	Second string `json:"second"`
	// as RFC 6962 section 2.1.2 orders them
	Hashes []string `json:"hashes"`
}

// Constraints: what of the entries may be read: an entry must meet all of them. What is left out
// restricts nothing.
type Constraints struct {
	// the entry names one of these
	Frameworks []string `json:"frameworks,omitzero"`
	// an RFC 3339 time, or a date YYYY-MM-DD in UTC
	From string `json:"from,omitzero"`
	// an RFC 3339 time, or a date YYYY-MM-DD in UTC
	To string `json:"to,omitzero"`
	// the entry is of one of these, by id
	Repositories []string `json:"repositories,omitzero"`
}

// ControlResults: what the newest assessment found of the requirements filed under the criteria
type ControlResults struct {
	// whose download has every exception
	AssessmentID *string `json:"assessment_id"`
	// that was assessed, which may be another than that of the evidence
	Period          *DateRange             `json:"period"`
	Score           *float64               `json:"score"`
	CoveragePercent *float64               `json:"coverage_percent"`
	ScoreFloor      *float64               `json:"score_floor"`
	Results         []ControlResultsResult `json:"results"`
	// why there are none
	Reason string `json:"reason,omitzero"`
}

type ControlResultsResult struct {
	Requirement string                       `json:"requirement"`
	Criterion   string                       `json:"criterion"`
	Title       string                       `json:"title"`
	Severity    ControlResultsResultSeverity `json:"severity"`
	Notify      *bool                        `json:"notify,omitzero"`
	Verdict     Verdict                      `json:"verdict"`
	Checks      []CheckResult                `json:"checks"`
	// of the finding that is open
	ExceptionEntryIDs []string `json:"exception_entry_ids"`
}

// ControlResultsResultSeverity is one of these, or one that is newer than this package.
type ControlResultsResultSeverity string

// The values of ControlResultsResultSeverity.
const (
	ControlResultsResultSeverityLow      ControlResultsResultSeverity = "low"
	ControlResultsResultSeverityMedium   ControlResultsResultSeverity = "medium"
	ControlResultsResultSeverityHigh     ControlResultsResultSeverity = "high"
	ControlResultsResultSeverityCritical ControlResultsResultSeverity = "critical"
)

// CreateEntriesReceipts is one of these, or one that is newer than this package.
type CreateEntriesReceipts string

// The values of CreateEntriesReceipts.
const (
	CreateEntriesReceiptsAll  CreateEntriesReceipts = "all"
	CreateEntriesReceiptsNone CreateEntriesReceipts = "none"
)

type CreateEntriesRequest struct {
	Entries []EntryRequest `json:"entries"`
}

type CredentialChallenge struct {
	Nonce     string    `json:"nonce"`
	ExpiresAt time.Time `json:"expires_at"`
	// PublicKeyCredentialCreationOptions of Web Authentication as JSON, for
	// navigator.credentials.create; null: browsers know no passkeys at the public URL
	Passkey map[string]any `json:"passkey"`
	// null: nobody authenticates again with an identity provider here
	OIDC *ProviderRequest `json:"oidc"`
}

type Credentials struct {
	Components []CredentialsComponent `json:"components"`
	Passkeys   []Passkey              `json:"passkeys"`
	Identity   *LinkedIdentity        `json:"identity"`
}

// CredentialsComponent is one of these, or one that is newer than this package.
type CredentialsComponent string

// The values of CredentialsComponent.
const (
	CredentialsComponentPassword CredentialsComponent = "password"
	CredentialsComponentTotp     CredentialsComponent = "totp"
)

type CustodyRequest struct {
	Event CustodyRequestEvent `json:"event"`
	// of a transfer: a person by id or e-mail address
	Recipient string `json:"recipient,omitzero"`
	Reason    string `json:"reason,omitzero"`
}

// CustodyRequestEvent is one of these, or one that is newer than this package.
type CustodyRequestEvent string

// The values of CustodyRequestEvent.
const (
	CustodyRequestEventTransferred CustodyRequestEvent = "transferred"
	CustodyRequestEventAccepted    CustodyRequestEvent = "accepted"
)

// DateRange: both days belong to it
type DateRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type DecliningRequest struct {
	Reason string `json:"reason"`
}

type Delivery struct {
	// what the mail provider knows of it
	DeliveryID     string        `json:"delivery_id"`
	DistributionID string        `json:"distribution_id"`
	Recipient      string        `json:"recipient"`
	State          DeliveryState `json:"state"`
	Attempts       int64         `json:"attempts"`
	MessageID      string        `json:"message_id,omitzero"`
	// why it is in this state
	Detail    string          `json:"detail,omitzero"`
	CreatedAt time.Time       `json:"created_at"`
	ChangedAt time.Time       `json:"changed_at"`
	Events    []DeliveryEvent `json:"events"`
}

type DeliveryEvent struct {
	// in SendGrid's words
	Event  string    `json:"event"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitzero"`
}

// DeliveryState is one of these, or one that is newer than this package.
type DeliveryState string

// The values of DeliveryState.
const (
	DeliveryStatePending   DeliveryState = "pending"
	DeliveryStateSending   DeliveryState = "sending"
	DeliveryStateAccepted  DeliveryState = "accepted"
	DeliveryStateDelivered DeliveryState = "delivered"
	DeliveryStateBounced   DeliveryState = "bounced"
	DeliveryStateDropped   DeliveryState = "dropped"
	DeliveryStateRefused   DeliveryState = "refused"
	DeliveryStateUnknown   DeliveryState = "unknown"
)

type Distribution struct {
	DistributionID string   `json:"distribution_id"`
	Recipients     []string `json:"recipients"`
}

type DistributionRequest struct {
	// e-mail addresses, at most 50 different ones
	Recipients []string `json:"recipients,omitzero"`
}

// DocsFileFile is one of these, or one that is newer than this package.
type DocsFileFile string

// The values of DocsFileFile.
const (
	DocsFileFileDocsCss DocsFileFile = "docs.css"
	DocsFileFileDocsJs  DocsFileFile = "docs.js"
)

// DownloadAssessmentFormat is one of these, or one that is newer than this package.
type DownloadAssessmentFormat string

// The values of DownloadAssessmentFormat.
const (
	DownloadAssessmentFormatJSON  DownloadAssessmentFormat = "json"
	DownloadAssessmentFormatOscal DownloadAssessmentFormat = "oscal"
)

type Enrolment struct {
	// to enrol with
	Code string `json:"code"`
	// 12 to 256 characters
	Password string `json:"password"`
}

type EnrolmentConfirmation struct {
	// to enrol with
	Code string `json:"code"`
	// of the authenticator
	Totp string `json:"totp"`
}

type EnrolmentSecret struct {
	UserID string `json:"user_id"`
	Email  string `json:"email"`
	// to type into an authenticator
	TotpSecret string `json:"totp_secret"`
	// to scan with one
	TotpURI string `json:"totp_uri"`
}

// Entry: an entry in document B's shape. `event_type` is missing only from an entry whose stored
// content was destroyed.
type Entry struct {
	ID    string `json:"id"`
	LogID string `json:"log_id"`
	// number in the organisation's ledger
	Seq       int64      `json:"seq"`
	Timestamp time.Time  `json:"timestamp"`
	EventType EventClass `json:"event_type,omitzero"`
	// what was submitted, else the verbatim type unless it is a class
	Category    string   `json:"category,omitzero"`
	Severity    Severity `json:"severity,omitzero"`
	Description string   `json:"description,omitzero"`
	// archived: read out of the archive, by who may; on_hold: a legal hold keeps it, and the caller
	// may know of holds
	Status           EntryStatus           `json:"status"`
	User             *EntryUser            `json:"user,omitzero"`
	Resource         map[string]any        `json:"resource,omitzero"`
	Action           *EntryAction          `json:"action,omitzero"`
	Context          map[string]any        `json:"context,omitzero"`
	Details          map[string]any        `json:"details,omitzero"`
	Compliance       EntryCompliance       `json:"compliance"`
	ImpactAssessment *ImpactAssessment     `json:"impact_assessment,omitzero"`
	Retention        EntryRetention        `json:"retention"`
	Investigation    *Opened               `json:"investigation,omitzero"`
	ResponseActions  *EntryResponseActions `json:"response_actions,omitzero"`
	CreatedAt        time.Time             `json:"created_at"`
	Immutable        bool                  `json:"immutable"`
	// the payload root
	Checksum string `json:"checksum"`
	Hash     string `json:"hash"`
	// the hash of the entry before; of the first, of the ledger's genesis
	PreviousHash string `json:"previous_hash"`
	// parts that were erased, as JSON Pointers; every proof still holds
	Withheld []string `json:"withheld,omitzero"`
	// type and version of the schema that it was held against
	Schema  string   `json:"schema,omitzero"`
	Receipt *Receipt `json:"receipt,omitzero"`
}

type EntryAction struct {
	Operation string   `json:"operation,omitzero"`
	Method    string   `json:"method,omitzero"`
	Endpoint  string   `json:"endpoint,omitzero"`
	Changes   []Change `json:"changes,omitzero"`
}

type EntryCompliance struct {
	Frameworks          []Framework                         `json:"frameworks,omitzero"`
	ElectronicSignature *EntryComplianceElectronicSignature `json:"electronic_signature,omitzero"`
	DataIntegrity       EntryComplianceDataIntegrity        `json:"data_integrity"`
	RetentionPeriod     string                              `json:"retention_period"`
}

type EntryComplianceDataIntegrity struct {
	Hash string `json:"hash"`
	// the entry has a place in the tree
	TamperEvident bool `json:"tamper_evident"`
	// hashed again for this answer and equal to what is stored
	Verified bool `json:"verified"`
}

type EntryComplianceElectronicSignature struct {
	// policy demands one of this entry
	Required bool `json:"required"`
	// a stored signature of this id verifies
	Provided         bool   `json:"provided"`
	SignatureID      string `json:"signature_id,omitzero"`
	SignatureMeaning string `json:"signature_meaning,omitzero"`
}

// EntryRequest: either document's shape, or both where they agree. `event_type` is one of the five
// classes, one of document A's ten types, or a registered one. The five classes need `severity`
// and `description`, as document B demands; the other types have a default severity. Unless they
// are said to be free, objects have no other keys than these.
type EntryRequest struct {
	// may not start with audit.
	EventType   string   `json:"event_type"`
	Severity    Severity `json:"severity,omitzero"`
	Description string   `json:"description,omitzero"`
	// 1 to 128 bytes
	Category string `json:"category,omitzero"`
	// when it happened: RFC 3339, from 1970, at most 5 minutes ahead of the ledger's clock; kept to
	// the microsecond. Without it, when it was recorded
	Timestamp string `json:"timestamp,omitzero"`
	// the emitter's own id of the event; may not start with audit:
	ExternalID string `json:"external_id,omitzero"`
	// 1 to 256 bytes
	UserID string             `json:"user_id,omitzero"`
	User   *EntryRequestUser  `json:"user,omitzero"`
	Actor  *EntryRequestActor `json:"actor,omitzero"`
	// 1 to 256 bytes
	ResourceID string `json:"resource_id,omitzero"`
	// free; these keys have a meaning, in either spelling
	Resource   map[string]any      `json:"resource,omitzero"`
	Repository *Repository         `json:"repository,omitzero"`
	Action     *EntryRequestAction `json:"action,omitzero"`
	// free; these keys are texts
	Context map[string]any `json:"context,omitzero"`
	// free; `framework`, if it names one that is known, counts as the entry's
	Details map[string]any `json:"details,omitzero"`
	// free, at most 64 keys; these keys are texts
	Metadata map[string]any `json:"metadata,omitzero"`
	// in any spelling; none twice
	ComplianceFrameworks []string                         `json:"compliance_frameworks,omitzero"`
	ImpactAssessment     *ImpactAssessment                `json:"impact_assessment,omitzero"`
	ElectronicSignature  *EntryRequestElectronicSignature `json:"electronic_signature,omitzero"`
	// opens an investigation in the transaction that appends the entry
	RequiresInvestigation *bool `json:"requires_investigation,omitzero"`
	// what the reporter attests to have done; nothing is done for it
	AutoResponse *EntryRequestAutoResponse `json:"auto_response,omitzero"`
}

type EntryRequestAction struct {
	// 1 to 1024 bytes
	Operation string `json:"operation,omitzero"`
	// 1 to 1024 bytes
	Method string `json:"method,omitzero"`
	// 1 to 1024 bytes
	Endpoint string   `json:"endpoint,omitzero"`
	Changes  []Change `json:"changes,omitzero"`
}

type EntryRequestActor struct {
	Type EntryRequestActorType `json:"type"`
	// 1 to 256 bytes
	ID string `json:"id,omitzero"`
	// 1 to 1024 bytes
	Name string `json:"name,omitzero"`
	// 1 to 256 bytes
	Email string `json:"email,omitzero"`
	// 1 to 1024 bytes
	Role string `json:"role,omitzero"`
	// 1 to 1024 bytes
	Department string `json:"department,omitzero"`
	// 1 to 256 bytes
	SessionID string `json:"session_id,omitzero"`
}

// EntryRequestActorType is one of these, or one that is newer than this package.
type EntryRequestActorType string

// The values of EntryRequestActorType.
const (
	EntryRequestActorTypeUser   EntryRequestActorType = "user"
	EntryRequestActorTypeSystem EntryRequestActorType = "system"
	EntryRequestActorTypeAPIKey EntryRequestActorType = "api_key"
)

// EntryRequestAutoResponse: what the reporter attests to have done; nothing is done for it
type EntryRequestAutoResponse struct {
	IPBlocked           *bool `json:"ip_blocked,omitzero"`
	AdminNotified       *bool `json:"admin_notified,omitzero"`
	SecurityTeamAlerted *bool `json:"security_team_alerted,omitzero"`
}

type EntryRequestElectronicSignature struct {
	// 1 to 256 bytes
	SignatureID string `json:"signature_id"`
	// 1 to 1024 bytes
	Meaning string `json:"meaning,omitzero"`
	// 1 to 1024 bytes
	SignatureMeaning string `json:"signature_meaning,omitzero"`
}

type EntryRequestUser struct {
	// 1 to 256 bytes
	UserID string `json:"user_id,omitzero"`
	// 1 to 1024 bytes
	Username string `json:"username,omitzero"`
	// 1 to 256 bytes
	Email string `json:"email,omitzero"`
	// 1 to 1024 bytes
	Role string `json:"role,omitzero"`
	// 1 to 1024 bytes
	Department string `json:"department,omitzero"`
	// 1 to 256 bytes
	SessionID string `json:"session_id,omitzero"`
}

type EntryResponseActions struct {
	IPBlocked *bool `json:"ip_blocked,omitzero"`
	// those that the reporter attests
	NotificationsSent int64 `json:"notifications_sent"`
	// the reporter alerted the security team, or the entry opened an investigation
	EscalationTriggered bool `json:"escalation_triggered"`
}

type EntryRetention struct {
	// the longest of what the organisation's policies since the recording and the entry's frameworks
	// say
	RetentionPeriod string `json:"retention_period"`
	// the framework that sets the period; missing when a policy does
	RegulatoryRequirement Framework `json:"regulatory_requirement,omitzero"`
	// the end of the period
	ArchiveDate time.Time `json:"archive_date"`
	Immutable   bool      `json:"immutable"`
}

// EntryStatus is one of these, or one that is newer than this package.
type EntryStatus string

// The values of EntryStatus.
const (
	EntryStatusActive   EntryStatus = "active"
	EntryStatusArchived EntryStatus = "archived"
	EntryStatusOnHold   EntryStatus = "on_hold"
)

type EntryUser struct {
	UserID     string `json:"user_id,omitzero"`
	Username   string `json:"username,omitzero"`
	Role       string `json:"role,omitzero"`
	Department string `json:"department,omitzero"`
	SessionID  string `json:"session_id,omitzero"`
}

type Erasure struct {
	ErasureID string `json:"erasure_id"`
	// requested: counted, and waits for a second person until decide_until; then it is declined.
	// approved: about to run. running: entries, then files, then closed accounts are erased.
	// completed: certified; what a hold kept is erased by another request after its release. declined:
	// nothing was erased. failed: see error; what was erased stays erased, and another request goes
	// on.
	Status ErasureStatus `json:"status"`
	Basis  string        `json:"basis"`
	Reason string        `json:"reason"`
	// null once it has ended
	Identifiers    []string       `json:"identifiers"`
	RequestedBy    map[string]any `json:"requested_by"`
	RequestedAt    time.Time      `json:"requested_at"`
	DecideUntil    *time.Time     `json:"decide_until"`
	DecidedBy      map[string]any `json:"decided_by"`
	DecidedAt      *time.Time     `json:"decided_at"`
	DecisionReason *string        `json:"decision_reason"`
	Plan           *ErasureCounts `json:"plan"`
	Erased         *ErasureCounts `json:"erased"`
	CompletedAt    *time.Time     `json:"completed_at"`
	Error          *string        `json:"error"`
	ScrubbedAt     *time.Time     `json:"scrubbed_at"`
}

type ErasureCertificate struct {
	Certificate  string         `json:"certificate"`
	ErasureID    string         `json:"erasure_id"`
	Organisation string         `json:"organisation"`
	Origin       string         `json:"origin"`
	Basis        string         `json:"basis"`
	Reason       string         `json:"reason"`
	RequestedBy  map[string]any `json:"requested_by"`
	RequestedAt  time.Time      `json:"requested_at"`
	ApprovedBy   map[string]any `json:"approved_by"`
	ApprovedAt   time.Time      `json:"approved_at"`
	CompletedAt  time.Time      `json:"completed_at"`
	// entries below it were looked at
	EndSeq     int64                              `json:"end_seq"`
	Checkpoint string                             `json:"checkpoint"`
	Counts     ErasureCounts                      `json:"counts"`
	NotReached []ErasureCertificateNotReachedItem `json:"not_reached"`
	Software   string                             `json:"software"`
}

type ErasureCertificateAnswer struct {
	Certificate ErasureCertificate `json:"certificate"`
	Digest      string             `json:"digest"`
	ScrubbedAt  *time.Time         `json:"scrubbed_at"`
	// why there is no time
	ScrubReason string `json:"scrub_reason,omitzero"`
}

type ErasureCertificateNotReachedItem struct {
	What  string    `json:"what"`
	Count *int64    `json:"count"`
	Why   string    `json:"why"`
	Until time.Time `json:"until,omitzero"`
}

type ErasureCounts struct {
	// of which something is erased
	Entries int64 `json:"entries"`
	// values whose salts go with them
	Fields int64 `json:"fields"`
	// that a legal hold keeps
	HeldEntries int64 `json:"held_entries"`
	// made anew, or removed
	SearchTexts int64 `json:"search_texts"`
	// entries that are counted under other names since
	Rollups int64 `json:"rollups"`
	// whose salts are gone
	ExternalIDs int64 `json:"external_ids"`
	// files that were destroyed, by kind: exports, reports, case_evidence
	Packages map[string]int64 `json:"packages"`
	// files that were left, by kind
	HeldPackages map[string]int64 `json:"held_packages"`
	// closed accounts
	DirectoryPeople int64 `json:"directory_people"`
	// entries that name the person in a field which is not personal, by where
	NotErasable map[string]int64 `json:"not_erasable"`
	// rows of records that name the person, by table
	Mentions map[string]int64 `json:"mentions"`
	// receivers that got entries before
	Streams int64 `json:"streams"`
}

type ErasureRequest struct {
	Reason string `json:"reason"`
	// reference of the request that it answers
	Basis       string   `json:"basis"`
	Identifiers []string `json:"identifiers,omitzero"`
}

// ErasureStatus is one of these, or one that is newer than this package.
type ErasureStatus string

// The values of ErasureStatus.
const (
	ErasureStatusRequested ErasureStatus = "requested"
	ErasureStatusApproved  ErasureStatus = "approved"
	ErasureStatusRunning   ErasureStatus = "running"
	ErasureStatusCompleted ErasureStatus = "completed"
	ErasureStatusDeclined  ErasureStatus = "declined"
	ErasureStatusFailed    ErasureStatus = "failed"
)

type ErrorBody struct {
	Code    Code              `json:"code"`
	Message string            `json:"message"`
	Details *ErrorBodyDetails `json:"details,omitzero"`
}

type ErrorBodyDetails struct {
	Fields    []FieldError `json:"fields,omitzero"`
	Parameter string       `json:"parameter,omitzero"`
	Allowed   []string     `json:"allowed,omitzero"`
	// where in the JSON
	Pointer            string `json:"pointer,omitzero"`
	RequiredPermission string `json:"required_permission,omitzero"`
	// the caller's permissions to read
	UserPermissions []string `json:"user_permissions,omitzero"`
	Contact         string   `json:"contact,omitzero"`
	// those of the caller, if it is they that do not allow it
	Constraints *Constraints `json:"constraints,omitzero"`
	JobStatus   string       `json:"job_status,omitzero"`
	// whose turn it is to sign a report
	AwaitedSignatory string `json:"awaited_signatory,omitzero"`
	// which of the signatures that is
	Turn int64 `json:"turn,omitzero"`
	// of an investigation
	Stage               string `json:"stage,omitzero"`
	InvestigationStatus string `json:"investigation_status,omitzero"`
	// where an investigation can be led now
	AllowedTransitions []string  `json:"allowed_transitions,omitzero"`
	ExpiredAt          time.Time `json:"expired_at,omitzero"`
	ErasedAt           time.Time `json:"erased_at,omitzero"`
	// of a file that was destroyed because it held what was erased of a person
	Reason string `json:"reason,omitzero"`
	// that a legal hold keeps
	HeldEntries *int64 `json:"held_entries,omitzero"`
	// when the content was archived
	ArchiveDate     time.Time `json:"archive_date,omitzero"`
	ArchiveLocation string    `json:"archive_location,omitzero"`
	// of the period; those of whole segments
	ArchivedEntries  *int64 `json:"archived_entries,omitzero"`
	RetrievalProcess string `json:"retrieval_process,omitzero"`
	// the median of the last retrievals, rounded up, as 3_minutes or 2_hours
	EstimatedRetrievalTime *string `json:"estimated_retrieval_time,omitzero"`
	// why there is none
	EstimatedRetrievalReason string    `json:"estimated_retrieval_reason,omitzero"`
	DestroyedAt              time.Time `json:"destroyed_at,omitzero"`
	// the end of the retention
	KeptUntil time.Time `json:"kept_until,omitzero"`
	Entries   *int64    `json:"entries,omitzero"`
	Limit     *int64    `json:"limit,omitzero"`
	// the entries of an atomic request that are not valid
	Results []BulkItem `json:"results,omitzero"`
	Checks  []Check    `json:"checks,omitzero"`
	// entries can be appended and read all the same
	Appends *bool `json:"appends,omitzero"`
}

// EventClass is one of these, or one that is newer than this package.
type EventClass string

// The values of EventClass.
const (
	EventClassLogin         EventClass = "login"
	EventClassLogout        EventClass = "logout"
	EventClassDataChange    EventClass = "data_change"
	EventClassSystemEvent   EventClass = "system_event"
	EventClassSecurityEvent EventClass = "security_event"
)

type EventSchema struct {
	Name    string `json:"name"`
	Version int64  `json:"version"`
	// SHA-256 of the schema in canonical form (RFC 8785); the entry about its registration holds it,
	// too
	Digest    string         `json:"digest"`
	Schema    map[string]any `json:"schema"`
	CreatedAt time.Time      `json:"created_at"`
}

type EventSchemaRequest struct {
	// of draft 2020-12
	Schema map[string]any `json:"schema"`
}

type EventType struct {
	Name        string     `json:"name"`
	Class       EventClass `json:"class"`
	Severity    Severity   `json:"severity"`
	Description string     `json:"description,omitzero"`
	Builtin     bool       `json:"builtin"`
	// of the newest schema; missing when there is none
	SchemaVersion int64 `json:"schema_version,omitzero"`
}

type EventTypeRequest struct {
	Class       EventClass `json:"class"`
	Severity    Severity   `json:"severity"`
	Description string     `json:"description,omitzero"`
}

type Export struct {
	JobID  string       `json:"job_id"`
	Status ExportStatus `json:"status"`
	// null when there was nothing to measure from
	EstimatedSizeMB *int64 `json:"estimated_size_mb"`
	// null when there was nothing to measure from
	EstimatedCompletion *time.Time `json:"estimated_completion"`
	// of a completed job; needs the same credential
	DownloadURL   string    `json:"download_url,omitzero"`
	ExpiresAt     time.Time `json:"expires_at,omitzero"`
	FileSizeMB    int64     `json:"file_size_mb,omitzero"`
	FileSizeBytes *int64    `json:"file_size_bytes,omitzero"`
	FilesIncluded *int64    `json:"files_included,omitzero"`
	CreatedAt     time.Time `json:"created_at"`
	CompletedAt   time.Time `json:"completed_at,omitzero"`
	SHA256        string    `json:"sha256,omitzero"`
	// some of it could not be collected; failures and the package say what
	Partial  *bool    `json:"partial,omitzero"`
	Failures []string `json:"failures,omitzero"`
	// why a failed job failed
	Error             string          `json:"error,omitzero"`
	CancelRequestedAt time.Time       `json:"cancel_requested_at,omitzero"`
	RetryOf           string          `json:"retry_of,omitzero"`
	Request           ExportRequest   `json:"request"`
	Progress          *ExportProgress `json:"progress,omitzero"`
}

type ExportProgress struct {
	Stage        string `json:"stage"`
	EntriesDone  int64  `json:"entries_done"`
	EntriesTotal int64  `json:"entries_total"`
}

type ExportRequest struct {
	Format ExportRequestFormat `json:"format"`
	// in any spelling
	Framework string `json:"framework"`
	// both ends belong to it
	AuditPeriod ExportRequestAuditPeriod   `json:"audit_period"`
	Include     []ExportRequestIncludeItem `json:"include"`
	// missing or empty: all
	RepositoryIDs []string `json:"repository_ids,omitzero"`
}

// ExportRequestAuditPeriod: both ends belong to it
type ExportRequestAuditPeriod struct {
	// an RFC 3339 time, or a date YYYY-MM-DD in UTC
	From string `json:"from"`
	// an RFC 3339 time, or a date YYYY-MM-DD in UTC
	To string `json:"to"`
}

// ExportRequestFormat is one of these, or one that is newer than this package.
type ExportRequestFormat string

// The values of ExportRequestFormat.
const (
	ExportRequestFormatZip  ExportRequestFormat = "zip"
	ExportRequestFormatJSON ExportRequestFormat = "json"
	ExportRequestFormatCSV  ExportRequestFormat = "csv"
)

// ExportRequestIncludeItem is one of these, or one that is newer than this package.
type ExportRequestIncludeItem string

// The values of ExportRequestIncludeItem.
const (
	ExportRequestIncludeItemComplianceReports    ExportRequestIncludeItem = "compliance_reports"
	ExportRequestIncludeItemScanResults          ExportRequestIncludeItem = "scan_results"
	ExportRequestIncludeItemIssueHistory         ExportRequestIncludeItem = "issue_history"
	ExportRequestIncludeItemFixRecords           ExportRequestIncludeItem = "fix_records"
	ExportRequestIncludeItemAccessLogs           ExportRequestIncludeItem = "access_logs"
	ExportRequestIncludeItemConfigurationHistory ExportRequestIncludeItem = "configuration_history"
)

type ExportRetention struct {
	RetentionDays int64 `json:"retention_days"`
}

// ExportStatus is one of these, or one that is newer than this package.
type ExportStatus string

// The values of ExportStatus.
const (
	ExportStatusQueued     ExportStatus = "queued"
	ExportStatusProcessing ExportStatus = "processing"
	ExportStatusCompleted  ExportStatus = "completed"
	ExportStatusFailed     ExportStatus = "failed"
	ExportStatusCanceled   ExportStatus = "canceled"
	ExportStatusExpired    ExportStatus = "expired"
)

type FieldError struct {
	// JSON Pointer into the body, or the name of a part of the path
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type Finding struct {
	FindingID     string    `json:"finding_id"`
	Framework     Framework `json:"framework"`
	Requirement   string    `json:"requirement"`
	RequirementID string    `json:"requirement_id"`
	// minor: the requirement holds in part
	Status          FindingStatus    `json:"status"`
	State           FindingState     `json:"state"`
	Description     string           `json:"description"`
	RiskLevel       FindingRiskLevel `json:"risk_level"`
	Owner           *string          `json:"owner"`
	RemediationPlan *string          `json:"remediation_plan"`
	DueDate         *time.Time       `json:"due_date"`
	// why it is accepted
	Reason        *string `json:"reason"`
	EntriesFailed int64   `json:"entries_failed"`
	// the first, or of a violation the last, of those that failed
	EntryIDs []string  `json:"entry_ids"`
	OpenedAt time.Time `json:"opened_at"`
	// the assessment
	OpenedBy string `json:"opened_by"`
	// the assessment
	LastSeenBy string     `json:"last_seen_by"`
	ClosedAt   *time.Time `json:"closed_at"`
}

type FindingPatch struct {
	Status          *FindingPatchStatus `json:"status,omitzero"`
	Owner           Patch[string]       `json:"owner,omitzero"`
	RemediationPlan Patch[string]       `json:"remediation_plan,omitzero"`
	DueDate         Patch[time.Time]    `json:"due_date,omitzero"`
	Reason          Patch[string]       `json:"reason,omitzero"`
}

// FindingPatchStatus is one of these, or one that is newer than this package.
type FindingPatchStatus string

// The values of FindingPatchStatus.
const (
	FindingPatchStatusOpen       FindingPatchStatus = "open"
	FindingPatchStatusInProgress FindingPatchStatus = "in_progress"
	FindingPatchStatusAccepted   FindingPatchStatus = "accepted"
)

// FindingRiskLevel is one of these, or one that is newer than this package.
type FindingRiskLevel string

// The values of FindingRiskLevel.
const (
	FindingRiskLevelLow      FindingRiskLevel = "low"
	FindingRiskLevelMedium   FindingRiskLevel = "medium"
	FindingRiskLevelHigh     FindingRiskLevel = "high"
	FindingRiskLevelCritical FindingRiskLevel = "critical"
)

// FindingState is one of these, or one that is newer than this package.
type FindingState string

// The values of FindingState.
const (
	FindingStateOpen       FindingState = "open"
	FindingStateInProgress FindingState = "in_progress"
	FindingStateAccepted   FindingState = "accepted"
	FindingStateClosed     FindingState = "closed"
)

// FindingStatus is one of these, or one that is newer than this package.
type FindingStatus string

// The values of FindingStatus.
const (
	FindingStatusMinorGap FindingStatus = "minor_gap"
	FindingStatusMajorGap FindingStatus = "major_gap"
)

// Framework is one of these, or one that is newer than this package.
type Framework string

// The values of Framework.
const (
	FrameworkSOC2       Framework = "SOC2"
	FrameworkFDA21cfr11 Framework = "FDA_21CFR11"
	FrameworkISO27001   Framework = "ISO_27001"
	FrameworkGDPR       Framework = "GDPR"
	FrameworkSOX        Framework = "SOX"
	FrameworkNISTCSF    Framework = "NIST_CSF"
)

type FrameworkEvidenceData struct {
	// what was asked for, or all
	Criteria       string                              `json:"criteria"`
	EvidenceItems  []FrameworkEvidenceDataEvidenceItem `json:"evidence_items"`
	ControlResults ControlResults                      `json:"control_results"`
}

// FrameworkEvidenceDataEvidenceItem is one of its members; Other is what this package does not
// know.
type FrameworkEvidenceDataEvidenceItem struct {
	UploadedEvidence   *UploadedEvidence
	AggregatedEvidence *AggregatedEvidence
	Other              json.RawMessage
}

var frameworkEvidenceDataEvidenceItemShapes = []shape{
	{required: []string{"id", "type", "title", "description", "criteria", "date", "artifacts", "uploaded_by", "created_at"}},
	{required: []string{"id", "type", "title", "description", "criteria", "date_range", "record_count"}},
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *FrameworkEvidenceDataEvidenceItem) UnmarshalJSON(raw []byte) error {
	*u = FrameworkEvidenceDataEvidenceItem{}
	switch choose(raw, frameworkEvidenceDataEvidenceItemShapes) {
	case 0:
		return json.Unmarshal(raw, &u.UploadedEvidence)
	case 1:
		return json.Unmarshal(raw, &u.AggregatedEvidence)
	}
	u.Other = bytes.Clone(raw)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (u FrameworkEvidenceDataEvidenceItem) MarshalJSON() ([]byte, error) {
	switch {
	case u.UploadedEvidence != nil:
		return json.Marshal(u.UploadedEvidence)
	case u.AggregatedEvidence != nil:
		return json.Marshal(u.AggregatedEvidence)
	case u.Other != nil:
		return u.Other, nil
	}
	return []byte("null"), nil
}

type FrameworkEvidenceMetadata struct {
	Timestamp time.Time                          `json:"timestamp"`
	RequestID string                             `json:"request_id"`
	Framework FrameworkEvidenceMetadataFramework `json:"framework"`
	// what the identifiers are of
	Edition        string    `json:"edition"`
	CatalogVersion int64     `json:"catalog_version"`
	AuditPeriod    DateRange `json:"audit_period"`
	// of the criteria that were asked for
	CriteriaWithoutEvidence []string `json:"criteria_without_evidence"`
	// older than the newest 500
	UploadsNotShown int64 `json:"uploads_not_shown"`
	// those of the credential: what they do not cover is neither counted nor ranked
	Constraints *Constraints `json:"constraints,omitzero"`
}

// FrameworkEvidenceMetadataFramework is one of these, or one that is newer than this package.
type FrameworkEvidenceMetadataFramework string

// The values of FrameworkEvidenceMetadataFramework.
const (
	FrameworkEvidenceMetadataFrameworkSOC2       FrameworkEvidenceMetadataFramework = "soc2"
	FrameworkEvidenceMetadataFrameworkFDA21cfr11 FrameworkEvidenceMetadataFramework = "fda_21cfr11"
	FrameworkEvidenceMetadataFrameworkISO27001   FrameworkEvidenceMetadataFramework = "iso_27001"
	FrameworkEvidenceMetadataFrameworkGDPR       FrameworkEvidenceMetadataFramework = "gdpr"
	FrameworkEvidenceMetadataFrameworkSOX        FrameworkEvidenceMetadataFramework = "sox"
	FrameworkEvidenceMetadataFrameworkNISTCSF    FrameworkEvidenceMetadataFramework = "nist_csf"
)

type FrameworkReport struct {
	Framework      FrameworkReportFramework `json:"framework"`
	Edition        string                   `json:"edition"`
	CatalogVersion int64                    `json:"catalog_version"`
	CatalogDigest  string                   `json:"catalog_digest"`
	Period         FrameworkReportPeriod    `json:"period"`
	// of the period
	Entries int64                 `json:"entries"`
	Status  FrameworkReportStatus `json:"status"`
	// of what was assessed; null: nothing was
	Score *float64 `json:"score"`
	// the score if all that was not assessed had failed
	Floor    float64          `json:"floor"`
	Metrics  []map[string]any `json:"metrics"`
	Upcoming []map[string]any `json:"upcoming"`
	// percent of the requirements that were assessed
	Coverage     float64               `json:"coverage"`
	Counts       FrameworkReportCounts `json:"counts"`
	Requirements []RequirementFinding  `json:"requirements"`
	// criteria that no log can show
	NotInLedger []string `json:"not_in_ledger"`
}

type FrameworkReportCounts struct {
	Total        int64 `json:"total"`
	Compliant    int64 `json:"compliant"`
	Partial      int64 `json:"partial"`
	NonCompliant int64 `json:"non_compliant"`
	NotAssessed  int64 `json:"not_assessed"`
}

// FrameworkReportFramework is one of these, or one that is newer than this package.
type FrameworkReportFramework string

// The values of FrameworkReportFramework.
const (
	FrameworkReportFrameworkSOC2       FrameworkReportFramework = "SOC2"
	FrameworkReportFrameworkFDA21cfr11 FrameworkReportFramework = "FDA_21CFR11"
	FrameworkReportFrameworkISO27001   FrameworkReportFramework = "ISO_27001"
	FrameworkReportFrameworkGDPR       FrameworkReportFramework = "GDPR"
	FrameworkReportFrameworkSOX        FrameworkReportFramework = "SOX"
	FrameworkReportFrameworkNISTCSF    FrameworkReportFramework = "NIST_CSF"
)

type FrameworkReportPeriod struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// FrameworkReportStatus is one of these, or one that is newer than this package.
type FrameworkReportStatus string

// The values of FrameworkReportStatus.
const (
	FrameworkReportStatusCompliant            FrameworkReportStatus = "compliant"
	FrameworkReportStatusPartiallyCompliant   FrameworkReportStatus = "partially_compliant"
	FrameworkReportStatusInsufficientEvidence FrameworkReportStatus = "insufficient_evidence"
	FrameworkReportStatusNonCompliant         FrameworkReportStatus = "non_compliant"
	FrameworkReportStatusNotAssessed          FrameworkReportStatus = "not_assessed"
)

type FrameworkStatus struct {
	Framework       Framework                   `json:"framework"`
	ComplianceScore *float64                    `json:"compliance_score"`
	Status          FrameworkStatusStatus       `json:"status"`
	Requirements    FrameworkStatusRequirements `json:"requirements"`
	ScoreBasis      FrameworkStatusScoreBasis   `json:"score_basis"`
	// percentages, counts, true or false; null with a reason
	KeyMetrics map[string]map[string]any `json:"key_metrics,omitzero"`
	// by group.name, why a figure is null
	KeyMetricsReasons map[string]string `json:"key_metrics_reasons,omitzero"`
	Findings          []Finding         `json:"findings,omitzero"`
}

type FrameworkStatusRequirements struct {
	Total         int64 `json:"total"`
	Compliant     int64 `json:"compliant"`
	Partial       int64 `json:"partial"`
	NonCompliant  int64 `json:"non_compliant"`
	NotAssessed   int64 `json:"not_assessed"`
	NotApplicable int64 `json:"not_applicable"`
}

type FrameworkStatusScoreBasis struct {
	Catalog         string `json:"catalog"`
	CatalogVersion  int64  `json:"catalog_version"`
	CatalogDigest   string `json:"catalog_digest"`
	EntriesAnalyzed int64  `json:"entries_analyzed"`
	// requirements
	Assessed        int64   `json:"assessed"`
	CoveragePercent float64 `json:"coverage_percent"`
	ScoreFloor      float64 `json:"score_floor"`
}

// FrameworkStatusStatus is one of these, or one that is newer than this package.
type FrameworkStatusStatus string

// The values of FrameworkStatusStatus.
const (
	FrameworkStatusStatusCompliant            FrameworkStatusStatus = "compliant"
	FrameworkStatusStatusPartiallyCompliant   FrameworkStatusStatus = "partially_compliant"
	FrameworkStatusStatusInsufficientEvidence FrameworkStatusStatus = "insufficient_evidence"
	FrameworkStatusStatusNonCompliant         FrameworkStatusStatus = "non_compliant"
	FrameworkStatusStatusNotAssessed          FrameworkStatusStatus = "not_assessed"
)

type HealthzData struct {
	Status string `json:"status"`
}

type History struct {
	Metric     HistoryMetric      `json:"metric"`
	Interval   HistoryInterval    `json:"interval"`
	DataPoints []HistoryDataPoint `json:"data_points"`
	Summary    HistorySummary     `json:"summary"`
	// why values are null
	Reason string `json:"reason,omitzero"`
}

type HistoryDataPoint struct {
	PeriodStart string `json:"period_start"`
	// the last day of the period
	PeriodEnd string   `json:"period_end"`
	Value     *float64 `json:"value"`
	// since the value before; null for the first
	Change *float64 `json:"change"`
}

// HistoryInterval is one of these, or one that is newer than this package.
type HistoryInterval string

// The values of HistoryInterval.
const (
	HistoryIntervalDay   HistoryInterval = "day"
	HistoryIntervalWeek  HistoryInterval = "week"
	HistoryIntervalMonth HistoryInterval = "month"
)

// HistoryMetric is one of these, or one that is newer than this package.
type HistoryMetric string

// The values of HistoryMetric.
const (
	HistoryMetricScore  HistoryMetric = "score"
	HistoryMetricIssues HistoryMetric = "issues"
	HistoryMetricFixes  HistoryMetric = "fixes"
)

type HistorySummary struct {
	// the first value
	StartValue *float64 `json:"start_value"`
	// the last value
	EndValue *float64 `json:"end_value"`
	// end less start
	TotalChange *float64 `json:"total_change"`
	// by the total change; fewer issues, more fixes and a higher score are better
	Trend *HistorySummaryTrend `json:"trend"`
}

// HistorySummaryTrend is one of these, or one that is newer than this package.
type HistorySummaryTrend string

// The values of HistorySummaryTrend.
const (
	HistorySummaryTrendImproving HistorySummaryTrend = "improving"
	HistorySummaryTrendDeclining HistorySummaryTrend = "declining"
	HistorySummaryTrendStable    HistorySummaryTrend = "stable"
)

// Impact is one of these, or one that is newer than this package.
type Impact string

// The values of Impact.
const (
	ImpactNone     Impact = "none"
	ImpactLow      Impact = "low"
	ImpactMedium   Impact = "medium"
	ImpactHigh     Impact = "high"
	ImpactCritical Impact = "critical"
)

type ImpactAssessment struct {
	SafetyImpact      Impact   `json:"safety_impact,omitzero"`
	OperationalImpact Impact   `json:"operational_impact,omitzero"`
	ComplianceImpact  Impact   `json:"compliance_impact,omitzero"`
	AffectedSystems   []string `json:"affected_systems,omitzero"`
	DownstreamEffects []string `json:"downstream_effects,omitzero"`
}

type Investigation struct {
	InvestigationID      string                     `json:"investigation_id"`
	CaseNumber           string                     `json:"case_number"`
	Title                string                     `json:"title"`
	Status               InvestigationStatus        `json:"status"`
	Stage                InvestigationStage         `json:"stage"`
	Priority             InvestigationPriority      `json:"priority"`
	InvestigationType    string                     `json:"investigation_type"`
	CreatedAt            time.Time                  `json:"created_at"`
	AssignedInvestigator Investigator               `json:"assigned_investigator"`
	AssignedReviewer     *Investigator              `json:"assigned_reviewer"`
	Scope                InvestigationScope         `json:"scope"`
	TriggerEvent         *InvestigationTriggerEvent `json:"trigger_event"`
	// findings that nobody has rejected; null until the patterns were looked for
	PreliminaryFindings    InvestigationPreliminaryFindings    `json:"preliminary_findings"`
	EvidenceCollection     InvestigationEvidenceCollection     `json:"evidence_collection"`
	AutomatedAnalysis      InvestigationAutomatedAnalysis      `json:"automated_analysis"`
	ComplianceImplications InvestigationComplianceImplications `json:"compliance_implications"`
	NextSteps              []string                            `json:"next_steps"`
	EstimatedCompletion    *time.Time                          `json:"estimated_completion"`
	DueAt                  *time.Time                          `json:"due_at"`
	AllowedTransitions     []InvestigationAllowedTransition    `json:"allowed_transitions"`
	UndecidedFindings      int64                               `json:"undecided_findings"`
	Round                  int64                               `json:"round"`
	Version                int64                               `json:"version"`
	OpenedBy               map[string]any                      `json:"opened_by"`
	Result                 *InvestigationResult                `json:"result"`
	ClosedBy               map[string]any                      `json:"closed_by"`
	ClosedAt               *time.Time                          `json:"closed_at"`
}

// InvestigationAllowedTransition is one of these, or one that is newer than this package.
type InvestigationAllowedTransition string

// The values of InvestigationAllowedTransition.
const (
	InvestigationAllowedTransitionScoping            InvestigationAllowedTransition = "scoping"
	InvestigationAllowedTransitionEvidenceCollection InvestigationAllowedTransition = "evidence_collection"
	InvestigationAllowedTransitionAnalysis           InvestigationAllowedTransition = "analysis"
	InvestigationAllowedTransitionFindingsReview     InvestigationAllowedTransition = "findings_review"
	InvestigationAllowedTransitionImplications       InvestigationAllowedTransition = "implications"
	InvestigationAllowedTransitionDecision           InvestigationAllowedTransition = "decision"
	InvestigationAllowedTransitionClosed             InvestigationAllowedTransition = "closed"
	InvestigationAllowedTransitionCanceled           InvestigationAllowedTransition = "canceled"
)

type InvestigationAutomatedAnalysis struct {
	PatternDetection     InvestigationAutomatedAnalysisPatternDetection     `json:"pattern_detection"`
	UserBehaviorAnalysis InvestigationAutomatedAnalysisUserBehaviorAnalysis `json:"user_behavior_analysis"`
	DataFlowMapping      InvestigationAutomatedAnalysisDataFlowMapping      `json:"data_flow_mapping"`
}

type InvestigationAutomatedAnalysisDataFlowMapping struct {
	Status InvestigationAutomatedAnalysisDataFlowMappingStatus `json:"status"`
	// why it failed or was skipped, or what of the baseline is missing
	Reason          string `json:"reason,omitzero"`
	EntriesAnalyzed *int64 `json:"entries_analyzed"`
	// the item of evidence that holds the whole result
	EvidenceID          *string        `json:"evidence_id"`
	EndedAt             *time.Time     `json:"ended_at"`
	EstimatedCompletion *time.Time     `json:"estimated_completion"`
	Basis               map[string]any `json:"basis"`
}

// InvestigationAutomatedAnalysisDataFlowMappingStatus is one of these, or one that is newer than
// this package.
type InvestigationAutomatedAnalysisDataFlowMappingStatus string

// The values of InvestigationAutomatedAnalysisDataFlowMappingStatus.
const (
	InvestigationAutomatedAnalysisDataFlowMappingStatusQueued     InvestigationAutomatedAnalysisDataFlowMappingStatus = "queued"
	InvestigationAutomatedAnalysisDataFlowMappingStatusInProgress InvestigationAutomatedAnalysisDataFlowMappingStatus = "in_progress"
	InvestigationAutomatedAnalysisDataFlowMappingStatusCompleted  InvestigationAutomatedAnalysisDataFlowMappingStatus = "completed"
	InvestigationAutomatedAnalysisDataFlowMappingStatusFailed     InvestigationAutomatedAnalysisDataFlowMappingStatus = "failed"
	InvestigationAutomatedAnalysisDataFlowMappingStatusSkipped    InvestigationAutomatedAnalysisDataFlowMappingStatus = "skipped"
)

type InvestigationAutomatedAnalysisPatternDetection struct {
	Status InvestigationAutomatedAnalysisPatternDetectionStatus `json:"status"`
	// why it failed or was skipped
	Reason          string `json:"reason,omitzero"`
	EntriesAnalyzed *int64 `json:"entries_analyzed"`
	// the item of evidence that holds the whole result
	EvidenceID       *string    `json:"evidence_id"`
	EndedAt          *time.Time `json:"ended_at"`
	PatternsFound    *int64     `json:"patterns_found"`
	ConfidenceScore  *float64   `json:"confidence_score"`
	ConfidenceReason string     `json:"confidence_reason,omitzero"`
}

// InvestigationAutomatedAnalysisPatternDetectionStatus is one of these, or one that is newer than
// this package.
type InvestigationAutomatedAnalysisPatternDetectionStatus string

// The values of InvestigationAutomatedAnalysisPatternDetectionStatus.
const (
	InvestigationAutomatedAnalysisPatternDetectionStatusQueued     InvestigationAutomatedAnalysisPatternDetectionStatus = "queued"
	InvestigationAutomatedAnalysisPatternDetectionStatusInProgress InvestigationAutomatedAnalysisPatternDetectionStatus = "in_progress"
	InvestigationAutomatedAnalysisPatternDetectionStatusCompleted  InvestigationAutomatedAnalysisPatternDetectionStatus = "completed"
	InvestigationAutomatedAnalysisPatternDetectionStatusFailed     InvestigationAutomatedAnalysisPatternDetectionStatus = "failed"
	InvestigationAutomatedAnalysisPatternDetectionStatusSkipped    InvestigationAutomatedAnalysisPatternDetectionStatus = "skipped"
)

type InvestigationAutomatedAnalysisUserBehaviorAnalysis struct {
	Status InvestigationAutomatedAnalysisUserBehaviorAnalysisStatus `json:"status"`
	// why it failed or was skipped, what of the baseline is missing, or why there is no deviation
	Reason          string `json:"reason,omitzero"`
	EntriesAnalyzed *int64 `json:"entries_analyzed"`
	// the item of evidence that holds the whole result
	EvidenceID        *string    `json:"evidence_id"`
	EndedAt           *time.Time `json:"ended_at"`
	AnomaliesDetected *int64     `json:"anomalies_detected"`
	// -10 log10 of the conformal p-value
	BehavioralBaselineDeviation *float64       `json:"behavioral_baseline_deviation"`
	Basis                       map[string]any `json:"basis"`
}

// InvestigationAutomatedAnalysisUserBehaviorAnalysisStatus is one of these, or one that is newer
// than this package.
type InvestigationAutomatedAnalysisUserBehaviorAnalysisStatus string

// The values of InvestigationAutomatedAnalysisUserBehaviorAnalysisStatus.
const (
	InvestigationAutomatedAnalysisUserBehaviorAnalysisStatusQueued     InvestigationAutomatedAnalysisUserBehaviorAnalysisStatus = "queued"
	InvestigationAutomatedAnalysisUserBehaviorAnalysisStatusInProgress InvestigationAutomatedAnalysisUserBehaviorAnalysisStatus = "in_progress"
	InvestigationAutomatedAnalysisUserBehaviorAnalysisStatusCompleted  InvestigationAutomatedAnalysisUserBehaviorAnalysisStatus = "completed"
	InvestigationAutomatedAnalysisUserBehaviorAnalysisStatusFailed     InvestigationAutomatedAnalysisUserBehaviorAnalysisStatus = "failed"
	InvestigationAutomatedAnalysisUserBehaviorAnalysisStatusSkipped    InvestigationAutomatedAnalysisUserBehaviorAnalysisStatus = "skipped"
)

type InvestigationComplianceImplications struct {
	FrameworksAffected  []string                                                `json:"frameworks_affected"`
	PotentialViolations []InvestigationComplianceImplicationsPotentialViolation `json:"potential_violations"`
	// a decision of a person; null until then
	RegulatoryNotificationRequired *bool  `json:"regulatory_notification_required"`
	RegulatoryNotificationReason   string `json:"regulatory_notification_reason,omitzero"`
}

type InvestigationComplianceImplicationsPotentialViolation struct {
	Framework   Framework                                                     `json:"framework"`
	Section     string                                                        `json:"section"`
	Description string                                                        `json:"description"`
	Severity    InvestigationComplianceImplicationsPotentialViolationSeverity `json:"severity"`
	FindingIDs  []string                                                      `json:"finding_ids"`
}

// InvestigationComplianceImplicationsPotentialViolationSeverity is one of these, or one that is
// newer than this package.
type InvestigationComplianceImplicationsPotentialViolationSeverity string

// The values of InvestigationComplianceImplicationsPotentialViolationSeverity.
const (
	InvestigationComplianceImplicationsPotentialViolationSeverityLow      InvestigationComplianceImplicationsPotentialViolationSeverity = "low"
	InvestigationComplianceImplicationsPotentialViolationSeverityMedium   InvestigationComplianceImplicationsPotentialViolationSeverity = "medium"
	InvestigationComplianceImplicationsPotentialViolationSeverityHigh     InvestigationComplianceImplicationsPotentialViolationSeverity = "high"
	InvestigationComplianceImplicationsPotentialViolationSeverityCritical InvestigationComplianceImplicationsPotentialViolationSeverity = "critical"
)

type InvestigationEvidenceCollection struct {
	AuditEntriesCollected *int64 `json:"audit_entries_collected"`
	SystemLogsCollected   *int64 `json:"system_logs_collected"`
	UserSessionData       *int64 `json:"user_session_data"`
	ChangeRecords         *int64 `json:"change_records"`
	// computed each time
	ChainOfCustodyVerified *bool  `json:"chain_of_custody_verified"`
	ChainOfCustodyReason   string `json:"chain_of_custody_reason,omitzero"`
}

type InvestigationPatch struct {
	Title    *string                     `json:"title,omitzero"`
	Priority *InvestigationPatchPriority `json:"priority,omitzero"`
	Status   *InvestigationPatchStatus   `json:"status,omitzero"`
	// empty takes it away
	AssignedInvestigator *string `json:"assigned_investigator,omitzero"`
	// empty takes it away
	AssignedReviewer *string `json:"assigned_reviewer,omitzero"`
	Reason           *string `json:"reason,omitzero"`
}

// InvestigationPatchPriority is one of these, or one that is newer than this package.
type InvestigationPatchPriority string

// The values of InvestigationPatchPriority.
const (
	InvestigationPatchPriorityLow      InvestigationPatchPriority = "low"
	InvestigationPatchPriorityMedium   InvestigationPatchPriority = "medium"
	InvestigationPatchPriorityHigh     InvestigationPatchPriority = "high"
	InvestigationPatchPriorityCritical InvestigationPatchPriority = "critical"
)

// InvestigationPatchStatus is one of these, or one that is newer than this package.
type InvestigationPatchStatus string

// The values of InvestigationPatchStatus.
const (
	InvestigationPatchStatusActive    InvestigationPatchStatus = "active"
	InvestigationPatchStatusOnHold    InvestigationPatchStatus = "on_hold"
	InvestigationPatchStatusEscalated InvestigationPatchStatus = "escalated"
)

// InvestigationPreliminaryFindings: findings that nobody has rejected; null until the patterns
// were looked for
type InvestigationPreliminaryFindings struct {
	SuspiciousActivities *int64 `json:"suspicious_activities"`
	PolicyViolations     *int64 `json:"policy_violations"`
	UnauthorizedChanges  *int64 `json:"unauthorized_changes"`
	TimelineAnomalies    *int64 `json:"timeline_anomalies"`
}

// InvestigationPriority is one of these, or one that is newer than this package.
type InvestigationPriority string

// The values of InvestigationPriority.
const (
	InvestigationPriorityLow      InvestigationPriority = "low"
	InvestigationPriorityMedium   InvestigationPriority = "medium"
	InvestigationPriorityHigh     InvestigationPriority = "high"
	InvestigationPriorityCritical InvestigationPriority = "critical"
)

type InvestigationRequest struct {
	InvestigationType string                            `json:"investigation_type"`
	Title             string                            `json:"title"`
	Priority          InvestigationRequestPriority      `json:"priority"`
	Scope             InvestigationRequestScope         `json:"scope"`
	TriggerEvent      *InvestigationRequestTriggerEvent `json:"trigger_event,omitzero"`
	// a person of the directory by id or e-mail address
	AssignedInvestigator string   `json:"assigned_investigator,omitzero"`
	AssignedReviewer     string   `json:"assigned_reviewer,omitzero"`
	ComplianceFrameworks []string `json:"compliance_frameworks,omitzero"`
	// what is not mentioned runs
	AutomatedAnalysis *InvestigationRequestAutomatedAnalysis `json:"automated_analysis,omitzero"`
}

// InvestigationRequestAutomatedAnalysis: what is not mentioned runs
type InvestigationRequestAutomatedAnalysis struct {
	EnablePatternDetection     *bool `json:"enable_pattern_detection,omitzero"`
	EnableUserBehaviorAnalysis *bool `json:"enable_user_behavior_analysis,omitzero"`
	EnableDataFlowMapping      *bool `json:"enable_data_flow_mapping,omitzero"`
}

// InvestigationRequestPriority is one of these, or one that is newer than this package.
type InvestigationRequestPriority string

// The values of InvestigationRequestPriority.
const (
	InvestigationRequestPriorityLow      InvestigationRequestPriority = "low"
	InvestigationRequestPriorityMedium   InvestigationRequestPriority = "medium"
	InvestigationRequestPriorityHigh     InvestigationRequestPriority = "high"
	InvestigationRequestPriorityCritical InvestigationRequestPriority = "critical"
)

type InvestigationRequestScope struct {
	TimeRange       InvestigationRequestScopeTimeRange `json:"time_range"`
	AffectedSystems []string                           `json:"affected_systems,omitzero"`
	PotentialUsers  []string                           `json:"potential_users,omitzero"`
	DataCategories  []string                           `json:"data_categories,omitzero"`
}

type InvestigationRequestScopeTimeRange struct {
	Start time.Time `json:"start"`
	// inclusive
	End time.Time `json:"end"`
}

type InvestigationRequestTriggerEvent struct {
	EventID     string `json:"event_id"`
	Description string `json:"description,omitzero"`
}

type InvestigationResult struct {
	Resolution                     string `json:"resolution"`
	RootCause                      string `json:"root_cause"`
	RegulatoryNotificationRequired *bool  `json:"regulatory_notification_required"`
	Summary                        string `json:"summary,omitzero"`
}

type InvestigationScope struct {
	TimeRange       InvestigationScopeTimeRange `json:"time_range"`
	AffectedSystems []string                    `json:"affected_systems"`
	PotentialUsers  []string                    `json:"potential_users"`
	DataCategories  []string                    `json:"data_categories"`
	// entries in the time range; null until they are counted: a list does not count them
	DataPointsAnalyzed *int64 `json:"data_points_analyzed"`
	// actors of these entries and those that are named
	UsersInScope *int64 `json:"users_in_scope"`
}

type InvestigationScopeTimeRange struct {
	Start         time.Time `json:"start"`
	End           time.Time `json:"end"`
	DurationHours float64   `json:"duration_hours"`
}

// InvestigationStage is one of these, or one that is newer than this package.
type InvestigationStage string

// The values of InvestigationStage.
const (
	InvestigationStageScoping            InvestigationStage = "scoping"
	InvestigationStageEvidenceCollection InvestigationStage = "evidence_collection"
	InvestigationStageAnalysis           InvestigationStage = "analysis"
	InvestigationStageFindingsReview     InvestigationStage = "findings_review"
	InvestigationStageImplications       InvestigationStage = "implications"
	InvestigationStageDecision           InvestigationStage = "decision"
	InvestigationStageClosed             InvestigationStage = "closed"
)

// InvestigationStatus is one of these, or one that is newer than this package.
type InvestigationStatus string

// The values of InvestigationStatus.
const (
	InvestigationStatusActive    InvestigationStatus = "active"
	InvestigationStatusOnHold    InvestigationStatus = "on_hold"
	InvestigationStatusEscalated InvestigationStatus = "escalated"
	InvestigationStatusClosed    InvestigationStatus = "closed"
	InvestigationStatusCanceled  InvestigationStatus = "canceled"
)

type InvestigationTriggerEvent struct {
	EventID     string `json:"event_id"`
	Description string `json:"description,omitzero"`
}

type Investigator struct {
	UserID        string  `json:"user_id"`
	Name          *string `json:"name"`
	Role          *string `json:"role"`
	Certification *string `json:"certification"`
}

type LegalHold struct {
	HoldID          string         `json:"hold_id"`
	InvestigationID *string        `json:"investigation_id"`
	Matter          string         `json:"matter"`
	Reason          string         `json:"reason"`
	State           LegalHoldState `json:"state"`
	Scope           LegalHoldScope `json:"scope"`
	IssuedBy        map[string]any `json:"issued_by"`
	IssuedAt        time.Time      `json:"issued_at"`
	ReleasedBy      map[string]any `json:"released_by"`
	ReleasedAt      *time.Time     `json:"released_at"`
	ReleaseReason   *string        `json:"release_reason"`
}

type LegalHoldRequest struct {
	Matter string `json:"matter"`
	Reason string `json:"reason"`
	// what is left out restricts nothing
	Scope *LegalHoldRequestScope `json:"scope,omitzero"`
}

// LegalHoldRequestScope: what is left out restricts nothing
type LegalHoldRequestScope struct {
	// of the entries' own times, RFC 3339
	Start string `json:"start,omitzero"`
	// exclusive
	End        string   `json:"end,omitzero"`
	Systems    []string `json:"systems,omitzero"`
	Users      []string `json:"users,omitzero"`
	Frameworks []string `json:"frameworks,omitzero"`
}

type LegalHoldScope struct {
	Start      *time.Time `json:"start"`
	End        *time.Time `json:"end"`
	Systems    []string   `json:"systems"`
	Users      []string   `json:"users"`
	Frameworks []string   `json:"frameworks"`
}

// LegalHoldState is one of these, or one that is newer than this package.
type LegalHoldState string

// The values of LegalHoldState.
const (
	LegalHoldStateActive   LegalHoldState = "active"
	LegalHoldStateReleased LegalHoldState = "released"
)

type LinkedIdentity struct {
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	LinkedAt time.Time `json:"linked_at"`
	// to sign
	UsedAt *time.Time `json:"used_at"`
}

// ListEntriesStatus is one of these, or one that is newer than this package.
type ListEntriesStatus string

// The values of ListEntriesStatus.
const (
	ListEntriesStatusActive   ListEntriesStatus = "active"
	ListEntriesStatusArchived ListEntriesStatus = "archived"
	ListEntriesStatusOnHold   ListEntriesStatus = "on_hold"
)

// ListErasuresStatus is one of these, or one that is newer than this package.
type ListErasuresStatus string

// The values of ListErasuresStatus.
const (
	ListErasuresStatusRequested ListErasuresStatus = "requested"
	ListErasuresStatusApproved  ListErasuresStatus = "approved"
	ListErasuresStatusRunning   ListErasuresStatus = "running"
	ListErasuresStatusCompleted ListErasuresStatus = "completed"
	ListErasuresStatusDeclined  ListErasuresStatus = "declined"
	ListErasuresStatusFailed    ListErasuresStatus = "failed"
)

// ListFindingsStatus is one of these, or one that is newer than this package.
type ListFindingsStatus string

// The values of ListFindingsStatus.
const (
	ListFindingsStatusOpen       ListFindingsStatus = "open"
	ListFindingsStatusInProgress ListFindingsStatus = "in_progress"
	ListFindingsStatusAccepted   ListFindingsStatus = "accepted"
	ListFindingsStatusClosed     ListFindingsStatus = "closed"
)

// ListInvestigationFindingsStatus is one of these, or one that is newer than this package.
type ListInvestigationFindingsStatus string

// The values of ListInvestigationFindingsStatus.
const (
	ListInvestigationFindingsStatusCandidate ListInvestigationFindingsStatus = "candidate"
	ListInvestigationFindingsStatusAccepted  ListInvestigationFindingsStatus = "accepted"
	ListInvestigationFindingsStatusRejected  ListInvestigationFindingsStatus = "rejected"
)

// ListInvestigationsPriority is one of these, or one that is newer than this package.
type ListInvestigationsPriority string

// The values of ListInvestigationsPriority.
const (
	ListInvestigationsPriorityLow      ListInvestigationsPriority = "low"
	ListInvestigationsPriorityMedium   ListInvestigationsPriority = "medium"
	ListInvestigationsPriorityHigh     ListInvestigationsPriority = "high"
	ListInvestigationsPriorityCritical ListInvestigationsPriority = "critical"
)

// ListInvestigationsStage is one of these, or one that is newer than this package.
type ListInvestigationsStage string

// The values of ListInvestigationsStage.
const (
	ListInvestigationsStageScoping            ListInvestigationsStage = "scoping"
	ListInvestigationsStageEvidenceCollection ListInvestigationsStage = "evidence_collection"
	ListInvestigationsStageAnalysis           ListInvestigationsStage = "analysis"
	ListInvestigationsStageFindingsReview     ListInvestigationsStage = "findings_review"
	ListInvestigationsStageImplications       ListInvestigationsStage = "implications"
	ListInvestigationsStageDecision           ListInvestigationsStage = "decision"
	ListInvestigationsStageClosed             ListInvestigationsStage = "closed"
)

// ListInvestigationsStatus is one of these, or one that is newer than this package.
type ListInvestigationsStatus string

// The values of ListInvestigationsStatus.
const (
	ListInvestigationsStatusActive    ListInvestigationsStatus = "active"
	ListInvestigationsStatusOnHold    ListInvestigationsStatus = "on_hold"
	ListInvestigationsStatusEscalated ListInvestigationsStatus = "escalated"
	ListInvestigationsStatusClosed    ListInvestigationsStatus = "closed"
	ListInvestigationsStatusCanceled  ListInvestigationsStatus = "canceled"
)

type ListKeysData struct {
	// of the organisation's ledger
	Origin string `json:"origin"`
	// origin of the registry of all ledgers
	Registry string            `json:"registry"`
	Keys     []ListKeysDataKey `json:"keys"`
}

type ListKeysDataKey struct {
	Fingerprint string `json:"fingerprint"`
	// C2SP vkey for the organisation's ledger
	VerifierKey string `json:"verifier_key"`
	// the same key for the registry
	RegistryVerifierKey string    `json:"registry_verifier_key"`
	AddedAt             time.Time `json:"added_at"`
	// null while it signs
	RetiredAt *time.Time `json:"retired_at"`
	// signed note by the key before; null for the first
	Introduction *string `json:"introduction"`
}

// ListLegalHoldsState is one of these, or one that is newer than this package.
type ListLegalHoldsState string

// The values of ListLegalHoldsState.
const (
	ListLegalHoldsStateActive   ListLegalHoldsState = "active"
	ListLegalHoldsStateReleased ListLegalHoldsState = "released"
)

type ListMetadata struct {
	Timestamp time.Time `json:"timestamp"`
	RequestID string    `json:"request_id"`
	// measured
	QueryExecutionTimeMS int64 `json:"query_execution_time_ms"`
	// the stores that were read; compliance_archive: some of the period came from the archive by a
	// retrieval
	DataSources []ListMetadataDataSource `json:"data_sources"`
	// entries of the period that are in the archive alone, and so not in the list; those of whole
	// segments. Absent when there are none
	ArchivedEntries *int64 `json:"archived_entries,omitzero"`
}

// ListMetadataDataSource is one of these, or one that is newer than this package.
type ListMetadataDataSource string

// The values of ListMetadataDataSource.
const (
	ListMetadataDataSourcePrimaryAuditDb    ListMetadataDataSource = "primary_audit_db"
	ListMetadataDataSourceComplianceArchive ListMetadataDataSource = "compliance_archive"
)

// ListReportsReportType is one of these, or one that is newer than this package.
type ListReportsReportType string

// The values of ListReportsReportType.
const (
	ListReportsReportTypeComplianceSummary ListReportsReportType = "compliance_summary"
	ListReportsReportTypeAuditTrail        ListReportsReportType = "audit_trail"
	ListReportsReportTypeDataIntegrity     ListReportsReportType = "data_integrity"
	ListReportsReportTypeAccessReview      ListReportsReportType = "access_review"
	ListReportsReportTypeInvestigation     ListReportsReportType = "investigation"
)

// ListReportsStatus is one of these, or one that is newer than this package.
type ListReportsStatus string

// The values of ListReportsStatus.
const (
	ListReportsStatusQueued           ListReportsStatus = "queued"
	ListReportsStatusProcessing       ListReportsStatus = "processing"
	ListReportsStatusPendingSignature ListReportsStatus = "pending_signature"
	ListReportsStatusGenerated        ListReportsStatus = "generated"
	ListReportsStatusFailed           ListReportsStatus = "failed"
	ListReportsStatusCanceled         ListReportsStatus = "canceled"
)

// ListRetentionChangesStatus is one of these, or one that is newer than this package.
type ListRetentionChangesStatus string

// The values of ListRetentionChangesStatus.
const (
	ListRetentionChangesStatusPending  ListRetentionChangesStatus = "pending"
	ListRetentionChangesStatusApproved ListRetentionChangesStatus = "approved"
	ListRetentionChangesStatusRefused  ListRetentionChangesStatus = "refused"
)

// ListRetrievalsStatus is one of these, or one that is newer than this package.
type ListRetrievalsStatus string

// The values of ListRetrievalsStatus.
const (
	ListRetrievalsStatusRequested ListRetrievalsStatus = "requested"
	ListRetrievalsStatusRestoring ListRetrievalsStatus = "restoring"
	ListRetrievalsStatusAvailable ListRetrievalsStatus = "available"
	ListRetrievalsStatusRefused   ListRetrievalsStatus = "refused"
	ListRetrievalsStatusExpired   ListRetrievalsStatus = "expired"
	ListRetrievalsStatusFailed    ListRetrievalsStatus = "failed"
)

// ListViolationsStatus is one of these, or one that is newer than this package.
type ListViolationsStatus string

// The values of ListViolationsStatus.
const (
	ListViolationsStatusOpen       ListViolationsStatus = "open"
	ListViolationsStatusInProgress ListViolationsStatus = "in_progress"
	ListViolationsStatusAccepted   ListViolationsStatus = "accepted"
	ListViolationsStatusResolved   ListViolationsStatus = "resolved"
)

// Log: an entry in document A's shape. `event_type` is missing only from an entry whose stored
// content was destroyed.
type Log struct {
	ID         string         `json:"id"`
	EventType  string         `json:"event_type,omitzero"`
	Actor      *LogActor      `json:"actor,omitzero"`
	Resource   map[string]any `json:"resource,omitzero"`
	Repository *LogRepository `json:"repository,omitzero"`
	Details    map[string]any `json:"details,omitzero"`
	IPAddress  string         `json:"ip_address,omitzero"`
	UserAgent  string         `json:"user_agent,omitzero"`
	Timestamp  time.Time      `json:"timestamp"`
	Hash       string         `json:"hash"`
	Seq        int64          `json:"seq"`
	// hashed again for this answer and equal to what is stored
	Verified bool     `json:"verified"`
	Withheld []string `json:"withheld,omitzero"`
}

type LogActor struct {
	Type  string `json:"type,omitzero"`
	ID    string `json:"id,omitzero"`
	Email string `json:"email,omitzero"`
	Name  string `json:"name,omitzero"`
}

type LogDetail struct {
	ID         string         `json:"id"`
	EventType  string         `json:"event_type,omitzero"`
	Actor      *LogActor      `json:"actor,omitzero"`
	Resource   map[string]any `json:"resource,omitzero"`
	Repository *LogRepository `json:"repository,omitzero"`
	Details    map[string]any `json:"details,omitzero"`
	IPAddress  string         `json:"ip_address,omitzero"`
	UserAgent  string         `json:"user_agent,omitzero"`
	Timestamp  time.Time      `json:"timestamp"`
	Hash       string         `json:"hash"`
	Seq        int64          `json:"seq"`
	// hashed again for this answer and equal to what is stored
	Verified bool     `json:"verified"`
	Withheld []string `json:"withheld,omitzero"`
	// ip_address, user_agent, session_id and request_id of the originating request, and what else was
	// submitted
	Metadata     map[string]any `json:"metadata,omitzero"`
	PreviousHash string         `json:"previous_hash,omitzero"`
}

type LogRepository struct {
	ID   string `json:"id,omitzero"`
	Name string `json:"name,omitzero"`
}

type ManualFinding struct {
	Title       string                `json:"title"`
	Description string                `json:"description"`
	Severity    ManualFindingSeverity `json:"severity"`
	EntryIDs    []string              `json:"entry_ids"`
	// required of high and critical ones
	AlternativeExplanation string `json:"alternative_explanation,omitzero"`
}

// ManualFindingSeverity is one of these, or one that is newer than this package.
type ManualFindingSeverity string

// The values of ManualFindingSeverity.
const (
	ManualFindingSeverityLow      ManualFindingSeverity = "low"
	ManualFindingSeverityMedium   ManualFindingSeverity = "medium"
	ManualFindingSeverityHigh     ManualFindingSeverity = "high"
	ManualFindingSeverityCritical ManualFindingSeverity = "critical"
)

type Me struct {
	Type MeType `json:"type"`
	// as in the actor of entries about what the caller does
	ID           string         `json:"id"`
	Name         string         `json:"name,omitzero"`
	Email        string         `json:"email,omitzero"`
	Organisation MeOrganisation `json:"organisation"`
	Roles        []RoleName     `json:"roles"`
	// with those that are implied
	Permissions []Permission `json:"permissions"`
	// null: everything of the organisation
	Constraints *Constraints `json:"constraints"`
	// none: from anywhere
	AllowedCIDRs []string `json:"allowed_cidrs"`
	// where this request came from
	Address string `json:"address"`
	// null: never
	ExpiresAt *time.Time `json:"expires_at"`
}

type MeOrganisation struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// MeType is one of these, or one that is newer than this package.
type MeType string

// The values of MeType.
const (
	MeTypeAPIKey MeType = "api_key"
	MeTypeUser   MeType = "user"
)

type Metadata struct {
	Timestamp time.Time `json:"timestamp"`
	RequestID string    `json:"request_id"`
	// those of the credential: what they do not cover is neither counted nor ranked
	Constraints *Constraints `json:"constraints,omitzero"`
}

type NewIdentity struct {
	Nonce    string `json:"nonce"`
	Password string `json:"password"`
	Code     string `json:"code"`
	IDToken  string `json:"id_token"`
}

type NewPasskey struct {
	Nonce    string `json:"nonce"`
	Name     string `json:"name"`
	Password string `json:"password"`
	Code     string `json:"code"`
	// RegistrationResponseJSON of Web Authentication
	Credential map[string]any `json:"credential"`
}

type NoteRequest struct {
	Text string `json:"text"`
}

type NumberedPage struct {
	// not with a cursor
	Page  int64  `json:"page,omitzero"`
	Limit int64  `json:"limit"`
	Total *int64 `json:"total,omitzero"`
	// asks for what comes after this page; missing on the last page of a descending list. Nothing ever
	// appears before it, so with order=asc it is there as soon as one entry was seen, and later gives
	// what was appended since
	NextCursor string `json:"next_cursor,omitzero"`
}

type OffsetPage struct {
	Total *int64 `json:"total,omitzero"`
	Limit int64  `json:"limit"`
	// not with a cursor
	Offset  *int64 `json:"offset,omitzero"`
	HasMore bool   `json:"has_more"`
	// asks for what comes after this page; missing on the last page of a descending list. Nothing ever
	// appears before it, so with order=asc it is there as soon as one entry was seen, and later gives
	// what was appended since
	NextCursor string `json:"next_cursor,omitzero"`
}

// Opened: the investigation that the entry opened
type Opened struct {
	AutoCreated     bool   `json:"auto_created"`
	InvestigationID string `json:"investigation_id"`
	// the entry's severity
	Priority   Severity `json:"priority"`
	AssignedTo string   `json:"assigned_to"`
}

// Order is one of these, or one that is newer than this package.
type Order string

// The values of Order.
const (
	OrderAsc  Order = "asc"
	OrderDesc Order = "desc"
)

type OwnCatalog struct {
	CatalogID string    `json:"catalog_id"`
	Framework Framework `json:"framework"`
	Version   int64     `json:"version"`
	// over the text and the checks that catalogues share, as results of assessments name it
	Digest    string    `json:"digest"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	Catalog   *Catalog  `json:"catalog,omitzero"`
	Text      string    `json:"text,omitzero"`
}

type Passkey struct {
	PasskeyID string `json:"passkey_id"`
	// that the person gave it
	Name string `json:"name"`
	// it may be on several devices
	BackedUp  bool      `json:"backed_up"`
	CreatedAt time.Time `json:"created_at"`
	// to sign
	UsedAt *time.Time `json:"used_at"`
}

type PasswordChange struct {
	CurrentPassword string `json:"current_password"`
	// 12 to 256 characters
	NewPassword string `json:"new_password"`
	// of the authenticator
	Code string `json:"code"`
}

// Permission is one of these, or one that is newer than this package.
type Permission string

// The values of Permission.
const (
	PermissionAuditReadBasic           Permission = "audit:read:basic"
	PermissionAuditReadSensitive       Permission = "audit:read:sensitive"
	PermissionAuditWrite               Permission = "audit:write"
	PermissionAuditVerify              Permission = "audit:verify"
	PermissionAuditExport              Permission = "audit:export"
	PermissionAuditEvidenceRead        Permission = "audit:evidence:read"
	PermissionAuditEvidenceWrite       Permission = "audit:evidence:write"
	PermissionAuditComplianceRead      Permission = "audit:compliance:read"
	PermissionAuditComplianceWrite     Permission = "audit:compliance:write"
	PermissionAuditReportsRead         Permission = "audit:reports:read"
	PermissionAuditReportsCreate       Permission = "audit:reports:create"
	PermissionAuditReportsSign         Permission = "audit:reports:sign"
	PermissionAuditReportsDistribute   Permission = "audit:reports:distribute"
	PermissionAuditInvestigationsRead  Permission = "audit:investigations:read"
	PermissionAuditInvestigationsWrite Permission = "audit:investigations:write"
	PermissionAuditInvestigationsClose Permission = "audit:investigations:close"
	PermissionAuditRetentionManage     Permission = "audit:retention:manage"
	PermissionAuditLegalHoldManage     Permission = "audit:legal_hold:manage"
	PermissionAuditArchiveRead         Permission = "audit:archive:read"
	PermissionAuditErasureExecute      Permission = "audit:erasure:execute"
	PermissionAuditStreamsManage       Permission = "audit:streams:manage"
	PermissionAuditKeysManage          Permission = "audit:keys:manage"
	PermissionAuditAdmin               Permission = "audit:admin"
)

type PermissionInfo struct {
	Name        Permission   `json:"name"`
	Description string       `json:"description"`
	Implies     []Permission `json:"implies"`
	// false: for people only
	APIKeys bool `json:"api_keys"`
	// it shows what audit:read:basic masks: only who holds it can grant it
	Reveals bool `json:"reveals"`
}

type Person struct {
	UserID        string       `json:"user_id"`
	Email         string       `json:"email"`
	Name          string       `json:"name"`
	Title         string       `json:"title,omitzero"`
	Department    string       `json:"department,omitzero"`
	Certification string       `json:"certification,omitzero"`
	Roles         []string     `json:"roles"`
	Constraints   *Constraints `json:"constraints,omitzero"`
	ExpiresAt     time.Time    `json:"expires_at,omitzero"`
	Status        PersonStatus `json:"status"`
	LockedUntil   time.Time    `json:"locked_until,omitzero"`
	// derived: could the person sign now
	CanSign          bool      `json:"can_sign"`
	CannotSignReason string    `json:"cannot_sign_reason,omitzero"`
	SignedInAt       time.Time `json:"signed_in_at,omitzero"`
	CreatedBy        string    `json:"created_by"`
	CreatedAt        time.Time `json:"created_at"`
	ChangedAt        time.Time `json:"changed_at"`
	// once, in the answer to creating or resetting the person
	EnrolmentCode           string    `json:"enrolment_code,omitzero"`
	EnrolmentCodeValidUntil time.Time `json:"enrolment_code_valid_until,omitzero"`
}

type PersonDetails struct {
	Email string `json:"email"`
	Name  string `json:"name"`
	// what the person is
	Title      string `json:"title,omitzero"`
	Department string `json:"department,omitzero"`
	// of an investigator
	Certification string       `json:"certification,omitzero"`
	Roles         []string     `json:"roles"`
	Constraints   *Constraints `json:"constraints,omitzero"`
	// RFC 3339: when the account ends
	ExpiresAt string `json:"expires_at,omitzero"`
}

type PersonPatch struct {
	Email *string `json:"email,omitzero"`
	Name  *string `json:"name,omitzero"`
	// what the person is
	Title      Patch[string] `json:"title,omitzero"`
	Department Patch[string] `json:"department,omitzero"`
	// of an investigator
	Certification Patch[string]      `json:"certification,omitzero"`
	Roles         []string           `json:"roles,omitzero"`
	Constraints   Patch[Constraints] `json:"constraints,omitzero"`
	// RFC 3339: when the account ends
	ExpiresAt Patch[string] `json:"expires_at,omitzero"`
}

// PersonStatus is one of these, or one that is newer than this package.
type PersonStatus string

// The values of PersonStatus.
const (
	PersonStatusInvited      PersonStatus = "invited"
	PersonStatusActive       PersonStatus = "active"
	PersonStatusResetPending PersonStatus = "reset_pending"
	PersonStatusDeactivated  PersonStatus = "deactivated"
)

// ProviderRequest: what a browser asks the identity provider for (OpenID Connect Core 1.0, section
// 3.1.2.1), to get an ID token.
type ProviderRequest struct {
	Issuer   string `json:"issuer"`
	ClientID string `json:"client_id"`
	Nonce    string `json:"nonce"`
	// of which the ID token must have one as its acr
	AcrValues []string `json:"acr_values"`
	// the person authenticates anew
	MaxAge int64 `json:"max_age"`
}

// PutRetentionData is one of its members; Other is what this package does not know.
type PutRetentionData struct {
	RetentionData   *RetentionData
	RetentionChange *RetentionChange
	Other           json.RawMessage
}

var putRetentionDataShapes = []shape{
	{required: []string{"policy", "storage_used_gb", "oldest_log", "version", "floors"}},
	{required: []string{"change_id", "status", "based_on", "previous", "policy", "shortens", "reason", "requested_by", "requested_at", "decided_by", "decided_at", "decision_reason", "version"}},
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *PutRetentionData) UnmarshalJSON(raw []byte) error {
	*u = PutRetentionData{}
	switch choose(raw, putRetentionDataShapes) {
	case 0:
		return json.Unmarshal(raw, &u.RetentionData)
	case 1:
		return json.Unmarshal(raw, &u.RetentionChange)
	}
	u.Other = bytes.Clone(raw)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (u PutRetentionData) MarshalJSON() ([]byte, error) {
	switch {
	case u.RetentionData != nil:
		return json.Marshal(u.RetentionData)
	case u.RetentionChange != nil:
		return json.Marshal(u.RetentionChange)
	case u.Other != nil:
		return u.Other, nil
	}
	return []byte("null"), nil
}

type RangeProof struct {
	Range string `json:"range"`
	First int64  `json:"first"`
	End   int64  `json:"end"`
	// the roots of the complete subtrees that cover [0, first), from left to right
	Left []string `json:"left"`
	// the roots of the subtrees by which the tree goes on from end to the checkpoint's size, from left
	// to right; the last may be incomplete
	Right []string `json:"right"`
	// a C2SP tlog-checkpoint in a signed-note
	Checkpoint string `json:"checkpoint"`
}

type ReadyzData struct {
	Status  string  `json:"status"`
	Checks  []Check `json:"checks"`
	Appends bool    `json:"appends"`
}

type ReasonRequest struct {
	Reason string `json:"reason"`
}

// Receipt: keep it; `sealbook verify` checks it offline against the ledger's public key.
type Receipt struct {
	Receipt string `json:"receipt"`
	// the hashed record, verbatim
	Record string `json:"record"`
	// inclusion proof and signed checkpoint (C2SP tlog-proof)
	Proof string `json:"proof"`
}

// ReceiptVerification: what holds of a receipt, point by point
type ReceiptVerification struct {
	EntryID    string    `json:"entry_id"`
	LogID      string    `json:"log_id"`
	Seq        int64     `json:"seq"`
	EventType  string    `json:"event_type"`
	RecordedAt time.Time `json:"recorded_at"`
	Hash       string    `json:"hash"`
	// of the receipt's checkpoint
	TreeSize int64 `json:"tree_size"`
	// fingerprint of this installation's key that signed the receipt; missing when none did
	SignedBy string `json:"signed_by,omitzero"`
	// it is signed here and its own proof holds
	Genuine bool `json:"genuine"`
	// its record is still entry seq and hashes as it should
	Current bool `json:"current"`
	// the present tree holds the receipt's tree unchanged
	Extended bool `json:"extended"`
	// the proof of that (RFC 6962, section 2.1.2), missing when there is none
	Consistency *ReceiptVerificationConsistency `json:"consistency,omitzero"`
}

// ReceiptVerificationConsistency: the proof of that (RFC 6962, section 2.1.2), missing when there
// is none
type ReceiptVerificationConsistency struct {
	First  int64    `json:"first"`
	Second int64    `json:"second"`
	Hashes []string `json:"hashes"`
}

// Report: what is null is not known yet, or does not exist; an object says why where that is no
// matter of time.
type Report struct {
	ReportID   string           `json:"report_id"`
	Status     ReportStatus     `json:"status"`
	ReportType ReportReportType `json:"report_type"`
	// of an investigation; nobody sees such a report who may not read the case
	InvestigationID   string                 `json:"investigation_id,omitzero"`
	Framework         *ReportFramework       `json:"framework"`
	Period            ReportPeriod           `json:"period"`
	GenerationInfo    ReportGenerationInfo   `json:"generation_info"`
	Summary           *ReportSummary         `json:"summary"`
	DigitalSignature  ReportDigitalSignature `json:"digital_signature"`
	FileInfo          *ReportFileInfo        `json:"file_info"`
	Distribution      ReportDistribution     `json:"distribution"`
	Retention         *ReportRetention       `json:"retention"`
	CreatedAt         time.Time              `json:"created_at"`
	CancelRequestedAt time.Time              `json:"cancel_requested_at,omitzero"`
	// why a failed report failed
	Error    string          `json:"error,omitzero"`
	Progress *ReportProgress `json:"progress,omitzero"`
}

type ReportCheck struct {
	// a report of this organisation has these bytes
	Verified  bool    `json:"verified"`
	Checksum  string  `json:"checksum"`
	SizeBytes int64   `json:"size_bytes"`
	ReportID  *string `json:"report_id"`
	// why it is not verified
	Reason     string                 `json:"reason,omitzero"`
	Signatures []ReportCheckSignature `json:"signatures"`
}

type ReportCheckSignature struct {
	Valid bool `json:"valid"`
	// it covers every byte of the file
	WholeDocument bool `json:"whole_document"`
	// the certificate leads to one that the API's machine trusts
	Trusted                bool   `json:"trusted"`
	Signer                 string `json:"signer"`
	CertificateFingerprint string `json:"certificate_fingerprint"`
	Name                   string `json:"name"`
	Reason                 string `json:"reason"`
	// as the signer says
	SigningTime   *time.Time `json:"signing_time"`
	TimestampedAt *time.Time `json:"timestamped_at"`
	Problems      []string   `json:"problems"`
}

type ReportDigitalSignature struct {
	// by every signatory; the seal is the system's
	Signed             bool                                    `json:"signed"`
	Signatory          *string                                 `json:"signatory"`
	SignatureTimestamp *time.Time                              `json:"signature_timestamp"`
	SignatureMeaning   *ReportDigitalSignatureSignatureMeaning `json:"signature_meaning"`
	// of the certificate that sealed the PDF
	CertificateFingerprint *string `json:"certificate_fingerprint"`
	Required               bool    `json:"required"`
	SignatureID            string  `json:"signature_id,omitzero"`
	// until when whose turn it is can sign
	DueAt time.Time `json:"due_at,omitzero"`
	// who sign after the signatory, in this order
	Countersigners []ReportDigitalSignatureCountersigner `json:"countersigners,omitzero"`
	// whose turn it is to sign
	AwaitedSignatory string `json:"awaited_signatory,omitzero"`
	Sealed           bool   `json:"sealed"`
	// by a time-stamp authority
	TimestampedAt *time.Time `json:"timestamped_at"`
	// the seal proves nothing
	DevelopmentCertificate *bool `json:"development_certificate,omitzero"`
}

type ReportDigitalSignatureCountersigner struct {
	Signatory          string                                              `json:"signatory"`
	SignatureMeaning   ReportDigitalSignatureCountersignerSignatureMeaning `json:"signature_meaning"`
	Signed             bool                                                `json:"signed"`
	SignatureTimestamp *time.Time                                          `json:"signature_timestamp"`
	SignatureID        string                                              `json:"signature_id,omitzero"`
}

// ReportDigitalSignatureCountersignerSignatureMeaning is one of these, or one that is newer than
// this package.
type ReportDigitalSignatureCountersignerSignatureMeaning string

// The values of ReportDigitalSignatureCountersignerSignatureMeaning.
const (
	ReportDigitalSignatureCountersignerSignatureMeaningAuthorship          ReportDigitalSignatureCountersignerSignatureMeaning = "authorship"
	ReportDigitalSignatureCountersignerSignatureMeaningResponsibility      ReportDigitalSignatureCountersignerSignatureMeaning = "responsibility"
	ReportDigitalSignatureCountersignerSignatureMeaningReview              ReportDigitalSignatureCountersignerSignatureMeaning = "review"
	ReportDigitalSignatureCountersignerSignatureMeaningVerification        ReportDigitalSignatureCountersignerSignatureMeaning = "verification"
	ReportDigitalSignatureCountersignerSignatureMeaningApproval            ReportDigitalSignatureCountersignerSignatureMeaning = "approval"
	ReportDigitalSignatureCountersignerSignatureMeaningReviewedAndApproved ReportDigitalSignatureCountersignerSignatureMeaning = "reviewed_and_approved"
)

// ReportDigitalSignatureSignatureMeaning is one of these, or one that is newer than this package.
type ReportDigitalSignatureSignatureMeaning string

// The values of ReportDigitalSignatureSignatureMeaning.
const (
	ReportDigitalSignatureSignatureMeaningAuthorship          ReportDigitalSignatureSignatureMeaning = "authorship"
	ReportDigitalSignatureSignatureMeaningResponsibility      ReportDigitalSignatureSignatureMeaning = "responsibility"
	ReportDigitalSignatureSignatureMeaningReview              ReportDigitalSignatureSignatureMeaning = "review"
	ReportDigitalSignatureSignatureMeaningVerification        ReportDigitalSignatureSignatureMeaning = "verification"
	ReportDigitalSignatureSignatureMeaningApproval            ReportDigitalSignatureSignatureMeaning = "approval"
	ReportDigitalSignatureSignatureMeaningReviewedAndApproved ReportDigitalSignatureSignatureMeaning = "reviewed_and_approved"
)

type ReportDistribution struct {
	// the mail provider accepted the newest mail to every recipient
	EmailSent  bool     `json:"email_sent"`
	Recipients []string `json:"recipients"`
	// every recipient's server accepted it; nobody may have read it
	DeliveryConfirmation bool `json:"delivery_confirmation"`
}

type ReportFileInfo struct {
	Format      ReportFileInfoFormat `json:"format"`
	SizeBytes   int64                `json:"size_bytes"`
	DownloadURL string               `json:"download_url"`
	ExpiresAt   time.Time            `json:"expires_at"`
	// of the bytes that a download has
	Checksum string `json:"checksum"`
	Pages    int64  `json:"pages,omitzero"`
	// entries that a PDF does not list, for the limit of rows
	RowsOmitted int64 `json:"rows_omitted,omitzero"`
}

// ReportFileInfoFormat is one of these, or one that is newer than this package.
type ReportFileInfoFormat string

// The values of ReportFileInfoFormat.
const (
	ReportFileInfoFormatPDF  ReportFileInfoFormat = "pdf"
	ReportFileInfoFormatJSON ReportFileInfoFormat = "json"
	ReportFileInfoFormatCSV  ReportFileInfoFormat = "csv"
)

// ReportFramework is one of these, or one that is newer than this package.
type ReportFramework string

// The values of ReportFramework.
const (
	ReportFrameworkSOC2       ReportFramework = "SOC2"
	ReportFrameworkFDA21cfr11 ReportFramework = "FDA_21CFR11"
	ReportFrameworkISO27001   ReportFramework = "ISO_27001"
	ReportFrameworkGDPR       ReportFramework = "GDPR"
	ReportFrameworkSOX        ReportFramework = "SOX"
	ReportFrameworkNISTCSF    ReportFramework = "NIST_CSF"
)

type ReportGenerationInfo struct {
	GeneratedAt *time.Time `json:"generated_at"`
	// who asked for it
	GeneratedBy string `json:"generated_by"`
	// from the request to the file, waiting for a signature included
	ProcessingTimeMS *int64 `json:"processing_time_ms"`
	// kinds of data that were read: entries, findings, violations, catalogue, attestations,
	// assessments; of an investigation entries, the case, its evidence
	DataSources          *int64 `json:"data_sources"`
	TotalRecordsAnalyzed *int64 `json:"total_records_analyzed"`
}

type ReportLink struct {
	DownloadURL string    `json:"download_url"`
	ExpiresAt   time.Time `json:"expires_at"`
}

type ReportPeriod struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// days that it touches
	DurationDays int64 `json:"duration_days"`
}

type ReportProgress struct {
	Stage        string `json:"stage"`
	EntriesDone  int64  `json:"entries_done"`
	EntriesTotal int64  `json:"entries_total"`
}

// ReportReportType is one of these, or one that is newer than this package.
type ReportReportType string

// The values of ReportReportType.
const (
	ReportReportTypeComplianceSummary ReportReportType = "compliance_summary"
	ReportReportTypeAuditTrail        ReportReportType = "audit_trail"
	ReportReportTypeDataIntegrity     ReportReportType = "data_integrity"
	ReportReportTypeAccessReview      ReportReportType = "access_review"
	ReportReportTypeInvestigation     ReportReportType = "investigation"
)

type ReportRequest struct {
	ReportType ReportRequestReportType `json:"report_type"`
	// of a compliance_summary required; of the others it selects findings and violations; an
	// investigation has its own
	Framework string `json:"framework,omitzero"`
	// of an investigation required, and of it alone: the case
	InvestigationID string `json:"investigation_id,omitzero"`
	// Required, but of an investigation, whose report is of the whole scope of its case: one that is
	// named there has to hold it. Both bounds belong to it; one that has not ended ends now.
	Period *ReportRequestPeriod `json:"period,omitzero"`
	// narrows what is counted and listed; the score of a framework is of the whole ledger all the
	// same. Of an investigation it narrows nothing
	Scope            *ReportRequestScope            `json:"scope,omitzero"`
	Format           ReportRequestFormat            `json:"format,omitzero"`
	DigitalSignature *ReportRequestDigitalSignature `json:"digital_signature,omitzero"`
	// e-mail addresses, at most 50 different ones
	Distribution []string `json:"distribution,omitzero"`
}

type ReportRequestDigitalSignature struct {
	// whether a person signs; only a pdf can be signed
	Required bool `json:"required"`
	// a person of the directory, by id or e-mail address
	Signatory string `json:"signatory,omitzero"`
	// the requester can only sign with the first two
	SignatureMeaning ReportRequestDigitalSignatureSignatureMeaning `json:"signature_meaning,omitzero"`
	// who sign then, in this order, each another person
	Countersigners []ReportRequestDigitalSignatureCountersigner `json:"countersigners,omitzero"`
}

type ReportRequestDigitalSignatureCountersigner struct {
	// a person of the directory, by id or e-mail address
	Signatory        string                                                     `json:"signatory"`
	SignatureMeaning ReportRequestDigitalSignatureCountersignerSignatureMeaning `json:"signature_meaning"`
}

// ReportRequestDigitalSignatureCountersignerSignatureMeaning is one of these, or one that is newer
// than this package.
type ReportRequestDigitalSignatureCountersignerSignatureMeaning string

// The values of ReportRequestDigitalSignatureCountersignerSignatureMeaning.
const (
	ReportRequestDigitalSignatureCountersignerSignatureMeaningAuthorship          ReportRequestDigitalSignatureCountersignerSignatureMeaning = "authorship"
	ReportRequestDigitalSignatureCountersignerSignatureMeaningResponsibility      ReportRequestDigitalSignatureCountersignerSignatureMeaning = "responsibility"
	ReportRequestDigitalSignatureCountersignerSignatureMeaningReview              ReportRequestDigitalSignatureCountersignerSignatureMeaning = "review"
	ReportRequestDigitalSignatureCountersignerSignatureMeaningVerification        ReportRequestDigitalSignatureCountersignerSignatureMeaning = "verification"
	ReportRequestDigitalSignatureCountersignerSignatureMeaningApproval            ReportRequestDigitalSignatureCountersignerSignatureMeaning = "approval"
	ReportRequestDigitalSignatureCountersignerSignatureMeaningReviewedAndApproved ReportRequestDigitalSignatureCountersignerSignatureMeaning = "reviewed_and_approved"
)

// ReportRequestDigitalSignatureSignatureMeaning is one of these, or one that is newer than this
// package.
type ReportRequestDigitalSignatureSignatureMeaning string

// The values of ReportRequestDigitalSignatureSignatureMeaning.
const (
	ReportRequestDigitalSignatureSignatureMeaningAuthorship          ReportRequestDigitalSignatureSignatureMeaning = "authorship"
	ReportRequestDigitalSignatureSignatureMeaningResponsibility      ReportRequestDigitalSignatureSignatureMeaning = "responsibility"
	ReportRequestDigitalSignatureSignatureMeaningReview              ReportRequestDigitalSignatureSignatureMeaning = "review"
	ReportRequestDigitalSignatureSignatureMeaningVerification        ReportRequestDigitalSignatureSignatureMeaning = "verification"
	ReportRequestDigitalSignatureSignatureMeaningApproval            ReportRequestDigitalSignatureSignatureMeaning = "approval"
	ReportRequestDigitalSignatureSignatureMeaningReviewedAndApproved ReportRequestDigitalSignatureSignatureMeaning = "reviewed_and_approved"
)

// ReportRequestFormat is one of these, or one that is newer than this package.
type ReportRequestFormat string

// The values of ReportRequestFormat.
const (
	ReportRequestFormatPDF  ReportRequestFormat = "pdf"
	ReportRequestFormatJSON ReportRequestFormat = "json"
	ReportRequestFormatCSV  ReportRequestFormat = "csv"
)

// ReportRequestPeriod: required, but of an investigation, whose report is of the whole scope of
// its case: one that is named there has to hold it. Both bounds belong to it; one that has not
// ended ends now.
type ReportRequestPeriod struct {
	// a date or an RFC 3339 time
	Start string `json:"start"`
	// likewise
	End string `json:"end"`
}

// ReportRequestReportType is one of these, or one that is newer than this package.
type ReportRequestReportType string

// The values of ReportRequestReportType.
const (
	ReportRequestReportTypeComplianceSummary ReportRequestReportType = "compliance_summary"
	ReportRequestReportTypeAuditTrail        ReportRequestReportType = "audit_trail"
	ReportRequestReportTypeDataIntegrity     ReportRequestReportType = "data_integrity"
	ReportRequestReportTypeAccessReview      ReportRequestReportType = "access_review"
	ReportRequestReportTypeInvestigation     ReportRequestReportType = "investigation"
)

// ReportRequestScope: narrows what is counted and listed; the score of a framework is of the whole
// ledger all the same. Of an investigation it narrows nothing
type ReportRequestScope struct {
	// by repository, the resource's parent_machine, the context's system or environment, or
	// affected_systems
	IncludeSystems []string `json:"include_systems,omitzero"`
	// ids or e-mail addresses of actors
	IncludeUsers       any   `json:"include_users,omitzero"`
	IncludeViolations  *bool `json:"include_violations,omitzero"`
	IncludeRemediation *bool `json:"include_remediation,omitzero"`
}

type ReportRetention struct {
	// of the organisation's policy for entries
	RetentionPeriod string    `json:"retention_period"`
	ArchiveLocation string    `json:"archive_location"`
	Immutable       bool      `json:"immutable"`
	RetainedUntil   time.Time `json:"retained_until"`
}

// ReportStatus is one of these, or one that is newer than this package.
type ReportStatus string

// The values of ReportStatus.
const (
	ReportStatusQueued           ReportStatus = "queued"
	ReportStatusProcessing       ReportStatus = "processing"
	ReportStatusPendingSignature ReportStatus = "pending_signature"
	ReportStatusGenerated        ReportStatus = "generated"
	ReportStatusFailed           ReportStatus = "failed"
	ReportStatusCanceled         ReportStatus = "canceled"
)

type ReportSummary struct {
	OverallComplianceScore *float64 `json:"overall_compliance_score"`
	// why there is none
	OverallComplianceScoreReason string   `json:"overall_compliance_score_reason,omitzero"`
	CoveragePercent              *float64 `json:"coverage_percent"`
	ScoreFloor                   *float64 `json:"score_floor"`
	// of the scope, in the period
	TotalAuditEntries int64 `json:"total_audit_entries"`
	// of the period, and older ones that are not resolved
	ComplianceViolations int64 `json:"compliance_violations"`
	// that are open
	CriticalFindings int64 `json:"critical_findings"`
	// findings and violations that were closed or resolved in the period or since
	RemediationCompleted int64 `json:"remediation_completed"`
	// findings and violations that are neither closed nor accepted
	PendingActions int64 `json:"pending_actions"`
}

type Repository struct {
	// 1 to 256 bytes
	ID string `json:"id,omitzero"`
	// 1 to 1024 bytes
	Name string `json:"name,omitzero"`
}

type RequirementFinding struct {
	Requirement string                     `json:"requirement"`
	Criterion   string                     `json:"criterion"`
	Title       string                     `json:"title"`
	Severity    RequirementFindingSeverity `json:"severity"`
	// a violation may have to be notified to an authority
	Notify  *bool         `json:"notify,omitzero"`
	Verdict Verdict       `json:"verdict"`
	Checks  []CheckResult `json:"checks"`
}

// RequirementFindingSeverity is one of these, or one that is newer than this package.
type RequirementFindingSeverity string

// The values of RequirementFindingSeverity.
const (
	RequirementFindingSeverityLow      RequirementFindingSeverity = "low"
	RequirementFindingSeverityMedium   RequirementFindingSeverity = "medium"
	RequirementFindingSeverityHigh     RequirementFindingSeverity = "high"
	RequirementFindingSeverityCritical RequirementFindingSeverity = "critical"
)

type RetentionChange struct {
	ChangeID string                `json:"change_id"`
	Status   RetentionChangeStatus `json:"status"`
	// the version that was in force when it was asked for; 0 is the shipped default
	BasedOn  int64           `json:"based_on"`
	Previous RetentionPolicy `json:"previous"`
	Policy   RetentionPolicy `json:"policy"`
	// members of the policy, such as /audit_logs/retention_days
	Shortens       []string       `json:"shortens"`
	Reason         string         `json:"reason"`
	RequestedBy    map[string]any `json:"requested_by"`
	RequestedAt    time.Time      `json:"requested_at"`
	DecidedBy      map[string]any `json:"decided_by"`
	DecidedAt      *time.Time     `json:"decided_at"`
	DecisionReason *string        `json:"decision_reason"`
	// that the approval set
	Version *int64 `json:"version"`
}

// RetentionChangeStatus is one of these, or one that is newer than this package.
type RetentionChangeStatus string

// The values of RetentionChangeStatus.
const (
	RetentionChangeStatusPending  RetentionChangeStatus = "pending"
	RetentionChangeStatusApproved RetentionChangeStatus = "approved"
	RetentionChangeStatusRefused  RetentionChangeStatus = "refused"
)

type RetentionData struct {
	Policy RetentionPolicy `json:"policy"`
	// null when it could not be measured; metadata.storage_reason says why
	StorageUsedGB *float64 `json:"storage_used_gb"`
	// time of the oldest event; null when there is none, and for who may not read every entry; then
	// metadata.oldest_reason says so
	OldestLog *time.Time `json:"oldest_log"`
	// 0 is the shipped default
	Version int64     `json:"version"`
	SetAt   time.Time `json:"set_at,omitzero"`
	// the shortest periods of the frameworks
	Floors []RetentionDataFloor `json:"floors"`
}

type RetentionDataFloor struct {
	Framework Framework `json:"framework"`
	// null when the framework names no shortest period
	RetentionDays *int64 `json:"retention_days"`
	// a text's number; what auditors expect; ours, because the text makes it depend on what is not
	// known here
	Basis  RetentionDataFloorBasis `json:"basis"`
	Source string                  `json:"source"`
}

// RetentionDataFloorBasis is one of these, or one that is newer than this package.
type RetentionDataFloorBasis string

// The values of RetentionDataFloorBasis.
const (
	RetentionDataFloorBasisRegulation RetentionDataFloorBasis = "regulation"
	RetentionDataFloorBasisPractice   RetentionDataFloorBasis = "practice"
	RetentionDataFloorBasisProduct    RetentionDataFloorBasis = "product"
	RetentionDataFloorBasisNone       RetentionDataFloorBasis = "none"
)

type RetentionDecision struct {
	Decision RetentionDecisionDecision `json:"decision"`
	// required of a refusal
	Reason string `json:"reason,omitzero"`
}

// RetentionDecisionDecision is one of these, or one that is newer than this package.
type RetentionDecisionDecision string

// The values of RetentionDecisionDecision.
const (
	RetentionDecisionDecisionApprove RetentionDecisionDecision = "approve"
	RetentionDecisionDecisionRefuse  RetentionDecisionDecision = "refuse"
)

type RetentionMetadata struct {
	Timestamp         time.Time    `json:"timestamp"`
	RequestID         string       `json:"request_id"`
	StorageMeasuredAt *time.Time   `json:"storage_measured_at"`
	StorageReason     string       `json:"storage_reason,omitzero"`
	OldestReason      string       `json:"oldest_reason,omitzero"`
	Constraints       *Constraints `json:"constraints,omitzero"`
}

type RetentionPolicy struct {
	AuditLogs       RetentionRule   `json:"audit_logs"`
	ScanResults     RetentionRule   `json:"scan_results"`
	EvidenceExports ExportRetention `json:"evidence_exports"`
}

type RetentionRequest struct {
	AuditLogs       RetentionRule   `json:"audit_logs"`
	ScanResults     RetentionRule   `json:"scan_results"`
	EvidenceExports ExportRetention `json:"evidence_exports"`
	// why; required when something is kept for fewer days than now
	Reason string `json:"reason,omitzero"`
}

type RetentionRule struct {
	RetentionDays int64 `json:"retention_days"`
	// at most retention_days
	ArchiveAfterDays int64 `json:"archive_after_days"`
}

type Retrieval struct {
	RetrievalID string          `json:"retrieval_id"`
	Status      RetrievalStatus `json:"status"`
	StartDate   time.Time       `json:"start_date"`
	EndDate     time.Time       `json:"end_date"`
	Reason      string          `json:"reason"`
	Days        int64           `json:"days"`
	Segments    []string        `json:"segments"`
	// those of whole segments
	Entries     int64          `json:"entries"`
	RequestedBy map[string]any `json:"requested_by"`
	RequestedAt time.Time      `json:"requested_at"`
	DecidedBy   map[string]any `json:"decided_by"`
	DecidedAt   *time.Time     `json:"decided_at"`
	Refusal     *string        `json:"refusal"`
	AvailableAt *time.Time     `json:"available_at"`
	ExpiresAt   *time.Time     `json:"expires_at"`
	EndedAt     *time.Time     `json:"ended_at"`
	// why it failed
	Problem *string `json:"problem"`
}

type RetrievalDecision struct {
	Decision RetrievalDecisionDecision `json:"decision"`
	// required of a refusal
	Reason string `json:"reason,omitzero"`
}

// RetrievalDecisionDecision is one of these, or one that is newer than this package.
type RetrievalDecisionDecision string

// The values of RetrievalDecisionDecision.
const (
	RetrievalDecisionDecisionApprove RetrievalDecisionDecision = "approve"
	RetrievalDecisionDecisionRefuse  RetrievalDecisionDecision = "refuse"
)

type RetrievalRequest struct {
	// of the entries' own times, RFC 3339
	StartDate string `json:"start_date"`
	// exclusive
	EndDate string `json:"end_date"`
	Reason  string `json:"reason"`
	// how long they stay, from the approval
	Days int64 `json:"days,omitzero"`
}

// RetrievalStatus is one of these, or one that is newer than this package.
type RetrievalStatus string

// The values of RetrievalStatus.
const (
	RetrievalStatusRequested RetrievalStatus = "requested"
	RetrievalStatusRestoring RetrievalStatus = "restoring"
	RetrievalStatusAvailable RetrievalStatus = "available"
	RetrievalStatusRefused   RetrievalStatus = "refused"
	RetrievalStatusExpired   RetrievalStatus = "expired"
	RetrievalStatusFailed    RetrievalStatus = "failed"
)

type Role struct {
	Name        RoleName     `json:"name"`
	Description string       `json:"description"`
	Permissions []Permission `json:"permissions"`
	// those that an API key with this role holds
	APIKeyPermissions         []Permission `json:"api_key_permissions"`
	NeedsConstraintsAndExpiry bool         `json:"needs_constraints_and_expiry"`
}

// RoleName is one of these, or one that is newer than this package.
type RoleName string

// The values of RoleName.
const (
	RoleNameViewer            RoleName = "viewer"
	RoleNameAnalyst           RoleName = "analyst"
	RoleNameAuditor           RoleName = "auditor"
	RoleNameInvestigator      RoleName = "investigator"
	RoleNameComplianceOfficer RoleName = "compliance_officer"
	RoleNameIngest            RoleName = "ingest"
	RoleNameAdmin             RoleName = "admin"
)

type RotateAPIKeyRequest struct {
	// at most 30 days
	OverlapSeconds *int64 `json:"overlap_seconds,omitzero"`
}

type SearchData struct {
	Results []SearchResult `json:"results"`
	Total   int64          `json:"total"`
}

// SearchFields is one of these, or one that is newer than this package.
type SearchFields string

// The values of SearchFields.
const (
	SearchFieldsAll     SearchFields = "all"
	SearchFieldsDetails SearchFields = "details"
	SearchFieldsActor   SearchFields = "actor"
)

type SearchMetadata struct {
	Timestamp time.Time `json:"timestamp"`
	RequestID string    `json:"request_id"`
	// measured
	QueryExecutionTimeMS int64 `json:"query_execution_time_ms"`
	// the stores that were read; compliance_archive: some of the period came from the archive by a
	// retrieval
	DataSources []SearchMetadataDataSource `json:"data_sources"`
	// entries of the period that are in the archive alone, and so not in the list; those of whole
	// segments. Absent when there are none
	ArchivedEntries *int64 `json:"archived_entries,omitzero"`
	// the entries up to this one can be found; null before the first
	IndexedThroughSeq *int64 `json:"indexed_through_seq"`
	// the indexed entries from this one on were looked at; 0 is all, above it total_is_exact is false;
	// null before the first is indexed
	SearchedFromSeq *int64 `json:"searched_from_seq"`
	// entries after it
	EntriesNotIndexed int64 `json:"entries_not_indexed"`
	// false: entries before searched_from_seq can match, and are neither ranked nor counted
	TotalIsExact bool `json:"total_is_exact"`
	// unmasked: without what masking hides from this caller
	SearchedText SearchMetadataSearchedText `json:"searched_text"`
	// those of the credential: what they do not cover is neither counted nor ranked
	Constraints *Constraints `json:"constraints,omitzero"`
}

// SearchMetadataDataSource is one of these, or one that is newer than this package.
type SearchMetadataDataSource string

// The values of SearchMetadataDataSource.
const (
	SearchMetadataDataSourcePrimaryAuditDb    SearchMetadataDataSource = "primary_audit_db"
	SearchMetadataDataSourceComplianceArchive SearchMetadataDataSource = "compliance_archive"
)

// SearchMetadataSearchedText is one of these, or one that is newer than this package.
type SearchMetadataSearchedText string

// The values of SearchMetadataSearchedText.
const (
	SearchMetadataSearchedTextAll      SearchMetadataSearchedText = "all"
	SearchMetadataSearchedTextUnmasked SearchMetadataSearchedText = "unmasked"
)

type SearchResult struct {
	ID        string `json:"id"`
	EventType string `json:"event_type,omitzero"`
	// HTML: escaped text of the entry, with `em` around the words that were searched for and no other
	// tag
	Highlight string `json:"highlight"`
	// ts_rank_cd of Postgres, scaled to below 1; 0 when the query says only what must not be there
	Score     float64   `json:"score"`
	Timestamp time.Time `json:"timestamp"`
	EntryID   string    `json:"entry_id"`
	Seq       int64     `json:"seq"`
}

type Session struct {
	// once, and not when it is in a cookie
	Token       string      `json:"token,omitzero"`
	User        SessionUser `json:"user"`
	Roles       []string    `json:"roles"`
	Permissions []string    `json:"permissions"`
	EndsAt      time.Time   `json:"ends_at"`
	// after which a session that nobody uses ends
	IdleSeconds int64 `json:"idle_seconds"`
}

type SessionUser struct {
	UserID string `json:"user_id"`
	Name   string `json:"name"`
	Email  string `json:"email"`
}

// Severity is one of these, or one that is newer than this package.
type Severity string

// The values of Severity.
const (
	SeverityLow      Severity = "low"
	SeverityMedium   Severity = "medium"
	SeverityHigh     Severity = "high"
	SeverityCritical Severity = "critical"
)

// ShowEvidenceData is one of its members; Other is what this package does not know.
type ShowEvidenceData struct {
	FrameworkEvidenceData *FrameworkEvidenceData
	UploadedEvidence      *UploadedEvidence
	AggregatedEvidence    *AggregatedEvidence
	Other                 json.RawMessage
}

var showEvidenceDataShapes = []shape{
	{required: []string{"criteria", "evidence_items", "control_results"}},
	{required: []string{"id", "type", "title", "description", "criteria", "date", "artifacts", "uploaded_by", "created_at"}},
	{required: []string{"id", "type", "title", "description", "criteria", "date_range", "record_count"}},
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *ShowEvidenceData) UnmarshalJSON(raw []byte) error {
	*u = ShowEvidenceData{}
	switch choose(raw, showEvidenceDataShapes) {
	case 0:
		return json.Unmarshal(raw, &u.FrameworkEvidenceData)
	case 1:
		return json.Unmarshal(raw, &u.UploadedEvidence)
	case 2:
		return json.Unmarshal(raw, &u.AggregatedEvidence)
	}
	u.Other = bytes.Clone(raw)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (u ShowEvidenceData) MarshalJSON() ([]byte, error) {
	switch {
	case u.FrameworkEvidenceData != nil:
		return json.Marshal(u.FrameworkEvidenceData)
	case u.UploadedEvidence != nil:
		return json.Marshal(u.UploadedEvidence)
	case u.AggregatedEvidence != nil:
		return json.Marshal(u.AggregatedEvidence)
	case u.Other != nil:
		return u.Other, nil
	}
	return []byte("null"), nil
}

// ShowHistoryInterval is one of these, or one that is newer than this package.
type ShowHistoryInterval string

// The values of ShowHistoryInterval.
const (
	ShowHistoryIntervalDay   ShowHistoryInterval = "day"
	ShowHistoryIntervalWeek  ShowHistoryInterval = "week"
	ShowHistoryIntervalMonth ShowHistoryInterval = "month"
)

// ShowHistoryMetric is one of these, or one that is newer than this package.
type ShowHistoryMetric string

// The values of ShowHistoryMetric.
const (
	ShowHistoryMetricScore  ShowHistoryMetric = "score"
	ShowHistoryMetricIssues ShowHistoryMetric = "issues"
	ShowHistoryMetricFixes  ShowHistoryMetric = "fixes"
)

type ShowPermissionsData struct {
	Permissions []PermissionInfo `json:"permissions"`
	Roles       []Role           `json:"roles"`
}

type SignIn struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	// of the authenticator
	Code string `json:"code"`
	// its id, when the address has an account in several
	Organisation string `json:"organisation,omitzero"`
	Cookie       bool   `json:"cookie,omitzero"`
}

type Signatory struct {
	UserID string `json:"user_id"`
	Name   string `json:"name"`
}

// Signature: an electronic signature (21 CFR 11.50).
type Signature struct {
	SignatureID      string                    `json:"signature_id"`
	ReportID         string                    `json:"report_id"`
	Signatory        Signatory                 `json:"signatory"`
	SignatureMeaning SignatureSignatureMeaning `json:"signature_meaning"`
	SignedAt         time.Time                 `json:"signed_at"`
	// of the document that was signed
	Digest string `json:"digest"`
	// what the signatory showed; oidc: that they authenticated again with the identity provider
	Components []SignatureComponent `json:"components"`
	Comment    string               `json:"comment,omitzero"`
	Turn       int64                `json:"turn"`
	// how many sign the report
	Signatories int64 `json:"signatories"`
	// whose turn it is now to sign the report
	AwaitedSignatory *string `json:"awaited_signatory"`
}

// SignatureComponent is one of these, or one that is newer than this package.
type SignatureComponent string

// The values of SignatureComponent.
const (
	SignatureComponentPassword SignatureComponent = "password"
	SignatureComponentTotp     SignatureComponent = "totp"
	SignatureComponentPasskey  SignatureComponent = "passkey"
	SignatureComponentOIDC     SignatureComponent = "oidc"
)

// SignatureNotice: a signatory gets a mail when it is their turn, one when half of their time is
// over and one a day before its end. A time is null when the mail did not go out, or nobody knows
// whether it did; the reason says why.
type SignatureNotice struct {
	// when the mail that asks was handed over
	NotifiedAt *time.Time `json:"notified_at"`
	// when a reminder was, last
	RemindedAt *time.Time `json:"reminded_at"`
	// how many were
	Reminders int64 `json:"reminders"`
	// of the newest of these mails
	State *SignatureNoticeState `json:"state"`
	// why the newest has not gone out; for callers without `audit:read:sensitive` masked if it is what
	// a server said
	Reason *string `json:"reason"`
}

// SignatureNoticeState is one of these, or one that is newer than this package.
type SignatureNoticeState string

// The values of SignatureNoticeState.
const (
	SignatureNoticeStatePending   SignatureNoticeState = "pending"
	SignatureNoticeStateSending   SignatureNoticeState = "sending"
	SignatureNoticeStateAccepted  SignatureNoticeState = "accepted"
	SignatureNoticeStateDelivered SignatureNoticeState = "delivered"
	SignatureNoticeStateBounced   SignatureNoticeState = "bounced"
	SignatureNoticeStateDropped   SignatureNoticeState = "dropped"
	SignatureNoticeStateRefused   SignatureNoticeState = "refused"
	SignatureNoticeStateUnknown   SignatureNoticeState = "unknown"
)

// SignatureSignatureMeaning is one of these, or one that is newer than this package.
type SignatureSignatureMeaning string

// The values of SignatureSignatureMeaning.
const (
	SignatureSignatureMeaningAuthorship          SignatureSignatureMeaning = "authorship"
	SignatureSignatureMeaningResponsibility      SignatureSignatureMeaning = "responsibility"
	SignatureSignatureMeaningReview              SignatureSignatureMeaning = "review"
	SignatureSignatureMeaningVerification        SignatureSignatureMeaning = "verification"
	SignatureSignatureMeaningApproval            SignatureSignatureMeaning = "approval"
	SignatureSignatureMeaningReviewedAndApproved SignatureSignatureMeaning = "reviewed_and_approved"
)

// SigningRequest: with a password and a code, a password and a passkey, or an ID token: one of the
// ways that the challenge names.
type SigningRequest struct {
	Nonce string `json:"nonce"`
	// of the document that the signatory has read
	Digest           string `json:"digest"`
	SignatureMeaning string `json:"signature_meaning"`
	Password         string `json:"password,omitzero"`
	// one-time code, of which none is taken twice
	Code string `json:"code,omitzero"`
	// AuthenticationResponseJSON of Web Authentication, for the options of the challenge
	Passkey map[string]any `json:"passkey,omitzero"`
	// of the identity provider, for the nonce of the challenge; from an authentication after it
	IDToken string `json:"id_token,omitzero"`
	Intent  bool   `json:"intent"`
	Comment string `json:"comment,omitzero"`
}

type SigningWay struct {
	Components []SigningWayComponent `json:"components"`
	// PublicKeyCredentialRequestOptions of Web Authentication as JSON, for navigator.credentials.get
	Passkey map[string]any   `json:"passkey,omitzero"`
	OIDC    *ProviderRequest `json:"oidc,omitzero"`
}

// SigningWayComponent is one of these, or one that is newer than this package.
type SigningWayComponent string

// The values of SigningWayComponent.
const (
	SigningWayComponentPassword SigningWayComponent = "password"
	SigningWayComponentTotp     SigningWayComponent = "totp"
	SigningWayComponentPasskey  SigningWayComponent = "passkey"
	SigningWayComponentOIDC     SigningWayComponent = "oidc"
)

type Statistics struct {
	// both ends belong to it
	Period      StatisticsPeriod `json:"period"`
	TotalEvents int64            `json:"total_events"`
	// how many entries there are under each name; names without any are left out
	EventsByType map[string]int64 `json:"events_by_type"`
	// how many entries there are under each name; names without any are left out
	EventsByRepository map[string]int64 `json:"events_by_repository"`
	// how many entries there are under each name; names without any are left out
	EventsByActorType map[string]int64 `json:"events_by_actor_type"`
	// by count, then by name
	TopActors []StatisticsTopActor `json:"top_actors"`
}

// StatisticsPeriod: both ends belong to it
type StatisticsPeriod struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

type StatisticsTopActor struct {
	// e-mail address or id; "[masked]" for an address that the caller may not see
	Actor      string `json:"actor"`
	EventCount int64  `json:"event_count"`
}

type Stream struct {
	StreamID string       `json:"stream_id"`
	Name     string       `json:"name"`
	URL      string       `json:"url"`
	Format   StreamFormat `json:"format"`
	Filter   StreamFilter `json:"filter"`
	Status   StreamStatus `json:"status"`
	// the first entry that was not delivered
	NextSeq int64 `json:"next_seq"`
	Lag     int64 `json:"lag"`
	// those of replays as often as they went
	EntriesDelivered int64     `json:"entries_delivered"`
	FailuresInARow   int64     `json:"failures_in_a_row"`
	FailingSince     time.Time `json:"failing_since,omitzero"`
	LastSuccessAt    time.Time `json:"last_success_at,omitzero"`
	LastFailureAt    time.Time `json:"last_failure_at,omitzero"`
	LastFailure      string    `json:"last_failure,omitzero"`
	// once, in the answer to creating or rotating
	Secret                   string    `json:"secret,omitzero"`
	PreviousSecretSignsUntil time.Time `json:"previous_secret_signs_until,omitzero"`
	CreatedBy                string    `json:"created_by"`
	CreatedAt                time.Time `json:"created_at"`
	ChangedAt                time.Time `json:"changed_at"`
}

type StreamCreation struct {
	Name string `json:"name"`
	// https, to a public address unless the operator allows others
	URL    string               `json:"url"`
	Format StreamCreationFormat `json:"format"`
	Filter *StreamFilter        `json:"filter,omitzero"`
	Status string               `json:"status,omitzero"`
	// the first entry to deliver; default: the next one that is appended
	FromSeq *int64 `json:"from_seq,omitzero"`
}

// StreamCreationFormat is one of these, or one that is newer than this package.
type StreamCreationFormat string

// The values of StreamCreationFormat.
const (
	StreamCreationFormatNdjson      StreamCreationFormat = "ndjson"
	StreamCreationFormatOcsf        StreamCreationFormat = "ocsf"
	StreamCreationFormatCloudevents StreamCreationFormat = "cloudevents"
)

// StreamFilter: what is left out does not restrict; entries of Sealbook itself are selected by
// their types alone
type StreamFilter struct {
	EventTypes []string `json:"event_types,omitzero"`
	Classes    []string `json:"classes,omitzero"`
	Severities []string `json:"severities,omitzero"`
	Frameworks []string `json:"frameworks,omitzero"`
	// by id
	Repositories []string `json:"repositories,omitzero"`
}

// StreamFormat is one of these, or one that is newer than this package.
type StreamFormat string

// The values of StreamFormat.
const (
	StreamFormatNdjson      StreamFormat = "ndjson"
	StreamFormatOcsf        StreamFormat = "ocsf"
	StreamFormatCloudevents StreamFormat = "cloudevents"
)

type StreamPatch struct {
	Name *string `json:"name,omitzero"`
	// https, to a public address unless the operator allows others
	URL    *string            `json:"url,omitzero"`
	Format *StreamPatchFormat `json:"format,omitzero"`
	Filter *StreamFilter      `json:"filter,omitzero"`
	Status *StreamPatchStatus `json:"status,omitzero"`
}

// StreamPatchFormat is one of these, or one that is newer than this package.
type StreamPatchFormat string

// The values of StreamPatchFormat.
const (
	StreamPatchFormatNdjson      StreamPatchFormat = "ndjson"
	StreamPatchFormatOcsf        StreamPatchFormat = "ocsf"
	StreamPatchFormatCloudevents StreamPatchFormat = "cloudevents"
)

// StreamPatchStatus is one of these, or one that is newer than this package.
type StreamPatchStatus string

// The values of StreamPatchStatus.
const (
	StreamPatchStatusActive StreamPatchStatus = "active"
	StreamPatchStatusPaused StreamPatchStatus = "paused"
)

type StreamReplay struct {
	FromSeq int64 `json:"from_seq"`
}

// StreamStatus is one of these, or one that is newer than this package.
type StreamStatus string

// The values of StreamStatus.
const (
	StreamStatusActive   StreamStatus = "active"
	StreamStatusPaused   StreamStatus = "paused"
	StreamStatusDisabled StreamStatus = "disabled"
)

type StreamTest struct {
	Delivered bool `json:"delivered"`
	// null: there was no answer
	Status    *int64 `json:"status"`
	LatencyMS *int64 `json:"latency_ms"`
	// why it was not delivered
	Reason *string `json:"reason"`
}

type TransitionRequest struct {
	To     TransitionRequestTo `json:"to"`
	Reason string              `json:"reason"`
}

// TransitionRequestTo is one of these, or one that is newer than this package.
type TransitionRequestTo string

// The values of TransitionRequestTo.
const (
	TransitionRequestToScoping            TransitionRequestTo = "scoping"
	TransitionRequestToEvidenceCollection TransitionRequestTo = "evidence_collection"
	TransitionRequestToAnalysis           TransitionRequestTo = "analysis"
	TransitionRequestToFindingsReview     TransitionRequestTo = "findings_review"
	TransitionRequestToImplications       TransitionRequestTo = "implications"
	TransitionRequestToDecision           TransitionRequestTo = "decision"
	TransitionRequestToClosed             TransitionRequestTo = "closed"
	TransitionRequestToCanceled           TransitionRequestTo = "canceled"
)

type UploadEvidenceRequest struct {
	// with a file name, of which the last part is kept
	File File   `json:"file"`
	Type string `json:"type"`
	// 1 to 1024 bytes
	Title       string `json:"title"`
	Description string `json:"description,omitzero"`
	// the day that it is about, not in the future
	Date string `json:"date"`
	// criteria of any framework, one a field or several separated by commas; criteria[] means the same
	Criteria []string `json:"criteria"`
}

type UploadedEvidence struct {
	ID          string                     `json:"id"`
	Type        string                     `json:"type"`
	Title       string                     `json:"title"`
	Description string                     `json:"description"`
	Criteria    []string                   `json:"criteria"`
	Date        string                     `json:"date"`
	Artifacts   []UploadedEvidenceArtifact `json:"artifacts"`
	UploadedBy  map[string]any             `json:"uploaded_by"`
	CreatedAt   time.Time                  `json:"created_at"`
}

type UploadedEvidenceArtifact struct {
	Name string `json:"name"`
	// below any mount of this API; needs the same credential
	URL string `json:"url"`
	// as the first bytes say
	MediaType string `json:"media_type"`
	SizeBytes int64  `json:"size_bytes"`
	SHA256    string `json:"sha256"`
}

// Verdict is one of these, or one that is newer than this package.
type Verdict string

// The values of Verdict.
const (
	VerdictCompliant    Verdict = "compliant"
	VerdictPartial      Verdict = "partial"
	VerdictNonCompliant Verdict = "non_compliant"
	VerdictNotAssessed  Verdict = "not_assessed"
)

type VerdictRequest struct {
	Status VerdictRequestStatus `json:"status"`
	Reason string               `json:"reason"`
}

// VerdictRequestStatus is one of these, or one that is newer than this package.
type VerdictRequestStatus string

// The values of VerdictRequestStatus.
const (
	VerdictRequestStatusAccepted VerdictRequestStatus = "accepted"
	VerdictRequestStatusRejected VerdictRequestStatus = "rejected"
)

type Verification struct {
	// something was checked and nothing is wrong
	Verified bool `json:"verified"`
	// entries that match the window, without those in the archive; of a receipt, whether its record is
	// still the entry
	LogsChecked    int64 `json:"logs_checked"`
	ChainValid     bool  `json:"chain_valid"`
	HashMismatches int64 `json:"hash_mismatches"`
	GapsDetected   int64 `json:"gaps_detected"`
	// the same state of the ledger gives the same
	VerificationHash string                    `json:"verification_hash"`
	VerifiedAt       time.Time                 `json:"verified_at"`
	FirstInvalid     *VerificationFirstInvalid `json:"first_invalid,omitzero"`
	// the first 100; of a job, the first 1,000
	Problems      []VerificationProblem `json:"problems"`
	ProblemsTotal int64                 `json:"problems_total"`
	// the range's entries whose content is not in the database; missing of a receipt, and of what was
	// verified before there was this
	Archive *VerificationArchive `json:"archive,omitzero"`
	// what was checked; missing when the window is empty
	Range *VerificationRange `json:"range,omitzero"`
	// up to where a place outside vouches for the ledger; what comes after rests on the operator's
	// word
	Anchored VerificationAnchored `json:"anchored"`
	// entries of the tree that the range was last seen in: a job's ledger grows while it is verified
	TreeSize int64 `json:"tree_size"`
	// the signed note of the tree that was verified (C2SP tlog-checkpoint); of a job, of the tree that
	// it began with; of a receipt, of the present tree
	Checkpoint string               `json:"checkpoint,omitzero"`
	Receipt    *ReceiptVerification `json:"receipt,omitzero"`
}

// VerificationAnchored: up to where a place outside vouches for the ledger; what comes after rests
// on the operator's word
type VerificationAnchored struct {
	// the last entry that an anchored checkpoint covers
	ThroughSeq *int64 `json:"through_seq"`
	// of the registry's checkpoint that is anchored
	RegistrySize            *int64     `json:"registry_size"`
	AnchoredAt              *time.Time `json:"anchored_at"`
	OperatorAttestedEntries int64      `json:"operator_attested_entries"`
	// why through_seq is null
	Reason string `json:"reason,omitzero"`
}

// VerificationArchive: the range's entries whose content is not in the database; missing of a
// receipt, and of what was verified before there was this
type VerificationArchive struct {
	// in files of the archive alone
	Entries int64 `json:"entries"`
	// in no file any more, because their retention ended
	DestroyedEntries int64 `json:"destroyed_entries"`
	// files of the range that were read and compared with the ledger; 0: the content of those entries
	// was not verified
	FilesRead int64 `json:"files_read"`
}

type VerificationFirstInvalid struct {
	// -1: it concerns no single entry
	Seq    int64  `json:"seq"`
	ID     string `json:"id,omitzero"`
	Reason string `json:"reason"`
}

type VerificationJob struct {
	JobID string `json:"job_id"`
	// completed: there is a result, whatever it is
	Status            VerificationJobStatus `json:"status"`
	CreatedAt         time.Time             `json:"created_at"`
	CompletedAt       time.Time             `json:"completed_at,omitzero"`
	CancelRequestedAt time.Time             `json:"cancel_requested_at,omitzero"`
	// why a failed job failed
	Error    string                   `json:"error,omitzero"`
	Request  VerifyWindow             `json:"request"`
	Progress *VerificationJobProgress `json:"progress,omitzero"`
	Result   *Verification            `json:"result,omitzero"`
}

type VerificationJobProgress struct {
	Stage        string `json:"stage"`
	EntriesDone  int64  `json:"entries_done"`
	EntriesTotal int64  `json:"entries_total"`
}

// VerificationJobStatus is one of these, or one that is newer than this package.
type VerificationJobStatus string

// The values of VerificationJobStatus.
const (
	VerificationJobStatusQueued     VerificationJobStatus = "queued"
	VerificationJobStatusProcessing VerificationJobStatus = "processing"
	VerificationJobStatusCompleted  VerificationJobStatus = "completed"
	VerificationJobStatusFailed     VerificationJobStatus = "failed"
	VerificationJobStatusCanceled   VerificationJobStatus = "canceled"
)

type VerificationProblem struct {
	Kind   VerificationProblemKind `json:"kind"`
	Seq    int64                   `json:"seq"`
	ID     string                  `json:"id,omitzero"`
	Reason string                  `json:"reason"`
	// the smallest range of entries that it can lie in, when no single one can be named
	Range *VerificationProblemRange `json:"range,omitzero"`
}

// VerificationProblemKind is one of these, or one that is newer than this package.
type VerificationProblemKind string

// The values of VerificationProblemKind.
const (
	VerificationProblemKindHashMismatch  VerificationProblemKind = "hash_mismatch"
	VerificationProblemKindBrokenChain   VerificationProblemKind = "broken_chain"
	VerificationProblemKindMissing       VerificationProblemKind = "missing"
	VerificationProblemKindExtra         VerificationProblemKind = "extra"
	VerificationProblemKindWrongColumn   VerificationProblemKind = "wrong_column"
	VerificationProblemKindWrongTree     VerificationProblemKind = "wrong_tree"
	VerificationProblemKindForked        VerificationProblemKind = "forked"
	VerificationProblemKindWrongRollup   VerificationProblemKind = "wrong_rollup"
	VerificationProblemKindArchiveFile   VerificationProblemKind = "archive_file"
	VerificationProblemKindLostTail      VerificationProblemKind = "lost_tail"
	VerificationProblemKindLostLedger    VerificationProblemKind = "lost_ledger"
	VerificationProblemKindWrongRegistry VerificationProblemKind = "wrong_registry"
	VerificationProblemKindOtherLedger   VerificationProblemKind = "other_ledger"
	VerificationProblemKindForged        VerificationProblemKind = "forged"
)

// VerificationProblemRange: the smallest range of entries that it can lie in, when no single one
// can be named
type VerificationProblemRange struct {
	FirstSeq int64 `json:"first_seq"`
	LastSeq  int64 `json:"last_seq"`
}

// VerificationRange: what was checked; missing when the window is empty
type VerificationRange struct {
	FirstSeq int64 `json:"first_seq"`
	LastSeq  int64 `json:"last_seq"`
	Entries  int64 `json:"entries"`
}

// VerifyData is one of its members; Other is what this package does not know.
type VerifyData struct {
	Verification    *Verification
	VerificationJob *VerificationJob
	Other           json.RawMessage
}

var verifyDataShapes = []shape{
	{required: []string{"verified", "logs_checked", "chain_valid", "hash_mismatches", "gaps_detected", "verification_hash", "verified_at", "problems", "problems_total", "anchored", "tree_size"}},
	{required: []string{"job_id", "status", "created_at", "request"}},
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *VerifyData) UnmarshalJSON(raw []byte) error {
	*u = VerifyData{}
	switch choose(raw, verifyDataShapes) {
	case 0:
		return json.Unmarshal(raw, &u.Verification)
	case 1:
		return json.Unmarshal(raw, &u.VerificationJob)
	}
	u.Other = bytes.Clone(raw)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (u VerifyData) MarshalJSON() ([]byte, error) {
	switch {
	case u.Verification != nil:
		return json.Marshal(u.Verification)
	case u.VerificationJob != nil:
		return json.Marshal(u.VerificationJob)
	case u.Other != nil:
		return u.Other, nil
	}
	return []byte("null"), nil
}

// VerifyRequest is one of its members; Other is what this package does not know.
type VerifyRequest struct {
	VerifyWindow *VerifyWindow
	Receipt      *VerifyRequestReceipt
	Other        json.RawMessage
}

var verifyRequestShapes = []shape{
	{required: []string{"from", "to"}},
	{required: []string{"receipt"}},
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *VerifyRequest) UnmarshalJSON(raw []byte) error {
	*u = VerifyRequest{}
	switch choose(raw, verifyRequestShapes) {
	case 0:
		return json.Unmarshal(raw, &u.VerifyWindow)
	case 1:
		return json.Unmarshal(raw, &u.Receipt)
	}
	u.Other = bytes.Clone(raw)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (u VerifyRequest) MarshalJSON() ([]byte, error) {
	switch {
	case u.VerifyWindow != nil:
		return json.Marshal(u.VerifyWindow)
	case u.Receipt != nil:
		return json.Marshal(u.Receipt)
	case u.Other != nil:
		return u.Other, nil
	}
	return []byte("null"), nil
}

type VerifyRequestReceipt struct {
	Receipt Receipt `json:"receipt"`
}

type VerifyWindow struct {
	// an RFC 3339 time, or a date YYYY-MM-DD in UTC
	From string `json:"from"`
	// an RFC 3339 time, or a date YYYY-MM-DD in UTC
	To           string `json:"to"`
	RepositoryID string `json:"repository_id,omitzero"`
}

type VersionData struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// the newest record format that it writes
	RecordFormat string `json:"record_format"`
}

type Violation struct {
	ViolationID         string                    `json:"violation_id"`
	Framework           Framework                 `json:"framework"`
	Requirement         string                    `json:"requirement"`
	RequirementID       string                    `json:"requirement_id"`
	Check               string                    `json:"check"`
	Severity            ViolationSeverity         `json:"severity"`
	Description         string                    `json:"description"`
	DetectedDate        time.Time                 `json:"detected_date"`
	ResolutionStatus    ViolationResolutionStatus `json:"resolution_status"`
	Owner               *string                   `json:"owner"`
	RemediationPlan     *string                   `json:"remediation_plan"`
	EstimatedResolution *time.Time                `json:"estimated_resolution"`
	// why it is accepted, or how it was resolved
	Reason        *string `json:"reason"`
	EntriesFailed int64   `json:"entries_failed"`
	// the first, or of a violation the last, of those that failed
	EntryIDs []string  `json:"entry_ids"`
	OpenedAt time.Time `json:"opened_at"`
	// the assessment
	OpenedBy string `json:"opened_by"`
	// the assessment
	LastSeenBy string     `json:"last_seen_by"`
	ClosedAt   *time.Time `json:"closed_at"`
}

type ViolationPatch struct {
	ResolutionStatus    *ViolationPatchResolutionStatus `json:"resolution_status,omitzero"`
	Owner               Patch[string]                   `json:"owner,omitzero"`
	RemediationPlan     Patch[string]                   `json:"remediation_plan,omitzero"`
	EstimatedResolution Patch[time.Time]                `json:"estimated_resolution,omitzero"`
	Reason              Patch[string]                   `json:"reason,omitzero"`
}

// ViolationPatchResolutionStatus is one of these, or one that is newer than this package.
type ViolationPatchResolutionStatus string

// The values of ViolationPatchResolutionStatus.
const (
	ViolationPatchResolutionStatusOpen       ViolationPatchResolutionStatus = "open"
	ViolationPatchResolutionStatusInProgress ViolationPatchResolutionStatus = "in_progress"
	ViolationPatchResolutionStatusAccepted   ViolationPatchResolutionStatus = "accepted"
	ViolationPatchResolutionStatusResolved   ViolationPatchResolutionStatus = "resolved"
)

// ViolationResolutionStatus is one of these, or one that is newer than this package.
type ViolationResolutionStatus string

// The values of ViolationResolutionStatus.
const (
	ViolationResolutionStatusOpen       ViolationResolutionStatus = "open"
	ViolationResolutionStatusInProgress ViolationResolutionStatus = "in_progress"
	ViolationResolutionStatusAccepted   ViolationResolutionStatus = "accepted"
	ViolationResolutionStatusResolved   ViolationResolutionStatus = "resolved"
)

// ViolationSeverity is one of these, or one that is newer than this package.
type ViolationSeverity string

// The values of ViolationSeverity.
const (
	ViolationSeverityLow      ViolationSeverity = "low"
	ViolationSeverityMedium   ViolationSeverity = "medium"
	ViolationSeverityHigh     ViolationSeverity = "high"
	ViolationSeverityCritical ViolationSeverity = "critical"
)

// Patch is the new value of a member that is changed: a value, or none. Its zero
// value leaves the member as it is.
type Patch[T any] struct {
	value *T
	set   bool
}

// Set changes a member to v.
func Set[T any](v T) Patch[T] { return Patch[T]{&v, true} }

// Clear takes a member's value away: null is sent.
func Clear[T any]() Patch[T] { return Patch[T]{nil, true} }

// IsZero reports whether nothing is changed.
func (p Patch[T]) IsZero() bool { return !p.set }

// MarshalJSON implements json.Marshaler.
func (p Patch[T]) MarshalJSON() ([]byte, error) { return json.Marshal(p.value) }
