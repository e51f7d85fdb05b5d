//go:build !pkcs11 || !cgo

package main

import (
	"debug/buildinfo"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoHSM: a program that cannot talk to security modules says so, without what
// the setting says of the PIN.
func TestNoHSM(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	invoke(t, nil, "", "certificate", "--development", "--dir", dir).want(t, exitOK)
	program, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range program.Deps {
		if strings.Contains(m.Path, "pkcs11") {
			t.Errorf("%s is linked", m.Path)
		}
	}
	for key, says := range map[string]string{
		"'pkcs11:object=seal?module-path=/m.so&pin-value=very-secret'": "SEALBOOK_REPORT_KEY: this is not where a pkcs11: URI can stand",
		"pkcs11:object=seal?module-path=/m.so&pin-value=very-secret":   "this program was built without PKCS#11; build with -tags pkcs11",
		"pkcs11:object=seal?pin-value=very-secret":                     "needs ?module-path=",
	} {
		r := invoke(t, []string{
			"SEALBOOK_DATABASE_URL=postgres://127.0.0.1:1/x", "SEALBOOK_SIGNER_KEY=" + filepath.Join(dir, reportKeyFile), "SEALBOOK_ARTIFACTS=file://" + dir, "SEALBOOK_PEPPER_FILE=" + pepperIn(t),
			"SEALBOOK_REPORT_KEY=" + key, "SEALBOOK_REPORT_CERTIFICATE=" + filepath.Join(dir, reportCertificateFile),
		}, "", "worker").want(t, exitUsage).says(t, says)
		if strings.Contains(r.stdout+r.stderr, "very-secret") {
			t.Errorf("the PIN is in %s%s", r.stdout, r.stderr)
		}
	}
}
