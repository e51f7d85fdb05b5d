package hsm

import (
	"os"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// PIN reads the PIN from where the URI says: pin-source is a file (file:/path or
// /path) or a variable of the environment (env:NAME), which lookup looks up; one
// line end after it is not part of it. It is empty when the URI says nothing of a
// PIN. The error is InvalidParameter and never has the PIN.
func (u URI) PIN(lookup func(name string) (string, bool)) (string, error) {
	if u.pinSource == "" {
		return u.pinValue, nil
	}
	// RFC 7512 lets a program be named as |/path: nothing here runs one.
	path, isFile := strings.CutPrefix(u.pinSource, "file:")
	path = strings.TrimPrefix(path, "//")
	name, isVariable := strings.CutPrefix(u.pinSource, "env:")
	var pin string
	switch {
	case isVariable:
		value, ok := lookup(name)
		if !ok {
			return "", audit.Errorf(audit.InvalidParameter, "pin-source: the variable %s is not set", name)
		}
		pin = value
	case (isFile || strings.HasPrefix(u.pinSource, "/")) && strings.HasPrefix(path, "/"):
		text, err := os.ReadFile(path)
		if err != nil {
			return "", audit.Errorf(audit.InvalidParameter, "pin-source: %w", err)
		}
		pin = string(text)
	default:
		return "", audit.Errorf(audit.InvalidParameter, "pin-source is a file, as in file:/path, or a variable, as in env:NAME")
	}
	pin = strings.TrimSuffix(strings.TrimSuffix(pin, "\n"), "\r")
	if pin == "" {
		return "", audit.Errorf(audit.InvalidParameter, "pin-source: there is no PIN")
	}
	return pin, nil
}
