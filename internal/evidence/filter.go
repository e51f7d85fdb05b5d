package evidence

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// Reason says why an entry of the range is or is not shown in full.
type Reason string

// The reasons, in the order in which an entry is tested.
const (
	OwnAction       Reason = "own_action"            // of Sealbook itself; in no category
	NoCategory      Reason = "no_category"           // its type is in none
	NotIncluded     Reason = "category_not_included" // the request does not ask for its category
	OutsidePeriod   Reason = "outside_period"        // it happened before or after
	OtherRepository Reason = "other_repository"      // the request names others
	Undetermined    Reason = "undetermined"          // what would decide it was erased
	Exported        Reason = "exported"
)

// outcome is what the request's filter says of one entry.
type outcome struct {
	category audit.Category // "" when there is none or it cannot be told
	reason   Reason
}

func isFilterPath(path string) bool { return slices.Contains(audit.FilterFields, path) }

// tested is what the filter sees of an entry. It is read from the fields
// alone, in the same way for an entry that is shown and for one that is not,
// so that a verifier reaches the builder's outcome.
type tested struct {
	audit.Selectable
	classErased, timeErased, repositoryErased bool
}

func readTested(rec *ledger.Record, fields []ledger.Field) (t tested, err error) {
	t.Selectable = audit.Selectable{Type: rec.EventType, Time: rec.RecordedAt}
	for i := range fields {
		f := &fields[i]
		if !isFilterPath(f.Path) {
			continue
		}
		erased := !f.Disclosed()
		switch f.Path {
		case "/class":
			t.classErased = erased
			err = read(f, &t.Class)
		case "/timestamp":
			t.timeErased = erased
			if !erased && string(f.Value) != "null" {
				err = read(f, &t.Time)
			}
		case "/repository":
			t.repositoryErased = erased
			var repository audit.Object
			err = read(f, &repository)
			t.RepositoryID = repository.String("id")
		case "/repository/id": // sorts after /repository
			t.repositoryErased = erased
			err = read(f, &t.RepositoryID)
		}
		if err != nil {
			return t, fmt.Errorf("entry %d: field %s is not what an event has there: %w", rec.Seq, f.Path, err)
		}
	}
	return t, nil
}

func read(f *ledger.Field, v any) error {
	if !f.Disclosed() {
		return nil
	}
	return json.Unmarshal(f.Value, v)
}

// judge applies the request's filter. An entry is undetermined only if what
// was erased could change the outcome.
func (f *frame) judge(t *tested) outcome {
	if !t.classErased {
		return f.judgeClass(t)
	}
	guess := *t
	first := outcome{}
	for i, class := range append([]audit.EventClass{""}, audit.EventClasses...) {
		guess.Class = class
		switch o := f.judgeClass(&guess); {
		case i == 0:
			first = o
		case o != first:
			return outcome{"", Undetermined}
		}
	}
	return first
}

func (f *frame) judgeClass(t *tested) outcome {
	c, ok := audit.CategoryOf(t.Type, t.Class)
	switch {
	case !ok && isOwnAction(t.Type):
		return outcome{"", OwnAction}
	case !ok:
		return outcome{"", NoCategory}
	case !slices.Contains(f.Request.Include, c):
		return outcome{c, NotIncluded}
	case t.timeErased:
		return outcome{c, Undetermined}
	case !f.period.Contains(t.Time):
		return outcome{c, OutsidePeriod}
	case t.repositoryErased && len(f.Request.RepositoryIDs) > 0:
		return outcome{c, Undetermined}
	}
	// Selects alone decides what is shown; the cases above only name reasons.
	if _, ok := f.Request.Selects(t.Selectable); !ok {
		return outcome{c, OtherRepository}
	}
	return outcome{c, Exported}
}

func isOwnAction(eventType string) bool {
	return len(eventType) >= len(audit.ReservedPrefix) && eventType[:len(audit.ReservedPrefix)] == audit.ReservedPrefix
}

// tooFarAhead reports whether an event breaks the rule that RangeBound rests on.
func tooFarAhead(t *tested, recordedAt time.Time) bool {
	return !t.timeErased && t.Time.After(recordedAt.Add(audit.MaxFutureEvent))
}
