package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Kinds of files that hold what entries say.
const (
	ExportFile   = "exports"
	ReportFile   = "reports"
	EvidenceFile = "case_evidence"
)

// ErasedFile is something that was made from entries of an erasure: its files, and
// whether a hold keeps them, because they hold held entries or are evidence of a
// held investigation.
type ErasedFile struct {
	Kind      string
	ID        string
	Case      audit.InvestigationID // of evidence
	Artifacts []audit.Artifact
	Held      bool
}

// span is what of a ledger something was made from.
type span struct {
	first, end  int64
	from, until *time.Time // of the events
}

// FilesOf returns what was made from the entries of an erasure under way, and how
// many jobs are at work that may have read them before they were erased. A file is
// taken for holding an entry when the entry lies in the range and period that it
// was made from: each can be made again.
func (s *Store) FilesOf(ctx context.Context, ledger int32, id audit.ErasureID) (files []ErasedFile, working int64, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		f := &fileFinder{tx: tx, ledger: ledger, erasure: id}
		for _, find := range []func(context.Context) error{f.exports, f.reports, f.evidence} {
			if err := find(ctx); err != nil {
				return err
			}
		}
		files = f.found
		return tx.QueryRow(ctx, `
			select (select count(*) from export where ledger = $1 and status = 'processing')
				+ (select count(*) from report where ledger = $1 and status = 'processing')`, ledger).Scan(&working)
	})
	return files, working, translate("find files of erasure", err)
}

type fileFinder struct {
	tx      pgx.Tx
	ledger  int32
	erasure audit.ErasureID
	found   []ErasedFile
}

// add takes a file if one of the erasure's entries is in its span.
func (f *fileFinder) add(ctx context.Context, file ErasedFile, in span) error {
	var taken, held bool
	err := f.tx.QueryRow(ctx, `
		select coalesce(bool_or(not held), false), coalesce(bool_or(held), false) from erasure_entry
		where erasure = $1 and seq >= $2 and seq < $3 and ($4::timestamptz is null or event_time >= $4) and ($5::timestamptz is null or event_time < $5)`,
		f.erasure, in.first, in.end, in.from, in.until).Scan(&taken, &held)
	if file.Held = file.Held || held; err == nil && taken {
		f.found = append(f.found, file)
	}
	return err
}

func (f *fileFinder) exports(ctx context.Context) error {
	rows, err := f.tx.Query(ctx, `
		select id, request, frozen, artifact from export where ledger = $1 and status = 'completed' and frozen is not null order by id`, f.ledger)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		ID       string
		Request  JSON[audit.ExportRequest]
		Frozen   JSON[struct{ First, End int64 }]
		Artifact JSON[audit.Artifact]
	}])
	for _, e := range list {
		p := e.Request.V.Period()
		err := f.add(ctx, ErasedFile{Kind: ExportFile, ID: e.ID, Artifacts: []audit.Artifact{e.Artifact.V}}, span{e.Frozen.V.First, e.Frozen.V.End, optional(p.From), optional(p.Until)})
		if err != nil {
			return err
		}
	}
	return err
}

func (f *fileFinder) reports(ctx context.Context) error {
	rows, err := f.tx.Query(ctx, `
		select id, from_time, until_time, summary, array_remove(array[frozen, draft, artifact], null) from report
		where ledger = $1 and summary is not null and frozen is not null and erased_at is null and status <> 'processing' order by id`, f.ledger)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		ID          string
		From, Until time.Time
		Summary     JSON[ReportSummary]
		Files       []string
	}])
	for _, r := range list {
		file := ErasedFile{Kind: ReportFile, ID: r.ID}
		for _, text := range r.Files {
			var a audit.Artifact
			if err := json.Unmarshal([]byte(text), &a); err != nil {
				return fmt.Errorf("decode artifact of report %s: %w", r.ID, err)
			}
			file.Artifacts = append(file.Artifacts, a)
		}
		if err := f.add(ctx, file, span{r.Summary.V.FirstSeq, r.Summary.V.EndSeq, &r.From, &r.Until}); err != nil {
			return err
		}
	}
	return err
}

func (f *fileFinder) evidence(ctx context.Context) error {
	rows, err := f.tx.Query(ctx, `
		select e.id, e.investigation, e.artifact, e.first_seq, e.end_seq, e.effective_from, e.effective_to,
			exists (select from legal_hold h where h.ledger = e.ledger and h.investigation = e.investigation and h.released_at is null)
		from investigation_evidence e where e.ledger = $1 and e.first_seq is not null and e.end_seq is not null and e.erased_at is null order by e.id`, f.ledger)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		ID, Case    string
		Artifact    JSON[audit.Artifact]
		First, End  int64
		From, Until *time.Time
		Held        bool
	}])
	for _, e := range list {
		file := ErasedFile{Kind: EvidenceFile, ID: e.ID, Case: audit.InvestigationID(e.Case), Artifacts: []audit.Artifact{e.Artifact.V}, Held: e.Held}
		if err := f.add(ctx, file, span{e.First, e.End, e.From, e.Until}); err != nil {
			return err
		}
	}
	return err
}

// FileErased notes that something's files were destroyed, because they held what
// was erased, and counts it, together with what belongs to it.
func FileErased(ledger int32, id audit.ErasureID, file ErasedFile, at time.Time, with ...Statements) Statements {
	table, set := map[string]string{ExportFile: "export", ReportFile: "report", EvidenceFile: "investigation_evidence"}[file.Kind], ""
	if file.Kind == ExportFile {
		set = `, status = 'expired'`
	}
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "note that a file was erased", `
			update `+table+` set erased_at = $3`+set+` where ledger = $1 and id = $2 and erased_at is null`, ledger, file.ID, at)
		if err != nil {
			return err
		}
		if err := each(ctx, tx, with); err != nil {
			return err
		}
		return countErased(ctx, tx, id, func(c *audit.ErasureCounts) {
			if c.Packages == nil {
				c.Packages = map[string]int64{}
			}
			c.Packages[file.Kind]++
		})
	}
}
