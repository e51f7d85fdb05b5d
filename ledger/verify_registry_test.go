package ledger_test

import (
	"strings"
	"testing"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// What the registry reveals: ledgers, tails and histories that were removed
// together with everything that stood beside them.
func TestRegistryReveals(t *testing.T) {
	t.Parallel()
	everything := func(where string) (statements []string) {
		for _, table := range []string{"entry", "payload", "tile", "checkpoint", "external_id", "request_key", "registration", "head"} {
			statements = append(statements, "delete from "+table+" where ledger = "+where)
		}
		return append(statements, "delete from ledger where id = "+where)
	}
	for name, c := range map[string]struct {
		statements []string
		kind       ledger.ProblemKind
		says       string
	}{
		"a whole ledger":             {everything("2"), ledger.LostLedger, "ledger.test/org_second"},
		"a tail with its head":       {[]string{`update head set size = 20 where ledger = 1`}, ledger.LostTail, "the entries 20 to 29 are gone"},
		"another root":               {[]string{`update checkpoint set root = sha256('x') where ledger = 1 and size = 30`}, ledger.Forked, "another"},
		"a ledger of its own":        {[]string{`insert into ledger select 7, 'org_x', 'ledger.test/org_x', genesis, created_at from ledger where id = 1`}, ledger.WrongRegistry, "ledger.test/org_x is not named"},
		"a registration gone":        {[]string{`delete from registration where size = 30`}, ledger.WrongRegistry, "lacks ledger 1 at 30"},
		"a registration added":       {[]string{`insert into registration values (1, 7)`}, ledger.WrongRegistry, "table registration has"},
		"a publication's note":       {[]string{`update publication set note = replace(note, 'ledger.test', 'ledger.tost')`}, ledger.Forked, "what was published"},
		"a publication's root":       {[]string{`update publication set root = sha256('x')`}, ledger.Forked, "what was published"},
		"a publication to come":      {[]string{`insert into publication select 99, root, note, created_at from publication limit 1`}, ledger.LostTail, "was published with 99"},
		"a publication in between":   {[]string{`insert into publication select 2, root, note, created_at from publication limit 1`}, ledger.Forked, "at 2 entries"},
		"a key of nobody":            {[]string{`insert into signing_key values (sha256('x'), now())`}, ledger.WrongRegistry, "which the registry does not name"},
		"a key gone":                 {[]string{`delete from signing_key where introduction is not null`}, ledger.WrongRegistry, "lacks the key"},
		"a key retired":              {[]string{`update signing_key set retired_at = now()`}, ledger.WrongRegistry, "something else of the key"},
		"a key's time":               {[]string{`update signing_key set added_at = now()`}, ledger.WrongRegistry, "something else of the key"},
		"a key introduced by no one": {[]string{`update signing_key set introduction = 'x' where introduction is not null`}, ledger.WrongRegistry, "something else of the key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistered(t)
			ledgertest.Append(t, r.log, r.id, 0, 30)
			second, err := r.log.Create(t.Context(), "org_second")
			if err != nil {
				t.Fatal(err)
			}
			ledgertest.Append(t, r.log, second.ID, 0, 3)
			next, err := ledger.GenerateSigningKey()
			if err != nil {
				t.Fatal(err)
			}
			if err := r.log.AddKey(t.Context(), next); err != nil {
				t.Fatal(err)
			}
			r.publish()
			ledgertest.Append(t, r.log, r.id, 30, 3)
			r.publish()
			if v, err := r.log.VerifyRegistry(t.Context(), ledger.Registry, ledger.VerifyOptions{}); err != nil || !v.OK() {
				t.Fatalf("not whole before: %+v %v", v.Problems, err)
			}
			superuser(t, r.dsn, c.statements...)
			v, err := r.log.VerifyRegistry(t.Context(), ledger.Registry, ledger.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range v.Problems {
				if p.Kind == c.kind && strings.Contains(p.Message, c.says) {
					return
				}
			}
			t.Errorf("%s with %q is not in %+v", c.kind, c.says, v.Problems)
		})
	}
}
