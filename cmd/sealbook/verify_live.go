package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/client"
	"github.com/sealbook/sealbook/ledger"
)

// liveTimeout is longer than the API's own for a verification.
const liveTimeout = 5 * time.Minute

// verifyLive asks the API to check the organisation's ledger. A long one is a
// job, which is followed to its end.
func verifyLive(ctx context.Context, c *call, o *verifyOptions) error {
	api, err := newClient(c)
	if err != nil {
		return err
	}
	window := client.VerifyWindow{From: cmp.Or(o.from, "1970-01-01"), To: cmp.Or(o.to, "9999-12-31")}
	if _, err := audit.ParsePeriod(window.From, window.To); err != nil {
		return usagef("%s", sentence(err))
	}
	answer, err := api.Verify(ctx, client.VerifyRequest{VerifyWindow: &window}, client.VerifyParams{}, client.Timeout(liveTimeout))
	if err != nil {
		return &undecidedError{apiError(err)}
	}
	raw := answer.Raw
	if job := answer.Data.VerificationJob; job != nil {
		if raw, err = followVerification(ctx, c, api, *job); err != nil {
			return err
		}
	}
	return tellLive(c, raw, o.json)
}

// followVerification waits for a job's result.
func followVerification(ctx context.Context, c *call, api *client.Client, job client.VerificationJob) (json.RawMessage, error) {
	fmt.Fprintf(c.stderr, "the ledger is long: %s verifies it\n", printable(job.JobID))
	var result struct {
		Result json.RawMessage `json:"result"` // as it came
	}
	bar := newProgress(c.stderr, "verifying", 0, false)
	defer bar.end()
	away := func(err error) { fmt.Fprintf(c.stderr, "waiting: %s\n", sentence(err)) }
	for !audit.VerificationStatus(job.Status).Final() {
		if err := sleep(ctx, time.Second); err != nil {
			return nil, &undecidedError{err}
		}
		shown, err := api.ShowVerification(ctx, job.JobID, patiently(patience, away))
		if err != nil {
			return nil, &undecidedError{apiError(err)}
		}
		job = shown.Data
		if err := json.Unmarshal(shown.Raw, &result); err != nil {
			return nil, &undecidedError{fmt.Errorf("the answer is not a verification: %w", err)}
		}
		if p := job.Progress; p != nil {
			bar.to(p.EntriesDone, p.EntriesTotal)
		}
	}
	if job.Status != client.VerificationJobStatusCompleted {
		return nil, &undecidedError{fmt.Errorf("%s is %s: %s", job.JobID, job.Status, cmp.Or(job.Error, "it has no result"))}
	}
	return result.Result, nil
}

// tellLive prints a result and turns it into an exit code.
func tellLive(c *call, raw json.RawMessage, asJSON bool) error {
	var result struct {
		Verified         bool
		LogsChecked      int64  `json:"logs_checked"`
		ChainValid       bool   `json:"chain_valid"`
		HashMismatches   int64  `json:"hash_mismatches"`
		GapsDetected     int64  `json:"gaps_detected"`
		VerificationHash string `json:"verification_hash"`
		Problems         []ledger.Problem
		ProblemCount     int64                 `json:"problems_total"`
		Anchored         *ledger.AnchorSummary `json:"anchored"`
		Archive          *ledger.ArchiveSummary
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return &undecidedError{fmt.Errorf("the answer is not a verification: %w", err)}
	}
	say := c.stdout
	if asJSON {
		if _, err := fmt.Fprintf(c.stdout, "%s\n", raw); err != nil {
			return err
		}
		say = io.Discard
	}
	fmt.Fprintf(say, "%d entries checked; chain valid: %t; hash mismatches: %d; gaps: %d\n%s\n",
		result.LogsChecked, result.ChainValid, result.HashMismatches, result.GapsDetected, printable(result.VerificationHash))
	tellProblems(say, result.Problems, result.ProblemCount)
	if a := result.Archive; a != nil && a.Entries+a.Destroyed+a.FilesRead > 0 {
		fmt.Fprintf(say, "%s content in files of the archive; files that were read: %d\n", counted(a.Entries, "entry has its", "entries have their"), a.FilesRead)
		tellDestroyed(say, a.Destroyed)
	}
	if a := result.Anchored; a != nil {
		tellAnchored(say, a)
	}
	switch {
	case result.Verified:
		fmt.Fprintln(say, "VERIFIED, as the server says; a package or a receipt can be checked without it.")
		return nil
	case result.LogsChecked == 0 && result.ProblemCount == 0:
		return &undecidedError{errors.New("there is no entry in this period, so there is nothing to check")}
	}
	fmt.Fprintln(say, "FAILED: the ledger is not what was written.")
	return &verdict{exitFailed}
}

// tellAnchored says up to where somebody else than the operator vouches.
func tellAnchored(w io.Writer, a *ledger.AnchorSummary) {
	if a.Through == nil {
		fmt.Fprintf(w, "anchored: nothing (%s); the operator attests to all of it\n", printable(a.Reason))
		return
	}
	fmt.Fprintf(w, "anchored through entry %d, at %s; the operator attests to the %d after it\n", *a.Through, printable(*a.AnchoredAt), a.OperatorAttested)
}
