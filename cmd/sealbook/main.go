// Command sealbook is the whole of Sealbook in one binary: the API, the worker,
// the tools of an operator and the offline verifier of an auditor. It guards
// that every part is wired in one place, reads its settings in one place, and
// says in one sentence what is wrong. Each file holds one subcommand; connect.go
// builds what they share.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, environ())
	stop()
	os.Exit(code)
}

// commands are the subcommands, in the order in which help lists them.
func commands() []*command {
	return []*command{
		serveCommand(), workerCommand(), migrateCommand(), keygenCommand(), keyCommand(), certificateCommand(), apikeyCommand(), personCommand(),
		appendCommand(), importCommand(), sampleCommand(), exportCommand(), analyseCommand(), assessCommand(), reportCommand(), verifyCommand(), outboxCommand(), scrubCommand(), versionCommand(),
	}
}

// run is the program without its process: settings come as NAME=value, and the
// result is the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	root := &command{
		name:     "sealbook",
		summary:  "the audit ledger that can prove itself",
		usage:    []string{"COMMAND [flags]"},
		children: commands(),
		about: `Systems append what happened to a hash-chained ledger; Sealbook gives a signed
receipt for each entry, exports evidence packages, and checks both offline.`,
		closing: `sealbook COMMAND --help explains a command. Settings are environment variables;
those that a command reads are in its help. A SEALBOOK_ variable that no command
knows is refused, because it is usually a typing error.`,
	}
	c := &call{stdin: stdin, stdout: stdout, stderr: stderr, env: env}
	return c.report(root.dispatch(ctx, c, args))
}
