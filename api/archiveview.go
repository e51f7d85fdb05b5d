package api

import (
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// retrievalBody is a request to bring archived payloads back.
type retrievalBody struct {
	ID          audit.RetrievalID     `json:"retrieval_id"`
	Status      audit.RetrievalStatus `json:"status"`
	From        string                `json:"start_date"` // of the entries' own times
	Until       string                `json:"end_date"`   // exclusive
	Reason      string                `json:"reason"`
	Days        int                   `json:"days"`
	Segments    []string              `json:"segments"`
	Entries     int64                 `json:"entries"`
	RequestedBy audit.Object          `json:"requested_by"`
	RequestedAt string                `json:"requested_at"`
	DecidedBy   audit.Object          `json:"decided_by"`
	DecidedAt   *string               `json:"decided_at"`
	Refusal     *string               `json:"refusal"`
	AvailableAt *string               `json:"available_at"`
	ExpiresAt   *string               `json:"expires_at"`
	EndedAt     *string               `json:"ended_at"`
	Problem     *string               `json:"problem"`
}

func retrievalView(v *store.Retrieval) retrievalBody {
	b := retrievalBody{
		ID: v.ID, Status: v.Status, From: audit.FormatTime(v.FromTime), Until: audit.FormatTime(v.UntilTime), Reason: v.Reason, Days: v.Days,
		Segments: orEmpty(v.Segments), Entries: v.Entries, RequestedBy: v.RequestedBy.V, RequestedAt: audit.FormatTime(v.RequestedAt),
		DecidedAt: formattedOrNil(v.DecidedAt), Refusal: v.Refusal, AvailableAt: formattedOrNil(v.AvailableAt), ExpiresAt: formattedOrNil(v.ExpiresAt),
		EndedAt: formattedOrNil(v.EndedAt), Problem: v.Problem,
	}
	if v.DecidedBy != nil {
		b.DecidedBy = v.DecidedBy.V
	}
	return b
}

// segmentBody is a file of archived payloads.
type segmentBody struct {
	ID            string  `json:"segment"`
	State         string  `json:"state"` // written, archived, online or destroyed
	Entries       int64   `json:"entries"`
	Held          int64   `json:"held"` // payloads that a legal hold keeps in the database
	First         int64   `json:"first_seq"`
	Last          int64   `json:"last_seq"`
	RecordedFrom  string  `json:"recorded_from"`
	RecordedUntil string  `json:"recorded_until"`
	KeptUntil     string  `json:"kept_until"`
	Checksum      string  `json:"checksum"`
	Size          int64   `json:"size_bytes"`
	ArchivedAt    string  `json:"archived_at"`
	PurgedAt      *string `json:"purged_at"`
	OnlineUntil   *string `json:"online_until"`
	DestroyedAt   *string `json:"destroyed_at"`
	LastCheckedAt *string `json:"last_checked_at"` // when the file was last read again
	Problem       *string `json:"problem"`         // what was wrong with it then
}

func segmentView(s *ledger.ArchivedSegment) segmentBody {
	b := segmentBody{
		ID: s.ID, State: "written", Entries: s.Entries, Held: s.Held, First: s.First(), Last: s.Last(),
		RecordedFrom: audit.FormatTime(s.RecordedFrom), RecordedUntil: audit.FormatTime(s.RecordedUntil), KeptUntil: audit.FormatTime(s.KeptUntil),
		Checksum: s.Artifact.Digest, Size: s.Artifact.Size, ArchivedAt: audit.FormatTime(s.ArchivedAt), PurgedAt: formattedOrNil(s.PurgedAt),
		OnlineUntil: formattedOrNil(s.OnlineUntil), DestroyedAt: formattedOrNil(s.DestroyedAt), LastCheckedAt: formattedOrNil(s.LastCheckedAt), Problem: s.Problem,
	}
	switch {
	case s.DestroyedAt != nil:
		b.State, b.Problem = "destroyed", nil // it was to go
	case s.OnlineFrom != nil:
		b.State = "online"
	case s.PurgeBegan != nil:
		b.State = "archived"
	}
	return b
}
