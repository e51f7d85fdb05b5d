package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/identity"
	"github.com/sealbook/sealbook/internal/passkey/passkeytest"
)

func (a *answer) raw(path string) json.RawMessage {
	a.t.Helper()
	v, ok := a.at(path)
	if !ok {
		a.t.Fatalf("no %s in %s", path, a.body)
	}
	text, err := json.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

// text is JSON of fields in turn: a name, a value.
func text(fields ...any) string {
	o := map[string]any{}
	for i := 0; i < len(fields); i += 2 {
		o[fields[i].(string)] = fields[i+1]
	}
	out, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// adding asks for what a credential has to answer.
func (m *member) adding() *answer {
	m.b.t.Helper()
	m.b.clock.move(30 * time.Second)
	return m.b.post(m.email, "~/auth/credentials/challenge", "{}").want(201)
}

func (m *member) addPasskey(c *answer, credential json.RawMessage, password string) *answer {
	m.b.t.Helper()
	return m.b.post(m.email, "~/auth/passkeys", text("nonce", c.text("data.nonce"), "name", " key on the desk ", "password", password, "code", m.code(), "credential", credential))
}

func newDevice(t *testing.T) *passkeytest.Device {
	return passkeytest.New(t, "https://audit.example.com", "audit.example.com")
}

// signWith signs a report with what a challenge calls for, and something else changed.
func (m *member) signWith(id string, c *answer, shown ...any) *answer {
	m.b.t.Helper()
	return m.b.post(m.email, "~/reports/"+id+"/signature", text(append([]any{
		"nonce", c.text("data.nonce"), "digest", c.text("data.digest"), "signature_meaning", c.text("data.signature_meaning"), "intent", true}, shown...)...))
}

func (m *member) asked(id string) *answer {
	m.b.t.Helper()
	return m.b.post(m.email, "~/reports/"+id+"/signature/challenge", "{}").want(201)
}

func TestSigningWithAPasskey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	officer := b.join("officer", audit.ComplianceOfficer)
	officer.signIn()
	device := newDevice(t)
	key := officer.addPasskey(officer.adding(), device.Create(officer.adding().raw("data.passkey")), goodPassword)
	key.want(401) // the answer is to another challenge
	c := officer.adding()
	created := device.Create(c.raw("data.passkey"))
	officer.addPasskey(c, created, "not the password").want(401)
	key = officer.addPasskey(c, created, goodPassword).want(201)
	if key.text("data.name") != "key on the desk" || len(b.entriesOf(b.ledger, "audit.passkey_added")) != 1 {
		t.Errorf("%s", key.body)
	}
	b.clock.move(30 * time.Second)
	officer.addPasskey(c, created, goodPassword).want(409) // twice
	if shown := b.get(officer.email, "~/auth/credentials").want(200); shown.text("data.passkeys.0.passkey_id") != key.text("data.passkey_id") || shown.text("data.components.1") != "totp" {
		t.Errorf("%s", shown.body)
	}

	id := p.awaiting(officer, "approval")
	failed := 0
	refuse := func(what string, status int, change func(c *answer) []any) {
		t.Helper()
		c := officer.asked(id)
		if got := officer.signWith(id, c, change(c)...); got.status != status {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		} else if status == 401 {
			failed++
		}
	}
	good := func(c *answer) json.RawMessage { return device.Sign(c.raw("data.ways.1.passkey")) }
	refuse("a passkey without a password", 422, func(c *answer) []any { return []any{"passkey", good(c)} })
	refuse("a passkey and a code", 422, func(c *answer) []any {
		return []any{"password", goodPassword, "code", officer.code(), "passkey", good(c)}
	})
	refuse("a wrong password", 401, func(c *answer) []any { return []any{"password", "wrong", "passkey", good(c)} })
	refuse("no answer", 401, func(*answer) []any { return []any{"password", goodPassword, "passkey", map[string]any{}} })
	refuse("the answer to an earlier challenge", 401, func(c *answer) []any {
		officer.b.post(officer.email, "~/reports/"+id+"/signature/challenge", "{}").want(201)
		return []any{"password", goodPassword, "passkey", good(c), "nonce", officer.asked(id).text("data.nonce")}
	})
	refuse("a stranger's device", 401, func(c *answer) []any {
		return []any{"password", goodPassword, "passkey", newDevice(t).Sign(c.raw("data.ways.1.passkey"))}
	})
	if n := len(b.entriesOf(b.ledger, "audit.signature_failed")); n != failed || failed != 4 {
		t.Errorf("%d of %d failures are entries", n, failed)
	}
	c = officer.asked(id)
	if c.text("data.ways.1.components.1") != "passkey" {
		t.Errorf("%s", c.body)
	}
	signed := officer.signWith(id, c, "password", goodPassword, "passkey", good(c)).want(201)
	if string(signed.raw("data.components")) != `["password","passkey"]` {
		t.Errorf("%s", signed.body)
	}
	e := b.entriesOf(b.ledger, "audit.signature_executed")
	if len(e) != 1 || !strings.Contains(fmt.Sprint(e[0].Details), key.text("data.passkey_id")) {
		t.Errorf("%v", e)
	}

	// A copy of the device is behind.
	next := p.awaiting(officer, "approval")
	device.Counter, device.Still = 1, true
	c = officer.asked(next)
	officer.signWith(next, c, "password", goodPassword, "passkey", good(c)).want(401)

	b.send(request{method: "DELETE", path: "~/auth/passkeys/" + key.text("data.passkey_id"), as: officer.email}).want(204)
	b.send(request{method: "DELETE", path: "~/auth/passkeys/" + key.text("data.passkey_id"), as: officer.email}).want(404)
	if c := officer.asked(next); strings.Contains(string(c.body), `"passkey"`) {
		t.Errorf("a removed passkey is asked for: %s", c.body)
	}
	b.whole()
}

// TestGuessesWithAPasskeyLock: a password is guessed no more often beside a passkey.
func TestGuessesWithAPasskeyLock(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	officer := b.join("officer", audit.ComplianceOfficer)
	officer.signIn()
	device := newDevice(t)
	c := officer.adding()
	officer.addPasskey(c, device.Create(c.raw("data.passkey")), goodPassword).want(201)
	id := p.awaiting(officer, "approval")
	for range audit.MaxSignInFails {
		c := officer.asked(id)
		officer.signWith(id, c, "password", "a guess", "passkey", device.Sign(c.raw("data.ways.1.passkey"))).want(401)
	}
	b.post(officer.email, "~/reports/"+id+"/signature/challenge", "{}").want(403)
}

func TestPasskeysHaveLimits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	officer := b.join("officer", audit.ComplianceOfficer)
	officer.signIn()
	for range audit.MaxPasskeys {
		c := officer.adding()
		officer.addPasskey(c, newDevice(t).Create(c.raw("data.passkey")), goodPassword).want(201)
	}
	c := officer.adding()
	officer.addPasskey(c, newDevice(t).Create(c.raw("data.passkey")), goodPassword).want(409)
	for _, name := range []string{"", strings.Repeat("x", audit.MaxPersonFields+1), "a\nb"} {
		b.post(officer.email, "~/auth/passkeys", text("nonce", "n", "name", name, "password", "p", "code", "c", "credential", map[string]any{})).want(422)
	}
	b.post(officer.email, "~/auth/passkeys", `{"nonce":"n","name":"x","credential":null}`).want(422)
	for _, nonce := range []string{"n", "a.b.c", "nonce_x.AAAAAAAAAAA.x"} {
		b.post(officer.email, "~/auth/passkeys", text("nonce", nonce, "name", "x", "password", "p", "code", "c", "credential", map[string]any{})).want(409)
	}
	b.clock.move(audit.ChallengeLife)
	officer.addPasskey(c, newDevice(t).Create(c.raw("data.passkey")), goodPassword).want(409)
	c = officer.adding()
	officer.signIn()
	officer.addPasskey(c, newDevice(t).Create(c.raw("data.passkey")), goodPassword).want(409) // of another session
	b.get("full", "~/auth/credentials").want(409)                                             // an API key has none
	// A reset takes all of them.
	admin := b.join("admin", audit.Administrator, audit.ComplianceOfficer)
	reset := b.post(admin.signIn(), "~/directory/users/"+officer.id+"/reset", "{}").want(200)
	officer.enrol(reset.text("data.enrolment_code"))
	officer.signIn()
	if shown := b.get(officer.email, "~/auth/credentials").want(200); string(shown.raw("data.passkeys")) != `[]` {
		t.Errorf("%s", shown.body)
	}
	b.whole()
}

// authenticated is an ID token of somebody who authenticated now, for a nonce.
func (p people) authenticated(who, nonce string, more map[string]any) string {
	claims := map[string]any{
		"iss": p.provider.URL, "aud": "sealbook-console", "sub": who, "nonce": nonce, "acr": "mfa",
		"auth_time": p.clock.now().Unix(), "exp": p.clock.now().Add(time.Minute).Unix(), "iat": p.clock.now().Unix(),
	}
	for k, v := range more {
		claims[k] = v
	}
	return p.provider.Token("ES256", claims)
}

func (m *member) link(nonce, token string) *answer {
	m.b.t.Helper()
	return m.b.send(request{method: "PUT", path: "~/auth/identity", as: m.email, body: []byte(text("nonce", nonce, "password", goodPassword, "code", m.code(), "id_token", token))})
}

func TestSigningByTheProvider(t *testing.T) {
	t.Parallel()
	b := newPeople(t)
	p := newPress(b.bench)
	officer, other := b.join("officer", audit.ComplianceOfficer), b.join("other", audit.ComplianceOfficer)
	officer.signIn()
	other.signIn()
	id := p.awaiting(officer, "approval")
	c := officer.asked(id)
	if len(c.raw("data.ways")) == 0 || strings.Contains(string(c.body), `"oidc"`) {
		t.Errorf("nothing is linked yet: %s", c.body)
	}
	officer.signWith(id, c, "id_token", b.authenticated("u1", c.text("data.nonce"), nil)).want(409)

	add := officer.adding()
	if add.text("data.oidc.client_id") != "sealbook-console" || add.text("data.oidc.issuer") != b.provider.URL || add.text("data.oidc.nonce") != add.text("data.nonce") {
		t.Errorf("%s", add.body)
	}
	nonce := add.text("data.nonce")
	officer.link(nonce, b.authenticated("u1", "another", nil)).want(401)
	officer.link("another", b.authenticated("u1", nonce, nil)).want(409)
	linked := officer.link(nonce, b.authenticated("u1", nonce, nil)).want(200)
	if linked.text("data.subject") != "u1" || b.get(officer.email, "~/auth/credentials").want(200).text("data.identity.subject") != "u1" {
		t.Errorf("%s", linked.body)
	}
	nonce = other.adding().text("data.nonce")
	other.link(nonce, b.authenticated("u1", nonce, nil)).want(409) // nobody is two people

	// Who asks with a token of the provider is the person who is linked to it.
	b.token("u1", "org_test", "officers", map[string]any{"email": "another@example.com"})
	b.post("u1", "~/reports", fmt.Sprintf(`{"report_type":"audit_trail","period":{"start":"2024-01-01","end":"2024-03-31"},
		"digital_signature":{"required":true,"signatory":%q,"signature_meaning":"approval"}}`, officer.email), "Prefer", "wait=0").want(422)

	refuse := func(what string, status int, who string, more map[string]any) {
		t.Helper()
		c := officer.asked(id)
		if got := officer.signWith(id, c, "id_token", b.authenticated(who, c.text("data.nonce"), more)); got.status != status {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	refuse("somebody else", 401, "u2", nil)
	refuse("a weak authentication", 401, "u1", map[string]any{"acr": "pwd"})
	refuse("an authentication of before", 401, "u1", map[string]any{"auth_time": b.clock.now().Add(-identity.ClockSkew - time.Second).Unix()})
	refuse("a token for the API", 401, "u1", map[string]any{"aud": "sealbook"})
	c = officer.asked(id)
	officer.signWith(id, c, "id_token", "x.y.z").want(401)
	c = officer.asked(id)
	officer.signWith(id, c, "password", goodPassword, "id_token", b.authenticated("u1", c.text("data.nonce"), nil)).want(422)
	if n := len(b.entriesOf(b.ledger, "audit.signature_failed")); n != 6 {
		t.Errorf("%d failures are entries", n)
	}
	c = officer.asked(id)
	if c.text("data.ways.1.oidc.nonce") != c.text("data.nonce") || c.text("data.ways.1.components.0") != "oidc" {
		t.Errorf("%s", c.body)
	}
	signed := officer.signWith(id, c, "id_token", b.authenticated("u1", c.text("data.nonce"), nil)).want(201)
	if string(signed.raw("data.components")) != `["oidc"]` {
		t.Errorf("%s", signed.body)
	}
	if e := b.entriesOf(b.ledger, "audit.signature_executed"); len(e) != 1 || !strings.Contains(fmt.Sprint(e[0].Details), "acr:mfa") {
		t.Errorf("%v", e)
	}
	b.send(request{method: "DELETE", path: "~/auth/identity", as: officer.email}).want(204)
	b.send(request{method: "DELETE", path: "~/auth/identity", as: officer.email}).want(404)
	nonce = other.adding().text("data.nonce")
	other.link(nonce, b.authenticated("u1", nonce, nil)).want(200)
	b.whole()
}

// TestWithoutAProvider there is nothing to link, and the challenge says so.
func TestWithoutAProvider(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	officer := b.join("officer", audit.ComplianceOfficer)
	officer.signIn()
	c := officer.adding()
	if v, there := c.at("data.oidc"); !there || v != nil {
		t.Errorf("%s", c.body)
	}
	officer.link(c.text("data.nonce"), "a token").want(409)
}
