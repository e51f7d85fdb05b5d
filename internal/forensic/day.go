package forensic

import (
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// today is one user's entries of the day in hand.
type today struct {
	user, role string
	wanted     bool // not to be given up
	acts       []act
	total      int
	counts     [classes]int
	hours      []int64         // since 1970, distinct, ascending
	items      [features][]int // for each feature, the first act with each value
	kinds      map[string]int  // acts by kind
	sessions   []sitting
	found      [features]int     // how many of the values were new
	raw        [2][slots]float64 // what models say: against the user's own habits, and the role's
	own        *profile
	peer       *peers // nil without a role
}

// act is what behaviour needs of an entry.
type act struct {
	ref
	class   int
	kind    string // operation and type of resource
	session string
	values  [features]string
}

// Features whose values can be new.
const (
	ofResource = iota
	ofOperation
	ofSource
	ofLocation
	ofAgent
	features
)

var featureNames = [features]string{"new resource", "new operation", "new source address", "new location", "new user agent"}

// Classes of operations, whose numbers are compared from day to day.
const (
	failedSignIn = iota
	signIn
	reading
	taking
	deleting
	granting
	changing
	other
	classes
)

var classNames = [classes]string{"failed sign-ins", "sign-ins", "reads", "exports", "deletions", "privileges", "changes", "other operations"}

var (
	takingWords   = set("export exported upload uploaded send sent share shared transfer transferred download downloaded")
	deletingWords = set("delete deleted destroy destroyed purge purged remove removed drop dropped wipe truncate erase erased")
	grantingWords = set("grant granted revoke revoked role permission permissions privilege privileges policy elevate elevated promote promoted")
	readingWords  = set("read view viewed get list describe head open opened accessed lookup search query")
)

func set(words string) Words {
	w := Words{}
	for _, word := range strings.Fields(words) {
		w[word] = true
	}
	return w
}

// operationOf is the class of operations that did not fail to sign in.
func operationOf(words map[string]bool, class audit.EventClass) int {
	switch {
	case class == audit.ClassLogin:
		return signIn
	case takingWords.in(words):
		return taking
	case deletingWords.in(words):
		return deleting
	case grantingWords.in(words):
		return granting
	case readingWords.in(words):
		return reading
	case class == audit.ClassChange:
		return changing
	}
	return other
}

// add takes an entry. It reports whether it could be kept, for which there is room or not.
func (t *today) add(v *view, room bool) bool {
	if role := v.Actor.String("role"); role != "" {
		t.role = role
	}
	class := v.kind.operation
	if class == signIn && v.failed() {
		class = failedSignIn
	}
	t.total++
	t.counts[class]++
	if hour := v.at.Unix() / 3600; len(t.hours) == 0 || t.hours[len(t.hours)-1] != hour {
		t.hours = append(t.hours, hour)
	}
	if !room || len(t.acts) == maxToday {
		return false
	}
	operation := first(v.Action.String("operation"), v.Type)
	if v.failed() {
		operation += " (failed)"
	}
	a := act{ref: refer(v), class: class, session: v.one(sessionField)}
	kind := v.Resource.String("type")
	a.kind = operation + " " + kind
	if id := v.Resource.String("id"); id != "" {
		a.values[ofResource] = kind + " " + id
	}
	a.values[ofOperation] = operation
	a.values[ofSource] = v.one(sourceField)
	a.values[ofLocation] = v.one(locationField)
	a.values[ofAgent] = v.one(agentField)
	t.acts = append(t.acts, a)
	return true
}

// end derives what is compared, once the day is over.
func (t *today) end() {
	t.kinds = map[string]int{}
	for i := range t.acts {
		t.kinds[t.acts[i].kind]++
	}
	for f := range features {
		seen := map[string]bool{}
		for i := range t.acts {
			if value := t.acts[i].values[f]; value != "" && !seen[value] {
				seen[value] = true
				t.items[f] = append(t.items[f], i)
			}
		}
	}
	t.sessions = sit(t.acts)
}

// learn adds the day to the user's baseline and to that of the role.
func (t *today) learn() {
	t.own.learn(t)
	t.own.rates.learn(t)
	if t.peer != nil {
		t.peer.learn(t)
	}
}

// meet notes what was there on a day of the window.
func (t *today) meet() {
	for f := range features {
		for _, i := range t.items[f] {
			met := t.own.met[f]
			if met == nil {
				met = map[string]bool{}
				t.own.met[f] = met
			}
			if len(met) < maxKnown {
				met[t.acts[i].values[f]] = true
			}
		}
	}
}

// sitting is one session: acts that follow each other.
type sitting struct {
	acts []int // of the day
}

// idle ends a session that has no id.
const idle = 30 * time.Minute

// sit puts acts into sessions: by session id, else until nothing is done for
// half an hour. A session ends with the day.
func sit(acts []act) []sitting {
	var out []sitting
	open := map[string]int{}
	for i := range acts {
		a := &acts[i]
		n, there := open[a.session]
		if there && a.session == "" {
			last := out[n].acts[len(out[n].acts)-1]
			there = a.at.Sub(acts[last].at) <= idle
		}
		if !there {
			n = len(out)
			out = append(out, sitting{})
			open[a.session] = n
		}
		out[n].acts = append(out[n].acts, i)
	}
	return out
}

// where lists the first ids of the acts that f selects.
func (t *today) where(f func(*act) bool) []string {
	const most = 10
	var ids []string
	for i := range t.acts {
		if f(&t.acts[i]) {
			if ids = append(ids, t.acts[i].id); len(ids) == most {
				break
			}
		}
	}
	return ids
}
