package importer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the same zones on every machine, also where there is no file of them
)

// timeForm reads the times of one column.
type timeForm struct {
	layout    string
	unit      time.Duration // of numbers since 1970, instead of a layout
	zone      *time.Location
	ambiguous string
}

// newTimeForm checks what a mapping says about times.
func newTimeForm(layout, zone, ambiguous string) (*timeForm, error) {
	f := &timeForm{layout: layout, ambiguous: ambiguous}
	switch layout {
	case "unix":
		f.unit = time.Second
	case "unix_ms":
		f.unit = time.Millisecond
	case "rfc3339":
		f.layout = time.RFC3339
	case "":
		return nil, errors.New("layout says how times are written: rfc3339, unix, unix_ms, or one such as 2006-01-02 15:04:05")
	}
	if strings.Contains(layout, "MST") {
		return nil, errors.New("letters for a zone mean different things to different readers: name the zone, or use an offset such as -07:00")
	}
	// A layout that forgets a part of the date gives times of another day.
	noon := time.Date(2003, 11, 28, 12, 0, 0, 0, time.UTC)
	if back, err := time.Parse(f.layout, noon.Format(f.layout)); f.unit == 0 && (err != nil || back.UTC().Format(time.DateOnly) != noon.Format(time.DateOnly)) {
		return nil, fmt.Errorf("the layout %q does not hold year, month and day; it is written as 2 January 2006, 15:04:05 would be", clip(layout, 80))
	}
	// Two zones make two texts of a layout that holds an offset.
	says := f.unit != 0 || noon.Format(f.layout) != time.Date(2003, 11, 28, 12, 0, 0, 0, time.FixedZone("", -7*3600)).Format(f.layout)
	switch {
	case says && (zone != "" || ambiguous != ""):
		return nil, errors.New("these times say their offset themselves: zone and ambiguous have no meaning")
	case says:
		return f, nil
	case zone == "" || zone == "Local":
		return nil, errors.New("zone is needed, because these times do not say it: UTC, or a name such as Europe/Berlin")
	case ambiguous != "" && ambiguous != "earlier" && ambiguous != "later":
		return nil, errors.New("ambiguous is earlier or later")
	}
	var err error
	if f.zone, err = time.LoadLocation(zone); err != nil {
		return nil, fmt.Errorf("there is no time zone %q", clip(zone, 80))
	}
	return f, nil
}

// parse returns the time as RFC 3339 in UTC.
func (f *timeForm) parse(s string) (string, error) {
	if f.unit != 0 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n > maxUnixSeconds*int64(time.Second/f.unit) || n < 0 {
			return "", fmt.Errorf("%q is no number of %s since 1970", clip(s, 80), map[time.Duration]string{time.Second: "seconds", time.Millisecond: "milliseconds"}[f.unit])
		}
		perSecond := int64(time.Second / f.unit)
		return time.Unix(n/perSecond, n%perSecond*int64(f.unit)).UTC().Format(time.RFC3339Nano), nil
	}
	t, err := time.Parse(f.layout, s)
	if err != nil {
		return "", fmt.Errorf("%q is not a time that is written as %s", clip(s, 80), f.layout)
	}
	if f.zone != nil {
		if t, err = f.local(t); err != nil {
			return "", err
		}
	}
	return t.UTC().Format(time.RFC3339Nano), nil
}

// maxUnixSeconds is the end of the year 9999.
const maxUnixSeconds = 253402300799

// local is the moment at which clocks in the zone show what t shows in UTC.
// When they are put back they show an hour twice, and what time.Date then
// takes is not defined.
func (f *timeForm) local(t time.Time) (time.Time, error) {
	var moments []time.Time
	for _, probe := range []time.Time{t.Add(-24 * time.Hour), t.Add(24 * time.Hour)} { // before and after a change
		_, offset := probe.In(f.zone).Zone()
		m := t.Add(-time.Duration(offset) * time.Second)
		if _, is := m.In(f.zone).Zone(); is == offset && (len(moments) == 0 || !m.Equal(moments[0])) {
			moments = append(moments, m)
		}
	}
	switch {
	case len(moments) == 0:
		return t, fmt.Errorf("in %s there was no %s: the clocks were put forward", f.zone, t.Format(time.DateTime))
	case len(moments) == 1:
		return moments[0], nil
	case f.ambiguous == "":
		return t, fmt.Errorf("in %s there was %s twice; say in the mapping which is meant, as ambiguous: earlier or later", f.zone, t.Format(time.DateTime))
	}
	earlier, later := moments[0], moments[1]
	if later.Before(earlier) {
		earlier, later = later, earlier
	}
	if f.ambiguous == "later" {
		return later, nil
	}
	return earlier, nil
}
