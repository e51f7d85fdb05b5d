package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sealbook/sealbook/internal/sign"
)

// Names of the files that certificate makes.
const (
	reportCertificateFile = "report.pem"
	reportKeyFile         = "report-key.pem"
	reportRootFile        = "report-root.pem"
)

func certificateCommand() *command {
	return &command{
		name: "certificate", summary: "make a certificate to try sealed reports out with",
		usage: []string{"--development --dir DIR [--if-missing]"},
		about: `Makes three files in DIR and never overwrites one:

  report.pem       the certificate that seals reports, and its issuer's
  report-key.pem   its private key (ECDSA P-256, PKCS #8)
  report-root.pem  what a reader must trust, as in: verify report.pdf --roots

They are for development: every page that they seal says so, and the worker
refuses them unless SEALBOOK_DEVELOPMENT is true. For real reports get a
certificate for signing documents from a certificate authority.`,
		examples: `sealbook certificate --development --dir secrets`,
		exits:    "0  the files are there\n1  they could not be made, or one is there already and --if-missing is not given\n2  wrong usage or settings",
		setup: func(set *flag.FlagSet) action {
			dir := set.String("dir", "", "`DIR` for the files; made if it is missing")
			keep := set.Bool("if-missing", false, "keep what is there")
			development := set.Bool("development", false, "say that nobody relies on it")
			return func(_ context.Context, c *call, args []string) error {
				switch {
				case *dir == "" || len(args) > 0:
					return usagef("say where: sealbook certificate --development --dir DIR")
				case !*development:
					return usagef("only certificates for development are made here: say --development")
				}
				return makeCertificate(c, *dir, *keep)
			}
		},
	}
}

func makeCertificate(c *call, dir string, keep bool) error {
	names := []string{filepath.Join(dir, reportKeyFile), filepath.Join(dir, reportRootFile), filepath.Join(dir, reportCertificateFile)}
	there := 0
	for _, name := range names {
		if _, err := os.Lstat(name); err == nil {
			there++
			if !keep {
				return fmt.Errorf("%s is there already and is never overwritten; --if-missing keeps it", name)
			}
		}
	}
	switch there {
	case len(names):
		return nil
	case 0:
	default: // a new key fits no old certificate
		return fmt.Errorf("some of the files in %s are there and some are not: remove what is left of them", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	made, err := sign.Development(time.Now())
	if err != nil {
		return err
	}
	for i, content := range [][]byte{made.Key, made.Root, made.Certificates} {
		mode := os.FileMode(0o644)
		if i == 0 {
			mode = 0o600
		}
		if err := writeNew(names[i], content, mode); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(c.stdout, "certificate   %s\nprivate key   %s\nroot          %s\n", names[2], names[0], names[1])
	return err
}
