package api_test

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/seal"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

const goodPassword = "a long enough password"

// member is a person of the bench's organisation who has enrolled.
type member struct {
	b      *bench
	id     string
	email  string
	secret []byte
}

// join puts a person with roles into the directory, as an operator would.
func (b *bench) join(name string, roles ...audit.RoleName) *member {
	b.t.Helper()
	if len(name) > 13 {
		b.t.Fatalf("%s is too long for an id", name)
	}
	sealer, err := seal.New(pepper)
	if err != nil {
		b.t.Fatal(err)
	}
	code, err := account.NewCode()
	if err != nil {
		b.t.Fatal(err)
	}
	hash := sealer.MAC(account.PlainCode(code))
	now := b.clock.now()
	until := now.Add(audit.EnrolmentLife)
	m := &member{b: b, id: fmt.Sprintf("user_%026s", hex.EncodeToString([]byte(name))), email: name + "@example.com"}
	b.apply(store.InsertPerson(store.Person{ID: audit.PersonID(m.id), Ledger: b.ledger, Email: m.email, Name: name, Roles: roles, CreatedBy: "operator x",
		CreatedAt: now, CodeHash: hash, CodeUntil: &until}))
	m.enrol(code)
	return m
}

func (m *member) enrol(code string) {
	m.b.t.Helper()
	text := m.b.post("", "~/auth/enrol", fmt.Sprintf(`{"code":%q,"password":%q}`, code, goodPassword)).want(200).text("data.totp_secret")
	var err error
	if m.secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text); err != nil {
		m.b.t.Fatal(err)
	}
	m.b.post("", "~/auth/enrol/confirm", fmt.Sprintf(`{"code":%q,"totp":%q}`, code, m.code())).want(204)
}

func (m *member) code() string { return account.Code(m.secret, m.b.clock.now()) }

// signIn waits for a code that was not used, and makes the session's token a key
// of the bench.
func (m *member) signIn() (as string) {
	m.b.t.Helper()
	m.b.clock.move(30 * time.Second)
	m.b.keys[m.email] = m.b.post("", "~/auth/login", m.body()).want(200).text("data.token")
	return m.email
}

func (m *member) body() string {
	return fmt.Sprintf(`{"email":%q,"password":%q,"code":%q}`, m.email, goodPassword, m.code())
}

// TestOneCodeSignsInOnce: of many requests with one code, one wins.
func TestOneCodeSignsInOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := b.join("ann", audit.Viewer)
	b.clock.move(30 * time.Second)
	body := m.body()
	var mu sync.Mutex
	var all sync.WaitGroup
	statuses := map[int]int{}
	for range 8 {
		all.Go(func() {
			a := b.post("", "~/auth/login", body)
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	all.Wait()
	if statuses[200] != 1 || statuses[401] != 7 {
		t.Errorf("%v", statuses)
	}
	if n := len(b.entriesOf(b.ledger, "audit.session_started")); n != 1 {
		t.Errorf("%d sessions are recorded", n)
	}
}

// TestTheLockEnds by itself, attempts or not, and five more failures make another.
func TestTheLockEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := b.join("ann", audit.Viewer)
	wrong := func(n int) {
		for range n {
			b.post("", "~/auth/login", strings.Replace(m.body(), goodPassword, "not the password", 1)).want(401)
		}
	}
	locked := func() bool {
		_, there := b.get("full", "~/directory/users/"+m.id).want(200).at("data.locked_until")
		return there
	}
	wrong(audit.MaxSignInFails)
	if !locked() {
		t.Fatal("the account is not locked")
	}
	b.clock.move(audit.SignInLock - time.Minute)
	wrong(3) // they move nothing
	b.clock.move(time.Minute)
	if locked() {
		t.Error("the lock does not end")
	}
	wrong(audit.MaxSignInFails - 1)
	m.signIn()
	wrong(audit.MaxSignInFails)
	if !locked() {
		t.Error("the account is not locked again")
	}
}

// TestSigningTakesTwoAfterAReset: an administrator who resets somebody's
// credentials cannot make them sign.
func TestSigningTakesTwoAfterAReset(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second := b.join("first", audit.Administrator, audit.ComplianceOfficer), b.join("secnd", audit.Administrator)
	officer := b.join("officer", audit.ComplianceOfficer)
	path := "~/directory/users/" + officer.id
	if a := b.get("full", path).want(200); a.text("data.status") != "active" || !strings.Contains(string(a.body), `"can_sign":true`) {
		t.Errorf("%s", a.body)
	}
	as := first.signIn()
	may := func(as string) bool {
		return strings.Contains(string(b.get(as, "~/me").want(200).body), `"audit:reports:sign"`)
	}
	if !may(officer.signIn()) {
		t.Error("an officer may not sign")
	}
	// A key is whoever made it, and so cannot be one of two.
	b.post("full", path+"/reset", "{}").want(409)
	b.post("full", path+"/confirm-reset", "{}").want(409)
	// Who may not sign themselves may not hand out an account that does.
	b.post(second.signIn(), path+"/reset", "{}").want(403)
	b.post(as, "~/directory/users/"+first.id+"/reset", "{}").want(409)
	officer.enrol(b.post(as, path+"/reset", "{}").want(200).text("data.enrolment_code"))
	if a := b.get("full", path).want(200); !strings.Contains(a.text("data.cannot_sign_reason"), "reset the credentials") {
		t.Errorf("%s", a.body)
	}
	b.get(officer.email, "~/me").want(401)
	if may(officer.signIn()) {
		t.Error("somebody whose credentials were reset may sign")
	}
	b.post(as, path+"/confirm-reset", "{}").want(409)
	b.post(officer.signIn(), path+"/confirm-reset", "{}").want(403)
	if a := b.post(second.signIn(), path+"/confirm-reset", "{}").want(200); !strings.Contains(string(a.body), `"can_sign":true`) {
		t.Errorf("%s", a.body)
	}
	if !may(officer.email) {
		t.Error("after the confirmation the officer may not sign")
	}
	b.post(second.email, path+"/confirm-reset", "{}").want(409)
	b.post("admin", path+"/deactivate", "{}").want(200)
	if a := b.get("full", path).want(200); a.text("data.cannot_sign_reason") != "the account is not active" {
		t.Errorf("%s", a.body)
	}
}

// TestNothingSecretIsKept: neither the ledger nor the log has a password, a code,
// a secret or a token.
func TestNothingSecretIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := b.join("ann", audit.Viewer)
	m.signIn()
	b.post("", "~/auth/login", strings.Replace(m.body(), goodPassword, "a wrong one, for once", 1)).want(401)
	b.flush()
	var types []string
	secrets := []string{goodPassword, "a wrong one, for once", account.CodeText(m.secret), b.keys[m.email]}
	for row, err := range b.log.Rows(t.Context(), b.ledger, 0, 100) {
		if err != nil {
			break
		}
		e, err := row.Entry()
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, e.Type)
		for _, secret := range secrets {
			if strings.Contains(fmt.Sprint(e), secret) {
				t.Errorf("%s holds %q", e.Type, secret)
			}
		}
	}
	for _, want := range []string{"audit.enrolment_begun", "audit.enrolled", "audit.session_started", "audit.sign_in_failed"} {
		if !slices.Contains(types, want) {
			t.Errorf("there is no %s in %v", want, types)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(b.logged.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// TestRefusalsTakeAsLong: an address that nobody has and a password that is wrong
// take at least the same time, and so many from one address are too many.
func TestRefusalsTakeAsLong(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) {
		c.SignInFloor, c.SignInRate, c.SignInBurst = 300*time.Millisecond, 1, 4
	})
	for _, email := range []string{"nobody@example.com", "", "x"} {
		began := time.Now()
		b.post("", "~/auth/login", fmt.Sprintf(`{"email":%q,"password":"p","code":"1"}`, email)).want(401)
		if took := time.Since(began); took < 300*time.Millisecond {
			t.Errorf("%q took %s", email, took)
		}
	}
	b.post("", "~/auth/enrol", `{"code":"x","password":"p"}`).want(401)
	a := b.post("", "~/auth/login", `{"email":"a","password":"p","code":"1"}`).want(http.StatusTooManyRequests)
	if a.header.Get("Retry-After") == "" {
		t.Errorf("%v", a.header)
	}
	b.get("basic", "~/me").want(200) // who has a credential is not held back
}

// TestPasswordsAreCostly: an API that is told of no cost has the standard one, in
// the password of an enrolment and in a new one.
func TestPasswordsAreCostly(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.PasswordCost = account.Cost{} })
	const costly = "update person set name = name where password like '$argon2id$v=19$m=19456,t=2,p=1$%'"
	m := b.join("ann", audit.Viewer)
	b.superuser(costly)
	as := m.signIn()
	b.clock.move(30 * time.Second)
	b.post(as, "~/auth/password", fmt.Sprintf(`{"current_password":%q,"new_password":"another long password","code":%q}`, goodPassword, m.code())).want(204)
	b.superuser(costly)
}
