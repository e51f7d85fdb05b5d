package api

import (
	"net/http"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// exportBody is an export job as document A shows it, and a little more. The
// estimates are null when there was nothing to make them from.
type exportBody struct {
	JobID               audit.ExportID      `json:"job_id"`
	Status              audit.ExportStatus  `json:"status"`
	EstimatedSizeMB     *int64              `json:"estimated_size_mb"`
	EstimatedCompletion *string             `json:"estimated_completion"`
	DownloadURL         string              `json:"download_url,omitempty"`
	ExpiresAt           string              `json:"expires_at,omitempty"`
	FileSizeMB          *int64              `json:"file_size_mb,omitempty"`
	FilesIncluded       *int                `json:"files_included,omitempty"`
	CreatedAt           string              `json:"created_at"`
	CompletedAt         string              `json:"completed_at,omitempty"`
	SHA256              string              `json:"sha256,omitempty"`
	SizeBytes           *int64              `json:"file_size_bytes,omitempty"`
	Partial             bool                `json:"partial,omitempty"` // the package says what is missing
	Failures            []string            `json:"failures,omitempty"`
	Error               string              `json:"error,omitempty"`
	CancelRequestedAt   string              `json:"cancel_requested_at,omitempty"`
	RetryOf             *audit.ExportID     `json:"retry_of,omitempty"`
	Request             audit.ExportRequest `json:"request"`
	Progress            *audit.Progress     `json:"progress,omitempty"`
}

func (s *server) exportView(r *http.Request, e store.Export) *exportBody {
	v := &exportBody{
		JobID: e.ID, Status: s.statusOf(e), CreatedAt: audit.FormatTime(e.CreatedAt), RetryOf: e.RetryOf, Request: e.Request.V,
		CompletedAt: formatted(e.CompletedAt), CancelRequestedAt: formatted(e.CancelRequestedAt),
	}
	if e.EstimatedBytes != nil {
		v.EstimatedSizeMB = megabytes(*e.EstimatedBytes)
	}
	if e.EstimatedCompletion != nil {
		at := audit.FormatTime(*e.EstimatedCompletion)
		v.EstimatedCompletion = &at
	}
	if e.Error != nil {
		v.Error = *e.Error
	}
	if e.Failures != nil {
		v.Failures, v.Partial = e.Failures.V, len(e.Failures.V) > 0
	}
	if e.Artifact != nil {
		a := e.Artifact.V
		v.FileSizeMB, v.SizeBytes, v.FilesIncluded, v.SHA256 = megabytes(a.Size), &a.Size, &a.Files, a.Digest
	}
	if v.Status == audit.ExportCompleted {
		v.DownloadURL = s.PublicURL + callOf(r).mount + "/evidence/export/" + string(e.ID) + "/download"
		v.ExpiresAt = audit.FormatTime(s.linkExpiry(e))
	}
	return v
}

// statusOf is the job's status now: a package whose time is over has expired,
// whether or not it was swept away already.
func (s *server) statusOf(e store.Export) audit.ExportStatus {
	if e.Status == audit.ExportCompleted && e.ArtifactExpiresAt != nil && !s.Clock().Before(*e.ArtifactExpiresAt) {
		return audit.ExportExpired
	}
	return e.Status
}

// linkExpiry is until when the download URL works. Asking for the job after
// that gives a new link, as long as its package lives.
func (s *server) linkExpiry(e store.Export) time.Time {
	at := e.CompletedAt.Add(audit.ExportLinkLife)
	if now := s.Clock(); !now.Before(at) {
		at = now.Add(audit.ExportLinkLife)
	}
	if at.After(*e.ArtifactExpiresAt) {
		return *e.ArtifactExpiresAt
	}
	return at
}

// megabytes rounds up, so that something is never nothing.
func megabytes(bytes int64) *int64 {
	mb := max((bytes+999_999)/1_000_000, 1)
	return &mb
}

func formatted(t *time.Time) string {
	if t == nil {
		return ""
	}
	return audit.FormatTime(*t)
}
