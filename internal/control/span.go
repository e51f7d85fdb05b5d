package control

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Span is a length of time by the calendar, as ISO 8601 writes it: P3M is from
// the 5th of one month to the 5th of the third after it, however many days that
// are. Weeks are seven days; fractions and signs are not taken.
type Span struct {
	Years, Months, Days int
	Clock               time.Duration
}

var spanForm = regexp.MustCompile(`^P(?:(\d{1,3})Y)?(?:(\d{1,3})M)?(?:(\d{1,3})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,4})M)?)?$`)

// ParseSpan reads an ISO 8601 duration that is longer than nothing.
func ParseSpan(text string) (s Span, err error) {
	m := spanForm.FindStringSubmatch(text)
	if m == nil {
		return s, fmt.Errorf("%q is not a duration like P3M, P7D or PT24H", text)
	}
	n := func(i int) int {
		v, _ := strconv.Atoi(m[i]) // the form leaves digits or nothing
		return v
	}
	s = Span{Years: n(1), Months: n(2), Days: 7*n(3) + n(4), Clock: time.Duration(n(5))*time.Hour + time.Duration(n(6))*time.Minute}
	if s == (Span{}) {
		return s, fmt.Errorf("%q is no time at all", text)
	}
	return s, nil
}

// After returns the instant a span after t.
func (s Span) After(t time.Time) time.Time {
	return t.AddDate(s.Years, s.Months, s.Days).Add(s.Clock)
}

// Before returns the instant a span before t.
func (s Span) Before(t time.Time) time.Time {
	return t.AddDate(-s.Years, -s.Months, -s.Days).Add(-s.Clock)
}

// UnmarshalText reads a span of a catalogue.
func (s *Span) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSpan(string(text))
	return err
}
