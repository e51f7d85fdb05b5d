package evidence

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sealbook/sealbook/ledger"
)

// maxIntroductions bounds the keys that a package can name before its own.
const maxIntroductions = 1000

// founded reports whether the package's key is the one that the ledger was
// founded with, or one that leads from it through introductions.
func (f *frame) founded() error {
	return ledger.FollowIntroductions(f.genesis.Key, f.VerifierKey, f.introductions())
}

func (f *frame) introductions() [][]byte {
	notes := make([][]byte, len(f.Introductions))
	for i, s := range f.Introductions {
		notes[i] = []byte(s)
	}
	return notes
}

// keys are the package's, the one that the ledger was founded with, and those
// that the introductions name, whoever wrote these: each under its own origin.
func (f *frame) keys() []string {
	keys := []string{f.VerifierKey, f.genesis.Key}
	for _, n := range f.Introductions {
		if lines := strings.SplitN(n, "\n", 4); len(lines) == 4 {
			keys = append(keys, lines[2])
		}
	}
	return keys
}

// introductionLines is introductions.jsonl: a signed note as a JSON string, a
// line each, in the order in which the keys came.
func introductionLines(notes []string) []byte {
	var b []byte
	for _, n := range notes {
		line, err := json.Marshal(n)
		if err != nil { // a string always encodes
			panic(err)
		}
		b = append(append(b, line...), '\n')
	}
	return b
}

func parseIntroductionLines(data []byte) (notes []string, err error) {
	for line := range strings.Lines(string(data)) {
		var n string
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			return nil, fmt.Errorf("line %d is not a JSON string", len(notes)+1)
		}
		if notes = append(notes, n); len(notes) > maxIntroductions {
			return nil, fmt.Errorf("there are more than %d introductions", maxIntroductions)
		}
	}
	return notes, nil
}

// trusted returns the fingerprint of the key among keys (each a vkey or a
// fingerprint) that vouches for the package's key: it is that key, or leads to
// it through the package's introductions. "" when none does.
func (f *frame) trusted(keys []string) (fingerprint string, err error) {
	for _, k := range f.keys() {
		// Whatever a note says, the key in it is followed only if it is trusted.
		c, err := ledger.KeyUnder(k, f.origin())
		if err != nil {
			continue
		}
		isPinned, err := pinned(keys, c)
		if err != nil {
			return "", err
		}
		if isPinned && ledger.FollowIntroductions(c, f.VerifierKey, f.introductions()) == nil {
			return ledger.KeyFingerprint(c)
		}
	}
	return "", nil
}
