package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/identity"
	"github.com/sealbook/sealbook/internal/identity/identitytest"
	"github.com/sealbook/sealbook/ledger"
)

// people is a bench with a provider of tokens, whose texts stand among the
// keys.
type people struct {
	*bench
	provider *identitytest.Provider
}

func newPeople(t *testing.T) people {
	t.Helper()
	p := people{provider: identitytest.New(t)}
	p.bench = newBench(t, func(c *api.Config, _ *ledger.Config) {
		var err error
		c.Identity, err = identity.New(identity.Config{
			Issuer: p.provider.URL, Audience: "sealbook", OrganisationClaim: "organisation", RolesClaim: "roles", ConstraintsClaim: "constraints", Clock: c.Clock,
			ClientID: "sealbook-console", StepUpACR: []string{"phr", "mfa"},
			Roles: map[string]audit.RoleName{"readers": audit.Viewer, "officers": audit.ComplianceOfficer, "admins": audit.Administrator, "outside": audit.Auditor},
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	return p
}

// token keeps a token of a person under a name.
func (p people) token(name, organisation, role string, more map[string]any) {
	p.t.Helper()
	claims := map[string]any{
		"iss": p.provider.URL, "aud": "sealbook", "sub": name, "name": "Ada " + name, "email": name + "@example.com",
		"exp": p.clock.now().Add(time.Hour).Unix(), "organisation": organisation, "roles": []string{role},
	}
	for k, v := range more {
		claims[k] = v
	}
	p.keys[name] = p.provider.Token("ES256", claims)
}

func TestPeopleUseTokens(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.token("officer", "org_test", "officers", nil)
	p.token("reader", "org_test", "readers", nil)
	p.token("nobody", "org_test", "unheard of", nil)
	p.token("stranger", "org_unknown", "officers", nil)
	p.token("foreigner", "org_other", "officers", nil)
	p.token("late", "org_test", "officers", map[string]any{"exp": p.clock.now().Add(-2 * identity.ClockSkew).Unix()})
	p.token("misdirected", "org_test", "officers", map[string]any{"aud": "another"})
	id := p.post("full", "~/entries", `{"event_type":"security_event","severity":"low","description":"d"}`).want(201).text("data.id")

	me := p.get("officer", "~/me").want(200)
	if me.text("data.type") != "user" || me.text("data.id") != "officer" || me.text("data.email") != "officer@example.com" || me.text("data.organisation.id") != "org_test" ||
		me.text("data.roles.0") != "compliance_officer" || me.text("data.expires_at") == "" {
		t.Errorf("%s", me.body)
	}
	p.get("officer", "~/entries/"+id).want(200)
	p.get("reader", "~/entries/"+id).want(403)
	p.get("foreigner", "~/entries/"+id).want(404)
	// Known without permission is 403, and may know so; not known is 401.
	if a := p.get("nobody", "~/entries").want(403); a.text("error.details.required_permission") != "audit:read:basic" {
		t.Errorf("%s", a.body)
	}
	p.get("nobody", "~/me").want(200)
	for _, name := range []string{"stranger", "late", "misdirected"} {
		p.get(name, "~/entries").want(401)
		p.get(name, "~/me").want(401)
	}
	p.keys["noise"] = "a.b.c"
	if a := p.get("noise", "~/me").want(401); a.header.Get("WWW-Authenticate") == "" {
		t.Error("no WWW-Authenticate")
	}

	// What a person does is theirs in the ledger.
	p.flush()
	read := p.get("full", "~/logs?event_type=audit.entry_read&limit=1").want(200)
	if actor, _ := read.at("data.0.actor"); actor.(map[string]any)["type"] != "user" || read.text("data.0.actor.id") != "officer" ||
		read.text("data.0.actor.name") != "Ada officer" || read.text("data.0.actor.email") != "officer@example.com" {
		t.Errorf("%s", read.body)
	}
	p.whole()
}

func TestPeopleGrantAndAreConstrained(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.token("admin", "org_test", "admins", nil)
	p.token("auditor", "org_test", "outside", map[string]any{"constraints": map[string]any{"repositories": []string{"r1"}}})
	p.token("unbounded", "org_test", "outside", nil)
	p.post("full", "~/entries/bulk", `{"entries":[{"event_type":"scan.started","repository":{"id":"r1"}},{"event_type":"scan.started","repository":{"id":"r2"}}]}`).want(201)

	made := p.post("admin", "~/api-keys", `{"name":"for long","role":"ingest"}`).want(201) // although the token ends soon
	if by := made.text("data.created_by"); by != "user admin" {
		t.Error(by)
	}
	p.post("admin", "~/api-keys", `{"name":"x","role":"analyst"}`).want(403)
	if n := p.get("auditor", "~/entries").want(200).number("pagination.total"); n != 1 {
		t.Errorf("the auditor sees %d entries", n)
	}
	p.get("auditor", "~/tile/entries/000.p/1").want(403)
	p.get("unbounded", "~/entries").want(403)
}

func TestAProviderThatIsDownConcernsTokensAlone(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.token("officer", "org_test", "officers", nil)
	p.provider.SetDown(true)
	a := p.get("officer", "~/entries").want(http.StatusServiceUnavailable)
	if a.header.Get("Retry-After") == "" || a.header.Get("WWW-Authenticate") != "" || a.text("error.code") != "UNAVAILABLE" {
		t.Errorf("%v %s", a.header, a.body)
	}
	p.get("full", "~/entries").want(200)
	p.provider.SetDown(false)
	p.clock.move(identity.FailureLife)
	p.get("officer", "~/entries").want(200)
	p.provider.SetDown(true) // known keys last
	p.get("officer", "~/entries").want(200)
}

// TestTokensWithoutAProvider: an installation that has none says what it said
// before.
func TestTokensWithoutAProvider(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.keys["token"] = "a.b.c"
	b.get("token", "~/entries").want(401)
}
