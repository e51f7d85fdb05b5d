package api

import (
	"net/http"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// signingKey is a key that signs, or signed, the organisation's checkpoints.
type signingKey struct {
	Fingerprint  string  `json:"fingerprint"`
	VerifierKey  string  `json:"verifier_key"`          // of the organisation's ledger
	RegistryKey  string  `json:"registry_verifier_key"` // the same key, of the registry
	AddedAt      string  `json:"added_at"`
	RetiredAt    *string `json:"retired_at"`
	Introduction *string `json:"introduction"` // a signed note by the key before; null for the first
}

// listKeys answers GET /keys with every key, the newest first. Whoever trusts
// one of them can follow the introductions to the others without trusting this
// answer.
func (s *server) listKeys(r *http.Request) (reply, error) {
	d, err := s.Log.Descriptor(r.Context(), principal(r).Ledger)
	if err != nil {
		return reply{}, err
	}
	keys, err := s.Log.Keys(r.Context())
	if err != nil {
		return reply{}, err
	}
	out := make([]signingKey, len(keys))
	for i, k := range keys {
		out[len(keys)-1-i] = signingKey{
			Fingerprint: k.Fingerprint(), VerifierKey: k.VerifierKey(d.Genesis.Origin), RegistryKey: k.VerifierKey(s.Log.Origin()),
			AddedAt: audit.FormatTime(k.AddedAt), RetiredAt: optionalTime(k.RetiredAt), Introduction: k.Introduction,
		}
	}
	return reply{data: map[string]any{"origin": d.Genesis.Origin, "registry": s.Log.Origin(), "keys": out}}, nil
}

func optionalTime(t *time.Time) *string {
	if t == nil {
		return nil
	}
	text := audit.FormatTime(*t)
	return &text
}
