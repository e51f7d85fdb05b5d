package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// organisation is the one that the sample data belongs to.
const organisation = "Sample Organisation"

// step is one command of the story: what a person would type with dev.env at hand, and what its
// success has shown.
type step struct {
	args   []string
	input  string // standard input
	proves string
}

// oneEntry is what the story appends, at every start once more.
const oneEntry = `{"event_type":"access.granted","user_id":"ada","resource_id":"vault"}`

// partOne needs the API only.
func partOne(s *stack) []step {
	var steps []step
	if s.first {
		steps = append(steps, step{
			args:   []string{"sample"},
			proves: "a sample organisation is in the ledger, through the public API",
		})
	}
	return append(steps,
		step{
			args:   []string{"append", "--receipt", s.show("story/receipt.json")},
			input:  oneEntry,
			proves: "one more event is committed, and a signed receipt says where it stands",
		},
		step{
			args:   []string{"verify", s.show("story/receipt.json"), "--key", s.trusted()},
			proves: "the receipt alone shows that the event is in the ledger, with no server",
		},
		step{
			args:   []string{"verify", "--database"},
			proves: "every row in Postgres still is what was hashed, from the first to the last",
		},
	)
}

// partTwo needs Temporal and the worker.
func partTwo(s *stack) []step {
	file := s.show("story/evidence.zip")
	today := time.Now().UTC()
	return []step{
		{
			args: []string{
				"export", "--framework", "soc2", "--out", file,
				"--from", fmt.Sprintf("%d-01-01", today.Year()-1), "--to", today.Format(time.DateOnly), // the sample's year, and since
			},
			proves: "a durable workflow collected, sealed and published an evidence package",
		},
		{
			args:   []string{"verify", file, "--key", s.trusted()},
			proves: "the package is whole, complete and authentic, with no server and no network",
		},
	}
}

// partThree needs the officer, too: a report that a person signs, sealed, sent and
// checked.
func partThree(s *stack, signed bool) []step {
	file, today := s.show("story/report.pdf"), time.Now().UTC()
	asks := []string{
		"report", "--type", "compliance_summary", "--framework", "soc2", "--from", fmt.Sprintf("%d-01-01", today.Year()-1), "--to", today.Format(time.DateOnly),
		"--send", "reader@example.com", "--out", file,
	}
	proves := "a durable workflow assessed the period, rendered, sealed and sent a report"
	if signed {
		asks = append(asks, "--signatory", officerEmail, "--meaning", "reviewed_and_approved")
		proves = "a durable workflow assessed the period, waited for a person's signature, sealed the report and sent it"
	}
	return []step{
		{args: asks, proves: proves},
		{
			args:   []string{"verify", file, "--roots", s.show("secrets/report-root.pem")},
			proves: "the report is signed as a whole and was not changed since, with no server and no network",
		},
	}
}

// tellReport tells the last part. The officer enrols at the first start, when the
// organisation is made; later ones tell it without a signature, because nobody
// keeps their authenticator.
func (s *stack) tellReport(ctx context.Context) error {
	if !s.first {
		return s.tell(ctx, partThree(s, false))
	}
	out, err := s.output(ctx, s.program(), "person", "create", "--organisation", organisation, "--email", officerEmail,
		"--name", "Sample Officer", "--title", "Compliance Officer", "--roles", "compliance_officer", "--json")
	if err != nil {
		return err
	}
	var made struct {
		Code string `json:"enrolment_code"`
	}
	if err := json.Unmarshal(out, &made); err != nil || made.Code == "" {
		return fmt.Errorf("sealbook person create printed no code: %w", errors.Join(err, errors.New(string(out))))
	}
	who, err := enrol(ctx, s.publicURL, officerEmail, made.Code, s.codeEvery)
	if err != nil {
		return err
	}
	s.screen.line("\n  %s", s.screen.faint(officerEmail+" has enrolled, and signs in to sign; each step needs a fresh one-time code, which takes up to a minute"))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signed := make(chan error, 1)
	go func() {
		err := who.sign(ctx, func(text string) { s.screen.line("      %s", s.screen.faint(text)) })
		if err != nil {
			cancel()
		}
		signed <- err
	}()
	err = s.tell(ctx, partThree(s, true))
	if err != nil {
		cancel()
	}
	if signErr := <-signed; signErr != nil && !errors.Is(signErr, context.Canceled) {
		return fmt.Errorf("the officer could not sign: %w", signErr)
	}
	if err != nil {
		return err
	}
	s.screen.line("\n  %s", s.screen.faint(officerEmail+" opens an investigation (docs/investigation.md)"))
	err = who.investigate(ctx, time.Now().UTC(), func(text string) { s.screen.line("      %s", s.screen.faint(text)) })
	if err != nil {
		return fmt.Errorf("the officer could not investigate: %w", err)
	}
	return nil
}

// trusted is the public key that a verifier is given.
func (s *stack) trusted() string { return s.show(filepath.Join("secrets", "signer.vkey")) }

// show is a path below the data folder as a person in the repository would
// write it.
func (s *stack) show(name string) string {
	path := filepath.Join(s.data, name)
	if short, err := filepath.Rel(s.root, path); err == nil && !strings.HasPrefix(short, "..") {
		return short
	}
	return path
}

// tell runs the steps before the reader's eyes and stops at the first that
// proves nothing.
func (s *stack) tell(ctx context.Context, steps []step) error {
	for _, st := range steps {
		began := time.Now()
		shown := "bin/sealbook " + strings.Join(st.args, " ")
		if st.input != "" {
			shown = "echo '" + st.input + "' | " + shown
		}
		s.screen.line("\n  %s", s.screen.bold("$ "+shown))
		out, flush := s.screen.indent("      ")
		cmd := s.command(ctx, s.client(), st.args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(st.input), out, out
		err := cmd.Run()
		flush()
		if err != nil {
			s.screen.line("    %s %v %s", s.screen.red("✗"), err, s.screen.faint("("+took(began)+")"))
			return errors.Join(ctx.Err(), fmt.Errorf("the story stopped at sealbook %s: %w", st.args[0], err))
		}
		s.screen.line("    %s %s %s", s.screen.green("✓"), st.proves, s.screen.faint("("+took(began)+")"))
	}
	return nil
}

// client are the settings of the story's commands: those of the program, and
// an API key.
func (s *stack) client() map[string]string {
	vars := s.program()
	vars["SEALBOOK_URL"], vars["SEALBOOK_KEY"] = s.publicURL, s.key
	return vars
}

// command is one run of the program, which ends gracefully with ctx.
func (s *stack) command(ctx context.Context, vars map[string]string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.sealbook, args...)
	cmd.Env, cmd.Dir = s.environment(vars), s.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// output runs the program for its result, and repeats what it says only when
// it does not succeed.
func (s *stack) output(ctx context.Context, vars map[string]string, args ...string) ([]byte, error) {
	cmd := s.command(ctx, vars, args...)
	var fault strings.Builder
	cmd.Stderr = &fault
	out, err := cmd.Output()
	if err != nil {
		said := strings.TrimSpace(fault.String())
		return nil, errors.Join(ctx.Err(), fmt.Errorf("sealbook %s: %w: %s", args[0], err, said))
	}
	return out, nil
}
