package main

import (
	"context"
	"fmt"
)

// row is one line of the comparison.
type row struct {
	name    string
	callers int
	bulk    int    // entries of one call; 0 is 1
	promise string // of an acknowledgement
	ceiling string // the row of plain INSERTs it is divided by
	rival   string // the row of Tessera it is divided by
	slow    bool   // left out of the short form
	measure func(context.Context, *bench, row) (sample, error)
}

// What acknowledgements promise.
const (
	promiseSealed   = "durable, numbered, deduplicated for ever, signed: a receipt that verifies offline"
	promiseInsert   = "durable"
	promiseChain    = "durable, numbered, hashed to the one before"
	promiseIndex    = "durable, numbered; in no signed tree yet"
	promiseSigned   = "durable, numbered, in a signed tree that is published"
	promiseAntispam = "the same, deduplicated as far as its index has caught up"
)

// bulkCallers submit bulks side by side, so that one is prepared while another
// is written.
const (
	bulkCallers   = 4
	bulkEntries   = 1000
	organisations = 1000
)

const (
	ceilingSmall = "plain INSERT, 256 a transaction"
	ceilingLarge = "plain INSERT, 1,000 a transaction"
)

var rows = func() []row {
	signed := func(callers int) string { return fmt.Sprintf("Tessera, checkpoint every 0.1 s, %s", calls(callers)) }
	var all []row
	for _, n := range []int{1, 32, 256, 1024} {
		all = append(all, row{name: "in process, " + calls(n), callers: n, promise: promiseSealed, ceiling: ceilingSmall, rival: signed(n), measure: inProcess})
	}
	all = append(all,
		row{name: "in process, bulk", callers: bulkCallers, bulk: bulkEntries, promise: promiseSealed, ceiling: ceilingLarge, rival: signed(1024), measure: inProcess},
		row{name: "in process, 1,000 organisations", callers: 256, promise: promiseSealed, ceiling: ceilingSmall, rival: signed(256), measure: manyLedgers})
	for _, n := range []int{1, 32, 256, 1024} {
		all = append(all, row{name: "over HTTP, " + calls(n), callers: n, promise: promiseSealed, ceiling: ceilingSmall, rival: signed(n), measure: overHTTP})
	}
	all = append(all,
		row{name: "over HTTP, bulk", callers: bulkCallers, bulk: bulkEntries, promise: promiseSealed, ceiling: ceilingLarge, rival: signed(1024), measure: overHTTP},
		row{name: ceilingSmall, callers: 1, bulk: 256, promise: promiseInsert, measure: plainInsert},
		row{name: ceilingLarge, callers: 1, bulk: 1000, promise: promiseInsert, measure: plainInsert},
		row{name: "naive chain, " + calls(1), callers: 1, promise: promiseChain, ceiling: ceilingSmall, measure: naiveChain},
		row{name: "naive chain, " + calls(32), callers: 32, promise: promiseChain, ceiling: ceilingSmall, measure: naiveChain})
	for _, n := range []int{1, 32, 256, 1024} {
		all = append(all, row{name: "Tessera, sequenced, " + calls(n), callers: n, promise: promiseIndex, ceiling: ceilingSmall, measure: tesseraSequenced})
	}
	for _, n := range []int{1, 32, 256, 1024} {
		all = append(all, row{name: signed(n), callers: n, promise: promiseSigned, ceiling: ceilingSmall, measure: tesseraSigned})
	}
	return append(all,
		row{name: "Tessera, the same with antispam, " + calls(256), callers: 256, promise: promiseAntispam, ceiling: ceilingSmall, rival: signed(256), measure: tesseraAntispam},
		row{name: "Tessera, checkpoint every 10 s (default), " + calls(1024), callers: 1024, promise: promiseSigned, ceiling: ceilingSmall, rival: signed(1024), slow: true, measure: tesseraDefaults})
}()

func calls(n int) string {
	switch {
	case n == 1:
		return "1 caller"
	case n >= 1000:
		return fmt.Sprintf("%d,%03d callers", n/1000, n%1000)
	}
	return fmt.Sprintf("%d callers", n)
}
