// Code generated from api/openapi.yaml by go generate ./client; DO NOT EDIT.

package client

import (
	"cmp"
	"context"
	"iter"
)

// CreateEntry calls POST /entries: append an entry.
//
// Needs `audit:write`. The answer comes after the entry is durable and holds a receipt that can be
// checked offline. The body has at most 256 KiB.
func (c *Client) CreateEntry(ctx context.Context, body EntryRequest, options ...CallOption) (*Answer[Entry, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/entries", repeatable: true, keyed: true, body: body}
	return call[Entry, Metadata](ctx, c, r, options)
}

// ListEntriesParams are the parameters of ListEntries. Those that are zero are not sent.
type ListEntriesParams struct {
	// first moment of the event: a time or a date
	StartTime string
	// last moment, inclusive; a date covers its day, a second its whole second
	EndTime string
	// the class
	EventType EventClass
	// equals the actor's id
	UserID string
	// 1 to 256 bytes
	ResourceType string
	// 1 to 256 bytes
	ResourceID string
	Severity   Severity
	// equals the category that is shown
	Category string
	// in any spelling
	ComplianceFramework string
	Status              ListEntriesStatus
	Limit               int64
	// entries to skip; beyond 10,000 use cursor
	Offset int64
	// next_cursor of the page before; instead of page or offset
	Cursor string
	// by number
	Order Order
	// false: do not count
	IncludeTotal *bool
}

func (p *ListEntriesParams) set(r *request) {
	r.query.put("start_time", p.StartTime)
	r.query.put("end_time", p.EndTime)
	r.query.put("event_type", p.EventType)
	r.query.put("user_id", p.UserID)
	r.query.put("resource_type", p.ResourceType)
	r.query.put("resource_id", p.ResourceID)
	r.query.put("severity", p.Severity)
	r.query.put("category", p.Category)
	r.query.put("compliance_framework", p.ComplianceFramework)
	r.query.put("status", p.Status)
	r.query.put("limit", p.Limit)
	r.query.put("offset", p.Offset)
	r.query.put("cursor", p.Cursor)
	r.query.put("order", p.Order)
	r.query.put("include_total", p.IncludeTotal)
}

// ListEntries calls GET /entries: list entries in document B's shape.
//
// Needs `audit:read:basic`. Newest first, by number. Parameters are combined with and.
func (c *Client) ListEntries(ctx context.Context, params ListEntriesParams, options ...CallOption) (*Page[[]Entry, OffsetPage, ListMetadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/entries", repeatable: true}
	params.set(&r)
	return callPage[[]Entry, OffsetPage, ListMetadata](ctx, c, r, options)
}

// AllEntries walks all pages of ListEntries, from the one that params name. An error is the last
// that it yields. What is appended meanwhile neither repeats nor hides anything: in descending
// order it is not seen, in ascending order it comes at the end.
func (c *Client) AllEntries(ctx context.Context, params ListEntriesParams, options ...CallOption) iter.Seq2[Entry, error] {
	return walk(func(at string) ([]Entry, string, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.IncludeTotal = new(false)
		if at != "" {
			params.Cursor = at
			params.Offset = 0
		}
		answer, err := c.ListEntries(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		next := answer.Pagination.NextCursor
		return items, next, next != "" && len(items) > 0, nil
	})
}

// CreateEntriesParams are the parameters of CreateEntries. Those that are zero are not sent.
type CreateEntriesParams struct {
	// true: if one entry is not valid, none is written and the answer is 422
	Atomic bool
	// none: leave the receipts out
	Receipts CreateEntriesReceipts
}

func (p *CreateEntriesParams) set(r *request) {
	r.query.put("atomic", p.Atomic)
	r.query.put("receipts", p.Receipts)
}

// CreateEntries calls POST /entries/bulk: append up to 1,000 entries.
//
// Needs `audit:write`. Each entry has a result of its own, in the order of the request: what is
// wrong with one does not keep the others out, unless `atomic=true`. An external id may occur
// twice if the content is the same. The body has at most 8 MiB, one entry 255 KiB.
func (c *Client) CreateEntries(ctx context.Context, body CreateEntriesRequest, params CreateEntriesParams, options ...CallOption) (*Answer[BulkData, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/entries/bulk", repeatable: true, keyed: true, body: body}
	params.set(&r)
	return call[BulkData, Metadata](ctx, c, r, options)
}

// ShowEntryParams are the parameters of ShowEntry. Those that are zero are not sent.
type ShowEntryParams struct {
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ShowEntryParams) set(r *request) {
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ShowEntry calls GET /entries/{id}: show an entry in document B's shape.
//
// Needs `audit:read:basic`; of a security event, a critical entry or one that fails verification
// `audit:read:sensitive`. That it was read is appended to the ledger first.
func (c *Client) ShowEntry(ctx context.Context, id string, params ShowEntryParams, options ...CallOption) (*Answer[Entry, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/entries/" + segment(id), repeatable: true}
	params.set(&r)
	return call[Entry, Metadata](ctx, c, r, options)
}

// ProveEntryParams are the parameters of ProveEntry. Those that are zero are not sent.
type ProveEntryParams struct {
	// size of an acknowledged checkpoint; the newest if not given
	Size int64
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ProveEntryParams) set(r *request) {
	r.query.put("size", p.Size)
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ProveEntry calls GET /entries/{id}/proof: prove that an entry is in the ledger.
//
// Needs `audit:verify`. A C2SP `tlog-proof`: the entry's number, the hashes from its leaf to the
// root, and a signed checkpoint. With the record, which a receipt, a package or an entry bundle
// holds, it is checked offline.
func (c *Client) ProveEntry(ctx context.Context, id string, params ProveEntryParams, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/entries/" + segment(id) + "/proof", repeatable: true}
	params.set(&r)
	return callDownload(ctx, c, r, options)
}

// ListLogsParams are the parameters of ListLogs. Those that are zero are not sent.
type ListLogsParams struct {
	// 1 to 256 bytes
	RepositoryID string
	// verbatim types, separated by commas
	EventType string
	// equals the actor's type, id or, with audit:read:sensitive, e-mail
	Actor string
	// first moment of the event: a time or a date
	From string
	// last moment, inclusive; a date covers its day, a second its whole second
	To string
	// from 1; beyond 10,000 entries use cursor
	Page  int64
	Limit int64
	// next_cursor of the page before; instead of page or offset
	Cursor string
	// by number
	Order Order
	// false: do not count
	IncludeTotal *bool
}

func (p *ListLogsParams) set(r *request) {
	r.query.put("repository_id", p.RepositoryID)
	r.query.put("event_type", p.EventType)
	r.query.put("actor", p.Actor)
	r.query.put("from", p.From)
	r.query.put("to", p.To)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
	r.query.put("cursor", p.Cursor)
	r.query.put("order", p.Order)
	r.query.put("include_total", p.IncludeTotal)
}

// ListLogs calls GET /logs: list entries in document A's shape.
//
// Needs `audit:read:basic`. Newest first, by number. Parameters are combined with and.
func (c *Client) ListLogs(ctx context.Context, params ListLogsParams, options ...CallOption) (*Page[[]Log, NumberedPage, ListMetadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/logs", repeatable: true}
	params.set(&r)
	return callPage[[]Log, NumberedPage, ListMetadata](ctx, c, r, options)
}

// AllLogs walks all pages of ListLogs, from the one that params name. An error is the last that it
// yields. What is appended meanwhile neither repeats nor hides anything: in descending order it is
// not seen, in ascending order it comes at the end.
func (c *Client) AllLogs(ctx context.Context, params ListLogsParams, options ...CallOption) iter.Seq2[Log, error] {
	return walk(func(at string) ([]Log, string, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.IncludeTotal = new(false)
		if at != "" {
			params.Cursor = at
			params.Page = 0
		}
		answer, err := c.ListLogs(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		next := answer.Pagination.NextCursor
		return items, next, next != "" && len(items) > 0, nil
	})
}

// ShowLogParams are the parameters of ShowLog. Those that are zero are not sent.
type ShowLogParams struct {
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ShowLogParams) set(r *request) {
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ShowLog calls GET /logs/{log_id}: show an entry in document A's shape.
//
// Needs what `GET /entries/{id}` needs, and is recorded like it.
func (c *Client) ShowLog(ctx context.Context, logID string, params ShowLogParams, options ...CallOption) (*Answer[LogDetail, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/logs/" + segment(logID), repeatable: true}
	params.set(&r)
	return call[LogDetail, Metadata](ctx, c, r, options)
}

// SearchParams are the parameters of Search. Those that are zero are not sent.
type SearchParams struct {
	// at most 500 characters with at least one letter or digit
	Q string
	// details: what document A shows as details
	Fields SearchFields
	// from 1; at most 10,000 results deep
	Page  int64
	Limit int64
}

func (p *SearchParams) set(r *request) {
	r.query.put("q", p.Q)
	r.query.put("fields", p.Fields)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// Search calls GET /search: search the text of the entries.
//
// Needs `audit:read:basic`. Without `audit:read:sensitive`, what masking hides is neither searched
// nor shown, whatever `fields` is. The query is one as in web search: words, `"phrases"`, `or`,
// and `-word` for without; nothing in it is an error of syntax. Words are compared as they are, in
// any case: no stemming, no stop words, because ids and names are most of what is searched. A part
// of an address, a path or an id is a word, too.
//
// The best match comes first, and the newest of equals. Entries are looked at from the newest
// back. Of more than 10,000 matches the newest 10,000 are ranked, and a search ends when it has
// read some 250,000 entries that the index proposes, which takes words that most entries have, and
// seldom match as they are asked for, such as phrases of them. Then `metadata.total_is_exact` is
// false and `metadata.searched_from_seq` says down to which entry all were looked at. New entries
// can be found within a second or two: `metadata.indexed_through_seq` says up to which. Of each
// entry, 64 KiB of the actor, of the details and of the rest can be found.
//
// The search is appended to the ledger as `audit.searched`, with the query where it can be erased;
// such entries are not found themselves.
func (c *Client) Search(ctx context.Context, params SearchParams, options ...CallOption) (*Page[SearchData, NumberedPage, SearchMetadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/search", repeatable: true}
	params.set(&r)
	return callPage[SearchData, NumberedPage, SearchMetadata](ctx, c, r, options)
}

// AllSearch walks all pages of Search, from the one that params name. An error is the last that it
// yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllSearch(ctx context.Context, params SearchParams, options ...CallOption) iter.Seq2[SearchResult, error] {
	return walk(func(at int64) ([]SearchResult, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.Search(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data.Results
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowStatisticsParams are the parameters of ShowStatistics. Those that are zero are not sent.
type ShowStatisticsParams struct {
	// first moment of the event: a time or a date; 30 days before the end if not given
	From string
	// last moment, inclusive; a date covers its day, a second its whole second; now if not given
	To string
}

func (p *ShowStatisticsParams) set(r *request) {
	r.query.put("from", p.From)
	r.query.put("to", p.To)
}

// ShowStatistics calls GET /statistics: count the entries of a period.
//
// Needs `audit:read:basic`. The counts are exact, of one moment, for any bounds; each of the three
// maps sums to `total_events`, which is the `total` of `GET /logs` for the same bounds. A
// repository counts under its name, or its id where it has none; entries without a repository, and
// those whose actor has no type, count as `unattributed`. An actor counts under the e-mail
// address, or the id where there is none; without `audit:read:sensitive`, e-mail addresses read
// `[masked]`. Names that were erased count no more, their entries do.
func (c *Client) ShowStatistics(ctx context.Context, params ShowStatisticsParams, options ...CallOption) (*Answer[Statistics, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/statistics", repeatable: true}
	params.set(&r)
	return call[Statistics, Metadata](ctx, c, r, options)
}

// ShowHistoryParams are the parameters of ShowHistory. Those that are zero are not sent.
type ShowHistoryParams struct {
	// 1 to 256 bytes
	RepositoryID string
	// in any case and common spelling
	Framework string
	Metric    ShowHistoryMetric
	// 90 days before the end if not given
	From string
	// inclusive; now if not given
	To       string
	Interval ShowHistoryInterval
}

func (p *ShowHistoryParams) set(r *request) {
	r.query.put("repository_id", p.RepositoryID)
	r.query.put("framework", p.Framework)
	r.query.put("metric", p.Metric)
	r.query.put("from", p.From)
	r.query.put("to", p.To)
	r.query.put("interval", p.Interval)
}

// ShowHistory calls GET /history: show how a metric went.
//
// Needs `audit:compliance:read`. The points are whole days, weeks (Monday to Sunday) or months in
// UTC, adjacent, and cover the range that was asked for: the first and the last reach beyond it
// where it begins or ends inside them. At most 1,000 points.
//
// `issues` counts, at the end of each period, the events `issue.created` less the events
// `issue.resolved` since the ledger's beginning; it is below zero where issues were resolved that
// were created before the ledger was. `fixes` counts the events `fix.applied` in the period. Both
// are exact, and both filters apply: `repository_id` equals the event's repository, `framework` is
// one of the event's frameworks. `score` is that of the assessment stored last. Where there is no
// value, `value` is null and `reason` says why.
func (c *Client) ShowHistory(ctx context.Context, params ShowHistoryParams, options ...CallOption) (*Answer[History, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/history", repeatable: true}
	params.set(&r)
	return call[History, Metadata](ctx, c, r, options)
}

// VerifyParams are the parameters of Verify. Those that are zero are not sent.
type VerifyParams struct {
	// `respond-async` asks for a job (RFC 7240), `wait=N` waits for a job's result, at most 20
	// seconds; of no effect on a receipt
	Prefer string
}

func (p *VerifyParams) set(r *request) {
	r.header.put("Prefer", p.Prefer)
}

// Verify calls POST /verify: verify the ledger over a window, or an old receipt.
//
// Needs `audit:verify`. The window selects entries by the time of their events; every entry from
// the first to the last of them is hashed again and followed up to the root of the tree, in one
// snapshot. When they are the whole ledger, or the job begins with its first entry, the counts of
// `GET /statistics` are compared, too (`wrong_rollup`). `verified` is never true of nothing. The
// result is appended to the ledger.
//
// Entries of the window whose content is in files of the archive are in the range, of whole
// segments, and are verified by their records, the chain and the tree. What is in the files is
// compared only by a job, which reads every file of the range: `archive` says how many entries are
// concerned and how many files were read, and a lost or damaged file is a problem `archive_file`
// that names the segment. An answer without a job reads none, so `files_read` is 0. A credential
// with constraints gets no archived entries.
//
// More than 200,000 entries are verified by a job, and so is every window of a caller that sends
// `Prefer: respond-async`: 202 with the job's place in `Location`. Its result has the shape of the
// answer here.
//
// A receipt is compared with the ledger as it is now: whether this installation gave it
// (`genuine`), whether its record is still the entry that it was (`current`), and whether the
// present tree holds the receipt's unchanged (`extended`; `consistency` proves it from the
// receipt's checkpoint to `checkpoint`). What differs is in `problems`: `other_ledger` and
// `forged` are wrong with the receipt; `missing`, `hash_mismatch`, `lost_tail` and `forked` are
// wrong with the ledger, and said only of a genuine receipt. Of an entry that the credential's
// constraints do not cover, it is 404. A receipt that cannot be read is 422 and names the part;
// one of a version that is not known here has the code `version`.
func (c *Client) Verify(ctx context.Context, body VerifyRequest, params VerifyParams, options ...CallOption) (*Answer[VerifyData, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/verify", repeatable: true, keyed: true, body: body}
	params.set(&r)
	return call[VerifyData, Metadata](ctx, c, r, options)
}

// ListVerificationsParams are the parameters of ListVerifications. Those that are zero are not
// sent.
type ListVerificationsParams struct {
	Page  int64
	Limit int64
}

func (p *ListVerificationsParams) set(r *request) {
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListVerifications calls GET /verify: list verification jobs.
//
// Needs `audit:verify`. Newest first, without their results.
func (c *Client) ListVerifications(ctx context.Context, params ListVerificationsParams, options ...CallOption) (*Page[[]VerificationJob, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/verify", repeatable: true}
	params.set(&r)
	return callPage[[]VerificationJob, NumberedPage, Metadata](ctx, c, r, options)
}

// AllVerifications walks all pages of ListVerifications, from the one that params name. An error
// is the last that it yields. Pages are counted, so what is added meanwhile can show an item
// twice.
func (c *Client) AllVerifications(ctx context.Context, params ListVerificationsParams, options ...CallOption) iter.Seq2[VerificationJob, error] {
	return walk(func(at int64) ([]VerificationJob, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListVerifications(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowVerification calls GET /verify/{job_id}: show a verification job.
//
// Needs `audit:verify`. `progress` is there while the job runs and its workflow answers in time.
func (c *Client) ShowVerification(ctx context.Context, jobID string, options ...CallOption) (*Answer[VerificationJob, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/verify/" + segment(jobID), repeatable: true}
	return call[VerificationJob, Metadata](ctx, c, r, options)
}

// CancelVerification calls DELETE /verify/{job_id}: cancel a verification job.
//
// Needs `audit:verify`. The job is canceled once its workflow has stopped; it has no result then.
func (c *Client) CancelVerification(ctx context.Context, jobID string, options ...CallOption) (*Answer[VerificationJob, Metadata], error) {
	r := request{method: "DELETE", path: "/api/v1/audit/verify/" + segment(jobID), repeatable: true}
	return call[VerificationJob, Metadata](ctx, c, r, options)
}

// ShowComplianceParams are the parameters of ShowCompliance. Those that are zero are not sent.
type ShowComplianceParams struct {
	// this framework only; default: all
	Framework string
	// current_year, current_quarter, current_month, last_30_days, last_90_days, last_year, YYYY,
	// YYYY-Qn or YYYY-MM, of an assessment that was asked for by such a name; default: of any
	Period string
	// with end: of an assessment of just this period
	Start string
	// an RFC 3339 time, or a date YYYY-MM-DD in UTC
	End string
	// this assessment
	AssessmentID string
	// false: without key metrics, findings and violations
	IncludeDetails *bool
}

func (p *ShowComplianceParams) set(r *request) {
	r.query.put("framework", p.Framework)
	r.query.put("period", p.Period)
	r.query.put("start", p.Start)
	r.query.put("end", p.End)
	r.query.put("assessment_id", p.AssessmentID)
	r.query.put("include_details", p.IncludeDetails)
}

// ShowCompliance calls GET /compliance: show how compliance stands.
//
// Needs `audit:compliance:read`. Answers from the newest completed assessment of what is asked for
// and assesses nothing itself: without one, figures are null and `reason` says so. Coverage and
// the score floor stand beside each score. What the ledger cannot know is null, with its reason.
// Findings and violations are as they stand now.
func (c *Client) ShowCompliance(ctx context.Context, params ShowComplianceParams, options ...CallOption) (*Answer[Compliance, ComplianceMetadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance", repeatable: true}
	params.set(&r)
	return call[Compliance, ComplianceMetadata](ctx, c, r, options)
}

// ListFrameworks calls GET /compliance/frameworks: list the control catalogues.
//
// Needs `audit:compliance:read`. The catalogues that assessments use, without their requirements.
func (c *Client) ListFrameworks(ctx context.Context, options ...CallOption) (*Answer[[]Catalog, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/frameworks", repeatable: true}
	return call[[]Catalog, Metadata](ctx, c, r, options)
}

// ShowFramework calls GET /compliance/frameworks/{framework}: show a control catalogue.
//
// Needs `audit:compliance:read`. With its requirements, and what is checked of each.
func (c *Client) ShowFramework(ctx context.Context, framework string, options ...CallOption) (*Answer[Catalog, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/frameworks/" + segment(framework), repeatable: true}
	return call[Catalog, Metadata](ctx, c, r, options)
}

// ListCatalogs calls GET /compliance/catalogs: list the organisation's own control catalogues.
//
// Needs `audit:compliance:read`. Newest first, without their texts.
func (c *Client) ListCatalogs(ctx context.Context, options ...CallOption) (*Answer[[]OwnCatalog, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/catalogs", repeatable: true}
	return call[[]OwnCatalog, Metadata](ctx, c, r, options)
}

// AddCatalog calls POST /compliance/catalogs: add a control catalogue.
//
// Needs `audit:compliance:write`. The text is YAML in the form of the shipped catalogues
// (docs/controls.md), of one of their frameworks, and its expressions are compiled and
// type-checked before it is stored. A change is a new version: the number in the text rises. Its
// digest is an entry of the ledger. An assessment uses it when it is named in `catalogs`.
func (c *Client) AddCatalog(ctx context.Context, body CatalogUpload, options ...CallOption) (*Answer[OwnCatalog, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/compliance/catalogs", repeatable: true, keyed: true, body: body}
	return call[OwnCatalog, Metadata](ctx, c, r, options)
}

// ShowCatalog calls GET /compliance/catalogs/{catalog_id}: show one of the organisation's own
// control catalogues.
//
// Needs `audit:compliance:read`. With its text.
func (c *Client) ShowCatalog(ctx context.Context, catalogID string, options ...CallOption) (*Answer[OwnCatalog, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/catalogs/" + segment(catalogID), repeatable: true}
	return call[OwnCatalog, Metadata](ctx, c, r, options)
}

// ListFindingsParams are the parameters of ListFindings. Those that are zero are not sent.
type ListFindingsParams struct {
	Framework string
	Status    ListFindingsStatus
	Page      int64
	Limit     int64
}

func (p *ListFindingsParams) set(r *request) {
	r.query.put("framework", p.Framework)
	r.query.put("status", p.Status)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListFindings calls GET /compliance/findings: list findings.
//
// Needs `audit:compliance:read`. Requirements that do not hold. Assessments open them, and close
// them after two in a row in which the requirement held. Newest first.
func (c *Client) ListFindings(ctx context.Context, params ListFindingsParams, options ...CallOption) (*Page[[]Finding, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/findings", repeatable: true}
	params.set(&r)
	return callPage[[]Finding, NumberedPage, Metadata](ctx, c, r, options)
}

// AllFindings walks all pages of ListFindings, from the one that params name. An error is the last
// that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllFindings(ctx context.Context, params ListFindingsParams, options ...CallOption) iter.Seq2[Finding, error] {
	return walk(func(at int64) ([]Finding, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListFindings(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowFinding calls GET /compliance/findings/{finding_id}: show a finding.
//
// Needs `audit:compliance:read`.
func (c *Client) ShowFinding(ctx context.Context, findingID string, options ...CallOption) (*Answer[Finding, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/findings/" + segment(findingID), repeatable: true}
	return call[Finding, Metadata](ctx, c, r, options)
}

// ChangeFindingParams are the parameters of ChangeFinding. Those that are zero are not sent.
type ChangeFindingParams struct {
	// the ETag of the finding
	IfMatch string
}

func (p *ChangeFindingParams) set(r *request) {
	r.header.put("If-Match", p.IfMatch)
}

// ChangeFinding calls PATCH /compliance/findings/{finding_id}: say who deals with a finding, how
// and until when.
//
// Needs `audit:compliance:write`, and `If-Match` with the ETag of what this changes. What is left
// out stays; null takes back. Accepting or resolving needs a reason. Each change is an entry of
// the ledger.
func (c *Client) ChangeFinding(ctx context.Context, findingID string, body FindingPatch, params ChangeFindingParams, options ...CallOption) (*Answer[Finding, Metadata], error) {
	r := request{method: "PATCH", path: "/api/v1/audit/compliance/findings/" + segment(findingID), body: body}
	params.set(&r)
	return call[Finding, Metadata](ctx, c, r, options)
}

// ListViolationsParams are the parameters of ListViolations. Those that are zero are not sent.
type ListViolationsParams struct {
	Framework string
	Status    ListViolationsStatus
	Page      int64
	Limit     int64
}

func (p *ListViolationsParams) set(r *request) {
	r.query.put("framework", p.Framework)
	r.query.put("status", p.Status)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListViolations calls GET /compliance/violations: list violations.
//
// Needs `audit:compliance:read`. What happened against a rule. Assessments open them; only people
// resolve them. Newest first.
func (c *Client) ListViolations(ctx context.Context, params ListViolationsParams, options ...CallOption) (*Page[[]Violation, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/violations", repeatable: true}
	params.set(&r)
	return callPage[[]Violation, NumberedPage, Metadata](ctx, c, r, options)
}

// AllViolations walks all pages of ListViolations, from the one that params name. An error is the
// last that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllViolations(ctx context.Context, params ListViolationsParams, options ...CallOption) iter.Seq2[Violation, error] {
	return walk(func(at int64) ([]Violation, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListViolations(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowViolation calls GET /compliance/violations/{violation_id}: show a violation.
//
// Needs `audit:compliance:read`.
func (c *Client) ShowViolation(ctx context.Context, violationID string, options ...CallOption) (*Answer[Violation, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/violations/" + segment(violationID), repeatable: true}
	return call[Violation, Metadata](ctx, c, r, options)
}

// ChangeViolationParams are the parameters of ChangeViolation. Those that are zero are not sent.
type ChangeViolationParams struct {
	// the ETag of the violation
	IfMatch string
}

func (p *ChangeViolationParams) set(r *request) {
	r.header.put("If-Match", p.IfMatch)
}

// ChangeViolation calls PATCH /compliance/violations/{violation_id}: say who deals with a
// violation, how and until when.
//
// Needs `audit:compliance:write`, and `If-Match` with the ETag of what this changes. What is left
// out stays; null takes back. Accepting or resolving needs a reason. Each change is an entry of
// the ledger.
func (c *Client) ChangeViolation(ctx context.Context, violationID string, body ViolationPatch, params ChangeViolationParams, options ...CallOption) (*Answer[Violation, Metadata], error) {
	r := request{method: "PATCH", path: "/api/v1/audit/compliance/violations/" + segment(violationID), body: body}
	params.set(&r)
	return call[Violation, Metadata](ctx, c, r, options)
}

// Attest calls POST /compliance/attestations: attest what no entry can show.
//
// Needs `audit:compliance:write`, and a person: API keys get 403. For a requirement with a check
// of kind `attestation`. The statement becomes evidence (`GET /evidence?type=attestation`), its
// digest an entry of the ledger, and the check counts it until `valid_until`.
func (c *Client) Attest(ctx context.Context, body AttestationRequest, options ...CallOption) (*Answer[AttestData, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/compliance/attestations", repeatable: true, keyed: true, body: body}
	return call[AttestData, Metadata](ctx, c, r, options)
}

// StartAssessmentParams are the parameters of StartAssessment. Those that are zero are not sent.
type StartAssessmentParams struct {
	// `wait=N`: wait for the result, at most 20 seconds (RFC 7240)
	Prefer string
}

func (p *StartAssessmentParams) set(r *request) {
	r.header.put("Prefer", p.Prefer)
}

// StartAssessment calls POST /compliance/assessments: assess a period by the control catalogues.
//
// Needs `audit:compliance:write`. The entries of the period are read once, each is verified, and
// every requirement of the frameworks gets a verdict with its counts. The result is an artifact
// whose digest the ledger records. It is evidence for an assessor and no attestation.
func (c *Client) StartAssessment(ctx context.Context, body AssessmentRequest, params StartAssessmentParams, options ...CallOption) (*Answer[Assessment, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/compliance/assessments", repeatable: true, keyed: true, body: body}
	params.set(&r)
	return call[Assessment, Metadata](ctx, c, r, options)
}

// ListAssessmentsParams are the parameters of ListAssessments. Those that are zero are not sent.
type ListAssessmentsParams struct {
	// assessments of this framework
	Framework string
	Page      int64
	Limit     int64
}

func (p *ListAssessmentsParams) set(r *request) {
	r.query.put("framework", p.Framework)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListAssessments calls GET /compliance/assessments: list assessments.
//
// Needs `audit:compliance:read`. Newest first, without their results.
func (c *Client) ListAssessments(ctx context.Context, params ListAssessmentsParams, options ...CallOption) (*Page[[]Assessment, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/assessments", repeatable: true}
	params.set(&r)
	return callPage[[]Assessment, NumberedPage, Metadata](ctx, c, r, options)
}

// AllAssessments walks all pages of ListAssessments, from the one that params name. An error is
// the last that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllAssessments(ctx context.Context, params ListAssessmentsParams, options ...CallOption) iter.Seq2[Assessment, error] {
	return walk(func(at int64) ([]Assessment, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListAssessments(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowAssessment calls GET /compliance/assessments/{assessment_id}: show an assessment.
//
// Needs `audit:compliance:read`. Once it is completed, with its result but for the exceptions.
func (c *Client) ShowAssessment(ctx context.Context, assessmentID string, options ...CallOption) (*Answer[Assessment, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/assessments/" + segment(assessmentID), repeatable: true}
	return call[Assessment, Metadata](ctx, c, r, options)
}

// CancelAssessment calls DELETE /compliance/assessments/{assessment_id}: cancel an assessment.
//
// Needs `audit:compliance:write`. It is canceled once its workflow has stopped; it has no result
// then.
func (c *Client) CancelAssessment(ctx context.Context, assessmentID string, options ...CallOption) (*Answer[Assessment, Metadata], error) {
	r := request{method: "DELETE", path: "/api/v1/audit/compliance/assessments/" + segment(assessmentID), repeatable: true}
	return call[Assessment, Metadata](ctx, c, r, options)
}

// DownloadAssessmentParams are the parameters of DownloadAssessment. Those that are zero are not
// sent.
type DownloadAssessmentParams struct {
	Format DownloadAssessmentFormat
}

func (p *DownloadAssessmentParams) set(r *request) {
	r.query.put("format", p.Format)
}

// DownloadAssessment calls GET /compliance/assessments/{assessment_id}/download: download the
// whole result of an assessment.
//
// Needs `audit:compliance:read`. The bytes whose SHA-256 the ledger's entry names, with up to
// 1,000 exceptions of each check and the facts beside the entries that the assessment used. Or the
// same as assessment results of NIST's OSCAL: a result for each framework, an observation for each
// check, a finding for each requirement that was assessed.
func (c *Client) DownloadAssessment(ctx context.Context, assessmentID string, params DownloadAssessmentParams, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/compliance/assessments/" + segment(assessmentID) + "/download", repeatable: true}
	params.set(&r)
	return callDownload(ctx, c, r, options)
}

// StartReportParams are the parameters of StartReport. Those that are zero are not sent.
type StartReportParams struct {
	// `wait=N`: wait for the report, at most 20 seconds (RFC 7240), which is also the default
	Prefer string
}

func (p *StartReportParams) set(r *request) {
	r.header.put("Prefer", p.Prefer)
}

// StartReport calls POST /reports: make a report.
//
// Needs `audit:reports:create`, or `audit:investigations:write` for a report of one's own case,
// and `audit:reports:distribute` when it names recipients. The data are read once, under one
// checkpoint; a PDF is sealed with the installation's certificate. When a person shall sign it, it
// waits for them. Then it is sent. The request waits for the report, 20 seconds if it does not
// say; `Prefer: respond-async` or `wait=0` does not wait. A report of an investigation needs
// `audit:investigations:read` too; the request is recorded as a read of the case. Of a case that
// is not there, and of one about the caller, it is 404; whoever the case is about cannot sign or
// receive it.
func (c *Client) StartReport(ctx context.Context, body ReportRequest, params StartReportParams, options ...CallOption) (*Answer[Report, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/reports", repeatable: true, keyed: true, body: body}
	params.set(&r)
	return call[Report, Metadata](ctx, c, r, options)
}

// ListReportsParams are the parameters of ListReports. Those that are zero are not sent.
type ListReportsParams struct {
	ReportType ListReportsReportType
	Framework  string
	Status     ListReportsStatus
	Page       int64
	Limit      int64
}

func (p *ListReportsParams) set(r *request) {
	r.query.put("report_type", p.ReportType)
	r.query.put("framework", p.Framework)
	r.query.put("status", p.Status)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListReports calls GET /reports: list reports.
//
// Needs `audit:reports:read`, or `audit:investigations:read` for reports of one's own cases.
// Newest first. One's own are the cases that one opened, investigates, reviews or has worked on.
func (c *Client) ListReports(ctx context.Context, params ListReportsParams, options ...CallOption) (*Page[[]Report, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/reports", repeatable: true}
	params.set(&r)
	return callPage[[]Report, NumberedPage, Metadata](ctx, c, r, options)
}

// AllReports walks all pages of ListReports, from the one that params name. An error is the last
// that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllReports(ctx context.Context, params ListReportsParams, options ...CallOption) iter.Seq2[Report, error] {
	return walk(func(at int64) ([]Report, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListReports(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// VerifyReport calls POST /reports/verify: tell whether a file is a report of this organisation.
//
// Needs `audit:reports:read`. The body is the file, of at most 32 MiB. `verified` says that a
// report has these bytes, to the last one. It rests on what this installation keeps; `sealbook
// verify report.pdf` needs nothing of it.
func (c *Client) VerifyReport(ctx context.Context, body any, options ...CallOption) (*Answer[ReportCheck, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/reports/verify", body: body}
	return call[ReportCheck, Metadata](ctx, c, r, options)
}

// ShowReport calls GET /reports/{report_id}: show a report.
//
// Needs `audit:reports:read`, or `audit:investigations:read` for reports of one's own cases.
// `progress` is there while the report is made and its workflow answers in time.
func (c *Client) ShowReport(ctx context.Context, reportID string, options ...CallOption) (*Answer[Report, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/reports/" + segment(reportID), repeatable: true}
	return call[Report, Metadata](ctx, c, r, options)
}

// CancelReport calls DELETE /reports/{report_id}: cancel a report.
//
// Needs `audit:reports:create`. It is canceled once its workflow has stopped. A generated report
// stays.
func (c *Client) CancelReport(ctx context.Context, reportID string, options ...CallOption) (*Answer[Report, Metadata], error) {
	r := request{method: "DELETE", path: "/api/v1/audit/reports/" + segment(reportID), repeatable: true}
	return call[Report, Metadata](ctx, c, r, options)
}

// DownloadReport calls GET /reports/{report_id}/download: download a report.
//
// Needs `audit:reports:read`, or `audit:investigations:read` for reports of one's own cases. The
// download is appended to the ledger before the first byte. If the stored bytes are not those that
// were published, the connection is broken off before the last of them. After 31 days the answer
// is 410, until the link is renewed.
func (c *Client) DownloadReport(ctx context.Context, reportID string, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/reports/" + segment(reportID) + "/download", repeatable: true}
	return callDownload(ctx, c, r, options)
}

// RenewReportLinks calls POST /reports/{report_id}/download-links: renew a report's download link.
//
// Needs `audit:reports:read`, or `audit:investigations:read` for reports of one's own cases. The
// link works for 31 days from now. The body is empty, or an empty object.
func (c *Client) RenewReportLinks(ctx context.Context, reportID string, options ...CallOption) (*Answer[ReportLink, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/reports/" + segment(reportID) + "/download-links"}
	return call[ReportLink, Metadata](ctx, c, r, options)
}

// ListDeliveries calls GET /reports/{report_id}/deliveries: list a report's mails.
//
// Needs `audit:reports:read`. One for each recipient of each distribution, with what the mail
// provider said of it. `unknown` is a mail of which nobody knows whether it went out: it is not
// sent again unless a person says so, with a new distribution.
func (c *Client) ListDeliveries(ctx context.Context, reportID string, options ...CallOption) (*Answer[[]Delivery, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/reports/" + segment(reportID) + "/deliveries", repeatable: true}
	return call[[]Delivery, Metadata](ctx, c, r, options)
}

// DistributeReport calls POST /reports/{report_id}/distribution: send a report.
//
// Needs `audit:reports:distribute`. Again, or to others. Without `recipients` it goes to those of
// the request.
func (c *Client) DistributeReport(ctx context.Context, reportID string, body DistributionRequest, options ...CallOption) (*Answer[Distribution, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/reports/" + segment(reportID) + "/distribution", repeatable: true, keyed: true, body: body}
	return call[Distribution, Metadata](ctx, c, r, options)
}

// ShowReportSignature calls GET /reports/{report_id}/signature: show where a report's signature
// stands.
//
// Needs `audit:reports:read`. Says of each signatory who has been asked, too, when mails told them
// so or reminded them.
func (c *Client) ShowReportSignature(ctx context.Context, reportID string, options ...CallOption) (*Answer[Ceremony, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/reports/" + segment(reportID) + "/signature", repeatable: true}
	return call[Ceremony, Metadata](ctx, c, r, options)
}

// SignReport calls POST /reports/{report_id}/signature: sign a report.
//
// Needs `audit:reports:sign`, which only people have, and a session of the signatory. Signs the
// document whose digest is named (21 CFR Part 11), with a nonce of a challenge and both
// components, each time. Every attempt uses the challenge up and is an entry of the ledger; five
// that fail lock the account for a while. Of several signatories each signs in turn: whoever comes
// before gets 409, which says whose turn it is.
func (c *Client) SignReport(ctx context.Context, reportID string, body SigningRequest, options ...CallOption) (*Answer[Signature, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/reports/" + segment(reportID) + "/signature", body: body}
	return call[Signature, Metadata](ctx, c, r, options)
}

// ShowDraft calls GET /reports/{report_id}/signature/document: get the document that is signed.
//
// Needs `audit:reports:read`. That it was shown is appended to the ledger before the first byte.
func (c *Client) ShowDraft(ctx context.Context, reportID string, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/reports/" + segment(reportID) + "/signature/document", repeatable: true}
	return callDownload(ctx, c, r, options)
}

// ChallengeSignatory calls POST /reports/{report_id}/signature/challenge: begin to sign a report.
//
// Needs `audit:reports:sign` and a session of the signatory. The nonce is good for one attempt
// within two minutes, by this session, to sign this document with this meaning. A new one ends the
// one before. It must be the signatory's turn. The body is empty, or an empty object.
func (c *Client) ChallengeSignatory(ctx context.Context, reportID string, options ...CallOption) (*Answer[Challenge, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/reports/" + segment(reportID) + "/signature/challenge"}
	return call[Challenge, Metadata](ctx, c, r, options)
}

// DeclineReport calls POST /reports/{report_id}/signature/decline: refuse to sign a report.
//
// Needs `audit:reports:sign` and a session of the signatory whose turn it is. The report has
// failed then, and says why.
func (c *Client) DeclineReport(ctx context.Context, reportID string, body DecliningRequest, options ...CallOption) (*Answer[Report, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/reports/" + segment(reportID) + "/signature/decline", body: body}
	return call[Report, Metadata](ctx, c, r, options)
}

// ListSignaturesParams are the parameters of ListSignatures. Those that are zero are not sent.
type ListSignaturesParams struct {
	Page  int64
	Limit int64
}

func (p *ListSignaturesParams) set(r *request) {
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListSignatures calls GET /signatures: list electronic signatures.
//
// Needs `audit:reports:read`. Newest first.
func (c *Client) ListSignatures(ctx context.Context, params ListSignaturesParams, options ...CallOption) (*Page[[]Signature, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/signatures", repeatable: true}
	params.set(&r)
	return callPage[[]Signature, NumberedPage, Metadata](ctx, c, r, options)
}

// AllSignatures walks all pages of ListSignatures, from the one that params name. An error is the
// last that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllSignatures(ctx context.Context, params ListSignaturesParams, options ...CallOption) iter.Seq2[Signature, error] {
	return walk(func(at int64) ([]Signature, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListSignatures(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowSignature calls GET /signatures/{signature_id}: show an electronic signature.
//
// Needs `audit:reports:read`.
func (c *Client) ShowSignature(ctx context.Context, signatureID string, options ...CallOption) (*Answer[Signature, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/signatures/" + segment(signatureID), repeatable: true}
	return call[Signature, Metadata](ctx, c, r, options)
}

// ShowAnchors calls GET /anchors: show where checkpoints were published outside.
//
// Needs `audit:verify`. The registry's checkpoints cover every organisation's ledger. Each place
// outside that one was published at (a time-stamp authority, a bucket, a witness) is shown with
// the evidence that it gave, which can be checked offline, and with how the last attempt ended.
// Entries of the registry after `anchored_through` are attested by the operator alone.
func (c *Client) ShowAnchors(ctx context.Context, options ...CallOption) (*Answer[Anchors, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/anchors", repeatable: true}
	return call[Anchors, Metadata](ctx, c, r, options)
}

// ShowCheckpointParams are the parameters of ShowCheckpoint. Those that are zero are not sent.
type ShowCheckpointParams struct {
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ShowCheckpointParams) set(r *request) {
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ShowCheckpoint calls GET /checkpoint: show the newest checkpoint as tlog-tiles has it.
//
// Needs `audit:verify`. With `/tile`, this makes the mount a prefix of C2SP `tlog-tiles`, so that
// other people's tools read and check the organisation's ledger. The note is signed under the
// ledger's origin as key name.
func (c *Client) ShowCheckpoint(ctx context.Context, params ShowCheckpointParams, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/checkpoint", repeatable: true}
	params.set(&r)
	return callDownload(ctx, c, r, options)
}

// ShowEntryBundleParams are the parameters of ShowEntryBundle. Those that are zero are not sent.
type ShowEntryBundleParams struct {
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ShowEntryBundleParams) set(r *request) {
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ShowEntryBundle calls GET /tile/entries/{index}: show records as tlog-tiles has them.
//
// Needs `audit:verify`. An entry bundle: up to 256 records, each behind its length as a 16-bit
// big-endian number. Each hashes to the leaf at its place in the tile of the same index at level
// 0. Records hold no personal data.
func (c *Client) ShowEntryBundle(ctx context.Context, index string, params ShowEntryBundleParams, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/tile/entries/" + segments(index), repeatable: true}
	params.set(&r)
	return callDownload(ctx, c, r, options)
}

// ShowTileParams are the parameters of ShowTile. Those that are zero are not sent.
type ShowTileParams struct {
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ShowTileParams) set(r *request) {
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ShowTile calls GET /tile/{level}/{index}: show tree hashes as tlog-tiles has them.
//
// Needs `audit:verify`. Up to 256 hashes of 32 bytes: at level 0 leaves, at level n the roots of
// full tiles of the level below. A full tile never changes. 404 for what the tree does not have
// yet.
func (c *Client) ShowTile(ctx context.Context, level int64, index string, params ShowTileParams, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/tile/" + segment(level) + "/" + segments(index), repeatable: true}
	params.set(&r)
	return callDownload(ctx, c, r, options)
}

// ListCheckpointsParams are the parameters of ListCheckpoints. Those that are zero are not sent.
type ListCheckpointsParams struct {
	Limit int64
	// next_cursor of the page before; instead of page or offset
	Cursor string
}

func (p *ListCheckpointsParams) set(r *request) {
	r.query.put("limit", p.Limit)
	r.query.put("cursor", p.Cursor)
}

// ListCheckpoints calls GET /checkpoints: list the checkpoints that were acknowledged.
//
// Needs `audit:verify`. Newest first. Every append made one; receipts hold them. The list is what
// is stored; a checkpoint that is asked for by its size is checked against the tree and signed.
func (c *Client) ListCheckpoints(ctx context.Context, params ListCheckpointsParams, options ...CallOption) (*Page[[]Checkpoint, OffsetPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/checkpoints", repeatable: true}
	params.set(&r)
	return callPage[[]Checkpoint, OffsetPage, Metadata](ctx, c, r, options)
}

// AllCheckpoints walks all pages of ListCheckpoints, from the one that params name. An error is
// the last that it yields. What is appended meanwhile neither repeats nor hides anything: in
// descending order it is not seen, in ascending order it comes at the end.
func (c *Client) AllCheckpoints(ctx context.Context, params ListCheckpointsParams, options ...CallOption) iter.Seq2[Checkpoint, error] {
	return walk(func(at string) ([]Checkpoint, string, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		if at != "" {
			params.Cursor = at
		}
		answer, err := c.ListCheckpoints(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		next := answer.Pagination.NextCursor
		return items, next, next != "" && len(items) > 0, nil
	})
}

// ShowNewestCheckpointParams are the parameters of ShowNewestCheckpoint. Those that are zero are
// not sent.
type ShowNewestCheckpointParams struct {
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ShowNewestCheckpointParams) set(r *request) {
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ShowNewestCheckpoint calls GET /checkpoints/latest: show the newest checkpoint.
//
// Needs `audit:verify`. A C2SP `tlog-checkpoint` in a `signed-note`.
func (c *Client) ShowNewestCheckpoint(ctx context.Context, params ShowNewestCheckpointParams, options ...CallOption) (*Answer[Checkpoint, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/checkpoints/latest", repeatable: true}
	params.set(&r)
	return call[Checkpoint, Metadata](ctx, c, r, options)
}

// ShowCheckpointOfSizeParams are the parameters of ShowCheckpointOfSize. Those that are zero are
// not sent.
type ShowCheckpointOfSizeParams struct {
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ShowCheckpointOfSizeParams) set(r *request) {
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ShowCheckpointOfSize calls GET /checkpoints/{size}: show a checkpoint.
//
// Needs `audit:verify`. The tree of that many entries, if it was ever acknowledged to someone;
// otherwise 404. What is signed is recomputed from the stored tree first.
func (c *Client) ShowCheckpointOfSize(ctx context.Context, size int64, params ShowCheckpointOfSizeParams, options ...CallOption) (*Answer[Checkpoint, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/checkpoints/" + segment(size), repeatable: true}
	params.set(&r)
	return call[Checkpoint, Metadata](ctx, c, r, options)
}

// ProveConsistencyParams are the parameters of ProveConsistency. Those that are zero are not sent.
type ProveConsistencyParams struct {
	// size of the older checkpoint
	First int64
	// size of the later one; the newest if not given
	Second int64
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ProveConsistencyParams) set(r *request) {
	r.query.put("first", p.First)
	r.query.put("second", p.Second)
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ProveConsistency calls GET /proofs/consistency: prove that the ledger only grew.
//
// Needs `audit:verify`. Shows offline that the tree of one acknowledged checkpoint is the start of
// a later one. `docs/ledger-format.md` says how to check it.
func (c *Client) ProveConsistency(ctx context.Context, params ProveConsistencyParams, options ...CallOption) (*Answer[ConsistencyProof, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/proofs/consistency", repeatable: true}
	params.set(&r)
	return call[ConsistencyProof, Metadata](ctx, c, r, options)
}

// ProveRangeParams are the parameters of ProveRange. Those that are zero are not sent.
type ProveRangeParams struct {
	// number of the range's first entry
	First *int64
	// one past the number of its last
	End int64
	// size of an acknowledged checkpoint; the newest if not given
	Size int64
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ProveRangeParams) set(r *request) {
	r.query.put("first", p.First)
	r.query.put("end", p.End)
	r.query.put("size", p.Size)
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ProveRange calls GET /proofs/range: prove where a range of entries stands.
//
// Needs `audit:verify`. Shows offline that records are those of `[first, end)`, all of them and in
// this order: the range itself comes from elsewhere, the rest of the tree is at most 4 KiB.
// `docs/ledger-format.md` says how to check it.
func (c *Client) ProveRange(ctx context.Context, params ProveRangeParams, options ...CallOption) (*Answer[RangeProof, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/proofs/range", repeatable: true}
	params.set(&r)
	return call[RangeProof, Metadata](ctx, c, r, options)
}

// ListKeys calls GET /keys: list the keys that sign the organisation's checkpoints, or signed
// them.
//
// Needs `audit:verify`. The newest comes first. Every key but the installation's first was
// introduced by a key before it, in a signed note: whoever trusts one of them follows the
// introductions and need not trust this answer.
func (c *Client) ListKeys(ctx context.Context, options ...CallOption) (*Answer[ListKeysData, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/keys", repeatable: true}
	return call[ListKeysData, Metadata](ctx, c, r, options)
}

// OpenInvestigationParams are the parameters of OpenInvestigation. Those that are zero are not
// sent.
type OpenInvestigationParams struct {
	// `wait=N`: wait, at most 20 seconds (RFC 7240)
	Prefer string
}

func (p *OpenInvestigationParams) set(r *request) {
	r.header.put("Prefer", p.Prefer)
}

// OpenInvestigation calls POST /investigations: open an investigation.
//
// Needs `audit:investigations:write`. The case, its entry and the order to start its workflow are
// written together; the counts of the scope are real at once, analyses fill in as they complete
// (`Prefer: wait=20` waits for them). A legal hold on the scope is set with it. The trigger entry
// becomes its first item of evidence.
func (c *Client) OpenInvestigation(ctx context.Context, body InvestigationRequest, params OpenInvestigationParams, options ...CallOption) (*Answer[Investigation, CaseMetadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations", repeatable: true, keyed: true, body: body}
	params.set(&r)
	return call[Investigation, CaseMetadata](ctx, c, r, options)
}

// ListInvestigationsParams are the parameters of ListInvestigations. Those that are zero are not
// sent.
type ListInvestigationsParams struct {
	Status   ListInvestigationsStatus
	Stage    ListInvestigationsStage
	Priority ListInvestigationsPriority
	// 1 to 256 bytes
	InvestigationType string
	// a person's id, or security_team
	AssignedInvestigator string
	Framework            string
	// opened then or later
	StartTime string
	// opened before then
	EndTime string
	Limit   int64
	Offset  int64
}

func (p *ListInvestigationsParams) set(r *request) {
	r.query.put("status", p.Status)
	r.query.put("stage", p.Stage)
	r.query.put("priority", p.Priority)
	r.query.put("investigation_type", p.InvestigationType)
	r.query.put("assigned_investigator", p.AssignedInvestigator)
	r.query.put("framework", p.Framework)
	r.query.put("start_time", p.StartTime)
	r.query.put("end_time", p.EndTime)
	r.query.put("limit", p.Limit)
	r.query.put("offset", p.Offset)
}

// ListInvestigations calls GET /investigations: list investigations.
//
// Needs `audit:investigations:read`. Newest first. Cases in whose scope the caller is named are
// not shown to them.
func (c *Client) ListInvestigations(ctx context.Context, params ListInvestigationsParams, options ...CallOption) (*Page[[]Investigation, OffsetPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/investigations", repeatable: true}
	params.set(&r)
	return callPage[[]Investigation, OffsetPage, Metadata](ctx, c, r, options)
}

// ShowInvestigationParams are the parameters of ShowInvestigation. Those that are zero are not
// sent.
type ShowInvestigationParams struct {
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
	// `wait=N`: wait, at most 20 seconds (RFC 7240)
	Prefer string
}

func (p *ShowInvestigationParams) set(r *request) {
	r.header.put("If-None-Match", p.IfNoneMatch)
	r.header.put("Prefer", p.Prefer)
}

// ShowInvestigation calls GET /investigations/{investigation_id}: show an investigation.
//
// Needs `audit:investigations:read`. That it was read is recorded. With `If-None-Match` and
// `Prefer: wait`, the answer waits for the next version (long polling); without a new one it is
// 304. The ETag changes with each step of the case, each handling of its evidence, and what the
// directory says of its people.
func (c *Client) ShowInvestigation(ctx context.Context, investigationID string, params ShowInvestigationParams, options ...CallOption) (*Answer[Investigation, CaseMetadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/investigations/" + segment(investigationID), repeatable: true}
	params.set(&r)
	return call[Investigation, CaseMetadata](ctx, c, r, options)
}

// ChangeInvestigationParams are the parameters of ChangeInvestigation. Those that are zero are not
// sent.
type ChangeInvestigationParams struct {
	// the ETag of what this changes
	IfMatch string
}

func (p *ChangeInvestigationParams) set(r *request) {
	r.header.put("If-Match", p.IfMatch)
}

// ChangeInvestigation calls PATCH /investigations/{investigation_id}: change title, priority,
// status or who works on it.
//
// Needs `audit:investigations:write` and `If-Match`, which is held against the steps of the case:
// that evidence was handled since is no reason to refuse. The status is set to on_hold, active or
// escalated, with a reason; time limits do not run while a case is on hold. The reviewer is never
// the investigator.
func (c *Client) ChangeInvestigation(ctx context.Context, investigationID string, body InvestigationPatch, params ChangeInvestigationParams, options ...CallOption) (*Answer[Investigation, CaseMetadata], error) {
	r := request{method: "PATCH", path: "/api/v1/audit/investigations/" + segment(investigationID), keyed: true, body: body}
	params.set(&r)
	return call[Investigation, CaseMetadata](ctx, c, r, options)
}

// TransitionInvestigation calls POST /investigations/{investigation_id}/transitions: lead an
// investigation to another stage.
//
// Needs `audit:investigations:write`. What is allowed from a stage is in `allowed_transitions`;
// anything else is 409 with the list. Going back to evidence_collection or analysis begins a new
// round. `canceled` ends the case without a decision.
func (c *Client) TransitionInvestigation(ctx context.Context, investigationID string, body TransitionRequest, options ...CallOption) (*Answer[Investigation, CaseMetadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/transitions", repeatable: true, keyed: true, body: body}
	return call[Investigation, CaseMetadata](ctx, c, r, options)
}

// FollowInvestigationParams are the parameters of FollowInvestigation. Those that are zero are not
// sent.
type FollowInvestigationParams struct {
	// the version that was seen last
	LastEventID string
}

func (p *FollowInvestigationParams) set(r *request) {
	r.header.put("Last-Event-ID", p.LastEventID)
}

// FollowInvestigation calls GET /investigations/{investigation_id}/events: follow an
// investigation.
//
// Needs `audit:investigations:read`. Server-sent events: the case as it is, and each version of it
// as it comes, as an event `investigation` whose `id` is the version and whose data is a
// CaseProgress on one line. A comment comes every 15 seconds. The event `end` says in `{"reason"}`
// why no more come: `case_ended`; `credentials`, when these have ended or may not read the case
// any more; `lifetime`, after 15 minutes, or `stopping`, when the server ends: come back then with
// `Last-Event-ID`. A session is not kept alive by its streams. One credential has at most 8
// streams open, and a server 64; more are 503.
func (c *Client) FollowInvestigation(ctx context.Context, investigationID string, params FollowInvestigationParams, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/events", repeatable: true}
	params.set(&r)
	return callDownload(ctx, c, r, options)
}

// ShowTimeline calls GET /investigations/{investigation_id}/timeline: show what happened to an
// investigation.
//
// Needs `audit:investigations:read`. Oldest first. Each step is an entry of the ledger, too.
func (c *Client) ShowTimeline(ctx context.Context, investigationID string, options ...CallOption) (*Answer[[]CaseEvent, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/timeline", repeatable: true}
	return call[[]CaseEvent, Metadata](ctx, c, r, options)
}

// ListNotes calls GET /investigations/{investigation_id}/notes: list notes.
//
// Needs `audit:investigations:read`. Oldest first.
func (c *Client) ListNotes(ctx context.Context, investigationID string, options ...CallOption) (*Answer[[]CaseNote, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/notes", repeatable: true}
	return call[[]CaseNote, Metadata](ctx, c, r, options)
}

// AddNote calls POST /investigations/{investigation_id}/notes: write a note.
//
// Needs `audit:investigations:write`. The entry holds the digest of the text. A note is never
// changed.
func (c *Client) AddNote(ctx context.Context, investigationID string, body NoteRequest, options ...CallOption) (*Answer[Investigation, CaseMetadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/notes", repeatable: true, keyed: true, body: body}
	return call[Investigation, CaseMetadata](ctx, c, r, options)
}

// ListInvestigationFindingsParams are the parameters of ListInvestigationFindings. Those that are
// zero are not sent.
type ListInvestigationFindingsParams struct {
	Status ListInvestigationFindingsStatus
}

func (p *ListInvestigationFindingsParams) set(r *request) {
	r.query.put("status", p.Status)
}

// ListInvestigationFindings calls GET /investigations/{investigation_id}/findings: list the
// findings of an investigation.
//
// Needs `audit:investigations:read`. `result` is what the analysis, or the person, said; `kind`
// how much that claims.
func (c *Client) ListInvestigationFindings(ctx context.Context, investigationID string, params ListInvestigationFindingsParams, options ...CallOption) (*Answer[[]CaseFinding, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/findings", repeatable: true}
	params.set(&r)
	return call[[]CaseFinding, Metadata](ctx, c, r, options)
}

// AddInvestigationFinding calls POST /investigations/{investigation_id}/findings: add a finding.
//
// Needs `audit:investigations:write`, in the stage findings_review. It names the entries that show
// it; a high or critical one says how it could have come about innocently. Somebody still has to
// accept it.
func (c *Client) AddInvestigationFinding(ctx context.Context, investigationID string, body ManualFinding, options ...CallOption) (*Answer[Investigation, CaseMetadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/findings", repeatable: true, keyed: true, body: body}
	return call[Investigation, CaseMetadata](ctx, c, r, options)
}

// DecideInvestigationFinding calls PATCH /investigations/{investigation_id}/findings/{finding_id}:
// accept or reject a finding.
//
// Needs `audit:investigations:write`, in the stage findings_review. Both take a reason. What was
// decided can be decided otherwise; the timeline has both.
func (c *Client) DecideInvestigationFinding(ctx context.Context, investigationID string, findingID string, body VerdictRequest, options ...CallOption) (*Answer[CaseFinding, Metadata], error) {
	r := request{method: "PATCH", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/findings/" + segment(findingID), repeatable: true, keyed: true, body: body}
	return call[CaseFinding, Metadata](ctx, c, r, options)
}

// ListCaseEvidence calls GET /investigations/{investigation_id}/evidence: list evidence with its
// custody.
//
// Needs `audit:investigations:read`. `chain_of_custody_verified` is computed from the custody each
// time.
func (c *Client) ListCaseEvidence(ctx context.Context, investigationID string, options ...CallOption) (*Answer[[]CaseEvidence, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/evidence", repeatable: true}
	return call[[]CaseEvidence, Metadata](ctx, c, r, options)
}

// AddCaseEvidence calls POST /investigations/{investigation_id}/evidence: bring evidence from
// outside.
//
// Needs `audit:investigations:write`. One file of at most 25 MiB, and where it is from. Its digest
// is computed here and is in the ledger.
func (c *Client) AddCaseEvidence(ctx context.Context, investigationID string, body AddCaseEvidenceRequest, options ...CallOption) (*Answer[CaseEvidence, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/evidence", repeatable: true, keyed: true}
	r.form = body.form()
	return call[CaseEvidence, Metadata](ctx, c, r, options)
}

func (b *AddCaseEvidenceRequest) form() *form {
	f := new(form)
	f.file("file", b.File)
	f.field("title", b.Title)
	f.field("source", b.Source)
	return f
}

// ShowCaseEvidence calls GET /investigations/{investigation_id}/evidence/{evidence_id}: show an
// item of evidence.
//
// Needs `audit:investigations:read`.
func (c *Client) ShowCaseEvidence(ctx context.Context, investigationID string, evidenceID string, options ...CallOption) (*Answer[CaseEvidence, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/evidence/" + segment(evidenceID), repeatable: true}
	return call[CaseEvidence, Metadata](ctx, c, r, options)
}

// DownloadCaseEvidence calls GET
// /investigations/{investigation_id}/evidence/{evidence_id}/download: download an item of
// evidence.
//
// Needs `audit:investigations:read` and `audit:read:sensitive`. Its custody has the access before
// the first byte is sent. If the stored bytes are not those collected, the connection is broken
// off before the last of them.
func (c *Client) DownloadCaseEvidence(ctx context.Context, investigationID string, evidenceID string, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/evidence/" + segment(evidenceID) + "/download", repeatable: true}
	return callDownload(ctx, c, r, options)
}

// HandOverEvidence calls POST /investigations/{investigation_id}/evidence/{evidence_id}/custody:
// hand evidence over, or accept it.
//
// Needs `audit:investigations:write`. A transfer is open until its recipient accepts it, in
// person; until then the chain of custody does not hold.
func (c *Client) HandOverEvidence(ctx context.Context, investigationID string, evidenceID string, body CustodyRequest, options ...CallOption) (*Answer[CaseEvidence, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/evidence/" + segment(evidenceID) + "/custody", body: body}
	return call[CaseEvidence, Metadata](ctx, c, r, options)
}

// VerifyCaseEvidence calls POST /investigations/{investigation_id}/evidence/{evidence_id}/verify:
// read evidence again and compare its digest.
//
// Needs `audit:investigations:read`. What came of it is in the custody; other bytes are a critical
// entry.
func (c *Client) VerifyCaseEvidence(ctx context.Context, investigationID string, evidenceID string, options ...CallOption) (*Answer[CaseEvidence, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/evidence/" + segment(evidenceID) + "/verify"}
	return call[CaseEvidence, Metadata](ctx, c, r, options)
}

// ExportInvestigation calls POST /investigations/{investigation_id}/export: export an
// investigation with its evidence.
//
// Needs `audit:investigations:read` and `audit:read:sensitive`. A ZIP as the case is now: its
// description in CASE and UCO, timeline, findings, notes, all evidence, and a manifest for
// `sha256sum -c`. The custody of each item has the export before the first byte is sent. If stored
// bytes are not those collected, the connection is broken off.
func (c *Client) ExportInvestigation(ctx context.Context, investigationID string, options ...CallOption) (*Download, error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/export"}
	return callDownload(ctx, c, r, options)
}

// CloseInvestigation calls POST /investigations/{investigation_id}/close: decide and close.
//
// Needs `audit:investigations:close`, in the stage decision. Who decides is a person, or a key
// that a person made, who neither investigated nor worked on the findings; where a reviewer is
// named, it is that person.
func (c *Client) CloseInvestigation(ctx context.Context, investigationID string, body CloseRequest, options ...CallOption) (*Answer[Investigation, CaseMetadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/close", repeatable: true, keyed: true, body: body}
	return call[Investigation, CaseMetadata](ctx, c, r, options)
}

// ReopenInvestigation calls POST /investigations/{investigation_id}/reopen: reopen an
// investigation that was closed or canceled.
//
// Needs `audit:investigations:close`. It goes on at the review of findings. The decision before
// stays in the timeline.
func (c *Client) ReopenInvestigation(ctx context.Context, investigationID string, body ReasonRequest, options ...CallOption) (*Answer[Investigation, CaseMetadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/investigations/" + segment(investigationID) + "/reopen", repeatable: true, keyed: true, body: body}
	return call[Investigation, CaseMetadata](ctx, c, r, options)
}

// IssueLegalHold calls POST /legal-holds: issue a legal hold.
//
// Needs `audit:legal_hold:manage`. What is in its scope is kept, whatever retention says, until it
// is released.
func (c *Client) IssueLegalHold(ctx context.Context, body LegalHoldRequest, options ...CallOption) (*Answer[LegalHold, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/legal-holds", repeatable: true, keyed: true, body: body}
	return call[LegalHold, Metadata](ctx, c, r, options)
}

// ListLegalHoldsParams are the parameters of ListLegalHolds. Those that are zero are not sent.
type ListLegalHoldsParams struct {
	State ListLegalHoldsState
	// 1 to 256 bytes
	InvestigationID string
	Page            int64
	Limit           int64
}

func (p *ListLegalHoldsParams) set(r *request) {
	r.query.put("state", p.State)
	r.query.put("investigation_id", p.InvestigationID)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListLegalHolds calls GET /legal-holds: list legal holds.
//
// Needs `audit:legal_hold:manage`. Newest first.
func (c *Client) ListLegalHolds(ctx context.Context, params ListLegalHoldsParams, options ...CallOption) (*Page[[]LegalHold, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/legal-holds", repeatable: true}
	params.set(&r)
	return callPage[[]LegalHold, NumberedPage, Metadata](ctx, c, r, options)
}

// AllLegalHolds walks all pages of ListLegalHolds, from the one that params name. An error is the
// last that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllLegalHolds(ctx context.Context, params ListLegalHoldsParams, options ...CallOption) iter.Seq2[LegalHold, error] {
	return walk(func(at int64) ([]LegalHold, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListLegalHolds(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowLegalHold calls GET /legal-holds/{hold_id}: show a legal hold.
//
// Needs `audit:legal_hold:manage`.
func (c *Client) ShowLegalHold(ctx context.Context, holdID string, options ...CallOption) (*Answer[LegalHold, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/legal-holds/" + segment(holdID), repeatable: true}
	return call[LegalHold, Metadata](ctx, c, r, options)
}

// ReleaseLegalHold calls DELETE /legal-holds/{hold_id}: release a legal hold.
//
// Needs `audit:legal_hold:manage`. Another person than the issuer releases it, with a reason. What
// it said stays.
func (c *Client) ReleaseLegalHold(ctx context.Context, holdID string, body ReasonRequest, options ...CallOption) (*Answer[LegalHold, Metadata], error) {
	r := request{method: "DELETE", path: "/api/v1/audit/legal-holds/" + segment(holdID), repeatable: true, body: body}
	return call[LegalHold, Metadata](ctx, c, r, options)
}

// OrderArchive calls POST /archive/runs: archive now what was recorded before a time.
//
// Needs `audit:retention:manage`. Earlier than the policy says; it destroys nothing, and legal
// holds keep what they cover online. The run is a workflow of the name `run_id`; GET
// /archive/segments shows what it has done.
func (c *Client) OrderArchive(ctx context.Context, body ArchiveRequest, options ...CallOption) (*Answer[ArchiveRun, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/archive/runs", repeatable: true, keyed: true, body: body}
	return call[ArchiveRun, Metadata](ctx, c, r, options)
}

// RequestRetrieval calls POST /archive/retrievals: ask for archived payloads of a period.
//
// Needs `audit:archive:read`. Another person approves; then the payloads are online again for some
// days, for everybody who may read them, and leave by themselves.
func (c *Client) RequestRetrieval(ctx context.Context, body RetrievalRequest, options ...CallOption) (*Answer[Retrieval, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/archive/retrievals", repeatable: true, keyed: true, body: body}
	return call[Retrieval, Metadata](ctx, c, r, options)
}

// ListRetrievalsParams are the parameters of ListRetrievals. Those that are zero are not sent.
type ListRetrievalsParams struct {
	Status ListRetrievalsStatus
	Page   int64
	Limit  int64
}

func (p *ListRetrievalsParams) set(r *request) {
	r.query.put("status", p.Status)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListRetrievals calls GET /archive/retrievals: list retrievals.
//
// Needs `audit:archive:read`. Newest first.
func (c *Client) ListRetrievals(ctx context.Context, params ListRetrievalsParams, options ...CallOption) (*Page[[]Retrieval, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/archive/retrievals", repeatable: true}
	params.set(&r)
	return callPage[[]Retrieval, NumberedPage, Metadata](ctx, c, r, options)
}

// AllRetrievals walks all pages of ListRetrievals, from the one that params name. An error is the
// last that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllRetrievals(ctx context.Context, params ListRetrievalsParams, options ...CallOption) iter.Seq2[Retrieval, error] {
	return walk(func(at int64) ([]Retrieval, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListRetrievals(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowRetrieval calls GET /archive/retrievals/{retrieval_id}: show a retrieval.
//
// Needs `audit:archive:read`.
func (c *Client) ShowRetrieval(ctx context.Context, retrievalID string, options ...CallOption) (*Answer[Retrieval, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/archive/retrievals/" + segment(retrievalID), repeatable: true}
	return call[Retrieval, Metadata](ctx, c, r, options)
}

// DecideRetrieval calls POST /archive/retrievals/{retrieval_id}/decision: approve or refuse a
// retrieval.
//
// Needs `audit:retention:manage`. Another person than the one who asked decides; a refusal says
// why.
func (c *Client) DecideRetrieval(ctx context.Context, retrievalID string, body RetrievalDecision, options ...CallOption) (*Answer[Retrieval, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/archive/retrievals/" + segment(retrievalID) + "/decision", body: body}
	return call[Retrieval, Metadata](ctx, c, r, options)
}

// ListSegmentsParams are the parameters of ListSegments. Those that are zero are not sent.
type ListSegmentsParams struct {
	From string
	To   string
	// true: only files that are lost or damaged, as far as is known
	Problem bool
	Limit   int64
}

func (p *ListSegmentsParams) set(r *request) {
	r.query.put("from", p.From)
	r.query.put("to", p.To)
	r.query.put("problem", p.Problem)
	r.query.put("limit", p.Limit)
}

// ListSegments calls GET /archive/segments: list the segment files of the archive.
//
// Needs `audit:archive:read`. In the order of their first entries, of those that hold events of
// the period. The files are read again from time to time: `last_checked_at` says when that was
// done last, and `problem` what was wrong with the file then. `audit.archive_check_failed` and
// `audit.archive_check_passed` are the ledger's entries about it.
func (c *Client) ListSegments(ctx context.Context, params ListSegmentsParams, options ...CallOption) (*Answer[[]ArchiveSegment, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/archive/segments", repeatable: true}
	params.set(&r)
	return call[[]ArchiveSegment, Metadata](ctx, c, r, options)
}

// RequestErasure calls POST /subjects/{id}/erasure: ask for the erasure of a person.
//
// Needs `audit:erasure:execute`, which no API key can hold. `id` and `identifiers` are what the
// person is found by: ids, e-mail addresses, names, in any case and as whole words. They are kept
// until the erasure ends, and no entry names them; so `reason` and `basis`, which are kept, must
// not either.
//
// What would be erased is counted first (`plan`); nothing is destroyed before a second person
// approves. A person of whom nothing is found has a plan of zero, whose approval gives a
// certificate that says so. 409 INVALID_STATE when the person has an account that is not
// deactivated, or when an erasure of them is under way.
func (c *Client) RequestErasure(ctx context.Context, id string, body ErasureRequest, options ...CallOption) (*Answer[Erasure, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/subjects/" + segment(id) + "/erasure", repeatable: true, keyed: true, body: body}
	return call[Erasure, Metadata](ctx, c, r, options)
}

// ListErasuresParams are the parameters of ListErasures. Those that are zero are not sent.
type ListErasuresParams struct {
	Status ListErasuresStatus
	Page   int64
	Limit  int64
}

func (p *ListErasuresParams) set(r *request) {
	r.query.put("status", p.Status)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListErasures calls GET /erasures: list erasures.
//
// Needs `audit:erasure:execute`, which no API key can hold. Newest first.
func (c *Client) ListErasures(ctx context.Context, params ListErasuresParams, options ...CallOption) (*Page[[]Erasure, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/erasures", repeatable: true}
	params.set(&r)
	return callPage[[]Erasure, NumberedPage, Metadata](ctx, c, r, options)
}

// AllErasures walks all pages of ListErasures, from the one that params name. An error is the last
// that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllErasures(ctx context.Context, params ListErasuresParams, options ...CallOption) iter.Seq2[Erasure, error] {
	return walk(func(at int64) ([]Erasure, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListErasures(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowErasure calls GET /erasures/{erasure_id}: show an erasure.
//
// Needs `audit:erasure:execute`, which no API key can hold. `plan` is null until it is counted.
func (c *Client) ShowErasure(ctx context.Context, erasureID string, options ...CallOption) (*Answer[Erasure, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/erasures/" + segment(erasureID), repeatable: true}
	return call[Erasure, Metadata](ctx, c, r, options)
}

// ApproveErasure calls POST /erasures/{erasure_id}/approval: approve an erasure.
//
// Needs `audit:erasure:execute`, which no API key can hold. Another person than the requester,
// whose account the requester did not make, and not the person who is to be erased, lets the
// planned erasure run. It cannot be undone. 409 INVALID_STATE before there is a plan, or when it
// was decided; 409 LEGAL_HOLD_ACTIVE when a legal hold keeps every entry. A hold that is placed
// later wins, too: what it keeps is left, and counted as held.
func (c *Client) ApproveErasure(ctx context.Context, erasureID string, body ReasonRequest, options ...CallOption) (*Answer[Erasure, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/erasures/" + segment(erasureID) + "/approval", body: body}
	return call[Erasure, Metadata](ctx, c, r, options)
}

// DeclineErasure calls POST /erasures/{erasure_id}/decline: decline an erasure.
//
// Needs `audit:erasure:execute`, which no API key can hold. Ends a request that waits for a
// decision, and forgets whom it was about. Its requester may take it back so.
func (c *Client) DeclineErasure(ctx context.Context, erasureID string, body ReasonRequest, options ...CallOption) (*Answer[Erasure, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/erasures/" + segment(erasureID) + "/decline", body: body}
	return call[Erasure, Metadata](ctx, c, r, options)
}

// ShowErasureCertificate calls GET /erasures/{erasure_id}/certificate: show the certificate of an
// erasure.
//
// Needs `audit:erasure:execute`, which no API key can hold. `digest` is that of `certificate` in
// canonical JSON (RFC 8785); the ledger and the registry hold it. 409 INVALID_STATE until the
// erasure is completed.
func (c *Client) ShowErasureCertificate(ctx context.Context, erasureID string, options ...CallOption) (*Answer[ErasureCertificateAnswer, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/erasures/" + segment(erasureID) + "/certificate", repeatable: true}
	return call[ErasureCertificateAnswer, Metadata](ctx, c, r, options)
}

// ShowRetention calls GET /retention: show the retention policy.
//
// Needs `audit:read:basic`. The shipped default, until an organisation sets its own. Payloads are
// archived by whole months once `archive_after_days` are over, and destroyed when the longest
// promise has ended, unless a legal hold covers them; packages are removed when `evidence_exports`
// says, as it was when they were made.
//
// `storage_used_gb` are the bytes of the organisation's rows in the database as they are stored,
// without indexes and free room, and of its packages, uploaded evidence and archive, divided by
// 10^9. Measuring reads all of them, so a measurement is used for five minutes;
// `metadata.storage_measured_at` says when it was made.
func (c *Client) ShowRetention(ctx context.Context, options ...CallOption) (*Answer[RetentionData, RetentionMetadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/retention", repeatable: true}
	return call[RetentionData, RetentionMetadata](ctx, c, r, options)
}

// PutRetentionParams are the parameters of PutRetention. Those that are zero are not sent.
type PutRetentionParams struct {
	// ETags of the policy that was seen
	IfMatch string
}

func (p *PutRetentionParams) set(r *request) {
	r.header.put("If-Match", p.IfMatch)
}

// PutRetention calls PUT /retention: set the retention policy.
//
// Needs `audit:retention:manage`, and `If-Match` with the ETag of the policy that is replaced: 428
// without it, 412 when it is another's by now. `*` stands for any. The whole policy is given.
// Setting what is in force changes nothing.
//
// The retention days of entries cannot be fewer than the floor of a framework that entries in the
// ledger carry; those whose type starts with `scan.` are held against `scan_results`, all others
// against `audit_logs`. `floors` of GET lists them with their sources. An entry is kept for the
// longest of what every policy since its recording and its frameworks say: a later policy shortens
// nothing that was promised.
//
// A policy of which any `retention_days` is lower than in the one in force needs a `reason` and
// changes nothing yet: the answer is 202 with a change that another person approves or refuses
// (`/retention/changes`). One waits at a time (409). Who asks is a person, or a key that one made.
func (c *Client) PutRetention(ctx context.Context, body RetentionRequest, params PutRetentionParams, options ...CallOption) (*Answer[PutRetentionData, RetentionMetadata], error) {
	r := request{method: "PUT", path: "/api/v1/audit/retention", body: body}
	params.set(&r)
	return call[PutRetentionData, RetentionMetadata](ctx, c, r, options)
}

// ListRetentionChangesParams are the parameters of ListRetentionChanges. Those that are zero are
// not sent.
type ListRetentionChangesParams struct {
	Status ListRetentionChangesStatus
	Page   int64
	Limit  int64
}

func (p *ListRetentionChangesParams) set(r *request) {
	r.query.put("status", p.Status)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListRetentionChanges calls GET /retention/changes: list shorter retention policies that were
// asked for.
//
// Needs `audit:retention:manage`. Newest first.
func (c *Client) ListRetentionChanges(ctx context.Context, params ListRetentionChangesParams, options ...CallOption) (*Page[[]RetentionChange, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/retention/changes", repeatable: true}
	params.set(&r)
	return callPage[[]RetentionChange, NumberedPage, Metadata](ctx, c, r, options)
}

// AllRetentionChanges walks all pages of ListRetentionChanges, from the one that params name. An
// error is the last that it yields. Pages are counted, so what is added meanwhile can show an item
// twice.
func (c *Client) AllRetentionChanges(ctx context.Context, params ListRetentionChangesParams, options ...CallOption) iter.Seq2[RetentionChange, error] {
	return walk(func(at int64) ([]RetentionChange, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListRetentionChanges(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowRetentionChange calls GET /retention/changes/{change_id}: show a shorter retention policy
// that was asked for.
//
// Needs `audit:retention:manage`.
func (c *Client) ShowRetentionChange(ctx context.Context, changeID string, options ...CallOption) (*Answer[RetentionChange, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/retention/changes/" + segment(changeID), repeatable: true}
	return call[RetentionChange, Metadata](ctx, c, r, options)
}

// DecideRetentionChange calls POST /retention/changes/{change_id}/decision: approve or refuse a
// shorter retention policy.
//
// Needs `audit:retention:manage`. Another person than the one who asked decides, in person or with
// a key of theirs, and not with an account that the one who asked has made. A refusal says why. An
// approval sets the policy; 409 when another was set since the change was asked for, or when
// entries came in by now whose frameworks are kept longer.
func (c *Client) DecideRetentionChange(ctx context.Context, changeID string, body RetentionDecision, options ...CallOption) (*Answer[RetentionChange, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/retention/changes/" + segment(changeID) + "/decision", body: body}
	return call[RetentionChange, Metadata](ctx, c, r, options)
}

// ListEventTypes calls GET /event-types: list the event types that may be submitted.
//
// Needs `audit:read:basic`.
func (c *Client) ListEventTypes(ctx context.Context, options ...CallOption) (*Answer[[]EventType, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/event-types", repeatable: true}
	return call[[]EventType, Metadata](ctx, c, r, options)
}

// ShowEventType calls GET /event-types/{name}: show an event type.
//
// Needs `audit:read:basic`.
func (c *Client) ShowEventType(ctx context.Context, name string, options ...CallOption) (*Answer[EventType, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/event-types/" + segment(name), repeatable: true}
	return call[EventType, Metadata](ctx, c, r, options)
}

// PutEventType calls PUT /event-types/{name}: register or change an event type.
//
// Needs `audit:write`. Entries that were written before keep the class and severity that were
// theirs. Putting a type as it already is changes nothing. An organisation registers at most 2,000
// types.
func (c *Client) PutEventType(ctx context.Context, name string, body EventTypeRequest, options ...CallOption) (*Answer[EventType, Metadata], error) {
	r := request{method: "PUT", path: "/api/v1/audit/event-types/" + segment(name), repeatable: true, body: body}
	return call[EventType, Metadata](ctx, c, r, options)
}

// ListEventSchemas calls GET /event-types/{name}/schemas: list the versions of an event type's
// schema.
//
// Needs `audit:read:basic`. The newest first; it is what entries are held against.
func (c *Client) ListEventSchemas(ctx context.Context, name string, options ...CallOption) (*Answer[[]EventSchema, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/event-types/" + segment(name) + "/schemas", repeatable: true}
	return call[[]EventSchema, Metadata](ctx, c, r, options)
}

// PutNextEventSchema calls PUT /event-types/{name}/schemas: register the next version of an event
// type's schema.
//
// Needs `audit:write`. A JSON Schema (draft 2020-12) of the entry as it is submitted: what is
// under `details`, and every other key. From now on, an entry of the type that does not satisfy it
// is 422, each broken rule with its place, and one that does names the version in `schema`. Within
// 5 seconds every process follows. A type without a schema takes what it always took. Putting the
// newest version again changes nothing.
//
// A schema has at most 32 KiB and 5,000 values, each counted wherever a `$ref` puts it; a `$ref`
// is `#/$defs/NAME` and does not come back to itself; nothing is loaded from elsewhere. Patterns
// are as RE2 takes them, `format` is an annotation, and a keyword that is unknown and does not
// start with `x-` is refused. So is an entry with too many values for so many rules
// (`too_complex`). A type has at most 100 versions.
func (c *Client) PutNextEventSchema(ctx context.Context, name string, body EventSchemaRequest, options ...CallOption) (*Answer[EventSchema, Metadata], error) {
	r := request{method: "PUT", path: "/api/v1/audit/event-types/" + segment(name) + "/schemas", repeatable: true, body: body}
	return call[EventSchema, Metadata](ctx, c, r, options)
}

// ShowEventSchemaParams are the parameters of ShowEventSchema. Those that are zero are not sent.
type ShowEventSchemaParams struct {
	// ETags of what the client holds: the answer to the same is 304
	IfNoneMatch string
}

func (p *ShowEventSchemaParams) set(r *request) {
	r.header.put("If-None-Match", p.IfNoneMatch)
}

// ShowEventSchema calls GET /event-types/{name}/schemas/{version}: show a version of an event
// type's schema.
//
// Needs `audit:read:basic`.
func (c *Client) ShowEventSchema(ctx context.Context, name string, version int64, params ShowEventSchemaParams, options ...CallOption) (*Answer[EventSchema, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/event-types/" + segment(name) + "/schemas/" + segment(version), repeatable: true}
	params.set(&r)
	return call[EventSchema, Metadata](ctx, c, r, options)
}

// PutEventSchema calls PUT /event-types/{name}/schemas/{version}: register a certain version of an
// event type's schema.
//
// Needs `audit:write`. As without a version; this must be the next one, or be there as it is put.
// Versions do not change: another schema under a version that is there is 409.
func (c *Client) PutEventSchema(ctx context.Context, name string, version int64, body EventSchemaRequest, options ...CallOption) (*Answer[EventSchema, Metadata], error) {
	r := request{method: "PUT", path: "/api/v1/audit/event-types/" + segment(name) + "/schemas/" + segment(version), repeatable: true, body: body}
	return call[EventSchema, Metadata](ctx, c, r, options)
}

// UploadEvidence calls POST /evidence: upload evidence.
//
// Needs `audit:evidence:write`. One file of at most 25 MiB, with what it is evidence for; the
// whole request has 30 seconds. Its media type is read from its first bytes, whatever the client
// says. The upload is appended to the ledger with the file's digest. With an `Idempotency-Key`,
// the same fields and file are the same request, in whatever form.
func (c *Client) UploadEvidence(ctx context.Context, body UploadEvidenceRequest, options ...CallOption) (*Answer[UploadedEvidence, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/evidence", repeatable: true, keyed: true}
	r.form = body.form()
	return call[UploadedEvidence, Metadata](ctx, c, r, options)
}

func (b *UploadEvidenceRequest) form() *form {
	f := new(form)
	f.file("file", b.File)
	f.field("type", b.Type)
	f.field("title", b.Title)
	f.field("description", b.Description)
	f.field("date", b.Date)
	f.field("criteria", b.Criteria)
	return f
}

// ListEvidenceParams are the parameters of ListEvidence. Those that are zero are not sent.
type ListEvidenceParams struct {
	// 1 to 256 bytes
	Type string
	// criteria of any framework, separated by commas: evidence for one of them
	Criteria string
	Page     int64
	Limit    int64
}

func (p *ListEvidenceParams) set(r *request) {
	r.query.put("type", p.Type)
	r.query.put("criteria", p.Criteria)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListEvidence calls GET /evidence: list uploaded evidence.
//
// Needs `audit:evidence:read`. Newest first.
func (c *Client) ListEvidence(ctx context.Context, params ListEvidenceParams, options ...CallOption) (*Page[[]UploadedEvidence, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/evidence", repeatable: true}
	params.set(&r)
	return callPage[[]UploadedEvidence, NumberedPage, Metadata](ctx, c, r, options)
}

// AllEvidence walks all pages of ListEvidence, from the one that params name. An error is the last
// that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllEvidence(ctx context.Context, params ListEvidenceParams, options ...CallOption) iter.Seq2[UploadedEvidence, error] {
	return walk(func(at int64) ([]UploadedEvidence, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListEvidence(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowSOC2EvidenceParams are the parameters of ShowSOC2Evidence. Those that are zero are not sent.
type ShowSOC2EvidenceParams struct {
	// one of the framework's criteria, or several separated by commas; all if not given
	Criteria string
	// first day; if not given, 90 days with the last
	AuditPeriodStart string
	// last day; if not given, today
	AuditPeriodEnd string
}

func (p *ShowSOC2EvidenceParams) set(r *request) {
	r.query.put("criteria", p.Criteria)
	r.query.put("audit_period_start", p.AuditPeriodStart)
	r.query.put("audit_period_end", p.AuditPeriodEnd)
}

// ShowSOC2Evidence calls GET /evidence/soc2: show evidence for SOC 2.
//
// What `GET /evidence/{name}` says of the framework SOC2; needs `audit:evidence:read`.
func (c *Client) ShowSOC2Evidence(ctx context.Context, params ShowSOC2EvidenceParams, options ...CallOption) (*Answer[FrameworkEvidenceData, FrameworkEvidenceMetadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/evidence/soc2", repeatable: true}
	params.set(&r)
	return call[FrameworkEvidenceData, FrameworkEvidenceMetadata](ctx, c, r, options)
}

// ShowEvidenceParams are the parameters of ShowEvidence. Those that are zero are not sent.
type ShowEvidenceParams struct {
	// one of the framework's criteria, or several separated by commas; all if not given
	Criteria string
	// first day; if not given, 90 days with the last
	AuditPeriodStart string
	// last day; if not given, today
	AuditPeriodEnd string
}

func (p *ShowEvidenceParams) set(r *request) {
	r.query.put("criteria", p.Criteria)
	r.query.put("audit_period_start", p.AuditPeriodStart)
	r.query.put("audit_period_end", p.AuditPeriodEnd)
}

// ShowEvidence calls GET /evidence/{name}: show evidence for a framework, or one item of evidence.
//
// Needs `audit:evidence:read`. Of a framework, in any spelling: what entries of the ledger are
// evidence for its criteria in the audit period, counted now, and what was uploaded for them. An
// aggregate has `date_range` and `record_count`, an upload `date` and `artifacts`. The catalogue
// of criteria is ours; it names the standard's identifiers and none of its text. Entries are
// counted as systems submitted them: a count shows that something was recorded, not that a control
// works. Without an audit period, the last 90 days.
//
// Of an id that starts with `ev_`: that item, and no parameters. An aggregate's id says framework,
// query and period, so it is the same for the same question, and is counted again.
func (c *Client) ShowEvidence(ctx context.Context, name string, params ShowEvidenceParams, options ...CallOption) (*Answer[ShowEvidenceData, FrameworkEvidenceMetadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/evidence/" + segment(name), repeatable: true}
	params.set(&r)
	return call[ShowEvidenceData, FrameworkEvidenceMetadata](ctx, c, r, options)
}

// DownloadEvidence calls GET /evidence/download/{artifact}: download a file of uploaded evidence.
//
// Needs `audit:evidence:read`. The path is the `url` of an artifact, below any mount. The download
// is appended to the ledger before the first byte. The file is sent as an attachment that a
// browser neither guesses the type of nor runs; if the stored bytes are not those that were
// uploaded, the connection is broken off before the last of them.
func (c *Client) DownloadEvidence(ctx context.Context, artifact string, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/evidence/download/" + segment(artifact), repeatable: true}
	return callDownload(ctx, c, r, options)
}

// StartExportParams are the parameters of StartExport. Those that are zero are not sent.
type StartExportParams struct {
	// `wait=N`: wait for the job's end, at most 20 seconds (RFC 7240)
	Prefer string
}

func (p *StartExportParams) set(r *request) {
	r.header.put("Prefer", p.Prefer)
}

// StartExport calls POST /evidence/export: request an evidence package.
//
// Needs `audit:export`. The job is taken as soon as it is written, whether or not the workflow
// engine can be reached now; it starts once.
func (c *Client) StartExport(ctx context.Context, body ExportRequest, params StartExportParams, options ...CallOption) (*Answer[Export, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/evidence/export", repeatable: true, keyed: true, body: body}
	params.set(&r)
	return call[Export, Metadata](ctx, c, r, options)
}

// ListExportsParams are the parameters of ListExports. Those that are zero are not sent.
type ListExportsParams struct {
	Page  int64
	Limit int64
}

func (p *ListExportsParams) set(r *request) {
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListExports calls GET /evidence/exports: list export jobs.
//
// Needs `audit:export`. Newest first.
func (c *Client) ListExports(ctx context.Context, params ListExportsParams, options ...CallOption) (*Page[[]Export, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/evidence/exports", repeatable: true}
	params.set(&r)
	return callPage[[]Export, NumberedPage, Metadata](ctx, c, r, options)
}

// AllExports walks all pages of ListExports, from the one that params name. An error is the last
// that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllExports(ctx context.Context, params ListExportsParams, options ...CallOption) iter.Seq2[Export, error] {
	return walk(func(at int64) ([]Export, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListExports(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// ShowExport calls GET /evidence/export/{job_id}: show an export job.
//
// Needs `audit:export`. `progress` is there while the job runs and its workflow answers in time.
func (c *Client) ShowExport(ctx context.Context, jobID string, options ...CallOption) (*Answer[Export, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/evidence/export/" + segment(jobID), repeatable: true}
	return call[Export, Metadata](ctx, c, r, options)
}

// CancelExport calls DELETE /evidence/export/{job_id}: cancel an export job.
//
// Needs `audit:export`. The job is canceled once its workflow has removed what it made.
func (c *Client) CancelExport(ctx context.Context, jobID string, options ...CallOption) (*Answer[Export, Metadata], error) {
	r := request{method: "DELETE", path: "/api/v1/audit/evidence/export/" + segment(jobID), repeatable: true}
	return call[Export, Metadata](ctx, c, r, options)
}

// DownloadExport calls GET /evidence/export/{job_id}/download: download an evidence package.
//
// Needs `audit:export`. The download is appended to the ledger before the first byte. If the
// stored bytes are not those that were published, the connection is broken off before the last of
// them.
func (c *Client) DownloadExport(ctx context.Context, jobID string, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/api/v1/audit/evidence/export/" + segment(jobID) + "/download", repeatable: true}
	return callDownload(ctx, c, r, options)
}

// RetryExportParams are the parameters of RetryExport. Those that are zero are not sent.
type RetryExportParams struct {
	// `wait=N`: wait for the job's end, at most 20 seconds (RFC 7240)
	Prefer string
}

func (p *RetryExportParams) set(r *request) {
	r.header.put("Prefer", p.Prefer)
}

// RetryExport calls POST /evidence/export/{job_id}/retry: request an export once more.
//
// Needs `audit:export`. Of a failed, canceled or expired job; makes a new one that names it. The
// body is empty, or an empty object.
func (c *Client) RetryExport(ctx context.Context, jobID string, params RetryExportParams, options ...CallOption) (*Answer[Export, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/evidence/export/" + segment(jobID) + "/retry", repeatable: true, keyed: true}
	params.set(&r)
	return call[Export, Metadata](ctx, c, r, options)
}

// ListAPIKeysParams are the parameters of ListAPIKeys. Those that are zero are not sent.
type ListAPIKeysParams struct {
	Page  int64
	Limit int64
}

func (p *ListAPIKeysParams) set(r *request) {
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListAPIKeys calls GET /api-keys: list the organisation's API keys.
//
// Needs `audit:keys:manage`. Newest first, without secrets.
func (c *Client) ListAPIKeys(ctx context.Context, params ListAPIKeysParams, options ...CallOption) (*Page[[]APIKey, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/api-keys", repeatable: true}
	params.set(&r)
	return callPage[[]APIKey, NumberedPage, Metadata](ctx, c, r, options)
}

// AllAPIKeys walks all pages of ListAPIKeys, from the one that params name. An error is the last
// that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllAPIKeys(ctx context.Context, params ListAPIKeysParams, options ...CallOption) iter.Seq2[APIKey, error] {
	return walk(func(at int64) ([]APIKey, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListAPIKeys(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// CreateAPIKey calls POST /api-keys: create an API key.
//
// Needs `audit:keys:manage`. `key` is in this answer and never again: it is not kept. A replayed
// request shows the key that the first one made without it.
//
// Nobody grants what they do not hold: not a permission, not wider constraints, not more networks,
// and a key makes none that outlives it. Who also holds `audit:admin` may grant permissions beyond
// their own, except those that reveal what `audit:read:basic` masks (`reveals` in `GET
// /permissions`). The first key with such a permission is made by the operator, with `sealbook
// apikey create`. No API key can hold `audit:reports:sign`; a role gives a key all its other
// permissions.
func (c *Client) CreateAPIKey(ctx context.Context, body APIKeyRequest, options ...CallOption) (*Answer[APIKey, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/api-keys", repeatable: true, keyed: true, body: body}
	return call[APIKey, Metadata](ctx, c, r, options)
}

// ShowAPIKey calls GET /api-keys/{key_id}: show an API key.
//
// Needs `audit:keys:manage`. The secret cannot be shown.
func (c *Client) ShowAPIKey(ctx context.Context, keyID string, options ...CallOption) (*Answer[APIKey, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/api-keys/" + segment(keyID), repeatable: true}
	return call[APIKey, Metadata](ctx, c, r, options)
}

// RevokeAPIKey calls DELETE /api-keys/{key_id}: revoke an API key.
//
// Needs `audit:keys:manage`. Final. It takes effect here at once, and within 5 seconds in every
// other process that serves the API. A key may revoke itself.
func (c *Client) RevokeAPIKey(ctx context.Context, keyID string, options ...CallOption) error {
	r := request{method: "DELETE", path: "/api/v1/audit/api-keys/" + segment(keyID), repeatable: true}
	return callNothing(ctx, c, r, options)
}

// RotateAPIKey calls POST /api-keys/{key_id}/rotate: give an API key a new secret.
//
// Needs `audit:keys:manage`, and the right to grant what the key may do (see `POST /api-keys`).
// `key` is in this answer and never again. The old secret stays good for `overlap_seconds`; one
// that was rotated out before is void at once. Everything else about the key stays as it is.
func (c *Client) RotateAPIKey(ctx context.Context, keyID string, body RotateAPIKeyRequest, options ...CallOption) (*Answer[APIKey, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/api-keys/" + segment(keyID) + "/rotate", repeatable: true, keyed: true, body: body}
	return call[APIKey, Metadata](ctx, c, r, options)
}

// SignIn calls POST /auth/login: sign in.
//
// Needs no credential. A person of the directory signs in with their password and a one-time code;
// a code is taken once. Every refusal says the same and takes as long. After five in a row the
// account is locked for 15 minutes. The session ends 15 minutes after its last use, and after 12
// hours. With `cookie` its token goes into a cookie that counts only for pages of this site.
func (c *Client) SignIn(ctx context.Context, body SignIn, options ...CallOption) (*Answer[Session, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/auth/login", open: true, body: body}
	return call[Session, Metadata](ctx, c, r, options)
}

// Enrol calls POST /auth/enrol: enrol with a code.
//
// Needs no credential but the code that an administrator handed over, which is good for 72 hours.
// The answer has the secret for the person's authenticator (RFC 6238). Nothing counts before it is
// confirmed; until then the request can be sent again, and gives another secret.
func (c *Client) Enrol(ctx context.Context, body Enrolment, options ...CallOption) (*Answer[EnrolmentSecret, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/auth/enrol", open: true, body: body}
	return call[EnrolmentSecret, Metadata](ctx, c, r, options)
}

// ConfirmEnrolment calls POST /auth/enrol/confirm: confirm an enrolment.
//
// Needs no credential but the code. A one-time code of the authenticator shows that the person has
// it; the code to enrol with is used up.
func (c *Client) ConfirmEnrolment(ctx context.Context, body EnrolmentConfirmation, options ...CallOption) error {
	r := request{method: "POST", path: "/api/v1/audit/auth/enrol/confirm", open: true, body: body}
	return callNothing(ctx, c, r, options)
}

// ShowSession calls GET /auth/session: show the caller's session.
//
// Needs a session; 409 for every other credential.
func (c *Client) ShowSession(ctx context.Context, options ...CallOption) (*Answer[Session, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/auth/session", repeatable: true}
	return call[Session, Metadata](ctx, c, r, options)
}

// SignOut calls POST /auth/logout: end the caller's session.
//
// Needs a session; 409 for every other credential.
func (c *Client) SignOut(ctx context.Context, options ...CallOption) error {
	r := request{method: "POST", path: "/api/v1/audit/auth/logout"}
	return callNothing(ctx, c, r, options)
}

// ChangePassword calls POST /auth/password: change the caller's password.
//
// Needs a session, the present password and a one-time code. Every other session of the person
// ends.
func (c *Client) ChangePassword(ctx context.Context, body PasswordChange, options ...CallOption) error {
	r := request{method: "POST", path: "/api/v1/audit/auth/password", body: body}
	return callNothing(ctx, c, r, options)
}

// ShowCredentials calls GET /auth/credentials: show what the caller signs with.
//
// Needs a session. Password and one-time code are everybody's; passkeys and the identity at the
// provider are what the person added.
func (c *Client) ShowCredentials(ctx context.Context, options ...CallOption) (*Answer[Credentials, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/auth/credentials", repeatable: true}
	return call[Credentials, Metadata](ctx, c, r, options)
}

// ChallengeCredential calls POST /auth/credentials/challenge: begin to add a passkey, or to link
// an identity.
//
// Needs a session. The nonce is good for two minutes and this session. The body is empty, or an
// empty object.
func (c *Client) ChallengeCredential(ctx context.Context, options ...CallOption) (*Answer[CredentialChallenge, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/auth/credentials/challenge"}
	return call[CredentialChallenge, Metadata](ctx, c, r, options)
}

// AddPasskey calls POST /auth/passkeys: add a passkey.
//
// Needs a session, the password and a one-time code. A report can be signed with the password and
// the passkey then. The device must have seen who holds it, by a PIN or a biometric. A person has
// at most 10.
func (c *Client) AddPasskey(ctx context.Context, body NewPasskey, options ...CallOption) (*Answer[Passkey, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/auth/passkeys", body: body}
	return call[Passkey, Metadata](ctx, c, r, options)
}

// RemovePasskey calls DELETE /auth/passkeys/{passkey_id}: remove a passkey.
//
// Needs the session of the person whose it is.
func (c *Client) RemovePasskey(ctx context.Context, passkeyID string, options ...CallOption) error {
	r := request{method: "DELETE", path: "/api/v1/audit/auth/passkeys/" + segment(passkeyID), repeatable: true}
	return callNothing(ctx, c, r, options)
}

// LinkIdentity calls PUT /auth/identity: link the caller to an identity at the provider.
//
// Needs a session, the password and a one-time code, and an ID token that answers the challenge. A
// report can be signed by authenticating again with the provider then. It takes the place of an
// identity that was linked before. Nobody at the provider is two people of an organisation.
func (c *Client) LinkIdentity(ctx context.Context, body NewIdentity, options ...CallOption) (*Answer[LinkedIdentity, Metadata], error) {
	r := request{method: "PUT", path: "/api/v1/audit/auth/identity", repeatable: true, body: body}
	return call[LinkedIdentity, Metadata](ctx, c, r, options)
}

// UnlinkIdentity calls DELETE /auth/identity: end the link to an identity.
//
// Needs a session.
func (c *Client) UnlinkIdentity(ctx context.Context, options ...CallOption) error {
	r := request{method: "DELETE", path: "/api/v1/audit/auth/identity", repeatable: true}
	return callNothing(ctx, c, r, options)
}

// ListPeopleParams are the parameters of ListPeople. Those that are zero are not sent.
type ListPeopleParams struct {
	// an id, an e-mail address or a name
	Who   string
	Page  int64
	Limit int64
}

func (p *ListPeopleParams) set(r *request) {
	r.query.put("who", p.Who)
	r.query.put("page", p.Page)
	r.query.put("limit", p.Limit)
}

// ListPeople calls GET /directory/users: list the people of the organisation.
//
// Needs `audit:read:basic`. Newest first. E-mail addresses are masked for who may neither read
// sensitive parts nor administer.
func (c *Client) ListPeople(ctx context.Context, params ListPeopleParams, options ...CallOption) (*Page[[]Person, NumberedPage, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/directory/users", repeatable: true}
	params.set(&r)
	return callPage[[]Person, NumberedPage, Metadata](ctx, c, r, options)
}

// AllPeople walks all pages of ListPeople, from the one that params name. An error is the last
// that it yields. Pages are counted, so what is added meanwhile can show an item twice.
func (c *Client) AllPeople(ctx context.Context, params ListPeopleParams, options ...CallOption) iter.Seq2[Person, error] {
	return walk(func(at int64) ([]Person, int64, bool, error) {
		params := params
		params.Limit = cmp.Or(params.Limit, 200)
		params.Page = cmp.Or(at, params.Page, 1)
		answer, err := c.ListPeople(ctx, params, options...)
		if err != nil {
			return nil, at, false, err
		}
		items := answer.Data
		return items, params.Page + 1, len(items) > 0 && int64(len(items)) >= answer.Pagination.Limit, nil
	})
}

// CreatePerson calls POST /directory/users: add a person.
//
// Needs `audit:admin`. The answer has the code that the person enrols with, this once: hand it to
// nobody else. Nobody gives a person a role that reveals more than they may read themselves, or
// that signs.
func (c *Client) CreatePerson(ctx context.Context, body PersonDetails, options ...CallOption) (*Answer[Person, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/directory/users", repeatable: true, keyed: true, body: body}
	return call[Person, Metadata](ctx, c, r, options)
}

// ShowPerson calls GET /directory/users/{user_id}: show a person.
//
// Needs `audit:read:basic`. `can_sign` says whether the person could sign now, and
// `cannot_sign_reason` why not.
func (c *Client) ShowPerson(ctx context.Context, userID string, options ...CallOption) (*Answer[Person, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/directory/users/" + segment(userID), repeatable: true}
	return call[Person, Metadata](ctx, c, r, options)
}

// ChangePersonParams are the parameters of ChangePerson. Those that are zero are not sent.
type ChangePersonParams struct {
	// the ETag of the person
	IfMatch string
}

func (p *ChangePersonParams) set(r *request) {
	r.header.put("If-Match", p.IfMatch)
}

// ChangePerson calls PATCH /directory/users/{user_id}: change what the directory says of a person.
//
// Needs `audit:admin`, and `If-Match` with the ETag of what this changes. What is left out stays.
// Who may not give a role may not take it, either.
func (c *Client) ChangePerson(ctx context.Context, userID string, body PersonPatch, params ChangePersonParams, options ...CallOption) (*Answer[Person, Metadata], error) {
	r := request{method: "PATCH", path: "/api/v1/audit/directory/users/" + segment(userID), body: body}
	params.set(&r)
	return call[Person, Metadata](ctx, c, r, options)
}

// ResetPerson calls POST /directory/users/{user_id}/reset: take a person's credentials away.
//
// Needs `audit:admin`. Their sessions end, and the answer has a new code to enrol with. They
// cannot sign until somebody else has confirmed the reset.
func (c *Client) ResetPerson(ctx context.Context, userID string, options ...CallOption) (*Answer[Person, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/directory/users/" + segment(userID) + "/reset"}
	return call[Person, Metadata](ctx, c, r, options)
}

// ConfirmReset calls POST /directory/users/{user_id}/confirm-reset: confirm a reset.
//
// Needs `audit:admin`. Not by who did it, and not by the person: it takes two to give somebody
// back their signature.
func (c *Client) ConfirmReset(ctx context.Context, userID string, options ...CallOption) (*Answer[Person, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/directory/users/" + segment(userID) + "/confirm-reset"}
	return call[Person, Metadata](ctx, c, r, options)
}

// UnlockPerson calls POST /directory/users/{user_id}/unlock: let a person try to sign in again.
//
// Needs `audit:admin`. 409 when nothing failed.
func (c *Client) UnlockPerson(ctx context.Context, userID string, options ...CallOption) (*Answer[Person, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/directory/users/" + segment(userID) + "/unlock"}
	return call[Person, Metadata](ctx, c, r, options)
}

// DeactivatePerson calls POST /directory/users/{user_id}/deactivate: end a person's account for
// good.
//
// Needs `audit:admin`. Their sessions end; the id is never given to somebody else.
func (c *Client) DeactivatePerson(ctx context.Context, userID string, options ...CallOption) (*Answer[Person, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/directory/users/" + segment(userID) + "/deactivate"}
	return call[Person, Metadata](ctx, c, r, options)
}

// ListStreams calls GET /streams: list streams.
//
// Needs `audit:streams:manage`. Newest first; an organisation has at most 50.
func (c *Client) ListStreams(ctx context.Context, options ...CallOption) (*Answer[[]Stream, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/streams", repeatable: true}
	return call[[]Stream, Metadata](ctx, c, r, options)
}

// CreateStream calls POST /streams: send entries on to a receiver.
//
// Needs `audit:streams:manage`, which shows entries in full. Entries are sent in the order of the
// ledger, each at least once, signed as Standard Webhooks says (docs/streams.md). The answer has
// the secret, this once.
func (c *Client) CreateStream(ctx context.Context, body StreamCreation, options ...CallOption) (*Answer[Stream, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/streams", repeatable: true, keyed: true, body: body}
	return call[Stream, Metadata](ctx, c, r, options)
}

// ShowStream calls GET /streams/{stream_id}: show a stream.
//
// Needs `audit:streams:manage`. `lag` counts the entries of the ledger from the next one on,
// whether or not the filter selects them.
func (c *Client) ShowStream(ctx context.Context, streamID string, options ...CallOption) (*Answer[Stream, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/streams/" + segment(streamID), repeatable: true}
	return call[Stream, Metadata](ctx, c, r, options)
}

// ChangeStreamParams are the parameters of ChangeStream. Those that are zero are not sent.
type ChangeStreamParams struct {
	// the ETag of the stream
	IfMatch string
}

func (p *ChangeStreamParams) set(r *request) {
	r.header.put("If-Match", p.IfMatch)
}

// ChangeStream calls PATCH /streams/{stream_id}: change, pause or resume a stream.
//
// Needs `audit:streams:manage`, and `If-Match` with the ETag of what this changes. What is left
// out stays. A stream that was disabled, because its receiver answered 410 or failed for 72 hours,
// goes on when it is made active.
func (c *Client) ChangeStream(ctx context.Context, streamID string, body StreamPatch, params ChangeStreamParams, options ...CallOption) (*Answer[Stream, Metadata], error) {
	r := request{method: "PATCH", path: "/api/v1/audit/streams/" + segment(streamID), body: body}
	params.set(&r)
	return call[Stream, Metadata](ctx, c, r, options)
}

// DeleteStream calls DELETE /streams/{stream_id}: delete a stream.
//
// Needs `audit:streams:manage`. What is under way may still arrive.
func (c *Client) DeleteStream(ctx context.Context, streamID string, options ...CallOption) error {
	r := request{method: "DELETE", path: "/api/v1/audit/streams/" + segment(streamID), repeatable: true}
	return callNothing(ctx, c, r, options)
}

// TestStream calls POST /streams/{stream_id}/test: send a test to the receiver.
//
// Needs `audit:streams:manage`. An entry that is in no ledger, of the type `audit.stream_test`, is
// sent now.
func (c *Client) TestStream(ctx context.Context, streamID string, options ...CallOption) (*Answer[StreamTest, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/streams/" + segment(streamID) + "/test"}
	return call[StreamTest, Metadata](ctx, c, r, options)
}

// ReplayStream calls POST /streams/{stream_id}/replay: deliver again from an entry.
//
// Needs `audit:streams:manage`. Delivery goes on from this entry; messages of a replay have other
// ids.
func (c *Client) ReplayStream(ctx context.Context, streamID string, body StreamReplay, options ...CallOption) (*Answer[Stream, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/streams/" + segment(streamID) + "/replay", body: body}
	return call[Stream, Metadata](ctx, c, r, options)
}

// RotateStream calls POST /streams/{stream_id}/rotate: give a stream another secret.
//
// Needs `audit:streams:manage`. For 24 hours, messages are signed with both. The answer has the
// new one, this once.
func (c *Client) RotateStream(ctx context.Context, streamID string, options ...CallOption) (*Answer[Stream, Metadata], error) {
	r := request{method: "POST", path: "/api/v1/audit/streams/" + segment(streamID) + "/rotate"}
	return call[Stream, Metadata](ctx, c, r, options)
}

// ShowPermissions calls GET /permissions: list all permissions and roles.
//
// For every credential.
func (c *Client) ShowPermissions(ctx context.Context, options ...CallOption) (*Answer[ShowPermissionsData, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/permissions", repeatable: true}
	return call[ShowPermissionsData, Metadata](ctx, c, r, options)
}

// ShowMe calls GET /me: show what this credential is worth.
//
// For every credential.
func (c *Client) ShowMe(ctx context.Context, options ...CallOption) (*Answer[Me, Metadata], error) {
	r := request{method: "GET", path: "/api/v1/audit/me", repeatable: true}
	return call[Me, Metadata](ctx, c, r, options)
}

// Healthz calls GET /healthz: tell whether the process serves requests.
func (c *Client) Healthz(ctx context.Context, options ...CallOption) (*Answer[HealthzData, Metadata], error) {
	r := request{method: "GET", path: "/healthz", open: true, repeatable: true}
	return call[HealthzData, Metadata](ctx, c, r, options)
}

// Readyz calls GET /readyz: tell whether everything that requests need can be reached.
//
// Database, artifact store and Temporal. To append and to read, the database alone is enough.
func (c *Client) Readyz(ctx context.Context, options ...CallOption) (*Answer[ReadyzData, Metadata], error) {
	r := request{method: "GET", path: "/readyz", open: true, repeatable: true}
	return call[ReadyzData, Metadata](ctx, c, r, options)
}

// OpenAPI calls GET /openapi.json: this document.
func (c *Client) OpenAPI(ctx context.Context, options ...CallOption) (*Answer[map[string]any, struct{}], error) {
	r := request{method: "GET", path: "/openapi.json", open: true, repeatable: true, bare: true}
	return call[map[string]any, struct{}](ctx, c, r, options)
}

// Docs calls GET /docs: this document as a page, on which requests can be tried.
//
// It loads nothing from elsewhere, and keeps a key that is typed in only while it is open.
func (c *Client) Docs(ctx context.Context, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/docs", open: true, repeatable: true}
	return callDownload(ctx, c, r, options)
}

// DocsFile calls GET /docs/{file}: what the page is made of.
func (c *Client) DocsFile(ctx context.Context, file DocsFileFile, options ...CallOption) (*Download, error) {
	r := request{method: "GET", path: "/docs/" + segment(file), open: true, repeatable: true}
	return callDownload(ctx, c, r, options)
}

// Version calls GET /version: tell which program answers.
func (c *Client) Version(ctx context.Context, options ...CallOption) (*Answer[VersionData, Metadata], error) {
	r := request{method: "GET", path: "/version", open: true, repeatable: true}
	return call[VersionData, Metadata](ctx, c, r, options)
}

// TakeMailEvents calls POST /webhooks/sendgrid: take what SendGrid reports of mails.
//
// SendGrid's Signed Event Webhook. The body is verified with `SEALBOOK_SENDGRID_EVENT_KEY`, to the
// last byte, and must be fresh; without that setting there is nothing here. Events may come more
// than once and in any order.
func (c *Client) TakeMailEvents(ctx context.Context, body []map[string]any, options ...CallOption) error {
	r := request{method: "POST", path: "/webhooks/sendgrid", open: true, body: body}
	return callNothing(ctx, c, r, options)
}
