package audit

import (
	"fmt"
	"strings"
	"time"
)

// Limits of the archive.
const (
	MaxSegmentEntries   = 50_000 // payloads of one segment file
	MaxRetrievalEntries = 2_000_000
	MaxRetrievalDays    = 90
	DefaultRetrieval    = 7 // days
	MaxRetrievalReason  = 4_096
)

// ArchiveLocation is where archived payloads are, as answers name it.
const ArchiveLocation = "long_term_compliance_storage"

// Archivable returns the moments before which entries are archived: whole
// months (UTC) of recording of which every entry is at least as old as the
// policy says, so that files and the partitions of the database hold the same.
func (p *RetentionPolicy) Archivable(now time.Time) (logs, scans time.Time) {
	month := func(days int) time.Time {
		at := now.UTC().AddDate(0, 0, -days)
		return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return month(p.AuditLogs.ArchiveAfterDays), month(p.ScanResults.ArchiveAfterDays)
}

// RetrievalID names a request to bring archived payloads back.
type RetrievalID string

// RetrievalStatus is where such a request stands.
type RetrievalStatus string

// A retrieval waits for another person's decision, is worked on, and then its
// payloads are online until it expires.
const (
	RetrievalRequested RetrievalStatus = "requested"
	RetrievalRestoring RetrievalStatus = "restoring"
	RetrievalAvailable RetrievalStatus = "available"
	RetrievalRefused   RetrievalStatus = "refused"
	RetrievalExpired   RetrievalStatus = "expired"
	RetrievalFailed    RetrievalStatus = "failed"
)

// RetrievalStatuses lists them.
var RetrievalStatuses = []RetrievalStatus{RetrievalRequested, RetrievalRestoring, RetrievalAvailable, RetrievalRefused, RetrievalExpired, RetrievalFailed}

// RetrievalWorkflow brings payloads back; RetentionWorkflow takes them away.
const (
	RetrievalWorkflow = "RetrieveArchive"
	RetentionWorkflow = "EnforceRetention"

	// ArchiveCheckWorkflow reads the archive's files again.
	ArchiveCheckWorkflow = "CheckArchive"
)

// Types of entries about a file of the archive that was found to be something else
// than before.
const (
	TypeArchiveCheckFailed = "audit.archive_check_failed" // it is lost or damaged
	TypeArchiveCheckPassed = "audit.archive_check_passed" // it is sound again
)

// RetrievalStart is the input of a [RetrievalWorkflow].
type RetrievalStart struct {
	ID           RetrievalID    `json:"id"`
	Ledger       int32          `json:"ledger"`
	Organisation OrganisationID `json:"organisation"`
}

// RetentionRun is the input of a [RetentionWorkflow], and where a run stands. The
// schedule starts it with nothing; a person can have one organisation's entries
// archived earlier than its policy says, which destroys nothing.
type RetentionRun struct {
	Only   int32      `json:"only,omitempty"`   // this ledger alone; 0 is all
	Before *time.Time `json:"before,omitempty"` // archive what was recorded before; nil: what is due

	After     int32 `json:"after"` // ledgers up to this one are done
	Archived  int64 `json:"archived"`
	Purged    int64 `json:"purged"`
	Held      int64 `json:"held"`
	Destroyed int   `json:"destroyed"`
	Failed    int   `json:"failed"` // ledgers with which it could not go on

	Problem string `json:"problem,omitempty"` // of the first of them
}

// ArchiveCheckRun is the input of an [ArchiveCheckWorkflow], where a run stands, and
// its result.
type ArchiveCheckRun struct {
	After  int32    `json:"after"`  // ledgers up to this one are done
	Read   int64    `json:"read"`   // files that were read again
	Bad    int64    `json:"bad"`    // of them, those that are lost or damaged
	Names  []string `json:"names"`  // the first of the bad ones
	Unread int64    `json:"unread"` // files that could not be read, so nothing is known of them
	Failed int      `json:"failed"` // ledgers with which it could not go on

	Problem string `json:"problem,omitempty"` // why the first file was not read, or with the first ledger it could not go on
}

// MaxBadNames bounds ArchiveCheckRun.Names; the rest is counted.
const MaxBadNames = 20

// ArchiveRequest has what was recorded before a time archived now.
type ArchiveRequest struct {
	Before string `json:"before"`
	Reason string `json:"reason"`
}

// Check returns the time, or what is wrong with the request that is made now.
func (r *ArchiveRequest) Check(now time.Time) (before time.Time, bad []FieldError) {
	before, err := time.Parse(time.RFC3339Nano, r.Before)
	if err != nil || before.Year() < 1970 || before.After(now) {
		bad = append(bad, FieldError{"/before", "invalid", "before is required, an RFC 3339 time that has passed"})
	}
	if strings.TrimSpace(r.Reason) == "" || len(r.Reason) > MaxRetrievalReason {
		bad = append(bad, FieldError{"/reason", "invalid", fmt.Sprintf("reason is required, of at most %d bytes", MaxRetrievalReason)})
	}
	return Instant(before), bad
}

// RetrievalRequest asks for the payloads of a period of the entries' own times.
type RetrievalRequest struct {
	From   string `json:"start_date"`
	Until  string `json:"end_date"`
	Reason string `json:"reason"`
	Days   int    `json:"days"` // 0: DefaultRetrieval
}

// Check returns the period, or what is wrong with the request, and puts the
// default in.
func (r *RetrievalRequest) Check() (p Period, bad []FieldError) {
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, FieldError{field, code, fmt.Sprintf(format, args...)})
	}
	from, fromErr := time.Parse(time.RFC3339Nano, r.From)
	until, untilErr := time.Parse(time.RFC3339Nano, r.Until)
	if fromErr != nil || from.Year() < 1970 || from.Year() > 9998 {
		fail("/start_date", "invalid", "start_date is required, an RFC 3339 time")
	}
	if untilErr != nil || until.Year() < 1970 || until.Year() > 9998 {
		fail("/end_date", "invalid", "end_date is required, an RFC 3339 time")
	}
	if fromErr == nil && untilErr == nil {
		if p = (Period{From: Instant(from), Until: Instant(until)}); !p.From.Before(p.Until) {
			fail("/end_date", "reversed", "the period ends before it starts")
		}
	}
	if strings.TrimSpace(r.Reason) == "" || len(r.Reason) > MaxRetrievalReason {
		fail("/reason", "invalid", "reason is required, of at most %d bytes", MaxRetrievalReason)
	}
	if r.Days == 0 {
		r.Days = DefaultRetrieval
	}
	if r.Days < 1 || r.Days > MaxRetrievalDays {
		fail("/days", "out_of_range", "days is 1 to %d", MaxRetrievalDays)
	}
	return p, bad
}
