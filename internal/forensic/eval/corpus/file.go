package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The files of a corpus in its folder.
const (
	EntriesFile = "entries.jsonl"
	LabelsFile  = "labels.jsonl"
)

// maxLine bounds a line, in bytes; entries have at most 256 KiB, and labels of
// many thousand entries are longer.
const maxLine = 64 << 20

// Write writes both files into dir, which it makes if need be.
func (c *Corpus) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, EntriesFile), append(bytes.Join(c.Lines, []byte{'\n'}), '\n'), 0o644); err != nil {
		return err
	}
	var labels bytes.Buffer
	e := json.NewEncoder(&labels)
	e.SetEscapeHTML(true) // as json.Marshal does, so that the digest is that of the files
	for i := range c.Labels {
		if err := e.Encode(&c.Labels[i]); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, LabelsFile), labels.Bytes(), 0o644)
}

// Read reads both files of a folder.
func Read(dir string) (*Corpus, error) {
	c := &Corpus{Name: filepath.Base(dir)}
	entries, err := os.Open(filepath.Join(dir, EntriesFile))
	if err != nil {
		return nil, err
	}
	defer entries.Close()
	if c.Lines, err = lines(entries); err != nil {
		return nil, fmt.Errorf("%s: %w", EntriesFile, err)
	}
	labels, err := os.Open(filepath.Join(dir, LabelsFile))
	if err != nil {
		return nil, err
	}
	defer labels.Close()
	if c.Labels, err = ReadLabels(labels); err != nil {
		return nil, fmt.Errorf("%s: %w", LabelsFile, err)
	}
	return c, nil
}

// ReadLabels reads labels, one a line.
func ReadLabels(r io.Reader) ([]Label, error) {
	text, err := lines(r)
	if err != nil {
		return nil, err
	}
	out := make([]Label, len(text))
	for i, line := range text {
		if err := json.Unmarshal(line, &out[i]); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return out, nil
}

func lines(r io.Reader) (out [][]byte, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 1<<20), maxLine)
	for s.Scan() {
		if len(bytes.TrimSpace(s.Bytes())) > 0 {
			out = append(out, bytes.Clone(s.Bytes()))
		}
	}
	return out, s.Err()
}
