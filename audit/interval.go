package audit

import "time"

// Interval is how long the periods of a history are.
type Interval string

// The intervals. Weeks begin on Monday; all begin at midnight in UTC.
const (
	Daily   Interval = "day"
	Weekly  Interval = "week"
	Monthly Interval = "month"
)

// Intervals lists the valid values.
var Intervals = []Interval{Daily, Weekly, Monthly}

// Start returns the beginning of the interval that t lies in.
func (i Interval) Start(t time.Time) time.Time {
	year, month, day := t.UTC().Date()
	switch i {
	case Weekly:
		sinceMonday := (int(t.UTC().Weekday()) + 6) % 7
		return time.Date(year, month, day-sinceMonday, 0, 0, 0, 0, time.UTC)
	case Monthly:
		return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// next returns the beginning of the interval after the one that begins at t.
func (i Interval) next(t time.Time) time.Time {
	switch i {
	case Weekly:
		return t.AddDate(0, 0, 7)
	case Monthly:
		return t.AddDate(0, 1, 0)
	}
	return t.AddDate(0, 0, 1)
}

// Periods cuts p, both of whose bounds are set, into whole intervals: adjacent,
// the first and the last reaching beyond p where its bounds lie inside them. ok
// is false when there would be more than most.
func (i Interval) Periods(p Period, most int) (periods []Period, ok bool) {
	for at := i.Start(p.From); at.Before(p.Until); {
		if len(periods) == most {
			return nil, false
		}
		next := i.next(at)
		periods = append(periods, Period{From: at, Until: next})
		at = next
	}
	return periods, true
}
