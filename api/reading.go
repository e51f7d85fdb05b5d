package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/sealbook/sealbook/audit"
)

// reading says what is left in the ledger when somebody reads a route.
type reading struct {
	event    string // type of the entry about each read; "" when reads are counted
	resource string // type of what is read
	name     string // variable of the path that names it; a handler can say it better
}

// onlyCounted reads are summed up by credential, route and status: one entry a
// minute. itself says that the handler appends its entry before it answers.
var (
	onlyCounted = reading{}
	itself      = reading{event: "itself"}
)

// readings is how each route that reads is recorded. Details, searches and
// proofs are an entry each; lists and figures are counted, and so is what holds
// nothing of any entry but hashes and is polled by machines. A route that is
// new is recorded read by read until somebody has thought about it.
var readings = map[string]reading{
	"GET /entries/{id}":                                    {typeEntryRead, "audit_entry", "id"},
	"GET /logs/{log_id}":                                   {typeEntryRead, "audit_entry", "log_id"},
	"GET /search":                                          {event: audit.TypeSearched, resource: "audit_log"},
	"GET /entries/{id}/proof":                              {typeProofRead, "audit_entry", "id"},
	"GET /proofs/consistency":                              {event: typeProofRead, resource: "audit_log"},
	"GET /proofs/range":                                    {event: typeProofRead, resource: "audit_log"},
	"GET /verify/{job_id}":                                 onlyCounted, // the state of a job, which is polled
	"GET /evidence/export/{job_id}":                        onlyCounted,
	"GET /compliance/assessments/{assessment_id}":          onlyCounted, // the state of a job, which is polled
	"GET /compliance/assessments":                          onlyCounted,
	"GET /compliance":                                      onlyCounted,
	"GET /compliance/frameworks":                           onlyCounted,
	"GET /compliance/frameworks/{framework}":               onlyCounted,
	"GET /compliance/catalogs":                             onlyCounted,
	"GET /compliance/catalogs/{catalog_id}":                onlyCounted, // rules, and nothing of an entry
	"GET /compliance/findings":                             onlyCounted,
	"GET /compliance/violations":                           onlyCounted,
	"GET /compliance/findings/{finding_id}":                {typeFindingRead, "compliance_finding", "finding_id"},
	"GET /compliance/violations/{violation_id}":            {typeViolationRead, "compliance_violation", "violation_id"},
	"GET /compliance/assessments/{assessment_id}/download": {typeAssessmentRead, "compliance_assessment", "assessment_id"},
	"GET /evidence/{name}":                                 {typeEvidenceRead, "evidence", "name"}, // frameworks are counted
	"GET /api-keys/{key_id}":                               {typeKeyRead, "api_key", "key_id"},
	"GET /evidence/soc2":                                   onlyCounted,
	"GET /entries":                                         onlyCounted,
	"GET /logs":                                            onlyCounted,
	"GET /statistics":                                      onlyCounted,
	"GET /history":                                         onlyCounted,
	"GET /keys":                                            onlyCounted,
	"GET /checkpoint":                                      onlyCounted,
	"GET /checkpoints":                                     onlyCounted,
	"GET /checkpoints/latest":                              onlyCounted,
	"GET /checkpoints/{size}":                              onlyCounted,
	"GET /tile/entries/{index:.+}":                         onlyCounted,
	"GET /tile/{level}/{index:.+}":                         onlyCounted,
	"GET /anchors":                                         onlyCounted,
	"GET /verify":                                          onlyCounted,
	"GET /retention":                                       onlyCounted,
	"GET /retention/changes":                               onlyCounted,
	"GET /retention/changes/{change_id}":                   {typeRetentionChangeRead, "retention_change", "change_id"},
	"GET /reports":                                         onlyCounted,
	"GET /reports/{report_id}":                             onlyCounted, // the state of a job, which is polled
	"GET /reports/{report_id}/deliveries":                  {typeDeliveriesRead, "report", "report_id"},
	"GET /reports/{report_id}/signature":                   onlyCounted,
	"GET /signatures":                                      onlyCounted,
	"GET /signatures/{signature_id}":                       {typeSignatureRead, "signature", "signature_id"},
	"GET /investigations":                                  onlyCounted,
	"GET /investigations/{investigation_id}":               {typeInvestigationRead, "investigation", "investigation_id"},
	"GET /investigations/{investigation_id}/timeline":      {typeInvestigationRead, "investigation", "investigation_id"},
	"GET /investigations/{investigation_id}/notes":         {typeInvestigationRead, "investigation", "investigation_id"},
	"GET /investigations/{investigation_id}/findings":      {typeInvestigationRead, "investigation", "investigation_id"},
	"GET /investigations/{investigation_id}/evidence":      {typeInvestigationRead, "investigation", "investigation_id"},
	"GET /investigations/{investigation_id}/evidence/{evidence_id}": {typeInvestigationRead, "investigation", "investigation_id"},
	"GET /legal-holds":                          onlyCounted,
	"GET /legal-holds/{hold_id}":                {typeHoldRead, "legal_hold", "hold_id"},
	"GET /archive/retrievals":                   onlyCounted,
	"GET /archive/retrievals/{retrieval_id}":    {typeRetrievalRead, "archive_retrieval", "retrieval_id"},
	"GET /archive/segments":                     onlyCounted,
	"GET /erasures":                             onlyCounted,
	"GET /erasures/{erasure_id}":                {typeErasureRead, "erasure", "erasure_id"},
	"GET /erasures/{erasure_id}/certificate":    {typeErasureRead, "erasure", "erasure_id"},
	"GET /event-types":                          onlyCounted,
	"GET /event-types/{name}":                   onlyCounted,
	"GET /event-types/{name}/schemas":           onlyCounted,
	"GET /event-types/{name}/schemas/{version}": onlyCounted,
	"GET /evidence/exports":                     onlyCounted,
	"GET /evidence":                             onlyCounted,
	"GET /api-keys":                             onlyCounted,
	"GET /streams":                              onlyCounted,
	"GET /streams/{stream_id}":                  {typeStreamRead, "stream", "stream_id"},
	"GET /auth/session":                         onlyCounted,
	"GET /auth/credentials":                     onlyCounted,
	"GET /directory/users":                      onlyCounted,
	"GET /directory/users/{user_id}":            {typePersonRead, "person", "user_id"},
	"GET /permissions":                          onlyCounted,
	"GET /me":                                   onlyCounted,

	// The ledger knows of these before their reader has the first byte. A file
	// is out of reach once it was sent, and is what an incident is about; the
	// result of a verification is its entry.
	"GET /evidence/export/{job_id}/download":                                 itself,
	"GET /evidence/download/{artifact}":                                      itself,
	"GET /reports/{report_id}/download":                                      itself,
	"GET /reports/{report_id}/signature/document":                            itself,
	"GET /investigations/{investigation_id}/evidence/{evidence_id}/download": itself,
	"GET /investigations/{investigation_id}/events":                          itself,
	"POST /verify": itself,
}

// refusals are the statuses of answers that showed nothing and are counted all
// the same: what somebody tried to see.
var refusals = []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone}

// seen is what a handler says of what it shows, for the entry about it.
type seen struct {
	id                string // "" is the path's variable
	details, metadata audit.Object
	counted           bool // this once, it is no more than a list
}

// recordRead notes a read before it is answered; what cannot be noted is not
// shown. Only what the caller gets to see is an entry: the data, or the answer
// that it still has them (304).
func (s *server) recordRead(r *http.Request, rt route, rep reply, err error) error {
	at := rt.method + " " + rt.path
	how, known := readings[at]
	if !known {
		if rt.method != http.MethodGet {
			return nil
		}
		how = reading{event: typeResourceRead, resource: "route"}
	}
	status := max(rep.status, http.StatusOK)
	if err != nil {
		if status, _ = classify(err); !slices.Contains(refusals, status) {
			return nil
		}
	}
	c := callOf(r)
	if how == onlyCounted || c.seen.counted || err != nil {
		return s.reads.count(r, at, status)
	}
	if how == itself {
		return nil
	}
	return s.reads.take(r.Context(), c.principal.Ledger, s.readEvent(r, how, status))
}

// readEvent is the entry about a read. Its time is that of the read: the entry
// comes later.
func (s *server) readEvent(r *http.Request, how reading, status int) audit.Event {
	c := callOf(r)
	resource := audit.Object{"type": how.resource}
	switch {
	case c.seen.id != "":
		resource["id"] = c.seen.id
	case how.name != "":
		resource["id"] = variable(r, how.name)
	case how.event == typeResourceRead:
		resource["id"] = c.path
	}
	details := audit.Object{"status": status}
	if how.event == typeProofRead && len(c.query.values) > 0 { // numbers alone
		parameters := audit.Object{}
		for name, values := range c.query.values {
			parameters[name] = values[0]
		}
		details["parameters"] = map[string]any(parameters)
	}
	for name, v := range c.seen.details {
		details[name] = v
	}
	e := action(r, how.event, resource, details)
	for name, v := range c.seen.metadata {
		e.Metadata[name] = v
	}
	now := s.Clock()
	e.Timestamp = &now
	return e
}

// API is the handler, and what it must do beside its requests.
type API struct {
	http.Handler
	server *server
}

// Run appends what was read, every Config.ReadFlushEvery, until ctx ends. It
// returns when nothing is under way any more; what is left is for Close.
func (a *API) Run(ctx context.Context) { a.server.reads.run(ctx) }

// Flush appends what was read until now, and the counts of minutes that are
// over. Returns Unavailable if that is not done when ctx ends.
func (a *API) Flush(ctx context.Context) error { return a.server.reads.flush(ctx, false) }

// Close takes no more reads and appends all that were taken, counts of the
// minute that goes on included. It is called when no request is served and Run
// has returned. Returns Unavailable, with how many are lost, if that is not
// done when ctx ends.
func (a *API) Close(ctx context.Context) error {
	a.server.reads.close()
	return a.server.reads.flush(ctx, true)
}
