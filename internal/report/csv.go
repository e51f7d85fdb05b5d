package report

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// csvColumns are the columns of each record. What the first says a record is,
// decides which of the others are filled in.
var csvColumns = []string{
	"record", "group", "id", "title", "status", "severity", "time", "position", "type", "actor", "text", "entry_ids", "owner", "due", "remediation",
}

// record is a line of the CSV.
type record struct {
	kind, group, id, title, status string
	severity                       audit.Severity
	time                           time.Time
	position                       string
	eventType, actor, text         string
	entryIDs                       []string
	owner                          string
	due                            time.Time
	remediation                    string
}

// CSV writes the document as one table (RFC 4180, UTF-8, all ends of lines CRLF) in which each
// record says first what it is: "report" and "basis" (a term and its value), "checked", "limit",
// "framework", "score", "requirement", "not_assessed", "finding", "violation",
// "event_type", "severity", "entry", "checkpoint", "verification", "signature".
// Of a case there are also "case", "narrative", "case_event", "case_finding",
// "confidence", "implication", "decision", "data_flow", "evidence" and "custody".
// Times are RFC 3339 in UTC; that of a signature has its offset.
//
// A value that a spreadsheet would take for a formula, because it begins with one
// of = + - @, their wide forms, a tab or an end of line, is preceded by an
// apostrophe; a program that reads the file has to take it off again. Bytes that are
// no UTF-8 become U+FFFD. All rows are written: MaxRows is a limit of PDFs. The
// errors are those of [JSON].
func CSV(ctx context.Context, w io.Writer, d Document) error {
	if err := d.check(); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(csvColumns); err != nil {
		return fmt.Errorf("write report %s as CSV: %w", d.ReportID, err)
	}
	write := func(r record) error { return out.Write(r.fields()) }
	for _, r := range d.records() {
		if err := write(r); err != nil {
			return fmt.Errorf("write report %s as CSV: %w", d.ReportID, err)
		}
	}
	for i := range d.Tables {
		t := &d.Tables[i]
		err := t.each(ctx, func(row *Row) error {
			return write(record{kind: "entry", group: t.Title, id: row.EntryID, time: row.Time, position: strconv.FormatInt(row.Seq, 10),
				eventType: row.Type, actor: row.Actor, text: row.Description})
		})
		if err != nil {
			return fmt.Errorf("write report %s as CSV: %w", d.ReportID, err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write report %s as CSV: %w", d.ReportID, err)
	}
	return nil
}

func (r *record) fields() []string {
	due := ""
	if !r.due.IsZero() {
		due = r.due.UTC().Format(time.DateOnly)
	}
	fields := []string{r.kind, r.group, r.id, r.title, r.status, string(r.severity), csvTime(r.time), r.position,
		r.eventType, r.actor, r.text, strings.Join(r.entryIDs, " "), r.owner, due, r.remediation}
	for i, s := range fields {
		fields[i] = defuse(lineEnds.Replace(strings.ToValidUTF8(s, "\uFFFD")))
	}
	return fields
}

// lineEnds keeps an end of line that is a CR alone, which encoding/csv would drop.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return audit.FormatTime(t)
}

// defuse keeps a spreadsheet from calculating a value:
// https://owasp.org/www-community/attacks/CSV_Injection.
func defuse(s string) string {
	for _, start := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, start) {
			return "'" + s
		}
	}
	return s
}
