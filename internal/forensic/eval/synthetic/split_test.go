package synthetic

import (
	"slices"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

func made(t *testing.T, c *corpus.Corpus, err error) (*corpus.Corpus, []audit.Entry) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := c.Entries()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(entries); err != nil {
		t.Fatal(err)
	}
	return c, entries
}

// TestSplits: every line is an entry, every label points to entries that exist,
// each site has each family of its split once, and a benign corpus has none.
func TestSplits(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, split := range Splits {
		c, err := split.Attacked(1)
		attacked, entries := made(t, c, err)
		c, err = split.Benign(1)
		benign, _ := made(t, c, err)
		if split.Start.Weekday() != time.Monday {
			t.Errorf("%s does not start on a Monday", split.Name)
		}
		count := map[string]int{}
		for _, l := range attacked.Labels {
			count[l.Family]++
			if l.Kind == corpus.Incident && l.From.Before(split.Start.AddDate(0, 0, Days/2-6)) {
				t.Errorf("%s begins at %s, with no past to compare with", l.ID, l.From)
			}
		}
		for _, f := range families {
			want := 0
			if f.development == split.Development {
				want = 1
				seen[f.id] = f.name
			}
			if count[f.id] != want {
				t.Errorf("%s: %d incidents of %s, want %d", split.Name, count[f.id], f.id, want)
			}
		}
		for _, l := range lookAlikes {
			if count[l.name] != l.times {
				t.Errorf("%s: %d of look-alike %s, want %d", split.Name, count[l.name], l.name, 2*l.times)
			}
		}
		for _, l := range benign.Labels {
			if l.Kind != corpus.LookAlike {
				t.Errorf("%s is in a benign corpus", l.ID)
			}
		}
		if repeated := len(attacked.Lines) - len(entries); repeated < 10 || repeated > len(entries)/50 {
			t.Errorf("%s: %d of %d lines were sent again", split.Name, repeated, len(entries))
		}
	}
	if len(seen) != 22 {
		t.Errorf("%d families, want A1 to A22", len(seen))
	}
}

// TestDeterminism: the same numbers give the same bytes, others do not.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	digest := func(split Split) string {
		c, err := split.Attacked(1)
		if err != nil {
			t.Fatal(err)
		}
		return c.Digest()
	}
	one := digest(Splits[2])
	if again := digest(Splits[2]); again != one {
		t.Errorf("two runs differ: %s %s", one, again)
	}
	if other := digest(Splits[2].NewSplit(7)); other == one {
		t.Error("another seed gives the same")
	}
}

// TestWork: people work in their hours, on their days, at their rates, and the
// days of one person differ more than by chance alone.
func TestWork(t *testing.T) {
	t.Parallel()
	s := newSite("test", 5, 0, Splits[0].Start, Days, Splits[0].tilt)
	s.background()
	s.play()
	type day struct {
		who string
		day int
	}
	roles := map[string]role{}
	for _, p := range s.people {
		roles[p.id] = p.role
	}
	perDay, inside, all := map[day]int{}, 0, 0
	nights := map[role]int{}
	for _, e := range s.events {
		actor := e.body["actor"].(body)
		id, _ := actor["id"].(string)
		job, ok := roles[id]
		if !ok {
			continue
		}
		if local := e.at.Sub(s.local(s.day(e.at), 0)).Hours(); local < 5 || local > 22.1 {
			nights[job]++
		}
		if job == operator {
			continue
		}
		perDay[day{id, s.day(e.at)}]++
		all++
		if local := e.at.Sub(s.local(s.day(e.at), 0)).Hours(); local > 6 && local < 20.5 && !weekend(s.day(e.at)) {
			inside++
		}
	}
	if share := float64(inside) / float64(all); share < 0.85 || share > 0.999 {
		t.Errorf("%.3f of the work of offices is in their hours", share)
	}
	if nights[operator] < 500 || nights[lab] > all/50 {
		t.Errorf("at night: %v", nights)
	}
	var sum, squares float64
	for _, n := range perDay {
		sum += float64(n)
		squares += float64(n) * float64(n)
	}
	mean := sum / float64(len(perDay))
	if spread := squares/float64(len(perDay)) - mean*mean; mean < 6 || mean > 25 || spread < 2*mean {
		t.Errorf("mean %.1f and variance %.1f of entries a day", mean, spread)
	}
}

// TestShift: nobody works on leave, before the first day or after the last, and
// operators have two days off in seven.
func TestShift(t *testing.T) {
	t.Parallel()
	s := newSite("test", 9, 3, Splits[0].Start, Days, Splits[0].tilt)
	r := stream(1, "shift")
	for _, p := range s.people {
		worked := make([]bool, Days)
		for day := range Days {
			_, _, worked[day] = s.shift(r, p, day)
			if gone := day < p.first || day >= p.last || day >= p.leave[0] && day < p.leave[1]; gone && worked[day] {
				t.Errorf("%s works on day %d", p.id, day)
			}
		}
		for week := range slices.Chunk(worked, 7) {
			days := 0
			for _, w := range week {
				if w {
					days++
				}
			}
			if p.role == operator && days > 5 {
				t.Errorf("%s works %d days of a week", p.id, days)
			}
		}
	}
	if s.dormant.last > 7 || s.leaver.last >= Days {
		t.Errorf("the dormant account works until %d, the leaver until %d", s.dormant.last, s.leaver.last)
	}
}
