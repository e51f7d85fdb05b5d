// Package activities holds every side effect of the workflows: reading the
// ledger, writing artifacts, changing jobs. It guards that each may be
// repeated: an effect is keyed by the job and the step, or by its content, so
// a retry, another run after an operator's Reset or a crash changes nothing
// twice. The worker registers it; workflows name its methods.
package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/internal/seal"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/internal/stream"
	"github.com/sealbook/sealbook/ledger"
)

// Activities holds what side effects need. Every exported method is an activity
// under its bare name.
type Activities struct {
	Log        *ledger.Log
	Store      *store.Store
	Artifacts  *artifact.Store
	Key        *ledger.SigningKey // signs packages
	Temporal   client.Client      // reads histories
	Sender     *stream.Sender     // sends to the receivers of streams
	Sealer     *seal.Sealer       // opens their secrets
	Notary     *Notary            // seals reports; nil: a PDF cannot be made
	Mail       Mailer             // sends reports; nil: none is sent
	PublicURL  string             // where readers of mails find the API
	Anchors    []Anchor           // where registry checkpoints are published; nil is nowhere
	Clock      audit.Clock
	BackupDays int    // how long the operator keeps backups; 0 is not known
	Software   string // name and version, stated in packages
	TempDir    string // "" is the system's

	AnchorAttempt  time.Duration // how long one place may take; 0 is the constant of this name
	SegmentEntries int64         // of a verification; 0 is DefaultSegmentEntries
	AssessEvery    time.Duration // how often organisations are assessed; 0 is never
	CheckArchiveIn time.Duration // within which every file of the archive is read again; 0 is never
}

// record appends an entry about a job, with the statements that change the job
// in the same transaction. step is unique in the job: whoever repeats it gets
// the first entry again.
func (a *Activities) record(ctx context.Context, ledgerID int32, key, eventType string, details audit.Object, with store.Statements) error {
	return a.recordAs(ctx, ledgerID, audit.SeverityLow, key, eventType, details, with)
}

// recordAs records with another severity.
func (a *Activities) recordAs(ctx context.Context, ledgerID int32, severity audit.Severity, key, eventType string, details audit.Object, with store.Statements) error {
	out, err := a.Log.Append(ctx, ledger.Submission{
		Ledger: ledgerID,
		Events: []audit.Event{{
			Type: eventType, Class: audit.ClassSystem, Severity: severity, ExternalID: "audit:" + key,
			Actor: audit.Object{"type": "system", "id": "sealbook"}, Details: details,
		}},
		With: with,
	})
	if err != nil {
		return err
	}
	if item := out.Items[0]; item.Err != nil {
		return fmt.Errorf("record %s: %w", eventType, item.Err)
	}
	return nil
}
