package activities

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
)

// BuildExport is what a package is built from.
type BuildExport struct {
	Start    audit.ExportStart `json:"start"`
	Parts    []Part            `json:"parts"`
	Failures []string          `json:"failures,omitempty"`
}

// BuildExport packs the parts and stores the package by its digest. The bytes
// depend on nothing but the frozen scope and the parts, so a retry stores the
// same artifact again. Once the job is completed its parts are gone, and the
// package that it has is the answer: an operator may reset the workflow to any
// point. Returns InvalidState when the job ended without one.
func (a *Activities) BuildExport(ctx context.Context, b BuildExport) (audit.Artifact, error) {
	job, err := a.Store.Export(ctx, b.Start.Ledger, b.Start.ID)
	switch {
	case err != nil:
		return audit.Artifact{}, err
	case job.Status == audit.ExportCompleted:
		return job.Artifact.V, nil
	case job.Status.Final():
		return audit.Artifact{}, audit.Errorf(audit.InvalidState, "export %s has ended as %s", b.Start.ID, job.Status)
	}
	defer a.keepAlive(ctx)()
	s, err := a.frozen(ctx, b.Start)
	if err != nil {
		return audit.Artifact{}, err
	}
	file, remove, err := a.tempFile()
	if err != nil {
		return audit.Artifact{}, err
	}
	defer remove()
	d, err := a.Log.Descriptor(ctx, b.Start.Ledger)
	if err != nil {
		return audit.Artifact{}, err
	}
	controls, err := a.controlsOf(ctx, &s)
	if err != nil {
		return audit.Artifact{}, err
	}
	m := evidence.Material{
		Scope: s, Parts: b.Parts, Failures: b.Failures, Controls: controls,
		Open: func(name string) (io.ReadCloser, error) { return a.Artifacts.Read(ctx, workPrefix(b.Start.ID)+name) },
		Sign: func(text string) ([]byte, error) {
			return a.Key.SignNoteAs(s.VerifierKey, evidence.SealName(d.Genesis.Origin), text)
		},
	}
	build := evidence.Build
	switch s.Request.Format {
	case audit.FormatJSON:
		build = evidence.BuildJSON
	case audit.FormatCSV:
		build = evidence.BuildCSV
	}
	summary, err := build(file, m)
	if err != nil {
		return audit.Artifact{}, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return audit.Artifact{}, fmt.Errorf("rewind package: %w", err)
	}
	artifact, err := a.Artifacts.Put(ctx, packagePrefix(b.Start.ID), file)
	artifact.Files = summary.Files
	return artifact, err
}

// VerifyExport runs the verifier that auditors use on the stored package, with
// the ledger's key pinned. Returns Tampered, saying what is wrong, unless it
// passes. A file of format json or csv is not a package; its digest is checked
// and nothing more can be.
func (a *Activities) VerifyExport(ctx context.Context, p PublishExport) error {
	defer a.keepAlive(ctx)()
	s, err := a.frozen(ctx, p.Start)
	if err != nil {
		return err
	}
	stored, err := a.Artifacts.Open(ctx, p.Artifact)
	if err != nil {
		return err
	}
	defer stored.Close()
	file, remove, err := a.tempFile()
	if err != nil {
		return err
	}
	defer remove()
	size, err := io.Copy(file, stored)
	if err != nil {
		return fmt.Errorf("read package back: %w", err)
	}
	if s.Request.Format != audit.FormatZIP {
		return nil
	}
	report := evidence.Verify(file, size, evidence.VerifyOptions{Keys: []string{s.VerifierKey}})
	// A package that says itself that it is partial cannot be complete; all
	// else that it holds must be right.
	partial := len(p.Failures) > 0 && report.Integrity == evidence.OK && report.Authenticity == evidence.OK && report.Completeness != evidence.Failed
	if report.Verified() || partial {
		return nil
	}
	what := "it says nothing"
	if len(report.Findings) > 0 {
		what = report.Findings[0].Message
	}
	return audit.Errorf(audit.Tampered, "the package does not verify: %s", what)
}

// tempFile makes an unnamed file for a package: it must be read at any offset,
// which an object store does not offer.
func (a *Activities) tempFile() (f *os.File, remove func(), err error) {
	f, err = os.CreateTemp(a.TempDir, "sealbook-package-*")
	if err != nil {
		return nil, nil, fmt.Errorf("make temporary file: %w", err)
	}
	// Removed at once, so that no crash leaves a package behind.
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("unlink temporary file: %w", err)
	}
	return f, func() { f.Close() }, nil
}

// keepAlive heartbeats while one long call runs that has no place to resume
// from. It stops when the returned function is called.
func (a *Activities) keepAlive(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-time.After(5 * time.Second):
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { close(done) }
}
