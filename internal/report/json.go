package report

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the document as one JSON object, {"report": …, "tables": […]}, and a
// newline. Rows are written as they are read, all of them: MaxRows is a limit of
// PDFs. Bytes that are no UTF-8 become U+FFFD. The errors are those of d's rows,
// of w and of the context, and [audit.ValidationFailed] for d's own content.
func JSON(ctx context.Context, w io.Writer, d Document) error {
	if err := d.check(); err != nil {
		return err
	}
	head, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write report %s as JSON: %w", d.ReportID, err)
	}
	b := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprintf(b, `{"report":%s,"tables":[`, head) // an error stays in b
	for i := range d.Tables {
		if i > 0 {
			fmt.Fprint(b, ",")
		}
		if err := writeTable(ctx, b, &d.Tables[i]); err != nil {
			return fmt.Errorf("write report %s as JSON: %w", d.ReportID, err)
		}
	}
	fmt.Fprint(b, "]}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write report %s as JSON: %w", d.ReportID, err)
	}
	return nil
}

func writeTable(ctx context.Context, b *bufio.Writer, t *Table) error {
	head, err := json.Marshal(struct {
		Title string `json:"title"`
		Note  string `json:"note,omitempty"`
	}{t.Title, t.Note})
	if err != nil {
		return err
	}
	fmt.Fprintf(b, `%s,"rows":[`, head[:len(head)-1])
	n := 0
	err = t.each(ctx, func(row *Row) error {
		text, err := json.Marshal(row)
		if err != nil {
			return err
		}
		if n++; n > 1 {
			fmt.Fprint(b, ",")
		}
		_, err = b.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(b, `],"count":%d}`, n)
	return err
}

// each hands on the rows until one fails, and looks at the context now and then.
func (t *Table) each(ctx context.Context, do func(*Row) error) error {
	if t.Rows == nil {
		return nil
	}
	n := 0
	for row, err := range t.Rows {
		if err != nil {
			return fmt.Errorf("read the entries of %s: %w", t.Title, err)
		}
		if n++; n%1000 == 1 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := do(&row); err != nil {
			return err
		}
	}
	return nil
}
