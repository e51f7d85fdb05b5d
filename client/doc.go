// Package client calls Sealbook's HTTP API from Go: one method for each of its
// operations, with typed requests, answers and errors. It guards that what is
// sent again is safe to send again, that nothing that is read is unbounded, and
// that a credential goes to no other server. The sealbook command uses it for
// all its requests, and so can every program that writes to a ledger or reads
// one; it needs nothing beyond the standard library.
//
// The files that end in .gen.go are made from api/openapi.yaml by go generate.
//
// # Answers
//
// Most methods return an [Answer], whose Data and Metadata are typed and whose
// Raw has every member of data, also those that this version of the package does
// not know. What is text or a file comes as a [Download], which is read while it
// arrives. Lists come as a [Page]; beside each of their methods there is one
// whose name starts with All and that walks all pages.
//
// # Optional values
//
// A member without a value is left out. Where zero could be meant, which is of
// numbers and flags that may be 0 or false, the field is a pointer: new(false)
// sends it. A member that the API shows as null is a nil pointer.
//
// # Errors
//
// Every answer that is not a success, and every request without an answer, is an
// *[Error]. Others are [ErrNotModified], a context's end, an answer that is too
// long or not what the API's document says, and wrong use of the package.
//
// # Repeating
//
// A request that got no answer, or one that says try again (429, 502, 503, 504),
// is repeated until it succeeds or [Patience] is over, after pauses that double,
// or as long as Retry-After asks. That is done where it is safe: for GET, PUT and
// DELETE, and for a POST that carries an Idempotency-Key, which is made once for
// each call and is the same in every attempt. A change under If-Match is sent
// once: after a lost answer it would contradict itself. A DELETE whose first
// answer was lost can say that there was nothing left to do (409).
package client

//go:generate go run ./internal/generate -document ../api/openapi.yaml -out .
