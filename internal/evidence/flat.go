package evidence

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/sealbook/sealbook/audit"
)

// BuildJSON writes the entries that the request selects as one JSON document:
// the request, the signed checkpoint, and for each entry its category, id and
// hash beside the same record and fields as in a package. It takes constant
// memory. It cannot show that nothing was left out; a package does.
func BuildJSON(w io.Writer, m Material) (Summary, error) {
	b, err := newBuilder(w, m)
	if err != nil {
		return Summary{}, fmt.Errorf("build JSON: %w", err)
	}
	head, err := json.Marshal(struct {
		requestDocument
		Checkpoint string   `json:"checkpoint"`
		Status     string   `json:"status"`
		Failures   []string `json:"failures"`
	}{b.request(), string(b.Checkpoint), b.status(), b.failureList()})
	if err != nil {
		return Summary{}, fmt.Errorf("build JSON: %w", err)
	}
	out := bufio.NewWriterSize(b.w, 64<<10)
	// The document is the head's object with one more member.
	if _, err := fmt.Fprintf(out, "%s,\"entries\":[", head[:len(head)-1]); err != nil {
		return Summary{}, err
	}
	separator := "\n"
	err = b.each(func(c audit.Category, e *entry, line []byte) error {
		_, err := fmt.Fprintf(out, `%s{"category":"%s","entry_id":"%s","hash":"sha256:%x",%s`, separator, c, entryID(&e.rec), e.row.Leaf[:], line[1:])
		separator = ",\n"
		return err
	})
	if err == nil {
		_, err = out.WriteString("\n]}\n")
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return Summary{}, fmt.Errorf("build JSON: %w", err)
	}
	return b.summary(1, 0), nil
}

// BuildCSV writes the entries that the request selects as one CSV file: the
// columns of a package's entries.csv after the category. It takes constant
// memory.
func BuildCSV(w io.Writer, m Material) (Summary, error) {
	b, err := newBuilder(w, m)
	if err != nil {
		return Summary{}, fmt.Errorf("build CSV: %w", err)
	}
	out := bufio.NewWriterSize(b.w, 64<<10)
	if _, err := fmt.Fprintf(out, "category,%s", csvHeader()); err != nil {
		return Summary{}, err
	}
	var record []byte
	err = b.each(func(c audit.Category, e *entry, _ []byte) error {
		record = e.appendCSV(record[:0], string(c))
		_, err := out.Write(record)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return Summary{}, fmt.Errorf("build CSV: %w", err)
	}
	return b.summary(1, 0), nil
}

// each gives the entries of every category in order, and holds the chunks
// against what the collectors wrote.
func (b *builder) each(do func(c audit.Category, e *entry, line []byte) error) error {
	for _, c := range b.present() {
		p := b.parts[c]
		sum := newDigest()
		err := b.head(p, func(line []byte) (bool, error) {
			sum.add(line)
			sum.add([]byte("\n"))
			e, err := b.readEntry(line)
			if err != nil {
				return false, err
			}
			return true, do(c, e, line)
		})
		if err != nil {
			return fmt.Errorf("category %s: %w", c, err)
		}
		if sum.file() != p.JSONL {
			return audit.Errorf(audit.Tampered, "the chunks of %s are not what was written", c)
		}
	}
	return nil
}
