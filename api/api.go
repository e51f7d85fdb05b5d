// Package api is the HTTP surface of Sealbook: both documents' endpoints on
// one ledger. It guards that nothing reaches the ledger that was not read
// strictly, that nobody sees another organisation's entries or what their
// permissions hide, and that every answer is one that openapi.yaml describes.
// The serve command mounts it; it starts no workflow itself, it queues orders.
package api

import (
	"context"
	"net/http"
	"sync"

	"github.com/gorilla/mux"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/catalog"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/internal/passkey"
	"github.com/sealbook/sealbook/internal/seal"
	"github.com/sealbook/sealbook/internal/stream"
	"github.com/sealbook/sealbook/ledger"
)

// Workflows is what the API asks of Temporal. None of it is needed to append
// or to read; a request that does not get an answer in time goes on without.
type Workflows interface {
	// Wake tells the outbox relay that there is an order. It does not block.
	Wake()
	// ExportProgress asks a running export how far it is.
	ExportProgress(context.Context, audit.ExportID) (audit.Progress, error)
	// AssessmentProgress asks a running assessment how far it is.
	AssessmentProgress(context.Context, audit.AssessmentID) (audit.Progress, error)
	// ReportProgress asks a running report how far it is.
	ReportProgress(context.Context, audit.ReportID) (audit.Progress, error)
	// VerificationProgress asks a running verification how far it is.
	VerificationProgress(context.Context, audit.VerificationID) (audit.Progress, error)
	// TakeStep has the workflow of an investigation take a step of a person.
	TakeStep(context.Context, audit.InvestigationID, audit.CaseStep) (audit.Case, error)
	// Ready reports whether Temporal answers.
	Ready(context.Context) error
}

// Mounts are the paths under which the same API stands, so that every literal
// URL in either document works without a redirect. The first is canonical.
var Mounts = []string{"/api/v1/audit", "/api/audit", "/api/audit/v1/audit", "/v1/audit"}

// route is one line of the table.
type route struct {
	method     string
	path       string // below a mount
	permission audit.Permission
	handle     handler
	query      []string // parameters that have a meaning; others are refused
	body       int64    // bytes that the request's body may have; 0 is not read
	limit      limit
}

// routes is the whole API below its mounts.
func (s *server) routes() []route {
	entry, bulk, small := s.MaxEntryBody, s.MaxBulkBody, s.MaxBody
	return []route{
		{"POST", "/entries", audit.Write, s.createEntry, nil, entry, quick},
		{"POST", "/entries/bulk", audit.Write, s.createEntries, bulkParameters, bulk, quick},
		{"GET", "/entries", audit.ReadBasic, s.listEntries, entryParameters, 0, quick},
		{"GET", "/entries/{id}", audit.ReadBasic, s.showEntry, nil, 0, quick},
		{"GET", "/entries/{id}/proof", audit.VerifyLedger, s.proveEntry, inclusionParameters, 0, quick},
		{"GET", "/logs", audit.ReadBasic, s.listLogs, logParameters, 0, quick},
		{"GET", "/logs/{log_id}", audit.ReadBasic, s.showLog, nil, 0, quick},
		{"GET", "/statistics", audit.ReadBasic, s.showStatistics, statisticsParameters, 0, quick},
		{"GET", "/history", audit.ReadCompliance, s.showHistory, historyParameters, 0, quick},
		{"GET", "/search", audit.ReadBasic, s.search, searchParameters, 0, quick},
		{"POST", "/verify", audit.VerifyLedger, s.verify, nil, small, long},
		{"GET", "/keys", audit.VerifyLedger, s.listKeys, nil, 0, quick},
		{"GET", "/checkpoint", audit.VerifyLedger, s.showCheckpoint, nil, 0, quick},
		{"GET", "/tile/entries/{index:.+}", audit.VerifyLedger, s.showTile, nil, 0, quick},
		{"GET", "/tile/{level}/{index:.+}", audit.VerifyLedger, s.showTile, nil, 0, quick},
		{"GET", "/checkpoints", audit.VerifyLedger, s.listCheckpoints, checkpointParameters, 0, quick},
		{"GET", "/checkpoints/latest", audit.VerifyLedger, s.showNewestCheckpoint, nil, 0, quick},
		{"GET", "/checkpoints/{size}", audit.VerifyLedger, s.showCheckpointOfSize, nil, 0, quick},
		{"GET", "/proofs/consistency", audit.VerifyLedger, s.proveConsistency, consistencyParameters, 0, quick},
		{"GET", "/proofs/range", audit.VerifyLedger, s.proveRange, rangeParameters, 0, quick},
		{"GET", "/anchors", audit.VerifyLedger, s.showAnchors, nil, 0, quick},
		{"GET", "/verify", audit.VerifyLedger, s.listVerifications, jobParameters, 0, quick},
		{"GET", "/verify/{job_id}", audit.VerifyLedger, s.showVerification, nil, 0, quick},
		{"DELETE", "/verify/{job_id}", audit.VerifyLedger, s.cancelVerification, nil, 0, quick},
		{"GET", "/compliance", audit.ReadCompliance, s.showCompliance, complianceParameters, 0, quick},
		{"GET", "/compliance/frameworks", audit.ReadCompliance, s.listFrameworks, nil, 0, quick},
		{"GET", "/compliance/frameworks/{framework}", audit.ReadCompliance, s.showFramework, nil, 0, quick},
		{"POST", "/compliance/catalogs", audit.WriteCompliance, s.addCatalog, nil, maxCatalogBody, quick},
		{"GET", "/compliance/catalogs", audit.ReadCompliance, s.listCatalogs, nil, 0, quick},
		{"GET", "/compliance/catalogs/{catalog_id}", audit.ReadCompliance, s.showCatalog, nil, 0, quick},
		{"GET", "/compliance/findings", audit.ReadCompliance, s.listGaps(audit.FindingGap), gapParameters, 0, quick},
		{"GET", "/compliance/findings/{finding_id}", audit.ReadCompliance, s.showGap(audit.FindingGap), nil, 0, quick},
		{"PATCH", "/compliance/findings/{finding_id}", audit.WriteCompliance, s.changeGap(audit.FindingGap), nil, small, quick},
		{"GET", "/compliance/violations", audit.ReadCompliance, s.listGaps(audit.ViolationGap), gapParameters, 0, quick},
		{"GET", "/compliance/violations/{violation_id}", audit.ReadCompliance, s.showGap(audit.ViolationGap), nil, 0, quick},
		{"PATCH", "/compliance/violations/{violation_id}", audit.WriteCompliance, s.changeGap(audit.ViolationGap), nil, small, quick},
		{"POST", "/compliance/attestations", audit.WriteCompliance, s.attest, nil, small, quick},
		{"POST", "/compliance/assessments", audit.WriteCompliance, s.startAssessment, nil, small, quick},
		{"GET", "/compliance/assessments", audit.ReadCompliance, s.listAssessments, assessmentParameters, 0, quick},
		{"GET", "/compliance/assessments/{assessment_id}", audit.ReadCompliance, s.showAssessment, nil, 0, quick},
		{"DELETE", "/compliance/assessments/{assessment_id}", audit.WriteCompliance, s.cancelAssessment, nil, 0, quick},
		{"GET", "/compliance/assessments/{assessment_id}/download", audit.ReadCompliance, s.downloadAssessment, assessmentDownloadParameters, 0, unlimited},
		{"POST", "/reports", audit.CreateReports, s.startReport, nil, small, quick},
		{"GET", "/reports", audit.ReadReports, s.listReports, reportParameters, 0, quick},
		{"POST", "/reports/verify", audit.ReadReports, s.verifyReport, nil, MaxReportUpload, quick},
		{"GET", "/reports/{report_id}", audit.ReadReports, s.showReport, nil, 0, quick},
		{"DELETE", "/reports/{report_id}", audit.CreateReports, s.cancelReport, nil, 0, quick},
		{"GET", "/reports/{report_id}/download", audit.ReadReports, s.downloadReport, nil, 0, unlimited},
		{"POST", "/reports/{report_id}/download-links", audit.ReadReports, s.renewReportLinks, nil, small, quick},
		{"GET", "/reports/{report_id}/deliveries", audit.ReadReports, s.listDeliveries, nil, 0, quick},
		{"POST", "/reports/{report_id}/distribution", audit.DistributeReports, s.distributeReport, nil, small, quick},
		{"GET", "/reports/{report_id}/signature", audit.ReadReports, s.showReportSignature, nil, 0, quick},
		{"GET", "/reports/{report_id}/signature/document", audit.ReadReports, s.showDraft, nil, 0, unlimited},
		{"POST", "/reports/{report_id}/signature/challenge", audit.SignReports, s.challengeSignatory, nil, small, quick},
		{"POST", "/reports/{report_id}/signature", audit.SignReports, s.signReport, nil, small, quick},
		{"POST", "/reports/{report_id}/signature/decline", audit.SignReports, s.declineReport, nil, small, quick},
		{"GET", "/signatures", audit.ReadReports, s.listSignatures, jobParameters, 0, quick},
		{"GET", "/signatures/{signature_id}", audit.ReadReports, s.showSignature, nil, 0, quick},
		{"POST", "/investigations", audit.WriteInvestigations, s.openInvestigation, nil, small, quick},
		{"GET", "/investigations", audit.ReadInvestigations, s.listInvestigations, investigationParameters, 0, quick},
		{"GET", "/investigations/{investigation_id}", audit.ReadInvestigations, s.showInvestigation, nil, 0, quick},
		{"PATCH", "/investigations/{investigation_id}", audit.WriteInvestigations, s.changeInvestigation, nil, small, quick},
		{"POST", "/investigations/{investigation_id}/transitions", audit.WriteInvestigations, s.transitionInvestigation, nil, small, quick},
		{"GET", "/investigations/{investigation_id}/events", audit.ReadInvestigations, s.streamInvestigation, nil, 0, unlimited},
		{"GET", "/investigations/{investigation_id}/timeline", audit.ReadInvestigations, s.showTimeline, nil, 0, quick},
		{"GET", "/investigations/{investigation_id}/notes", audit.ReadInvestigations, s.listNotes, nil, 0, quick},
		{"POST", "/investigations/{investigation_id}/notes", audit.WriteInvestigations, s.addNote, nil, small, quick},
		{"GET", "/investigations/{investigation_id}/findings", audit.ReadInvestigations, s.listFound, foundParameters, 0, quick},
		{"POST", "/investigations/{investigation_id}/findings", audit.WriteInvestigations, s.addFound, nil, small, quick},
		{"PATCH", "/investigations/{investigation_id}/findings/{finding_id}", audit.WriteInvestigations, s.decideFound, nil, small, quick},
		{"GET", "/investigations/{investigation_id}/evidence", audit.ReadInvestigations, s.listCaseEvidence, nil, 0, quick},
		{"POST", "/investigations/{investigation_id}/evidence", audit.WriteInvestigations, s.addCaseEvidence, nil, s.MaxEvidenceFile + MaxEvidenceForm, quick},
		{"GET", "/investigations/{investigation_id}/evidence/{evidence_id}", audit.ReadInvestigations, s.showCaseEvidence, nil, 0, quick},
		{"GET", "/investigations/{investigation_id}/evidence/{evidence_id}/download", audit.ReadInvestigations, s.downloadCaseEvidence, nil, 0, unlimited},
		{"POST", "/investigations/{investigation_id}/evidence/{evidence_id}/custody", audit.WriteInvestigations, s.handOver, nil, small, quick},
		{"POST", "/investigations/{investigation_id}/evidence/{evidence_id}/verify", audit.ReadInvestigations, s.verifyCaseEvidence, nil, small, long},
		{"POST", "/investigations/{investigation_id}/export", audit.ReadInvestigations, s.exportInvestigation, nil, small, unlimited},
		{"POST", "/investigations/{investigation_id}/close", audit.CloseInvestigations, s.closeInvestigation, nil, small, quick},
		{"POST", "/investigations/{investigation_id}/reopen", audit.CloseInvestigations, s.reopenInvestigation, nil, small, quick},
		{"POST", "/legal-holds", audit.ManageLegalHolds, s.issueHold, nil, small, quick},
		{"GET", "/legal-holds", audit.ManageLegalHolds, s.listHolds, holdParameters, 0, quick},
		{"GET", "/legal-holds/{hold_id}", audit.ManageLegalHolds, s.showHold, nil, 0, quick},
		{"POST", "/archive/runs", audit.ManageRetention, s.orderArchive, nil, small, quick},
		{"POST", "/archive/retrievals", audit.ReadArchive, s.requestRetrieval, nil, small, quick},
		{"GET", "/archive/retrievals", audit.ReadArchive, s.listRetrievals, retrievalParameters, 0, quick},
		{"GET", "/archive/retrievals/{retrieval_id}", audit.ReadArchive, s.showRetrieval, nil, 0, quick},
		{"POST", "/archive/retrievals/{retrieval_id}/decision", audit.ManageRetention, s.decideRetrieval, nil, small, quick},
		{"GET", "/archive/segments", audit.ReadArchive, s.listSegments, segmentParameters, 0, quick},
		{"DELETE", "/legal-holds/{hold_id}", audit.ManageLegalHolds, s.releaseHold, nil, small, quick},
		{"POST", "/subjects/{id}/erasure", audit.ExecuteErasure, s.requestErasure, nil, small, quick},
		{"GET", "/erasures", audit.ExecuteErasure, s.listErasures, erasureParameters, 0, quick},
		{"GET", "/erasures/{erasure_id}", audit.ExecuteErasure, s.showErasure, nil, 0, quick},
		{"POST", "/erasures/{erasure_id}/approval", audit.ExecuteErasure, s.approveErasure, nil, small, quick},
		{"POST", "/erasures/{erasure_id}/decline", audit.ExecuteErasure, s.declineErasure, nil, small, quick},
		{"GET", "/erasures/{erasure_id}/certificate", audit.ExecuteErasure, s.showCertificate, nil, 0, quick},
		{"GET", "/retention", audit.ReadBasic, s.showRetention, nil, 0, quick},
		{"PUT", "/retention", audit.ManageRetention, s.putRetention, nil, small, quick},
		{"GET", "/retention/changes", audit.ManageRetention, s.listRetentionChanges, retentionChangeParameters, 0, quick},
		{"GET", "/retention/changes/{change_id}", audit.ManageRetention, s.showRetentionChange, nil, 0, quick},
		{"POST", "/retention/changes/{change_id}/decision", audit.ManageRetention, s.decideRetentionChange, nil, small, quick},
		{"GET", "/event-types", audit.ReadBasic, s.listEventTypes, nil, 0, quick},
		{"GET", "/event-types/{name}", audit.ReadBasic, s.showEventType, nil, 0, quick},
		{"PUT", "/event-types/{name}", audit.Write, s.putEventType, nil, small, quick},
		{"GET", "/event-types/{name}/schemas", audit.ReadBasic, s.listSchemas, nil, 0, quick},
		{"PUT", "/event-types/{name}/schemas", audit.Write, s.putNextSchema, nil, small, quick},
		{"GET", "/event-types/{name}/schemas/{version}", audit.ReadBasic, s.showSchema, nil, 0, quick},
		{"PUT", "/event-types/{name}/schemas/{version}", audit.Write, s.putSchema, nil, small, quick},
		{"POST", "/evidence/export", audit.ExportEvidence, s.startExport, nil, small, quick},
		{"GET", "/evidence/exports", audit.ExportEvidence, s.listExports, jobParameters, 0, quick},
		{"GET", "/evidence/export/{job_id}", audit.ExportEvidence, s.showExport, nil, 0, quick},
		{"DELETE", "/evidence/export/{job_id}", audit.ExportEvidence, s.cancelExport, nil, 0, quick},
		{"GET", "/evidence/export/{job_id}/download", audit.ExportEvidence, s.downloadExport, nil, 0, unlimited},
		{"GET", "/api-keys", audit.ManageKeys, s.listAPIKeys, jobParameters, 0, quick},
		{"POST", "/api-keys", audit.ManageKeys, s.createAPIKey, nil, small, quick},
		{"GET", "/api-keys/{key_id}", audit.ManageKeys, s.showAPIKey, nil, 0, quick},
		{"DELETE", "/api-keys/{key_id}", audit.ManageKeys, s.revokeAPIKey, nil, 0, quick},
		{"POST", "/api-keys/{key_id}/rotate", audit.ManageKeys, s.rotateAPIKey, nil, small, quick},
		{"POST", "/auth/login", anyone, s.signIn, nil, small, quick},
		{"POST", "/auth/enrol", anyone, s.enrol, nil, small, quick},
		{"POST", "/auth/enrol/confirm", anyone, s.confirmEnrolment, nil, small, quick},
		{"GET", "/auth/session", signedIn, s.showSession, nil, 0, quick},
		{"POST", "/auth/logout", signedIn, s.signOut, nil, small, quick},
		{"POST", "/auth/password", signedIn, s.changePassword, nil, small, quick},
		{"GET", "/auth/credentials", signedIn, s.showCredentials, nil, 0, quick},
		{"POST", "/auth/credentials/challenge", signedIn, s.challengeCredential, nil, small, quick},
		{"POST", "/auth/passkeys", signedIn, s.addPasskey, nil, small, quick},
		{"DELETE", "/auth/passkeys/{passkey_id}", signedIn, s.removePasskey, nil, 0, quick},
		{"PUT", "/auth/identity", signedIn, s.linkIdentity, nil, small, quick},
		{"DELETE", "/auth/identity", signedIn, s.unlinkIdentity, nil, 0, quick},
		{"GET", "/directory/users", audit.ReadBasic, s.listPeople, peopleParameters, 0, quick},
		{"POST", "/directory/users", audit.Admin, s.createPerson, nil, small, quick},
		{"GET", "/directory/users/{user_id}", audit.ReadBasic, s.showPerson, nil, 0, quick},
		{"PATCH", "/directory/users/{user_id}", audit.Admin, s.changePerson, nil, small, quick},
		{"POST", "/directory/users/{user_id}/reset", audit.Admin, s.resetPerson, nil, small, quick},
		{"POST", "/directory/users/{user_id}/confirm-reset", audit.Admin, s.confirmReset, nil, small, quick},
		{"POST", "/directory/users/{user_id}/unlock", audit.Admin, s.unlockPerson, nil, small, quick},
		{"POST", "/directory/users/{user_id}/deactivate", audit.Admin, s.deactivatePerson, nil, small, quick},
		{"GET", "/permissions", signedIn, s.showPermissions, nil, 0, quick},
		{"GET", "/me", signedIn, s.showMe, nil, 0, quick},
		{"GET", "/streams", audit.ManageStreams, s.listStreams, nil, 0, quick},
		{"POST", "/streams", audit.ManageStreams, s.createStream, nil, small, quick},
		{"GET", "/streams/{stream_id}", audit.ManageStreams, s.showStream, nil, 0, quick},
		{"PATCH", "/streams/{stream_id}", audit.ManageStreams, s.changeStream, nil, small, quick},
		{"DELETE", "/streams/{stream_id}", audit.ManageStreams, s.deleteStream, nil, 0, quick},
		{"POST", "/streams/{stream_id}/test", audit.ManageStreams, s.testStream, nil, small, quick},
		{"POST", "/streams/{stream_id}/replay", audit.ManageStreams, s.replayStream, nil, small, quick},
		{"POST", "/streams/{stream_id}/rotate", audit.ManageStreams, s.rotateStream, nil, small, quick},
		{"POST", "/evidence/export/{job_id}/retry", audit.ExportEvidence, s.retryExport, nil, small, quick},
		{"POST", "/evidence", audit.WriteEvidence, s.uploadEvidence, nil, s.MaxEvidenceFile + MaxEvidenceForm, quick},
		{"GET", "/evidence", audit.ReadEvidence, s.listEvidence, uploadListParameters, 0, quick},
		{"GET", "/evidence/soc2", audit.ReadEvidence, s.showSOC2Evidence, evidenceParameters, 0, quick},
		{"GET", "/evidence/download/{artifact}", audit.ReadEvidence, s.downloadEvidence, nil, 0, unlimited},
		{"GET", "/evidence/{name}", audit.ReadEvidence, s.showEvidence, evidenceParameters, 0, quick},
	}
}

// operations stand outside the mounts and need no credential.
func (s *server) operations() []route {
	return []route{
		{"GET", "/healthz", "", s.healthz, nil, 0, quick},
		{"GET", "/readyz", "", s.readyz, nil, 0, quick},
		{"GET", "/openapi.json", "", s.openAPI, nil, 0, quick},
		{"GET", "/docs", "", s.docsPage, nil, 0, quick},
		{"GET", "/docs/{file}", "", s.docsPart, nil, 0, quick},
		{"GET", "/version", "", s.version, nil, 0, quick},
		{"POST", "/webhooks/sendgrid", "", s.mailEvents, nil, mail.MaxEventsBytes, quick},
	}
}

type server struct {
	Config
	keys      *keyring
	types     *eventTypes
	retention *retentionPolicies
	standing  *standings
	storage   *storageMeter
	catalog   *catalog.Catalog
	openapi   []byte
	schemas   *schemas
	reads     *readLog
	buckets   *buckets // nil: nobody is held back
	strangers *buckets // of who sends no credential; likewise
	sealer    *seal.Sealer
	passkeys  *passkey.Site  // nil: browsers know none at the public URL
	sender    *stream.Sender // of tests to the receivers of streams
	hashing   chan struct{}  // holds a token for each password that is compared
	vary      string         // which of a request's headers decide on the answer

	verifying chan struct{} // holds a token for each verification that runs

	listeners  *streams      // of events of cases
	stopping   chan struct{} // closed when they end
	endStreams func()
}

// New makes the handler. It does not use the database before a request comes.
// Reads are recorded while Run runs, and to the last at Close.
func New(c Config) (*API, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	s := &server{
		Config: c,
		keys:   newKeyring(c.Store, c.Pepper, c.Clock, c.Logger, c.KeyCacheLife),
		types:  newEventTypes(c.Store, c.Clock, c.EventTypeCacheLife),

		retention: newRetentionPolicies(c.Store, c.Clock, c.RetentionCacheLife),
		standing:  newStandings(c),
		storage:   newStorageMeter(c),
		schemas:   &schemas{store: c.Store},

		listeners: &streams{most: int(c.MaxEventStreams)},
		stopping:  make(chan struct{}),
		verifying: make(chan struct{}, c.MaxVerifications),
		hashing:   make(chan struct{}, c.MaxSignIns),
		sender:    &stream.Sender{Clock: c.Clock, Allow: c.StreamAllow},
	}
	s.endStreams = sync.OnceFunc(func() { close(s.stopping) })
	if c.RateLimit > 0 {
		s.buckets = &buckets{rate: float64(c.RateLimit), burst: float64(c.RateBurst)}
	}
	if c.SignInRate > 0 {
		s.strangers = &buckets{rate: float64(c.SignInRate) / 60, burst: float64(c.SignInBurst)}
	}
	if s.vary = "Accept, Accept-Encoding, Authorization, Cookie"; len(c.CORSOrigins) > 0 {
		s.vary += ", Origin"
	}
	var err error
	if s.sealer, err = seal.New(c.Pepper); err != nil {
		return nil, err
	}
	if s.passkeys, err = passkey.NewSite(c.PublicURL, "Sealbook"); err != nil {
		c.Logger.Debug("no passkeys", "reason", err)
		s.passkeys = nil
	}
	if s.catalog, err = catalog.Load(); err != nil {
		return nil, err
	}
	if s.openapi, err = openAPIDocument(); err != nil {
		return nil, err
	}
	s.reads = newReadLog(s.Config)
	return &API{Handler: s.router(), server: s}, nil
}

// router registers every route under every mount. The last route of a path
// takes the methods that the path does not have.
func (s *server) router() *mux.Router {
	r := mux.NewRouter().SkipClean(true) // a cleaned path would be redirected, and lose its body
	r.NotFoundHandler = s.serve("", route{handle: notFound})
	mount := func(at string, table []route) {
		allowed := map[string][]string{}
		for _, rt := range table {
			r.Handle(at+rt.path, s.serve(at, rt)).Methods(rt.method)
			allowed[rt.path] = append(allowed[rt.path], rt.method)
		}
		for _, rt := range table { // in the table's order: /entries/bulk is an {id}, too
			if methods := allowed[rt.path]; methods != nil {
				r.Handle(at+rt.path, s.serve(at, route{path: rt.path, handle: s.methodNotAllowed(methods)}))
				delete(allowed, rt.path)
			}
		}
	}
	for _, m := range Mounts {
		mount(m, s.routes())
	}
	mount("", s.operations())
	return r
}

// append submits events of the caller's organisation.
func (s *server) append(r *http.Request, sub ledger.Submission) (ledger.Outcome, error) {
	sub.Ledger = principal(r).Ledger
	return s.Log.Append(r.Context(), sub)
}
