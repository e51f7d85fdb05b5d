//go:build pkcs11 && cgo

package sign_test

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/hsm"
	"github.com/sealbook/sealbook/internal/hsm/hsmtest"
	"github.com/sealbook/sealbook/internal/sign"
)

// TestHSMSeals: readers see no difference when the key is in a security module, and
// the document is sealed again after the module's sessions were lost.
func TestHSMSeals(t *testing.T) {
	k := hsmtest.New(t)
	for id, key := range map[string]hsmtest.Key{"01": {Label: "rsa"}, "02": {Label: "ec", Curve: hsmtest.P256}} {
		t.Run(key.Label, func(t *testing.T) {
			key.ID = id
			k.Generate(t, key)
			u, err := hsm.Parse(k.URI(t, ";object="+key.Label) + "&pin-value=" + strings.ReplaceAll(hsmtest.PIN, "&", "%26"))
			if err != nil {
				t.Fatal(err)
			}
			pin := func() (string, error) { return u.PIN(nil) }
			signer, chain, err := hsm.Open(u, pin)
			if err != nil || chain != nil {
				t.Fatal(chain, err)
			}
			w := newWorld(t, signer)
			usable(t, w.identity, w.root, signed)
			qpdfCheck(t, seal(t, document(t, 2), sign.Options{Identity: w.identity, Time: signed}))

			k.CloseSessions(t)
			if _, err := sign.Seal(t.Context(), document(t, 1), sign.Options{Identity: w.identity, Time: signed}); audit.CodeOf(err) != audit.Unavailable {
				t.Errorf("%v, want Unavailable", err)
			}
			usable(t, w.identity, w.root, signed)

			// The token has the certificates, and one of somebody else.
			for _, c := range []*x509.Certificate{newWorld(t, ecdsaKey(t)).leaf, w.root, w.issuer} {
				k.PutCertificate(t, c, "")
			}
			k.PutCertificate(t, w.leaf, id)
			signer, chain, err = hsm.Open(u, pin)
			if err != nil || len(chain) != 3 || !chain[0].Equal(w.leaf) || !chain[1].Equal(w.issuer) || !chain[2].Equal(w.root) {
				t.Fatal(len(chain), err)
			}
			identity, err := sign.NewIdentity(signer, chain...)
			if err != nil {
				t.Fatal(err)
			}
			usable(t, identity, w.root, signed)

			// Another key's certificate does not make an identity.
			if _, err := sign.LoadSigner(encoded(newWorld(t, ecdsaKey(t)).leaf), signer); audit.CodeOf(err) != audit.InvalidParameter || !strings.Contains(err.Error(), "no certificate is the key's") {
				t.Error(err)
			}
			if identity, err = sign.LoadSigner(append(encoded(w.issuer), encoded(w.leaf)...), signer); err != nil || !identity.Certificate().Equal(w.leaf) {
				t.Error(err)
			}
		})
	}
}
