package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealbook/sealbook/audit"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it did not work, or what was checked is not as it should be
	exitUsage  = 2 // wrong usage or settings, or a check that could not be made
)

// command is one subcommand. Its texts are what --help teaches.
type command struct {
	name     string
	summary  string   // one line, for the list of commands
	usage    []string // what follows the name, a form a line
	about    string   // what it is for
	examples string
	settings []string // names of the variables that it reads
	exits    string   // what its exit codes mean, when it is more than usual
	closing  string

	// setup declares the flags and returns what runs once they are read.
	setup    func(*flag.FlagSet) action
	children []*command
	// lenient commands tell nothing that a setting decides and so ignore them.
	lenient bool
	path    string // the words that lead here
}

// action runs a command with the arguments that are not flags.
type action func(ctx context.Context, c *call, args []string) error

// call is one invocation: what a process would have.
type call struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            []string // NAME=value
	config         Config
	path           string // of the command that runs
}

// usageError is a mistake in how the program was called or set up.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// undecidedError is a check that could not be made: neither good nor bad.
type undecidedError struct{ err error }

func (e *undecidedError) Error() string { return e.err.Error() }
func (e *undecidedError) Unwrap() error { return e.err }

// verdict is a bad result that was already told in full.
type verdict struct{ code int }

func (v *verdict) Error() string { return fmt.Sprintf("exit code %d", v.code) }

// dispatch finds the command that args name, reads its flags and runs it.
func (cmd *command) dispatch(ctx context.Context, c *call, args []string) error {
	if cmd.path == "" {
		cmd.path = cmd.name
	}
	c.path = cmd.path
	if len(cmd.children) > 0 {
		return cmd.descend(ctx, c, args)
	}
	set := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	act := cmd.setup(set)
	rest, err := parseFlags(set, args)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(c.stdout, cmd.help(set))
		return err
	}
	if err != nil {
		return usagef("%s; see %s --help", singleDash(err.Error()), cmd.path)
	}
	if !cmd.lenient {
		if c.config, err = readConfig(c.env); err != nil {
			return err
		}
	}
	return act(ctx, c, rest)
}

func (cmd *command) descend(ctx context.Context, c *call, args []string) error {
	if len(args) == 0 {
		io.WriteString(c.stderr, cmd.help(nil)) //nolint:errcheck // nothing is left to tell it to
		return &verdict{exitUsage}
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		if args[0] == "help" && len(args) > 1 {
			return cmd.descend(ctx, c, append(args[1:2:2], "--help"))
		}
		_, err := io.WriteString(c.stdout, cmd.help(nil))
		return err
	}
	var names []string
	for _, child := range cmd.children {
		child.path = cmd.path + " " + child.name
		if child.name == args[0] {
			return child.dispatch(ctx, c, args[1:])
		}
		names = append(names, child.name)
	}
	hint := "see " + cmd.path + " --help"
	if near := nearest(args[0], names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return usagef("there is no command %q; %s", args[0], hint)
}

// parseFlags reads flags wherever they stand, also behind other arguments, and
// returns the others.
func parseFlags(set *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := set.Parse(args); err != nil {
			return nil, err
		}
		left := set.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if read := len(args) - len(left); read > 0 && args[read-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// singleDash writes flags as the help does.
func singleDash(message string) string {
	message = strings.Replace(message, "flag provided but not defined: -", "there is no flag --", 1)
	return strings.Replace(message, "flag needs an argument: -", "a value is missing after --", 1)
}

// report tells an error in one sentence and returns the exit code.
func (c *call) report(err error) int {
	var usage *usageError
	var undecided *undecidedError
	var told *verdict
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &told):
		return told.code
	}
	fmt.Fprintf(c.stderr, "%s: %s\n", c.path, sentence(err))
	if errors.As(err, &usage) || errors.As(err, &undecided) {
		return exitUsage
	}
	return exitFailed
}

// sentence is what a person needs of an error.
func sentence(err error) string {
	var e *audit.Error
	var connect *pgconn.ConnectError
	var text string
	switch {
	case errors.As(err, &e):
		text = e.Message
		for _, f := range e.Fields {
			text += fmt.Sprintf("; %s: %s", f.Field, f.Message)
		}
		if id, ok := e.Details["request_id"].(string); ok && e.Code == audit.Internal {
			text += " (request " + id + ")"
		}
		// What was being done stands before it; its code and cause are for logs.
		text = strings.Replace(err.Error(), e.Error(), text, 1)
	case errors.As(err, &connect):
		// The whole error has a line for every attempt; the last one decided.
		lines := strings.Split(strings.TrimSpace(connect.Unwrap().Error()), "\n")
		text = "the database does not answer: " + lines[len(lines)-1]
	case errors.Is(err, context.Canceled):
		text = "it was interrupted"
	default:
		text = err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}
