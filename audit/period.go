package audit

import "time"

// Period is a half-open span of time, [From, Until). A zero bound is open.
type Period struct {
	From, Until time.Time
}

// Contains reports whether t lies in the period.
func (p Period) Contains(t time.Time) bool {
	return (p.From.IsZero() || !t.Before(p.From)) && (p.Until.IsZero() || t.Before(p.Until))
}

// Days are the first and the last day that a period with both bounds touches.
func (p Period) Days() (first, last string) {
	return p.From.UTC().Format(time.DateOnly), p.Until.UTC().Add(-1).Format(time.DateOnly)
}

func (p Period) String() string {
	first, last := p.Days()
	return first + " to " + last
}

// ParsePeriod reads two inclusive bounds, each RFC 3339 or a UTC date, each
// possibly empty. The last instant of what the end names belongs to the
// period: a bare date covers its whole day, 23:59:59Z its whole second.
func ParsePeriod(from, to string) (Period, error) {
	var p Period
	if from != "" {
		t, _, ok := parseBound(from)
		if !ok {
			return p, Errorf(InvalidParameter, "%q is neither an RFC 3339 time nor a date YYYY-MM-DD", from).With("parameter", "from")
		}
		p.From = t
	}
	if to != "" {
		t, span, ok := parseBound(to)
		if !ok {
			return p, Errorf(InvalidParameter, "%q is neither an RFC 3339 time nor a date YYYY-MM-DD", to).With("parameter", "to")
		}
		p.Until = t.Add(span)
	}
	if from != "" && to != "" && !p.From.Before(p.Until) {
		return p, Errorf(InvalidParameter, "the period ends (%s) before it starts (%s)", to, from).With("parameter", "to")
	}
	return p, nil
}

// parseBound returns the instant and how long the named unit lasts.
func parseBound(s string) (t time.Time, span time.Duration, ok bool) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, 24 * time.Hour, inRange(t)
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, 0, false
	}
	t = Instant(t)
	switch {
	case t.Nanosecond() == 0:
		span = time.Second
	case t.Nanosecond()%int(time.Millisecond) == 0:
		span = time.Millisecond
	default:
		span = time.Microsecond
	}
	return t, span, inRange(t)
}

// inRange keeps times inside what both RFC 3339's four-digit year and every
// clock that an audit can concern hold.
func inRange(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 9999 }
