package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// liveTimeout is longer than the API's own for a verification.
const liveTimeout = 5 * time.Minute

// verifyLive asks the API to check the organisation's ledger.
func verifyLive(ctx context.Context, c *call, o *verifyOptions) error {
	api, err := newClient(c)
	if err != nil {
		return err
	}
	body := map[string]string{"from": cmp.Or(o.from, "1970-01-01"), "to": cmp.Or(o.to, "9999-12-31")}
	if _, err := audit.ParsePeriod(body["from"], body["to"]); err != nil {
		return usagef("%s", sentence(err))
	}
	var raw json.RawMessage
	err = api.call(ctx, request{method: http.MethodPost, path: "/verify", body: body, timeout: liveTimeout}, &raw)
	if err != nil {
		return &undecidedError{err}
	}
	var result struct {
		Verified         bool
		LogsChecked      int64  `json:"logs_checked"`
		ChainValid       bool   `json:"chain_valid"`
		HashMismatches   int64  `json:"hash_mismatches"`
		GapsDetected     int64  `json:"gaps_detected"`
		VerificationHash string `json:"verification_hash"`
		Problems         []ledger.Problem
		ProblemCount     int64 `json:"problems_total"`
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return &undecidedError{fmt.Errorf("the answer is not a verification: %w", err)}
	}
	if o.json {
		if _, err := fmt.Fprintf(c.stdout, "%s\n", raw); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(c.stdout, "%d entries checked; chain valid: %t; hash mismatches: %d; gaps: %d\n%s\n",
			result.LogsChecked, result.ChainValid, result.HashMismatches, result.GapsDetected, printable(result.VerificationHash))
		tellProblems(c.stdout, result.Problems, result.ProblemCount)
	}
	switch {
	case result.Verified:
		if !o.json {
			fmt.Fprintln(c.stdout, "VERIFIED, as the server says; a package or a receipt can be checked without it.")
		}
		return nil
	case result.LogsChecked == 0 && result.ProblemCount == 0:
		return &undecidedError{errors.New("there is no entry in this period, so there is nothing to check")}
	}
	if !o.json {
		fmt.Fprintln(c.stdout, "FAILED: the ledger is not what was written.")
	}
	return &verdict{exitFailed}
}
