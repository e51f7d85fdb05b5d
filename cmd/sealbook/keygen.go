package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealbook/sealbook/ledger"
)

const pepperSize = 32 // bytes

// Names of the files that keygen makes.
const (
	signerFile   = "signer.pem"
	pepperFile   = "pepper"
	verifierFile = "signer.vkey"
	stateFile    = "signer.state" // which serve and worker make
)

func keygenCommand() *command {
	return &command{
		name: "keygen", summary: "make the key that signs and the secret that API keys are hashed with",
		usage: []string{"--dir DIR [--if-missing] [--json]"},
		about: `Makes three files in DIR and never overwrites one:

  signer.pem   the private key that signs checkpoints (Ed25519, PKCS #8)
  pepper       the secret that API keys are hashed with
  signer.vkey  the public key for verifiers, for every ledger below SEALBOOK_ORIGIN

Whoever has signer.pem can sign in this installation's name, so keep it where
your backups of secrets are and nowhere else. Give the fingerprint that is
printed to your auditors by another way than the one that packages take.`,
		examples: `sealbook keygen --dir /etc/sealbook
sealbook keygen --dir /etc/sealbook --if-missing   # in a start script`,
		settings: []string{"SEALBOOK_ORIGIN"},
		exits:    "0  the files are there\n1  they could not be made, or one is there already and --if-missing is not given\n2  wrong usage or settings",
		setup: func(set *flag.FlagSet) action {
			dir := set.String("dir", "", "`DIR` for the files; made if it is missing")
			keep := set.Bool("if-missing", false, "keep what is there and make only what is missing")
			asJSON := set.Bool("json", false, "print JSON")
			return func(_ context.Context, c *call, args []string) error {
				if *dir == "" || len(args) > 0 {
					return usagef("say where: sealbook keygen --dir DIR")
				}
				return keygen(c, *dir, *keep, *asJSON)
			}
		},
	}
}

func keygen(c *call, dir string, keep, asJSON bool) error {
	signer, pepper := filepath.Join(dir, signerFile), filepath.Join(dir, pepperFile)
	if !keep {
		for _, file := range []string{signer, pepper} {
			if _, err := os.Lstat(file); err == nil {
				return fmt.Errorf("%s is there already and is never overwritten; --if-missing keeps it", file)
			}
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	fresh, err := ledger.GenerateSigningKey()
	if err != nil {
		return err
	}
	encoded, err := fresh.EncodePEM()
	if err != nil {
		return err
	}
	if err := writeNew(signer, encoded, 0o600); err != nil {
		return err
	}
	secret := make([]byte, pepperSize)
	rand.Read(secret)
	if err := writeNew(pepper, []byte(hex.EncodeToString(secret)+"\n"), 0o600); err != nil {
		return err
	}
	// What is there may be older than what was just made: it is what counts.
	key, err := readSigner(signer)
	if err != nil {
		return err
	}
	if _, err := readPepper(pepper); err != nil {
		return err
	}
	vkey := key.VerifierKey(c.config.Origin)
	if err := writeNew(filepath.Join(dir, verifierFile), []byte(vkey+"\n"), 0o644); err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(c.stdout).Encode(map[string]string{
			"signer": signer, "pepper": pepper, "verifier": filepath.Join(dir, verifierFile), "fingerprint": key.Fingerprint(), "verifier_key": vkey,
		})
	}
	fmt.Fprintf(c.stdout, "signing key   %s\npepper        %s\npublic key    %s\nfingerprint   %s\n",
		signer, pepper, filepath.Join(dir, verifierFile), key.Fingerprint())
	return nil
}

// writeNew writes a file that appears whole, and leaves one that is there as
// it is.
func writeNew(name string, content []byte, mode fs.FileMode) error {
	if _, err := os.Lstat(name); err == nil {
		return nil
	}
	// A hard link refuses to replace a file, unlike a rename.
	temporary, err := writeTemporary(name, content, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temporary) //nolint:errcheck // the file stays under its own name
	if err := os.Link(temporary, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// writeTemporary writes content to a file beside name, down to the disk.
func writeTemporary(name string, content []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name()) //nolint:errcheck // the first error is the one to tell
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return f.Name(), nil
}
