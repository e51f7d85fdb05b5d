package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sealbook/sealbook/bench/program"
)

// origin is of the data sets' ledgers.
const origin = "ledger.bench"

// environment is the program's, for this data set. It does without Temporal,
// as all that is measured does.
func (d *dataset) environment(more ...string) []string {
	in := func(name string) string { return filepath.Join(d.folder, name) }
	return append(append(os.Environ(),
		"SEALBOOK_DATABASE_URL="+d.dsn(), "SEALBOOK_ORIGIN="+origin, "SEALBOOK_SIGNER_KEY="+in("signer.pem"), "SEALBOOK_PEPPER_FILE="+in("pepper"),
		"SEALBOOK_SIGNER_STATE="+in("signer.state"), "SEALBOOK_RATE_LIMIT=0", "SEALBOOK_LOG_LEVEL=info",
		"SEALBOOK_ARTIFACTS=file://"+in("artifacts"), "TEMPORAL_ADDRESS=127.0.0.1:1"), more...)
}

// sealbook runs a command of the program and returns what it printed.
func (d *dataset) sealbook(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, d.program, args...)
	cmd.Env = d.environment()
	out, err := cmd.Output()
	if err != nil {
		var failed *exec.ExitError
		errors.As(err, &failed)
		return nil, fmt.Errorf("sealbook %s: %w %s", strings.Join(args, " "), err, failed.Stderr)
	}
	return out, nil
}

// server is the API as it is deployed, in a process of its own.
type server struct {
	*program.Server
	key string
}

func (d *dataset) serve(ctx context.Context) (*server, error) {
	address, err := program.FreeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{key: d.state.Key}
	s.Server, err = program.Start(ctx, address, filepath.Join(d.folder, "server.log"),
		d.environment("SEALBOOK_HTTP_ADDR="+address, "SEALBOOK_PUBLIC_URL=http://"+address), d.program, "serve")
	return s, err
}
