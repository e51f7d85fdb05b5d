// Command sealbook-stack runs Sealbook with everything it needs on one
// machine: a private Postgres, an embedded Temporal, the API and the worker.
// It guards the developer's machine: it keeps everything in one folder, binds
// loopback addresses only, and stops what it started in the right order.
// The Makefile is its only caller; production never uses it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

const usage = `sealbook-stack runs Sealbook and all it needs on this machine.

  sealbook-stack run                start everything, tell the story, stay up until Ctrl-C
  sealbook-stack demo               the same on free ports in a temporary folder, then clean up
  sealbook-stack test -- CMD ARGS   run CMD beside a private Postgres, then clean up; its
                                    database is in memory where there is enough of it
  sealbook-stack test --disk -- CMD ARGS
                                    the same, and the database is on the disk
  sealbook-stack keep DIR -- CMD ARGS
                                    the same, and the database stays in DIR
  sealbook-stack build-temporal     build the embedded Temporal if its sources changed

Settings, all optional:
  SEALBOOK_DATA              where everything is kept (.sealbook)
  SEALBOOK_HTTP_ADDR         address of the API (127.0.0.1:8080)
  SEALBOOK_PUBLIC_URL        its address as clients see it
  SEALBOOK_ORIGIN            name of the ledgers' origin (sealbook.local)
  TEMPORAL_ADDRESS           address of Temporal (127.0.0.1:7233)
  SEALBOOK_TEMPORAL_PORT     only its port
  SEALBOOK_TEMPORAL_UI_PORT  port of its Web UI (8233)
  SEALBOOK_POSTGRES_BIN      folder of Postgres programs to use; "none" ignores those installed
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	// The first signal stops in order. stop() gives the second one its usual
	// effect, for people in a hurry; children then stop by themselves.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()

	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	var err error
	switch {
	case command == "run" && len(args) == 1:
		context.AfterFunc(ctx, stop)
		err = runStack(ctx)
	case command == "demo" && len(args) == 1:
		err = runDemo(ctx)
	case command == "test" && len(args) > 2 && args[1] == "--":
		err = runTest(ctx, inMemory(memoryFolder, memoryNeeded), args[2:])
	case command == "test" && len(args) > 3 && args[1] == "--disk" && args[2] == "--":
		err = runTest(ctx, "", args[3:])
	case command == "keep" && len(args) > 3 && args[2] == "--":
		err = runKept(ctx, args[1], args[3:])
	case command == "build-temporal" && len(args) == 1:
		err = runBuild(ctx)
	case command == "help" || command == "--help" || command == "-h":
		fmt.Fprint(os.Stdout, usage)
	default:
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	return exitCode(ctx, err)
}

// exitCode passes a test command's own code on, and says everything else once.
func exitCode(ctx context.Context, err error) int {
	var failed *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errCommand) && errors.As(err, &failed) && failed.ExitCode() > 0:
		return failed.ExitCode()
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return 130 // interrupted before it was through, as shells count it
	}
	fmt.Fprintln(os.Stderr, "\nsealbook-stack:", err)
	return 1
}

func runBuild(ctx context.Context) error {
	s, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	b := newTemporalBuild(s.root)
	return newScreen(os.Stdout).wait(ctx, b, func() error { return b.run(ctx) })
}
