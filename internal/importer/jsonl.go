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
		seen := map[[16]byte]int{}
		for n, line := range lines(r) {
			if line.end != nil {
				yield(Item{}, line.end)
				return
			}
			item := Item{Line: n, Err: line.bad}
			if item.Err == nil {
				item.Entry, item.Err = jsonlEntry(line.text, seen)
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

func jsonlEntry(line []byte, seen map[[16]byte]int) (json.RawMessage, error) {
	v, err := decode(line)
	if err != nil {
		return nil, err
	}
	entry, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the line is not a JSON object")
	}
	if entry["external_id"] == nil {
		// Encoding sorts the keys, so that their order does not make another
		// entry.
		content, err := json.Marshal(entry)
		if err != nil {
			return nil, fmt.Errorf("encode line: %w", err)
		}
		sum := sha256.Sum256(content)
		key := [16]byte(sum[:16])
		seen[key]++
		id := "jsonl:" + hex.EncodeToString(key[:])
		if seen[key] > 1 {
			id += ":" + strconv.Itoa(seen[key])
		}
		entry["external_id"] = id
	}
	return json.Marshal(entry)
}
