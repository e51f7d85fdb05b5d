package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/internal/control"
)

// maxAssessment bounds a file that is said to be an assessment, in bytes: every
// check of every framework with all its exceptions has some 60 MB.
const maxAssessment = 256 << 20

// replay makes an assessment again and compares it with what is stored, byte by
// byte. Of a file only the form may differ: spaces and lines.
func replay(ctx context.Context, c *call, assessor *activities.Assessor, ledger int32, name string) error {
	text, err := storedAssessment(ctx, c, assessor, ledger, name)
	if err != nil {
		return err
	}
	var was control.Assessment
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&was); err != nil {
		return fmt.Errorf("%s is no assessment of this version: %w", name, err)
	}
	again, err := assessor.Replay(ctx, ledger, was)
	if err != nil {
		return err
	}
	now, err := json.Marshal(again)
	if err != nil {
		return fmt.Errorf("encode assessment: %w", err)
	}
	var before bytes.Buffer
	if err := json.Compact(&before, text); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if at := firstDifference(before.Bytes(), now); at >= 0 {
		fmt.Fprintf(c.stdout, "NOT the same: from byte %d on\nstored: %s\nagain:  %s\n", at, excerpt(before.Bytes(), at), excerpt(now, at))
		return errors.New("the assessment does not come out again")
	}
	fmt.Fprintf(c.stdout, "the same again: %d bytes, entries %d to %d of %s\n", len(now), again.First, again.End-1, again.Ledger)
	return nil
}

// storedAssessment reads an assessment by its id, with the digest that its row
// states, or from a file.
func storedAssessment(ctx context.Context, c *call, assessor *activities.Assessor, ledger int32, name string) ([]byte, error) {
	if !strings.HasPrefix(name, "assess_") {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return bounded(f, name)
	}
	if err := c.config.require("SEALBOOK_ARTIFACTS"); err != nil {
		return nil, err
	}
	row, err := assessor.Store.Assessment(ctx, ledger, audit.AssessmentID(name))
	switch {
	case audit.CodeOf(err) == audit.NotFound:
		return nil, usagef("the organisation has no assessment %s", name)
	case err != nil:
		return nil, err
	case row.Artifact == nil:
		return nil, fmt.Errorf("%s is %s and has no result", name, row.Status)
	}
	artifacts, err := artifact.Open(ctx, c.config.Artifacts)
	if err != nil {
		return nil, err
	}
	defer artifacts.Close() //nolint:errcheck // it was only read
	r, err := artifacts.Open(ctx, row.Artifact.V)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	fmt.Fprintf(c.stdout, "%s, %s\n", name, row.Artifact.V.Digest)
	return bounded(r, name)
}

func bounded(r io.Reader, name string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxAssessment+1))
	if err == nil && len(text) > maxAssessment {
		err = fmt.Errorf("it has more than %d bytes", maxAssessment)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return text, nil
}

// firstDifference is where two texts differ, or -1.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// excerpt is a text around a place.
func excerpt(text []byte, at int) string {
	return string(text[max(0, at-60):min(len(text), at+60)])
}
