//go:build pkcs11 && cgo

// Package hsmtest makes tokens of SoftHSM, a hardware security module in software.
// It guards that tests see neither the tokens of the machine nor each other's. Tests
// of keys in modules use it, with the build tag pkcs11.
package hsmtest

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/pkcs11"
)

// PIN is the tokens': what no error may have.
const PIN = "8246-very&secret"

// Token is a token with a label of its own.
type Token struct {
	Label string
	Dir   string // of all tokens of the process; while it is away, so are they
	ctx   *pkcs11.Ctx
	slot  uint
}

// The module reads its configuration once, so a process has one folder of tokens. It
// is left in the temporary folder, which make test-pkcs11 removes: the module may use it
// as long as it is loaded.
var prepare = sync.OnceValues(func() (dir string, err error) {
	home, err := os.MkdirTemp("", "sealbook-softhsm-*")
	if err != nil {
		return "", err
	}
	dir = filepath.Join(home, "tokens")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(home, "softhsm2.conf")
	text := "directories.tokendir = " + dir + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", err
	}
	return dir, os.Setenv("SOFTHSM2_CONF", file)
})

var made atomic.Int64

// Module is the file of SoftHSM; without it the test fails.
func Module(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/lib64/*/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("SoftHSM is missing: install the package softhsm2")
	return ""
}

// New makes a token. What was open in others has to be opened again: the module is
// started anew, to see the token.
func New(t testing.TB) *Token {
	t.Helper()
	module := Module(t)
	dir, err := prepare()
	if err != nil {
		t.Fatal(err)
	}
	k := &Token{Label: fmt.Sprintf("sealbook test %d", made.Add(1)), Dir: dir, ctx: pkcs11.New(module)}
	if out, err := exec.Command("softhsm2-util", "--module", module, "--init-token", "--free", "--label", k.Label, "--so-pin", "so-"+PIN, "--pin", PIN).CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	k.Stop()
	if err := k.ctx.Initialize(); err != nil {
		t.Fatal(err)
	}
	slots, err := k.ctx.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range slots {
		if i, err := k.ctx.GetTokenInfo(s); err == nil && strings.TrimRight(i.Label, " \x00") == k.Label {
			k.slot = s
			return k
		}
	}
	t.Fatal("the module does not see the new token")
	return nil
}

// Stop ends the module under whoever uses it, as a driver that dies does.
func (k *Token) Stop() {
	k.ctx.Finalize() // it may not run
}

// CloseSessions ends all sessions with the token, as its removal does.
func (k *Token) CloseSessions(t testing.TB) {
	t.Helper()
	if err := k.ctx.CloseAllSessions(k.slot); err != nil {
		t.Fatal(err)
	}
}

// URI names a key in the token, by what stands after the token's label, such as
// ";object=seal". It is without the PIN, for which "&pin-…" can be added.
func (k *Token) URI(t testing.TB, rest string) string {
	t.Helper()
	return "pkcs11:token=" + strings.ReplaceAll(k.Label, " ", "%20") + rest + "?module-path=" + Module(t)
}

func (k *Token) session(t testing.TB) pkcs11.SessionHandle {
	t.Helper()
	// Who failed to use the module last has ended it.
	if err := k.ctx.Initialize(); err != nil && err != pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		t.Fatal(err)
	}
	s, err := k.ctx.OpenSession(k.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err == nil {
		err = k.ctx.Login(s, pkcs11.CKU_USER, PIN)
	}
	if err != nil && err != pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN) { // all sessions of a process are, or none
		t.Fatal(err)
	}
	return s
}

// PutCertificate stores a certificate with an id.
func (k *Token) PutCertificate(t testing.TB, c *x509.Certificate, id string) {
	t.Helper()
	s := k.session(t)
	defer k.ctx.CloseSession(s)
	_, err := k.ctx.CreateObject(s, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE), pkcs11.NewAttribute(pkcs11.CKA_CERTIFICATE_TYPE, pkcs11.CKC_X_509),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, false), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(id)),
		pkcs11.NewAttribute(pkcs11.CKA_SUBJECT, c.RawSubject), pkcs11.NewAttribute(pkcs11.CKA_VALUE, c.Raw),
	})
	if err != nil {
		t.Fatal(err)
	}
}
