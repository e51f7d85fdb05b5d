package forensic_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
)

// TestBaselinesAreBounded: of thirty people, those of the fewest entries are given up
// where room is for some only; the result says who, and all entries are in one count or
// the other. Who is wanted stays, and the same is said each time.
func TestBaselinesAreBounded(t *testing.T) {
	t.Parallel()
	list := live(3, 30, 60).entries
	all := behave(t, list, forensic.Options{})
	if all.NotAnalysed != nil {
		t.Fatalf("by default, %+v is left out", all.NotAnalysed)
	}
	counts := map[string]int{}
	for i := range list {
		counts[list[i].Actor.String("id")]++
	}
	const room = 6_000
	bounded := behave(t, list, forensic.Options{Remember: room})
	left := bounded.NotAnalysed
	if left == nil || left.Bound != room || left.Users == 0 || left.Users >= 30 || len(left.Named) != left.Users || !slices.IsSorted(left.Named) || !strings.Contains(left.Reason, "6000 values") {
		t.Fatalf("%+v", left)
	}
	entries := 0
	for user, n := range counts {
		if slices.Contains(left.Named, user) {
			entries += n
		}
	}
	// Entries until then decide, so that not each of them has fewer than each who stays.
	if stay := len(list) - entries; left.Entries != entries || entries/left.Users >= stay/(30-left.Users) {
		t.Errorf("of %d users with %d entries that were left out %d are counted; %d have the other %d", left.Users, entries, left.Entries, 30-left.Users, stay)
	}
	if got, want := bounded.UserDays+left.UserDays, all.UserDays; got != want || bounded.Judged >= all.Judged {
		t.Errorf("%d days of %d are accounted for, %d judged", got, want, bounded.Judged)
	}
	for i := range bounded.Highest {
		if slices.Contains(left.Named, bounded.Highest[i].User) {
			t.Errorf("%s is judged and left out", bounded.Highest[i].User)
		}
	}
	if again := behave(t, list, forensic.Options{Remember: room}); fmt.Sprintf("%+v", *again.NotAnalysed) != fmt.Sprintf("%+v", *left) {
		t.Errorf("then %+v", again.NotAnalysed)
	}
	first := left.Named[0]
	wanted := behave(t, list, forensic.Options{Remember: room, Want: func(e *audit.Entry) bool { return e.Actor.String("id") == first }})
	if slices.Contains(wanted.NotAnalysed.Named, first) {
		t.Errorf("%s is wanted and left out", first)
	}
}

// TestADayHasRoomForWhoIsNamed: of too many users on one day some are left out, and
// never those whom the case is about.
func TestADayHasRoomForWhoIsNamed(t *testing.T) {
	t.Parallel()
	entry := live(3, 3, 10).entries[0]
	list := make([]audit.Entry, 20_002)
	for i := range list {
		list[i] = entry
		list[i].Seq += int64(i)
		list[i].Actor = audit.Object{"type": "user", "id": fmt.Sprintf("user-%05d", i)}
	}
	last := list[len(list)-1].Actor.String("id")
	got := behave(t, list, forensic.Options{Remember: 20_000_000, Want: func(e *audit.Entry) bool { return e.Actor.String("id") == last }}).NotAnalysed
	if got == nil || got.Users != 1 || !slices.Equal(got.Named, []string{"user-20000"}) {
		t.Errorf("%+v", got)
	}
}
