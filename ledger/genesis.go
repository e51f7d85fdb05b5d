package ledger

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// GenesisVersion is the first line of a genesis descriptor.
const GenesisVersion = "audit-ledger/v1"

// Genesis describes a ledger at its birth. Its hash stands where the first
// entry's predecessor would, so the chain cannot be moved under another name
// or key.
//
//	audit-ledger/v1
//	<origin>
//	<key>         the checkpoint key as a C2SP verifier key (vkey)
//	<created at>  TimeFormat
type Genesis struct {
	Origin    string
	Key       string
	CreatedAt time.Time
}

// Encode returns the descriptor: four lines, each ended by a line feed.
func (g *Genesis) Encode() []byte {
	return fmt.Appendf(nil, "%s\n%s\n%s\n%s\n", GenesisVersion, g.Origin, g.Key, g.CreatedAt.UTC().Format(TimeFormat))
}

// Hash is SHA-256 of the descriptor.
func (g *Genesis) Hash() Hash { return sha256.Sum256(g.Encode()) }

// ParseGenesis reads a descriptor in its one form.
func ParseGenesis(data []byte) (g Genesis, err error) {
	lines := strings.Split(string(data), "\n")
	if lines[0] != GenesisVersion {
		return g, fmt.Errorf("genesis version %.64q is not one that this program knows (%s)", lines[0], GenesisVersion)
	}
	if len(lines) != 5 || lines[4] != "" {
		return g, fmt.Errorf("a genesis descriptor has 4 lines, each ended by a line feed")
	}
	g.Origin, g.Key = lines[1], lines[2]
	if err := checkOrigin(g.Origin); err != nil {
		return g, err
	}
	if _, err := KeyFingerprint(g.Key); err != nil {
		return g, fmt.Errorf("genesis: %w", err)
	}
	if g.CreatedAt, err = time.Parse(TimeFormat, lines[3]); err != nil {
		return g, fmt.Errorf("creation time %.64q", lines[3])
	}
	if string(g.Encode()) != string(data) {
		return g, fmt.Errorf("the genesis descriptor is not in its one canonical form")
	}
	return g, nil
}
