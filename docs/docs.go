// Package docs is what the product's documents bring along for programs: the
// second verifier, of which there is this one copy. What is embedded here is
// published, so that a change of it is a change of every new package. Used by
// internal/evidence, which puts it into each package.
package docs

import _ "embed" // for the files below

// Verifier is the text of verify.py: Python's standard library, no other file.
//
//go:embed verify.py
var Verifier []byte
