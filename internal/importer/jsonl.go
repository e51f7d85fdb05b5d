package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
)

// JSONL reads entry requests, one a line, as POST /entries takes them. A line
// without an external_id gets one that follows from its content: "jsonl:", 32
// hex digits of the content's SHA-256 and, for the n-th line of the same
// content, ":" and n. So every line is an entry, and a file that has grown can
// be imported again.
func JSONL(r io.Reader) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		identities := identities{}
		for n, line := range lines(r) {
			if line.end != nil {
				yield(Item{}, line.end)
				return
			}
			item := Item{Line: n, Err: line.bad}
			if item.Err == nil {
				item.Entry, item.Err = jsonlEntry(line.text, identities)
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

func jsonlEntry(line []byte, identities identities) (json.RawMessage, error) {
	v, err := decode(line)
	if err != nil {
		return nil, err
	}
	entry, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the line is not a JSON object")
	}
	if entry["external_id"] == nil {
		id, err := identities.of("jsonl:", entry)
		if err != nil {
			return nil, err
		}
		entry["external_id"] = id
	}
	return json.Marshal(entry)
}

// identities gives records an identity that follows from their content: a
// prefix, 32 hex digits of the content's SHA-256 and, for the n-th of the same
// content in a recording, ":" and n. It counts, for that, what it has seen.
type identities map[[16]byte]int

func (seen identities) of(prefix string, content any) (string, error) {
	// Encoding sorts the keys, so that their order does not make another entry.
	encoded, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("encode record: %w", err)
	}
	sum := sha256.Sum256(encoded)
	key := [16]byte(sum[:16])
	seen[key]++
	id := prefix + hex.EncodeToString(key[:])
	if seen[key] > 1 {
		id += ":" + strconv.Itoa(seen[key])
	}
	return id, nil
}
