// Package hsm is about private keys that never leave a hardware security module:
// it names them by the URIs of RFC 7512 and signs with them through PKCS #11. It
// guards that the PIN is in no error, and that a token whose PIN was refused is not
// asked with the same one again, which would lock it. cmd/sealbook opens the key
// that seals reports with it.
//
// Talking to a module needs cgo and the build tag pkcs11; a program that was built
// without them reads the URIs, and says so.
package hsm

import (
	"encoding/hex"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

const scheme = "pkcs11:"

// URI names a private key in a token (RFC 7512). What is empty fits every token or
// key; Object and ID are not both empty. Its text is without the PIN.
type URI struct {
	Token, Serial, Manufacturer, Model string

	Slot   string // decimal, as slots change their number where tokens are plugged
	Object string // the key's label
	ID     []byte // its CKA_ID
	Module string // the module's file, an absolute path

	pinSource, pinValue string
}

// Is reports whether a setting's value is meant to be such a URI.
func Is(value string) bool {
	return len(value) >= len(scheme) && strings.EqualFold(value[:len(scheme)], scheme)
}

// Within reports whether there is such a URI somewhere in a text that is none, such
// as one with quotation marks around it. It is not to be shown.
func Within(text string) bool { return strings.Contains(strings.ToLower(text), scheme) }

// Parse reads a URI of the scheme pkcs11. Attributes that are not known here are
// refused: each narrows down which key is meant, and so must not be passed over.
// The error is InvalidParameter and has no attribute's value, as one is the PIN.
func Parse(text string) (URI, error) {
	var u URI
	if !Is(text) {
		return u, audit.Errorf(audit.InvalidParameter, "this is no URI of the scheme pkcs11")
	}
	path, query, _ := strings.Cut(text[len(scheme):], "?")
	id := ""
	err := attributes(path, ";", "path", map[string]*string{
		"token": &u.Token, "serial": &u.Serial, "manufacturer": &u.Manufacturer, "model": &u.Model,
		"slot-id": &u.Slot, "object": &u.Object, "id": &id, "type": new(string),
	})
	if err != nil {
		return URI{}, err
	}
	if err := attributes(query, "&", "query", map[string]*string{"module-path": &u.Module, "pin-source": &u.pinSource, "pin-value": &u.pinValue}); err != nil {
		return URI{}, err
	}
	u.ID = []byte(id)
	switch {
	case u.Object == "" && id == "":
		return URI{}, audit.Errorf(audit.InvalidParameter, "the pkcs11 URI names no key: it needs object=… or id=…")
	case !filepath.IsAbs(u.Module):
		return URI{}, audit.Errorf(audit.InvalidParameter, "the pkcs11 URI needs ?module-path=… with the absolute path of the module")
	case u.pinSource != "" && u.pinValue != "":
		return URI{}, audit.Errorf(audit.InvalidParameter, "the pkcs11 URI has both pin-source and pin-value")
	}
	if u.Slot != "" {
		if _, err := strconv.ParseUint(u.Slot, 10, 32); err != nil {
			return URI{}, audit.Errorf(audit.InvalidParameter, "slot-id of the pkcs11 URI is no number")
		}
	}
	return u, nil
}

func attributes(text, separator, part string, into map[string]*string) error {
	if text == "" {
		return nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(text, separator) {
		name, encoded, found := strings.Cut(pair, "=")
		target, known := into[name]
		switch {
		// The text of what is not name=value is anything, such as a PIN with an & in it.
		case !found:
			return audit.Errorf(audit.InvalidParameter, "the %s of the pkcs11 URI has an attribute without a value; %q in values is written %%%X", part, separator, separator)
		case !known:
			return audit.Errorf(audit.InvalidParameter, "the %s of the pkcs11 URI has an attribute that is not known here: known are %s", part, strings.Join(slices.Sorted(maps.Keys(into)), ", "))
		case seen[name]:
			return audit.Errorf(audit.InvalidParameter, "the pkcs11 URI has %s twice", name)
		}
		value, err := url.PathUnescape(encoded)
		if err != nil {
			return audit.Errorf(audit.InvalidParameter, "%s of the pkcs11 URI is not percent-encoded", name)
		}
		if name == "type" && value != "private" {
			return audit.Errorf(audit.InvalidParameter, "type of the pkcs11 URI can be private only")
		}
		*target, seen[name] = value, true
	}
	return nil
}

// String implements fmt.Stringer: it is the URI without the query, which may hold
// the PIN.
func (u URI) String() string {
	var parts []string
	for _, a := range []struct{ name, value string }{
		{"token", u.Token}, {"serial", u.Serial}, {"manufacturer", u.Manufacturer}, {"model", u.Model}, {"slot-id", u.Slot}, {"object", u.Object},
	} {
		if a.value != "" {
			parts = append(parts, a.name+"="+url.PathEscape(a.value))
		}
	}
	if len(u.ID) > 0 {
		id := strings.ToUpper(hex.EncodeToString(u.ID))
		var b strings.Builder
		for i := 0; i < len(id); i += 2 {
			b.WriteString("%" + id[i:i+2])
		}
		parts = append(parts, "id="+b.String())
	}
	return scheme + strings.Join(parts, ";")
}

// GoString implements fmt.GoStringer, which would otherwise show the PIN.
func (u URI) GoString() string { return u.String() }
