package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/account"
)

// TestCodesOfRFC6238 are the vectors of its appendix B for SHA-1, of which
// authenticators show the last six digits.
func TestCodesOfRFC6238(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for unix, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := account.Code(secret, time.Unix(unix, 0)); got != want {
			t.Errorf("%d: %s, not %s", unix, got, want)
		}
	}
}

func TestMatchCode(t *testing.T) {
	t.Parallel()
	secret, err := account.NewCodeSecret()
	if err != nil || len(secret) != 20 {
		t.Fatal(secret, err)
	}
	now := time.Unix(1_700_000_010, 0)
	for offset, want := range map[time.Duration]bool{0: true, -30 * time.Second: true, 30 * time.Second: true, -60 * time.Second: false, 60 * time.Second: false} {
		step, ok := account.MatchCode(secret, account.Code(secret, now.Add(offset)), now)
		if ok != want || ok && step != now.Add(offset).Unix()/30 {
			t.Errorf("%s: %d %t", offset, step, ok)
		}
	}
	for _, code := range []string{"", "12345", "1234567", account.Code([]byte("another secret"), now)} {
		if _, ok := account.MatchCode(secret, code, now); ok {
			t.Errorf("%q is taken", code)
		}
	}
	uri := account.CodeURI(secret, "Sealbook", "ann@example.com")
	if !strings.HasPrefix(uri, "otpauth://totp/Sealbook:ann@example.com?") || !strings.Contains(uri, "secret="+account.CodeText(secret)) {
		t.Error(uri)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	hash, err := account.StandardCost.HashPassword("correct horse battery")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(hash, err)
	}
	again, err := account.StandardCost.HashPassword("correct horse battery")
	if err != nil || again == hash {
		t.Error("two hashes of one password are the same", err)
	}
	// Of another implementation: argon2 of Debian, with other parameters.
	const other = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY$"
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{hash, "correct horse battery", true}, {hash, "correct horse batterz", false}, {hash, "", false}, {"", "", false}, {"", "anything at all", false},
		{"nonsense", "x", false}, {strings.Replace(hash, "argon2id", "argon2i", 1), "correct horse battery", false}, {other, "x", false},
		{strings.Replace(hash, "t=2", "t=0", 1), "correct horse battery", false}, {strings.Replace(hash, "v=19", "v=16", 1), "correct horse battery", false},
	} {
		if got := account.StandardCost.MatchPassword(c.hash, c.password); got != c.want {
			t.Errorf("%q of %q: %t", c.password, c.hash, got)
		}
	}
	for password, good := range map[string]bool{
		"elevenchars": false, "twelve chars": true, "ääääääääääöä": true, "aaaaaaaaaaaaaaa": false, strings.Repeat("ab", 128): true, strings.Repeat("ab", 129): false,
		"my ann@example.com pass": false, "\xff\xfe bad bytes here": false, "": false,
	} {
		if why := account.CheckPassword(password, "Ann@example.com"); (why == "") != good {
			t.Errorf("%q: %s", password, why)
		}
	}
}

func TestCodesAndTokens(t *testing.T) {
	t.Parallel()
	code, err := account.NewCode()
	if err != nil || len(code) != 30 || account.PlainCode(strings.ToLower(strings.ReplaceAll(code, "-", " "))) != strings.ReplaceAll(code, "-", "") {
		t.Error(code, err)
	}
	token, err := account.NewSession()
	if err != nil || !strings.HasPrefix(token, account.SessionPrefix) || len(token) != 47 {
		t.Error(token, err)
	}
}
