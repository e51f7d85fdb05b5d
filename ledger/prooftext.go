package ledger

import (
	"encoding/json"
	"fmt"
)

// MaxProofSize is the most bytes that a proof of any kind is read of. The
// largest has 126 hashes; the rest is room for cosignatures.
const MaxProofSize = 64 << 10

func checkProofSize(data []byte) error {
	if len(data) > MaxProofSize {
		return fmt.Errorf("oversized proof: it has more than %d bytes", MaxProofSize)
	}
	return nil
}

// readMembers reads a proof's JSON object. Members are found by their exact
// names, as every other reader finds them; others are ignored.
func readMembers(data []byte, into map[string]any) error {
	if err := checkProofSize(data); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	for name, to := range into {
		text, ok := members[name]
		if !ok {
			return fmt.Errorf("it has no member %s", name)
		}
		if err := json.Unmarshal(text, to); err != nil {
			return fmt.Errorf("member %s: %w", name, err)
		}
	}
	return nil
}

func encodeHashes(hashes []Hash) []string {
	out := make([]string, len(hashes))
	for i, h := range hashes {
		out[i] = encodeHash(h)
	}
	return out
}

// decodeHashes reads at most most hashes.
func decodeHashes(texts []string, most int) ([]Hash, error) {
	if len(texts) > most {
		return nil, fmt.Errorf("oversized proof: it has more than %d hashes", most)
	}
	out := make([]Hash, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = decodeHash(text); err != nil {
			return nil, err
		}
	}
	return out, nil
}
