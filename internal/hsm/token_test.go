//go:build pkcs11 && cgo

package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/hsm"
	"github.com/sealbook/sealbook/internal/hsm/hsmtest"
)

func given(pin string) func() (string, error) { return func() (string, error) { return pin, nil } }

func open(t testing.TB, text string) crypto.Signer {
	t.Helper()
	u, err := hsm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	signer, _, err := hsm.Open(u, given(hsmtest.PIN))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func signs(t testing.TB, signer crypto.Signer, hash crypto.Hash) {
	t.Helper()
	h := hash.New()
	h.Write([]byte("a report"))
	digest := h.Sum(nil)
	signature, err := signer.Sign(nil, digest, hash)
	ok := false
	switch key := signer.Public().(type) {
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, digest, signature)
	}
	if err != nil || !ok {
		t.Errorf("%T with %s: %v, verifies: %t", signer.Public(), hash, err, ok)
	}
}

// refuses checks an error, and that neither it nor what it wraps has the PIN.
func refuses(t testing.TB, err error, code audit.Code, says string) {
	t.Helper()
	if audit.CodeOf(err) != code || !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want %s and %q", err, code, says)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), hsmtest.PIN) {
			t.Errorf("the PIN is in %v", e)
		}
	}
}

// The tests are not parallel: they end the module under each other.

func TestSign(t *testing.T) {
	k := hsmtest.New(t)
	for id, key := range map[string]hsmtest.Key{
		"01": {Label: "rsa"}, "02": {Label: "p256", Curve: hsmtest.P256}, "03": {Label: "p384", Curve: hsmtest.P384},
		"04": {Label: "always", Curve: hsmtest.P256, Always: true},
	} {
		key.ID = id
		k.Generate(t, key)
		for _, rest := range []string{";object=" + key.Label, ";id=" + id, ";object=" + key.Label + ";id=" + id + ";type=private"} {
			signer := open(t, k.URI(t, rest))
			for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
				signs(t, signer, hash)
			}
			for name, opts := range map[string]crypto.SignerOpts{"SHA-1": crypto.SHA1, "PSS": &rsa.PSSOptions{Hash: crypto.SHA256}, "a digest of another length": crypto.SHA512} {
				digest := sha256.Sum256(nil)
				if _, err := signer.Sign(nil, digest[:], opts); audit.CodeOf(err) != audit.InvalidParameter {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	t.Run("at once", func(t *testing.T) {
		var running sync.WaitGroup
		a, b := open(t, k.URI(t, ";object=rsa")), open(t, k.URI(t, ";object=p256"))
		for range 8 {
			running.Go(func() { signs(t, a, crypto.SHA256) })
			running.Go(func() { signs(t, b, crypto.SHA256) })
		}
		running.Wait()
	})
}

func TestOpenRefuses(t *testing.T) {
	k := hsmtest.New(t)
	k.Generate(t, hsmtest.Key{Label: "seal", ID: "01", Curve: hsmtest.P256})
	k.Generate(t, hsmtest.Key{Label: "twice", ID: "02", Curve: hsmtest.P256})
	k.Generate(t, hsmtest.Key{Label: "twice", ID: "03", Curve: hsmtest.P256})
	k.Generate(t, hsmtest.Key{Label: "lonely", ID: "04", PublicID: "05", Curve: hsmtest.P256})
	k.Generate(t, hsmtest.Key{Label: "exchanged", ID: "06", PublicID: "07", Curve: hsmtest.P256})
	k.Generate(t, hsmtest.Key{Label: "other", ID: "08", PublicID: "06", Curve: hsmtest.P256})
	k.Generate(t, hsmtest.Key{Label: "decrypts", ID: "09", NotToSign: true})
	noModule := filepath.Join(t.TempDir(), "text.so")
	if err := os.WriteFile(noModule, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := "?module-path=" + hsmtest.Module(t)
	for name, c := range map[string]struct {
		uri, pin string
		code     audit.Code
		says     string
	}{
		"another label":        {k.URI(t, ";object=other%20label"), hsmtest.PIN, audit.NotFound, "has no private key that pkcs11:token=sealbook%20test%20"},
		"label and other id":   {k.URI(t, ";object=seal;id=02"), hsmtest.PIN, audit.NotFound, "has no private key"},
		"two keys":             {k.URI(t, ";object=twice"), hsmtest.PIN, audit.InvalidParameter, "2 private keys"},
		"another token":        {"pkcs11:token=none;object=seal" + at, hsmtest.PIN, audit.Unavailable, "no token is there that pkcs11:token=none;object=seal names"},
		"another serial":       {k.URI(t, ";serial=none;object=seal"), hsmtest.PIN, audit.Unavailable, "no token is there"},
		"no PIN":               {k.URI(t, ";object=seal"), "", audit.InvalidParameter, "wants a PIN"},
		"no module":            {"pkcs11:object=seal?module-path=/nowhere/module.so", hsmtest.PIN, audit.InvalidParameter, "is not there: stat /nowhere/module.so"},
		"no module in it":      {"pkcs11:object=seal?module-path=" + noModule, hsmtest.PIN, audit.InvalidParameter, "cannot be loaded"},
		"no public key":        {k.URI(t, ";object=lonely"), hsmtest.PIN, audit.InvalidState, "neither public key nor certificate"},
		"another's public key": {k.URI(t, ";object=exchanged"), hsmtest.PIN, audit.InvalidState, "does not sign as its public key says"},
		"not to sign":          {k.URI(t, ";object=decrypts"), hsmtest.PIN, audit.InvalidState, "not for these signatures"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := hsm.Parse(c.uri)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = hsm.Open(u, given(c.pin))
			refuses(t, err, c.code, c.says)
		})
	}
}

// TestWrongPIN has a token to itself, where nobody is logged in.
func TestWrongPIN(t *testing.T) {
	k := hsmtest.New(t)
	k.Generate(t, hsmtest.Key{Label: "seal", ID: "01", Curve: hsmtest.P256})
	u, err := hsm.Parse(k.URI(t, ";object=seal"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = hsm.Open(u, given(hsmtest.PIN+"x"))
	refuses(t, err, audit.Forbidden, "refuses the PIN")

	// Where the PIN is changed while the program runs, the old one is tried once.
	pin, asked := hsmtest.PIN, 0
	signer, _, err := hsm.Open(u, func() (string, error) { asked++; return pin, nil })
	if err != nil || asked != 1 {
		t.Fatal(asked, err)
	}
	k.Stop()
	digest := sha512.Sum512(nil)
	_, err = signer.Sign(nil, digest[:], crypto.SHA512)
	refuses(t, err, audit.Unavailable, "CKR_CRYPTOKI_NOT_INITIALIZED")
	pin = hsmtest.PIN + "x"
	_, err = signer.Sign(nil, digest[:], crypto.SHA512)
	refuses(t, err, audit.Forbidden, "refuses the PIN")
	_, err = signer.Sign(nil, digest[:], crypto.SHA512)
	refuses(t, err, audit.Forbidden, "is not asked again")
	pin = hsmtest.PIN
	signs(t, signer, crypto.SHA512)
}

// TestSessionLost: what fails may be tried again, and works when the token does.
func TestSessionLost(t *testing.T) {
	k := hsmtest.New(t)
	k.Generate(t, hsmtest.Key{Label: "seal", ID: "01", Curve: hsmtest.P256})
	k.Generate(t, hsmtest.Key{Label: "other", ID: "02"})
	signer, other := open(t, k.URI(t, ";object=seal")), open(t, k.URI(t, ";object=other"))
	digest := sha256.Sum256(nil)
	lost := func(says string) {
		t.Helper()
		_, err := signer.Sign(nil, digest[:], crypto.SHA256)
		refuses(t, err, audit.Unavailable, says)
		if audit.Permanent(err) {
			t.Error("nobody would try again")
		}
	}
	k.CloseSessions(t)
	lost("CKR_SESSION_HANDLE_INVALID")
	signs(t, other, crypto.SHA256) // what failed there is nothing to it
	signs(t, signer, crypto.SHA256)

	k.Stop()
	lost("CKR_CRYPTOKI_NOT_INITIALIZED")
	signs(t, signer, crypto.SHA256)
	signs(t, other, crypto.SHA256)

	away := k.Dir + ".away"
	k.Stop()
	if err := os.Rename(k.Dir, away); err != nil {
		t.Fatal(err)
	}
	lost("CKR_CRYPTOKI_NOT_INITIALIZED")
	for range 2 {
		lost("")
	}
	os.RemoveAll(k.Dir) // a module may make it again
	if err := os.Rename(away, k.Dir); err != nil {
		t.Fatal(err)
	}
	signs(t, signer, crypto.SHA256)
	signs(t, other, crypto.SHA256)
}
