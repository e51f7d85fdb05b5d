package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

func keyCommand() *command {
	return &command{
		name: "key", summary: "replace the key that signs checkpoints, without a gap",
		usage:   []string{"list|rotate|retire|adopt [flags]"},
		closing: "sealbook key COMMAND --help explains one of them.",
		about: `A key is replaced in four steps, and at no moment is there a checkpoint that a
verifier with the old key, or one with the new, could not check:

  1. sealbook key rotate      the old key introduces a new one; both are in the file
  2. restart every serve and worker: they sign with both keys
  3. give the new fingerprint to your auditors
  4. sealbook key retire      the old key goes; restart again

The registry records each step. Whoever trusts the old key learns the new one
offline, from the introduction, which packages and GET /keys carry.`,
		children: []*command{keyListCommand(), keyRotateCommand(), keyRetireCommand(), keyAdoptCommand()},
	}
}

const keyExits = "0  done, or done before\n1  it could not be done\n2  wrong usage or settings"

func keyListCommand() *command {
	return &command{
		name: "list", summary: "list the keys that sign or ever signed",
		usage: []string{"[--json]"}, settings: []string{"SEALBOOK_DATABASE_URL", "SEALBOOK_ORIGIN"}, exits: keyExits,
		about: `Lists every key of the installation, the oldest first, with its fingerprint,
since when it signs and whether it still does.`,
		examples: "sealbook key list",
		setup: func(set *flag.FlagSet) action {
			asJSON := set.Bool("json", false, "print a JSON object a line")
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("key list takes no arguments")
				}
				return listSigningKeys(ctx, c, *asJSON)
			}
		},
	}
}

func listSigningKeys(ctx context.Context, c *call, asJSON bool) error {
	if err := c.config.require("SEALBOOK_DATABASE_URL"); err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Config{Database: c.config.DatabaseURL, Origin: c.config.Origin, Clock: audit.SystemClock})
	if err != nil {
		return err
	}
	defer l.Close()
	keys, err := l.Keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		state := "signs"
		if k.RetiredAt != nil {
			state = "retired " + audit.FormatTime(*k.RetiredAt)
		}
		if asJSON {
			err = json.NewEncoder(c.stdout).Encode(map[string]any{
				"fingerprint": k.Fingerprint(), "verifier_key": k.VerifierKey(c.config.Origin),
				"added_at": k.AddedAt, "retired_at": k.RetiredAt, "introduction": k.Introduction,
			})
		} else {
			_, err = fmt.Fprintf(c.stdout, "%s  since %s  %s\n", k.Fingerprint(), audit.FormatTime(k.AddedAt), state)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func keyRotateCommand() *command {
	return &command{
		name: "rotate", summary: "add a new key beside the one that signs", settings: ledgerSettings, exits: keyExits,
		usage: []string{""},
		about: `Makes a new key, has the old one introduce it, records that in the registry and
puts both into SEALBOOK_SIGNER_KEY. Nothing that runs changes until it is
restarted; then it signs with both. Running it again after it was interrupted
goes on with the same key.`,
		examples: "sealbook key rotate   # then restart serve and worker",
		setup: func(*flag.FlagSet) action {
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("key rotate takes no arguments")
				}
				return rotateKey(ctx, c)
			}
		},
	}
}

// rotateKey makes the key's file first, then the registry's entry, then the
// signer's file. Whatever it dies between, running it again goes on from there
// with the same key.
func rotateKey(ctx context.Context, c *call) error {
	l, current, err := openSigner(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	if current.Count() > 1 {
		return fmt.Errorf("there are %d keys in %s: sealbook key retire ends the older ones first", current.Count(), c.config.SignerKey)
	}
	fresh := c.config.SignerKey + ".next"
	next, err := makeSigner(fresh)
	if err != nil {
		return err
	}
	if err := l.AddKey(ctx, next); err != nil {
		return err
	}
	if err := replaceSigner(c, next.Joined(current)); err != nil {
		return err
	}
	if err := os.Remove(fresh); err != nil {
		return fmt.Errorf("remove the key's own file: %w", err)
	}
	_, err = fmt.Fprintf(c.stdout, "new key       %s\nintroduced by %s\n\nRestart every serve and worker now: from then on both sign.\n", next.Fingerprint(), current.Fingerprint())
	return err
}

// makeSigner makes a key in a file, or reads the one that is there.
func makeSigner(file string) (*ledger.SigningKey, error) {
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		fresh, err := ledger.GenerateSigningKey()
		if err != nil {
			return nil, err
		}
		encoded, err := fresh.EncodePEM()
		if err != nil {
			return nil, err
		}
		if err := writeNew(file, encoded, 0o600); err != nil {
			return nil, err
		}
	}
	return readSigner(file)
}

func keyRetireCommand() *command {
	return &command{
		name: "retire", summary: "end the signing of every key but the newest", settings: ledgerSettings, exits: keyExits,
		usage: []string{""},
		about: `Records in the registry that the older keys sign no more, and takes them out of
SEALBOOK_SIGNER_KEY. What they signed stays valid, and their introductions lead
from them to the newest.`,
		examples: "sealbook key retire   # after every process was restarted with both keys",
		setup: func(*flag.FlagSet) action {
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("key retire takes no arguments")
				}
				return retireKeys(ctx, c)
			}
		},
	}
}

func retireKeys(ctx context.Context, c *call) error {
	if err := c.config.require(ledgerSettings[:2]...); err != nil {
		return err
	}
	both, err := readSigner(c.config.SignerKey)
	if err != nil {
		return err
	}
	// Opened with the newest alone: an older one may be retired already, by an
	// attempt that died before it could take it out of the file.
	l, err := openLedger(ctx, c.config, both.Newest(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.RetireKeys(ctx); err != nil {
		return err
	}
	if err := replaceSigner(c, both.Newest()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "signs alone   %s\n\nRestart every serve and worker now.\n", both.Fingerprint())
	return err
}

func keyAdoptCommand() *command {
	return &command{
		name: "adopt", summary: "make a lost signer state again from the database", settings: ledgerSettings, exits: keyExits,
		usage: []string{""},
		about: `Only for when the file SEALBOOK_SIGNER_STATE is lost and the database is not: it
is then no longer known what was signed last, and nothing starts. Verify the
database first, against receipts or checkpoints that others hold. A database
from an old backup must never be adopted: what it has forgotten was published,
and signing another history would be seen as a fork. The registry records it.`,
		examples: "sealbook key adopt",
		setup: func(*flag.FlagSet) action {
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("key adopt takes no arguments")
				}
				return adoptState(ctx, c)
			}
		},
	}
}

func adoptState(ctx context.Context, c *call) error {
	if err := c.config.require(ledgerSettings[:2]...); err != nil {
		return err
	}
	if err := ledger.AdoptState(ctx, ledger.Config{
		Database: c.config.DatabaseURL, Origin: c.config.Origin, SignerState: c.config.SignerState, Clock: audit.SystemClock,
	}); err != nil {
		return err
	}
	l, _, err := openSigner(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	at, err := l.RecordAdoption(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "adopted the registry of %d entries, root %s\n", at.Size, ledger.FormatHash(at.Root))
	return err
}

// openSigner opens the ledgers for a command that signs.
func openSigner(ctx context.Context, c *call) (*ledger.Log, *ledger.SigningKey, error) {
	if err := c.config.require(ledgerSettings[:2]...); err != nil {
		return nil, nil, err
	}
	key, err := readSigner(c.config.SignerKey)
	if err != nil {
		return nil, nil, err
	}
	l, err := openLedger(ctx, c.config, key, slog.New(slog.DiscardHandler))
	return l, key, err
}

// replaceSigner writes the key file, and the public keys beside it, anew.
func replaceSigner(c *call, keys *ledger.SigningKey) error {
	encoded, err := keys.EncodePEM()
	if err != nil {
		return err
	}
	vkeys := ""
	for _, vkey := range keys.VerifierKeys(c.config.Origin) {
		vkeys += vkey + "\n"
	}
	for _, f := range []struct {
		name    string
		content []byte
		mode    fs.FileMode
	}{{c.config.SignerKey, encoded, 0o600}, {filepath.Join(filepath.Dir(c.config.SignerKey), verifierFile), []byte(vkeys), 0o644}} {
		temporary, err := writeTemporary(f.name, f.content, f.mode)
		if err != nil {
			return err
		}
		if err := os.Rename(temporary, f.name); err != nil {
			return fmt.Errorf("replace %s: %w", f.name, err)
		}
	}
	return nil
}
