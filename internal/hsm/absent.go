//go:build !pkcs11 || !cgo

package hsm

import (
	"crypto"
	"crypto/x509"

	"github.com/sealbook/sealbook/audit"
)

// Open says that this program cannot talk to modules. The error is InvalidState.
func Open(URI, func() (string, error)) (crypto.Signer, []*x509.Certificate, error) {
	return nil, nil, audit.Errorf(audit.InvalidState, "this program was built without PKCS#11; build with -tags pkcs11, which needs cgo")
}
