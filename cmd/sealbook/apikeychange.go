package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

func apikeyRotate() *command {
	return &command{
		name: "rotate", summary: "give a key a new secret, with an overlap",
		usage: []string{"[--overlap DURATION] [--json] KEY_ID"},
		about: `Makes a new secret for a key and prints it once. The old one stays valid for the
overlap, so that whoever uses it has time to change over; one that was rotated
out before ends at once. Permissions and all else stay as they are.`,
		examples: `sealbook apikey rotate --overlap 1h 3fJx0aQ2LmZp`,
		settings: append(ledgerSettings[:3:3], "SEALBOOK_PEPPER_FILE"),
		setup: func(set *flag.FlagSet) action {
			overlap := set.Duration("overlap", audit.DefaultKeyOverlap, "how `LONG` the old secret stays valid, at most 720h")
			asJSON := set.Bool("json", false, "print JSON")
			return func(ctx context.Context, c *call, args []string) error {
				switch {
				case len(args) != 1:
					return usagef("name one key: sealbook apikey rotate KEY_ID")
				case *overlap < 0 || *overlap > audit.MaxKeyOverlap:
					return usagef("--overlap is from 0 to %s", audit.MaxKeyOverlap)
				}
				return rotateAPIKey(ctx, c, args[0], *overlap, *asJSON)
			}
		},
	}
}

func rotateAPIKey(ctx context.Context, c *call, id string, overlap time.Duration, asJSON bool) error {
	if err := c.config.require("SEALBOOK_PEPPER_FILE"); err != nil {
		return err
	}
	pepper, err := readPepper(c.config.PepperFile)
	if err != nil {
		return err
	}
	return changeAPIKey(ctx, c, id, func(l *ledger.Log, key store.Key, ledgerID int32) error {
		replaces, at := key.MAC, audit.SystemClock()
		text, err := key.Rotate(pepper, at, audit.Instant(at.Add(overlap)))
		if err != nil {
			return err
		}
		details := audit.Object{"overlap_seconds": int64(overlap / time.Second)}
		if err := recordKey(ctx, l, ledgerID, "audit.api_key_rotated", "/"+audit.FormatTime(at), key, details, store.RotateKey(key, replaces)); err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(c.stdout).Encode(map[string]any{"key": text, "key_id": key.ID, "previous_valid_until": key.PreviousUntil})
		}
		_, err = fmt.Fprintf(c.stdout, "key           %s\n              It is shown only now. Keep it as a secret.\n", text)
		if err == nil && key.PreviousUntil != nil {
			_, err = fmt.Fprintf(c.stdout, "old secret    good until %s\n", audit.FormatTime(*key.PreviousUntil))
		}
		return err
	})
}

func apikeyRevoke() *command {
	return &command{
		name: "revoke", summary: "end a key's validity for ever",
		usage: []string{"KEY_ID"},
		about: `Revokes a key by its id, the part after sk_live_ that apikey list shows. Servers
that are running notice within seconds.`,
		examples: `sealbook apikey revoke 3fJx0aQ2LmZp`,
		settings: ledgerSettings,
		setup: func(*flag.FlagSet) action {
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) != 1 {
					return usagef("name one key: sealbook apikey revoke KEY_ID")
				}
				return revokeAPIKey(ctx, c, args[0])
			}
		},
	}
}

func revokeAPIKey(ctx context.Context, c *call, id string) error {
	return changeAPIKey(ctx, c, id, func(l *ledger.Log, key store.Key, ledgerID int32) error {
		if key.RevokedAt != nil {
			return fmt.Errorf("the API key %s was revoked before, on %s", id, day(key.RevokedAt))
		}
		revoke := store.RevokeKey(key.Organisation, id, audit.SystemClock())
		if err := recordKey(ctx, l, ledgerID, "audit.api_key_revoked", "", key, nil, revoke); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.stdout, "revoked %s (%s)\n", id, printable(key.Name))
		return err
	})
}

// changeAPIKey opens the database and gives change the key with this id.
func changeAPIKey(ctx context.Context, c *call, id string, change func(*ledger.Log, store.Key, int32) error) error {
	l, s, err := openForChange(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	defer s.Close()
	key, ledgerID, err := s.KeyByID(ctx, id)
	if audit.CodeOf(err) == audit.NotFound {
		return fmt.Errorf("there is no API key %q; sealbook apikey list shows their ids", id)
	}
	if err != nil {
		return err
	}
	return change(l, key, ledgerID)
}
