package ledger

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// registeredSegment is a segment file as the registry tells of it.
type registeredSegment struct {
	digest, seqs string
	kept         string
	destroyed    string // when, as the registry writes it; "" is not
}

func (v *registryVerifier) segment(e *audit.Entry) {
	key := e.Details.String("origin") + " " + e.Details.String("segment")
	s := v.segments[key]
	switch {
	case e.Type == SegmentArchived:
		v.segments[key] = &registeredSegment{digest: e.Details.String("digest"), seqs: e.Details.String("seqs_sha256"), kept: e.Details.String("kept_until")}
	case s == nil:
		v.general(WrongRegistry, "the registry tells of the segment %s, which it never named", key)
	case e.Type == SegmentErased:
		s.digest = e.Details.String("digest")
	default:
		s.destroyed = e.Details.String("destroyed_at")
	}
}

// checkSegments compares the table of segments with the registry. Whoever takes
// payloads and makes a row that excuses it is found here.
func (v *registryVerifier) checkSegments() error {
	rows, err := v.tx.Query(v.ctx, `select l.origin || ' ' || s.id, s.seqs, s.digest, s.kept_until, s.destroyed_at from archive_segment s join ledger l on l.id = s.ledger`)
	if err != nil {
		return err
	}
	var key, digest string
	var seqs multirange
	var kept time.Time
	var destroyed *time.Time
	_, err = pgx.ForEachRow(rows, []any{&key, &seqs, &digest, &kept, &destroyed}, func() error {
		s := v.segments[key]
		delete(v.segments, key)
		switch {
		case s == nil:
			v.general(WrongRegistry, "table archive_segment has the segment %s, which the registry does not name", key)
		case s.seqs != rangesOf(seqs).digest() || s.digest != digest || s.kept != kept.UTC().Format(TimeFormat), s.destroyed != formatOrNone(destroyed):
			v.general(WrongRegistry, "table archive_segment says something else of the segment %s than the registry", key)
		}
		return nil
	})
	for key := range v.segments {
		v.general(WrongRegistry, "table archive_segment lacks the segment %s", key)
	}
	return err
}

func formatOrNone(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(TimeFormat)
}
