package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sealbook/sealbook/ledger"
)

// trustedPoint is a checkpoint from outside the database, signed by a key that
// is trusted.
type trustedPoint struct {
	file       string
	checkpoint ledger.Checkpoint
}

// trustedPoints are by the origin of their ledger.
type trustedPoints map[string][]trustedPoint

// maxTrustedFile bounds a file of checkpoints, in bytes.
const maxTrustedFile = maxReceipts

// readTrusted opens the checkpoints in files: receipts, proofs (.tlog-proof)
// and signed checkpoints, one or several in each. One that no trusted key has
// signed proves nothing about a ledger, so it is no verdict on it either.
func readTrusted(files []string, t trust) (trustedPoints, error) {
	all := trustedPoints{}
	for _, name := range files {
		notes, err := signedNotes(name)
		if err != nil {
			return nil, &undecidedError{fmt.Errorf("%s: %w", name, err)}
		}
		for _, signed := range notes {
			c, err := openTrusted(signed, t)
			if err != nil {
				return nil, &undecidedError{fmt.Errorf("%s: %w", name, err)}
			}
			all[c.Origin] = append(all[c.Origin], trustedPoint{name, c})
		}
	}
	return all, nil
}

// signedNotes returns the signed checkpoints of a file.
func signedNotes(name string) ([][]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTrustedFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxTrustedFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxTrustedFile)
	}
	var notes [][]byte
	if data = bytes.TrimLeft(data, " \t\r\n"); len(data) > 0 && data[0] == '{' {
		notes, err = receiptNotes(data)
	} else {
		notes = textNotes(string(data))
	}
	if err == nil && len(notes) == 0 {
		err = errors.New("it holds no receipt, proof or signed checkpoint")
	}
	return notes, err
}

func receiptNotes(data []byte) (notes [][]byte, err error) {
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var r ledger.Receipt
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) {
			return notes, nil
		}
		if err != nil {
			return nil, fmt.Errorf("receipt %d: %w", len(notes)+1, err)
		}
		notes = append(notes, r.Proof.Checkpoint)
	}
}

// textNotes cuts a text into notes: each is a body, an empty line and lines of
// signatures. What comes before the checkpoint of a proof is left out.
func textNotes(text string) (notes [][]byte) {
	blocks := strings.Split(strings.TrimSpace(text)+"\n", "\n\n")
	for i := 0; i+1 < len(blocks); i++ {
		body := strings.TrimLeft(blocks[i], "\n")
		if strings.HasPrefix(body, ledger.ProofVersion+"\n") || body == "" {
			continue
		}
		// Signatures end where the next body starts.
		signatures, rest := "", blocks[i+1]
		for strings.HasPrefix(rest, "— ") {
			line, after, _ := strings.Cut(rest, "\n")
			signatures, rest = signatures+line+"\n", after
		}
		if signatures == "" {
			continue
		}
		notes = append(notes, []byte(body+"\n\n"+signatures))
		blocks[i+1] = rest
	}
	return notes
}

func openTrusted(signed []byte, t trust) (ledger.Checkpoint, error) {
	c, err := unsignedCheckpoint(signed)
	if err != nil {
		return c, err
	}
	vkeys := t.verifiers(c.Origin)
	if len(vkeys) == 0 {
		return c, fmt.Errorf("who signed the checkpoint of %s cannot be told: name its verifier key with --key or SEALBOOK_TRUSTED_KEYS", printable(c.Origin))
	}
	for _, vkey := range vkeys {
		if c, err := ledger.OpenCheckpoint(signed, vkey); err == nil {
			return c, nil
		}
	}
	return c, fmt.Errorf("no trusted key of %s has signed this checkpoint", printable(c.Origin))
}

// of returns what verification takes for a ledger.
func (p trustedPoints) of(origin string) (points []ledger.Checkpoint) {
	for _, t := range p[origin] {
		points = append(points, t.checkpoint)
	}
	return points
}

// trustReport is what became of one trusted checkpoint.
type trustReport struct {
	File  string `json:"file"`
	Size  int64  `json:"size"`
	Root  string `json:"root"`
	Holds bool   `json:"holds"`
}

// report tells each checkpoint of a verification by its file.
func (p trustedPoints) report(v *ledger.Verification) []trustReport {
	reports := []trustReport{}
	for _, t := range v.Trusted {
		for _, given := range p[t.Checkpoint.Origin] {
			if given.checkpoint == t.Checkpoint {
				reports = append(reports, trustReport{given.file, t.Checkpoint.Size, ledger.FormatHash(t.Checkpoint.Root), t.Holds})
				break
			}
		}
	}
	return reports
}

// reach is how many entries the largest checkpoint that holds covers.
func reach(v *ledger.Verification) (n int64) {
	for _, t := range v.Trusted {
		if t.Holds {
			n = max(n, t.Checkpoint.Size)
		}
	}
	return n
}

// tellTrust says how far each trusted checkpoint reaches.
func tellTrust(w io.Writer, reports []trustReport, size, reached int64) {
	for _, r := range reports {
		state := "holds"
		if !r.Holds {
			state = "DOES NOT HOLD"
		}
		fmt.Fprintf(w, "  trusted        %s: checkpoint of %s  %s\n", printable(r.File), counted(r.Size, "entry", "entries"), state)
	}
	switch {
	case len(reports) == 0 || reached == 0:
	case reached < size:
		fmt.Fprintf(w, "  trusted        entries 0 to %d are those that were signed; %d to %d rest on the database alone\n", reached-1, reached, size-1)
	default:
		fmt.Fprintf(w, "  trusted        every entry is one that was signed\n")
	}
}
