package audit

import (
	"slices"
	"time"
)

// Notice is what a mail tells a signatory about their turn.
type Notice string

// The notices, in the order in which they go out of the usual time to sign.
const (
	NoticeAsked   Notice = "asked"    // it is their turn
	NoticeHalfway Notice = "halfway"  // half of their time is over
	NoticeLastDay Notice = "last_day" // their time is over in SignatureLastReminder
)

// Reminder is a notice that comes while a signatory has not decided.
type Reminder struct {
	Notice Notice
	At     time.Time
}

// Reminders are those that a signatory gets who was asked at a time and can sign
// until another, in order. One that would come within SignatureReminderGap of being
// asked, or of the reminder before, is left out: it says nothing new.
func Reminders(asked, due time.Time) (list []Reminder) {
	all := []Reminder{
		{NoticeHalfway, Instant(asked.Add(due.Sub(asked) / 2))},
		{NoticeLastDay, Instant(due.Add(-SignatureLastReminder))},
	}
	slices.SortStableFunc(all, func(a, b Reminder) int { return a.At.Compare(b.At) })
	last := asked
	for _, r := range all {
		if r.At.Sub(last) >= SignatureReminderGap {
			list = append(list, r)
			last = r.At
		}
	}
	return list
}
