package audit

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"sync"
)

// texts are short strings and numbers of payloads that were decoded before. Keys, types,
// names and addresses come again in nearly every entry; without this each of them is made
// anew, and boxed, which is most of what decoding takes. A place is of the last text that
// fell to it, so that it stays as small as it is.
type texts [1 << 10]any

// longestKnown: what is longer seldom comes again.
const longestKnown = 40

// knownTexts are one for each goroutine that is decoding. The garbage collector empties it.
var knownTexts = sync.Pool{New: func() any { return new(texts) }}

func (t *texts) text(b []byte) any {
	if len(b) > longestKnown {
		return string(b)
	}
	at := &t[place(b)]
	if s, ok := (*at).(string); ok && s == string(b) {
		return *at
	}
	*at = string(b)
	return *at
}

func (t *texts) number(b []byte) any {
	if len(b) > longestKnown {
		return json.Number(b)
	}
	at := &t[place(b)]
	if n, ok := (*at).(json.Number); ok && string(n) == string(b) {
		return *at
	}
	*at = json.Number(b)
	return *at
}

// place looks at the length and both ends: names that differ do so there.
func place(b []byte) int {
	var first, last uint64
	if n := len(b); n >= 8 {
		first, last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	} else {
		for _, c := range b {
			first = first<<8 | uint64(c)
		}
	}
	high, low := bits.Mul64(first^0x9e3779b97f4a7c15, last^uint64(len(b))^0xd6e8feb86659fd93)
	return int((high ^ low) % uint64(len(texts{})))
}
