package api

import "github.com/sealbook/sealbook/audit"

// sensitive reports whether an entry's detail needs audit:read:sensitive: a
// security event, a critical entry, or one that cannot be believed when it
// says that it is neither.
func sensitive(e audit.Entry) bool {
	return e.Class == audit.ClassSecurity || e.Severity == audit.SeverityCritical || !e.Verified
}
