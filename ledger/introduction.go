package ledger

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealbook/sealbook/audit"
)

// IntroductionVersion is the first line of a key's introduction.
const IntroductionVersion = "sealbook-key/v1"

// Introduction says that a key signs beside, and later instead of, an older
// one, which signed it:
//
//	sealbook-key/v1
//	<origin of the installation>
//	<the new key as a vkey under that origin>
//	<time of the introduction, TimeFormat>
//
// as a signed note under the name <origin>/keys. Whoever trusts the older key
// learns the newer one from it, offline.
type Introduction struct {
	Origin string
	Key    string
	At     time.Time
}

func (i *Introduction) text() string {
	return fmt.Sprintf("%s\n%s\n%s\n%s\n", IntroductionVersion, i.Origin, i.Key, i.At.UTC().Format(TimeFormat))
}

// introductionName is the name under which introductions are signed.
func introductionName(origin string) string { return origin + "/keys" }

// Introduce signs the introduction of next with k's newest key.
func (k *SigningKey) Introduce(origin string, next *SigningKey, at time.Time) ([]byte, error) {
	in := Introduction{Origin: origin, Key: next.VerifierKey(origin), At: audit.Instant(at)}
	return k.SignNote(introductionName(origin), in.text())
}

// OpenIntroduction verifies an introduction against the older key, given as a
// vkey under any name.
func OpenIntroduction(signed []byte, older string) (in Introduction, err error) {
	public, err := publicOf(older)
	if err != nil {
		return in, err
	}
	body, _, _ := strings.Cut(string(signed), "\n\n")
	lines := strings.Split(body, "\n")
	if len(lines) != 4 || lines[0] != IntroductionVersion {
		return in, fmt.Errorf("an introduction has 4 lines, the first of them %s", IntroductionVersion)
	}
	in.Origin, in.Key = lines[1], lines[2]
	if err := checkOrigin(in.Origin); err != nil {
		return in, err
	}
	if in.At, err = time.Parse(TimeFormat, lines[3]); err != nil {
		return in, fmt.Errorf("introduction time %.64q", lines[3])
	}
	v, err := note.NewVerifier(in.Key)
	if err != nil {
		return in, fmt.Errorf("introduced key: %w", err)
	}
	if v.Name() != in.Origin {
		return in, fmt.Errorf("the introduced key is of %s, the introduction of %s", v.Name(), in.Origin)
	}
	by, err := note.NewVerifier(verifierKey(introductionName(in.Origin), public))
	if err != nil {
		return in, err
	}
	n, err := note.Open(signed, note.VerifierList(by))
	if err != nil {
		return in, fmt.Errorf("introduction of %s: %w", in.Key, err)
	}
	if n.Text != in.text() {
		return in, fmt.Errorf("the introduction is not in its one canonical form")
	}
	return in, nil
}

// FollowIntroductions reports whether the key that is trusted leads to the key
// wanted through introductions, each signed by the key before it. Keys are
// vkeys under any name. A key leads to itself.
func FollowIntroductions(trusted, wanted string, introductions [][]byte) error {
	at, err := publicOf(trusted)
	if err != nil {
		return err
	}
	goal, err := publicOf(wanted)
	if err != nil {
		return err
	}
	for _, signed := range introductions {
		if at.Equal(goal) {
			return nil
		}
		in, err := OpenIntroduction(signed, verifierKey("sealbook", at))
		if err != nil {
			continue // of a key that is not on the way
		}
		if at, err = publicOf(in.Key); err != nil {
			return err
		}
	}
	if !at.Equal(goal) {
		return fmt.Errorf("no introduction leads from the key %s to %s", fingerprint(at), fingerprint(goal))
	}
	return nil
}

// Key is a signing key's public half with its history.
type Key struct {
	Public       []byte
	AddedAt      time.Time
	Introduction *string // nil for the installation's first
	RetiredAt    *time.Time
}

// VerifierKey returns the key for a ledger's origin in C2SP's vkey form.
func (k *Key) VerifierKey(origin string) string {
	return verifierKey(origin, ed25519.PublicKey(k.Public))
}

// Fingerprint identifies the key for a person to compare.
func (k *Key) Fingerprint() string { return fingerprint(k.Public) }

// Keys returns every key that signs or ever signed, the oldest first.
func (l *Log) Keys(ctx context.Context) (keys []Key, err error) {
	err = l.read(ctx, Registry, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select public, added_at, introduction, retired_at from signing_key order by added_at, public`)
		if err != nil {
			return err
		}
		keys, err = pgx.CollectRows(rows, pgx.RowToStructByName[Key])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	return keys, nil
}

// Introductions returns the signed introductions, in order.
func (l *Log) Introductions(ctx context.Context) (notes [][]byte, err error) {
	keys, err := l.Keys(ctx)
	for _, k := range keys {
		if k.Introduction != nil {
			notes = append(notes, []byte(*k.Introduction))
		}
	}
	return notes, err
}

// AddKey makes next a key that signs: the newest of this log's keys introduces
// it, and the registry records it. From then on processes may be started with
// both keys. Adding a key again has no effect.
func (l *Log) AddKey(ctx context.Context, next *SigningKey) error {
	now := audit.Instant(l.config.Clock())
	known, err := l.Keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range known {
		if next.public().Equal(ed25519.PublicKey(k.Public)) {
			return nil
		}
	}
	signed, err := l.config.Key.Introduce(l.config.Origin, next, now)
	if err != nil {
		return err
	}
	e := registryEvent(KeyAdded, "key "+next.Fingerprint(), audit.Object{"key": next.VerifierKey(l.config.Origin), "introduction": string(signed)})
	return l.register(ctx, e, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into signing_key (public, added_at, introduction) values ($1, $2, $3)`,
			[]byte(next.public()), now, string(signed))
		return err
	})
}

// RetireKeys ends the signing of every key but the newest of this log's. What
// they signed stays valid.
func (l *Log) RetireKeys(ctx context.Context) error {
	known, err := l.Keys(ctx)
	if err != nil {
		return err
	}
	now := audit.Instant(l.config.Clock())
	for _, k := range known {
		if k.RetiredAt != nil || l.config.Key.public().Equal(ed25519.PublicKey(k.Public)) {
			continue
		}
		e := registryEvent(KeyRetired, "retired "+k.Fingerprint(), audit.Object{"key": k.VerifierKey(l.config.Origin), "retired_at": now.Format(TimeFormat)})
		err := l.register(ctx, e, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `update signing_key set retired_at = $2 where public = $1`, k.Public, now)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
