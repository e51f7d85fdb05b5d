package main

import (
	"bufio"
	"os"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// trust holds the keys that the person who verifies vouches for: verifier keys
// (vkeys) and fingerprints. A vkey is for the ledger that it names and, when it
// names an installation as keygen's does, for every ledger below that name:
// one key signs for all of them.
type trust struct{ keys []string }

// readTrust reads keys as they are given: each is a vkey, a fingerprint, or a
// file with one a line.
func readTrust(given []string) (t trust, err error) {
	for _, g := range given {
		if evidence.CheckKey(g) == nil {
			t.keys = append(t.keys, g)
			continue
		}
		f, err := os.Open(g)
		if err != nil {
			return t, usagef("%.80q is neither a verifier key, nor a fingerprint, nor a file that can be read", g)
		}
		defer f.Close()
		before := len(t.keys)
		for lines := bufio.NewScanner(f); lines.Scan(); {
			line := strings.TrimSpace(lines.Text())
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if err := evidence.CheckKey(line); err != nil {
				return t, usagef("%s does not hold verifier keys: %s", g, sentence(err))
			}
			t.keys = append(t.keys, line)
		}
		if len(t.keys) == before {
			return t, usagef("%s holds no verifier key", g)
		}
	}
	return t, nil
}

// covers reports whether the key of a ledger is vouched for.
func (t trust) covers(origin, fingerprint string) bool {
	return slices.ContainsFunc(t.keys, func(k string) bool {
		if k == fingerprint {
			return true
		}
		f, err := ledger.KeyFingerprint(k)
		return err == nil && f == fingerprint && isOf(k, origin)
	})
}

// verifiers are the trusted keys that may sign for a ledger, as vkeys of it.
func (t trust) verifiers(origin string) (vkeys []string) {
	for _, k := range t.keys {
		if !isOf(k, origin) {
			continue // a fingerprint, or of another ledger
		}
		if vkey, err := ledger.KeyUnder(k, origin); err == nil { // readTrust has refused what is none
			vkeys = append(vkeys, vkey)
		}
	}
	return vkeys
}

// verifiersOfAny are the trusted keys that can check a signature at all: those
// that are more than a fingerprint.
func (t trust) verifiersOfAny() []string {
	return slices.DeleteFunc(slices.Clone(t.keys), func(k string) bool { return strings.HasPrefix(k, "SHA256:") })
}

// fingerprints is what a package's key is compared with. It is wider than the
// vkeys, whose names are compared by covers.
func (t trust) fingerprints() (out []string) {
	for _, k := range t.keys {
		if f, err := ledger.KeyFingerprint(k); err == nil {
			k = f
		}
		out = append(out, k)
	}
	return out
}

// isOf reports whether a vkey is of the ledger with this origin, or of the
// installation that the ledger belongs to.
func isOf(vkey, origin string) bool {
	name, _, _ := strings.Cut(vkey, "+")
	return origin == name || strings.HasPrefix(origin, name+"/")
}
