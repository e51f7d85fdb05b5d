package audit

import (
	"regexp"
	"strconv"
	"time"
)

// PeriodNames are the names that periods have; YYYY and YYYY-Qn stand for a year
// and a quarter of one, YYYY-MM for a month.
var PeriodNames = []string{"current_year", "current_quarter", "current_month", "last_30_days", "last_90_days", "last_year", "YYYY", "YYYY-Qn", "YYYY-MM"}

var calendarPeriod = regexp.MustCompile(`^(\d{4})(?:-Q([1-4])|-(0[1-9]|1[0-2]))?$`)

// NamedPeriod is what a name means at a time, up to then at most, in UTC. The
// canonical name means the same at any other time, but for last_30_days and
// last_90_days, which move. Returns InvalidParameter for no name, and for a period
// that has not begun.
func NamedPeriod(name string, now time.Time) (p Period, canonical string, err error) {
	now = Instant(now)
	switch name {
	case "last_30_days":
		return Period{now.AddDate(0, 0, -30), now}, name, nil
	case "last_90_days":
		return Period{now.Add(-DefaultAssessmentPeriod), now}, name, nil
	case "current_year":
		canonical = now.Format("2006")
	case "last_year":
		canonical = strconv.Itoa(now.Year() - 1)
	case "current_quarter":
		canonical = now.Format("2006") + "-Q" + strconv.Itoa((int(now.Month())+2)/3)
	case "current_month":
		canonical = now.Format("2006-01")
	default:
		canonical = name
	}
	parts := calendarPeriod.FindStringSubmatch(canonical)
	if parts == nil {
		return p, "", Errorf(InvalidParameter, "period is current_year, current_quarter, current_month, last_30_days, last_90_days, last_year, YYYY, YYYY-Qn or YYYY-MM").
			With("parameter", "period").With("allowed", PeriodNames)
	}
	year, _ := strconv.Atoi(parts[1]) // digits, by the pattern
	first, months := time.January, 12
	switch {
	case parts[2] != "":
		quarter, _ := strconv.Atoi(parts[2])
		first, months = time.Month(3*quarter-2), 3
	case parts[3] != "":
		month, _ := strconv.Atoi(parts[3])
		first, months = time.Month(month), 1
	}
	p.From = time.Date(year, first, 1, 0, 0, 0, 0, time.UTC)
	p.Until = p.From.AddDate(0, months, 0)
	if p.Until.After(now) {
		p.Until = now
	}
	if !p.From.Before(p.Until) || !inRange(p.From) {
		return p, "", Errorf(InvalidParameter, "the period %s has not begun", canonical).With("parameter", "period")
	}
	return p, canonical, nil
}
