package activities

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// CertifyErasure ends an erasure with its certificate. The ledger has its digest,
// and so has the registry. Repeated, it changes nothing.
func (a *Activities) CertifyErasure(ctx context.Context, start audit.ErasureStart) (counts audit.ErasureCounts, err error) {
	e, err := a.Store.Erasure(ctx, start.Ledger, start.ID)
	if err != nil {
		return counts, err
	}
	if e.Status == audit.ErasureRunning {
		if err := a.certify(ctx, &e); err != nil {
			return counts, err
		}
		// If the process dies here, the retry finds the erasure completed and goes on.
		if e, err = a.Store.Erasure(ctx, start.Ledger, start.ID); err != nil {
			return counts, err
		}
	}
	if e.Certificate == nil {
		return counts, audit.Errorf(audit.InvalidState, "erasure %s is %s", e.ID, e.Status)
	}
	var c audit.ErasureCertificate
	if err := json.Unmarshal(*e.Certificate, &c); err != nil {
		return counts, fmt.Errorf("decode certificate: %w", err)
	}
	// Paths, tables and kinds belong to the certificate; a history needs numbers.
	counts = audit.ErasureCounts{Entries: c.Counts.Entries, Fields: c.Counts.Fields, Held: c.Counts.Held}
	return counts, a.Log.RecordErasure(ctx, c.Origin, e.ID, *e.Digest, &c.Counts)
}

func (a *Activities) certify(ctx context.Context, e *store.Erasure) error {
	organisation, err := a.Store.Organisation(ctx, e.Ledger)
	if err != nil {
		return err
	}
	checkpoint, err := a.Log.Checkpoint(ctx, e.Ledger, ledger.Newest)
	if err != nil {
		return err
	}
	counts := e.Counts.V
	files, working, err := a.Store.FilesOf(ctx, e.Ledger, e.ID)
	if err != nil {
		return err
	}
	counts.HeldFiles = filesByKind(files, true)
	if err := a.countUnreached(ctx, e, &counts); err != nil {
		return err
	}
	now := audit.Instant(a.Clock())
	c := audit.ErasureCertificate{
		Version: audit.CertificateVersion, ErasureID: e.ID, Organisation: organisation.Name, Origin: checkpoint.Origin, Basis: e.Basis, Reason: e.Reason,
		RequestedBy: whoDecided(e.RequestedBy.V), RequestedAt: audit.FormatTime(e.CreatedAt),
		ApprovedBy: whoDecided(e.DecidedBy.V), ApprovedAt: audit.FormatTime(*e.DecidedAt), CompletedAt: audit.FormatTime(now),
		EndSeq: *e.EndSeq, Checkpoint: string(checkpoint.Note), Counts: counts, NotReached: a.notReached(&counts, working, now), Software: a.Software,
	}
	text, err := json.Marshal(c)
	if err == nil {
		text, err = ledger.Canonical(text)
	}
	if err != nil {
		return fmt.Errorf("encode certificate: %w", err)
	}
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(text))
	details := audit.Object{
		"erasure_id": e.ID, "basis": e.Basis, "sha256": digest, "entries": counts.Entries, "fields": counts.Fields, "held_entries": counts.Held, "packages": sum(counts.Packages),
	}
	return a.recordAs(ctx, e.Ledger, audit.SeverityHigh, "erasure/"+string(e.ID)+"/completed", "audit.erasure_completed", details,
		store.CompleteErasure(e.Ledger, e.ID, text, digest, now))
}

// whoDecided is who acted, without their name and address: these may be erased,
// too, one day.
func whoDecided(actor audit.Object) audit.Object {
	return audit.Object{"type": actor.String("type"), "id": actor.String("id")}
}

func sum(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// notReached says what may still hold what was erased.
func (a *Activities) notReached(c *audit.ErasureCounts, working int64, now time.Time) (list []audit.NotReached) {
	count := func(what string, n int64, why string) {
		if n > 0 {
			list = append(list, audit.NotReached{What: what, Count: &n, Why: why})
		}
	}
	count("held_entries", c.Held, "a legal hold keeps them; erase again after its release")
	for _, kind := range slices.Sorted(maps.Keys(c.HeldFiles)) {
		count("held_"+kind, c.HeldFiles[kind], "they hold entries that a legal hold keeps, or are evidence of an investigation that is held")
	}
	for _, path := range slices.Sorted(maps.Keys(c.Kept)) {
		count("entries:"+path, c.Kept[path], "the field is not personal data by its place: it says what an entry is about, and is committed to as a whole")
	}
	for _, table := range slices.Sorted(maps.Keys(c.Mentions)) {
		count("records:"+table, c.Mentions[table], "records of cases, of holds and of who did what here are kept for themselves")
	}
	count("streams", c.Delivered, "receivers got the entries before; ask those who run them")
	count("unfinished_jobs", working, "packages or reports that are being made may have read the entries before; erase again when they are done")
	backups := audit.NotReached{What: "backups", Why: "a backup is not rewritten; the operator has not said when the last one with the values is gone (SEALBOOK_BACKUP_DAYS)"}
	if a.BackupDays > 0 {
		backups.Why = "a backup is not rewritten; the last one with the values is gone by then, and who restores an older one erases again"
		backups.Until = audit.FormatTime(now.AddDate(0, 0, a.BackupDays))
	}
	return append(list,
		audit.NotReached{What: "downloads", Why: "copies that people have downloaded or were sent; each download is an entry of the ledger"},
		audit.NotReached{What: "request_keys", Why: "salted digests of requests, without their content", Until: audit.FormatTime(now.Add(ledger.RequestKeyLife))},
		audit.NotReached{What: "database_files", Why: "old versions of rows lie in the database's files and its write-ahead log until they are scrubbed (sealbook scrub)"},
		backups)
}

// EndErasure says how an erasure ended that has no certificate.
type EndErasure struct {
	Start  audit.ErasureStart  `json:"start"`
	Status audit.ErasureStatus `json:"status"` // declined, because nobody decided, or failed
	Reason string              `json:"reason,omitempty"`
}

// EndErasure ends an erasure and forgets whom it was about. One that has ended is
// left alone. Returns how it ended.
func (a *Activities) EndErasure(ctx context.Context, end EndErasure) (audit.ErasureStatus, error) {
	e, err := a.Store.Erasure(ctx, end.Start.Ledger, end.Start.ID)
	if err != nil || e.Status.Final() {
		return e.Status, err
	}
	details := audit.Object{"erasure_id": e.ID, "basis": e.Basis, "reason": end.Reason}
	if e.Status == audit.ErasureRunning { // what is erased is erased
		details["entries"], details["fields"] = e.Counts.V.Entries, e.Counts.V.Fields
	}
	return end.Status, a.recordAs(ctx, e.Ledger, audit.SeverityHigh, "erasure/"+string(e.ID)+"/ended", "audit.erasure_"+string(end.Status), details,
		store.EndErasure(e.Ledger, e.ID, end.Status, end.Reason, audit.Instant(a.Clock())))
}
