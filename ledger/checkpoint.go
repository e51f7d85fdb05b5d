package ledger

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is a statement of a ledger's whole content: its size and the root
// of its tree (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// Body returns the text that is signed: origin, size and base64 root, a line
// each.
func (c Checkpoint) Body() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, encodeHash(c.Root))
}

// ParseCheckpoint reads a checkpoint's body. Extension lines are refused:
// Sealbook writes none, and the specification advises against them.
func ParseCheckpoint(body string) (c Checkpoint, err error) {
	lines := strings.Split(body, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, fmt.Errorf("a checkpoint has 3 lines")
	}
	c.Origin = lines[0]
	if err := checkOrigin(c.Origin); err != nil {
		return c, err
	}
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return c, fmt.Errorf("checkpoint size %.64q", lines[1])
	}
	if c.Root, err = decodeHash(lines[2]); err != nil {
		return c, fmt.Errorf("checkpoint root: %w", err)
	}
	return c, nil
}

// OpenCheckpoint verifies a signed checkpoint against one verifier key and
// returns its content. Signatures of other keys are ignored, as signed-note
// demands.
func OpenCheckpoint(signed []byte, vkey string) (Checkpoint, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verifier key: %w", err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, explainNote(err, v)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return c, err
	}
	if c.Origin != v.Name() {
		return c, fmt.Errorf("the checkpoint is of %s, the key of %s", c.Origin, v.Name())
	}
	return c, nil
}

// explainNote says why a note does not open with a key. A name is part of its
// key's id, so a checkpoint of another ledger looks as if an unknown key had
// signed it.
func explainNote(err error, v note.Verifier) error {
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return fmt.Errorf("checkpoint signature: %w", err)
	}
	if c, err := ParseCheckpoint(unverified.Note.Text); err == nil && c.Origin != v.Name() {
		return fmt.Errorf("checkpoint signature: wrong origin: the checkpoint is of %s, the key of %s", c.Origin, v.Name())
	}
	return fmt.Errorf("checkpoint signature: unknown key: none is by %s+%08x", v.Name(), v.KeyHash())
}

// readCheckpoint reads the checkpoint in a note without looking at its
// signatures: of a note that this program signed itself.
func readCheckpoint(signed string) (Checkpoint, error) {
	body, _, _ := strings.Cut(signed, "\n\n")
	return ParseCheckpoint(body + "\n")
}
