package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Limits of passwords, in characters. There are no rules about which (NIST SP
// 800-63B, section 3.1.1.2): length is what counts.
const (
	MinPassword = 12
	MaxPassword = 256
)

// Cost is what argon2id (RFC 9106) takes to hash a password. It is stored with
// every hash, so it can rise.
type Cost struct {
	Memory uint32 // KiB
	Time   uint32 // passes over it
}

// StandardCost is what OWASP's password storage cheat sheet has. Only tests of
// what has nothing to do with it have another.
var StandardCost = Cost{Memory: 19 << 10, Time: 2}

const (
	argonThreads = 1
	argonKey     = 32 // bytes
	argonSalt    = 16 // bytes
)

// CheckPassword says what is wrong with a new password; "" is nothing.
func CheckPassword(password, email string) string {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return "a password is UTF-8"
	case n < MinPassword || n > MaxPassword:
		return fmt.Sprintf("a password has %d to %d characters", MinPassword, MaxPassword)
	case strings.Count(password, password[:1]) == len(password):
		return "a password is not one character over and over"
	case email != "" && strings.Contains(strings.ToLower(password), strings.ToLower(email)):
		return "a password does not hold the e-mail address"
	}
	return ""
}

// HashPassword returns the password's hash in the PHC string format.
func (c Cost) HashPassword(password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("draw salt: %w", err)
	}
	key := argon2.IDKey([]byte(password), salt, c.Time, c.Memory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// MatchPassword reports whether a password has this hash; "" is a hash that none
// has, and takes as long as one of this cost. A hash that cannot be read matches
// nothing.
func (c Cost) MatchPassword(hash, password string) bool {
	there := hash != ""
	if !there {
		hash = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
			argon2.Version, c.Memory, c.Time, argonThreads)
	}
	var version, memory, time, threads int
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	_, err1 := fmt.Sscanf(parts[2], "v=%d", &version)
	_, err2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads)
	salt, err3 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err4 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || version != argon2.Version || time < 1 || memory < 8 || threads < 1 || threads > 255 || len(want) < 16 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, uint32(time), uint32(memory), uint8(threads), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && there
}
