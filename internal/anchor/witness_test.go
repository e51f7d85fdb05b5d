package anchor_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/anchor/anchortest"
	"github.com/sealbook/sealbook/internal/exchange"
)

func witnesses(t *testing.T, policy []byte) []*anchor.Witness {
	t.Helper()
	p, err := anchor.ParsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	list, err := anchor.Witnesses(p)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestWitnessFollowsTheLog(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.grow(700, "")
	outside := anchortest.NewWitness(t, "witness.example/w1", l.key.VerifierKey(origin))
	w := witnesses(t, outside.Policy())[0]
	publish := func(size, last int64) {
		t.Helper()
		s := l.state(size, last)
		line, err := w.Publish(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		at, err := anchor.VerifyCosignature(anchor.WithCosignatures(s.Note, line), outside.Key(t))
		if err != nil || time.Since(at) > time.Minute || time.Until(at) > time.Minute {
			t.Errorf("%s %v", at, err)
		}
		if got := outside.Seen(origin); got != s.Checkpoint {
			t.Errorf("the witness has seen %+v", got)
		}
	}
	publish(3, 0)
	publish(500, 3)
	publish(500, 500) // the answer was lost
	publish(600, 0)   // what was noted was lost: the witness says what it knows
	publish(700, 3)
	want := []string{"old 0", "old 3", "old 500", "old 0", "old 500", "old 3", "old 600"}
	if got := outside.Requests(); !slices.Equal(got, want) {
		t.Errorf("the witness was asked %q, want %q", got, want)
	}
}

func TestWitnessRefusesForksAndRollbacks(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.grow(20, "")
	outside := anchortest.NewWitness(t, "w", l.key.VerifierKey(origin))
	w := witnesses(t, outside.Policy())[0]
	if _, err := w.Publish(t.Context(), l.state(10, 0)); err != nil {
		t.Fatal(err)
	}
	fork := newLog(t)
	fork.key = l.key
	fork.grow(20, "other")
	for _, s := range []anchor.Statement{fork.state(10, 0), fork.state(10, 10), fork.state(11, 10), fork.state(20, 0)} {
		refuses(t, w, s, audit.Tampered)
	}
	_, err := w.Publish(t.Context(), l.state(9, 0))
	var ahead *anchor.AheadError
	if !errors.As(err, &ahead) || ahead.Size != 10 {
		t.Errorf("a rollback gives %v", err)
	}
	if got := outside.Seen(origin); got != l.state(10, 0).Checkpoint {
		t.Errorf("the witness went along with %+v", got)
	}
	if _, err := w.Publish(t.Context(), l.state(20, 10)); err != nil {
		t.Errorf("the true log is not witnessed any more: %v", err)
	}
}

func TestWitnessErrors(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.grow(5, "")
	outside := anchortest.NewWitness(t, "w", l.key.VerifierKey(origin))
	stranger := anchortest.NewWitness(t, "w", l.key.VerifierKey(origin)) // same name, other key
	w := witnesses(t, outside.Policy())[0]
	s := l.state(5, 0)
	body, _, _ := strings.Cut(string(s.Note), "\n\n")
	text := []byte(body + "\n")
	genuine := string(outside.Cosign(text, time.Now()))
	swapped := string(outside.Cosign([]byte(origin+"\n4\n"+strings.SplitN(body, "\n", 3)[2]+"\n"), time.Now()))

	for name, c := range map[string]struct {
		status int
		header string
		body   string
		code   audit.Code
		says   string
	}{
		"unknown log":         {404, "", "", audit.NotFound, "does not know the log " + origin},
		"unknown key":         {403, "", "", audit.Forbidden, "does not accept the key"},
		"inconsistent":        {422, "", "", audit.Tampered, "inconsistent"},
		"in trouble":          {502, "", "", audit.Unavailable, "status 502"},
		"too often":           {429, "", "", audit.RateLimited, "less often"},
		"bad request":         {400, "", "", audit.InvalidState, "status 400"},
		"redirect":            {301, "", "", audit.InvalidState, "redirects"},
		"no line":             {200, "", "", audit.InvalidState, "answers"},
		"not lines":           {200, "", "<html>", audit.InvalidState, "not signature lines"},
		"another's line":      {200, "", string(stranger.Cosign(text, time.Now())), audit.InvalidState, "without a cosignature"},
		"of another tree":     {200, "", swapped, audit.InvalidState, "does not hold"},
		"without a time":      {200, "", string(outside.Cosign(text, time.Unix(0, 0))), audit.InvalidState, "does not hold"},
		"conflict, no size":   {409, "text/plain", "4\n", audit.InvalidState, "no witness"},
		"conflict, bad size":  {409, "text/x.tlog.size", "04\n", audit.InvalidState, "no witness"},
		"conflict, no end":    {409, "text/x.tlog.size", "4", audit.InvalidState, "no witness"},
		"conflict, for ever":  {409, "text/x.tlog.size", "4\n", audit.Unavailable, "somebody else"},
		"more than can be":    {200, "", strings.Repeat(genuine, exchange.MaxAnswer/len(genuine)+1), audit.Unavailable, "more than"},
		"among other's lines": {200, "", string(stranger.Cosign(text, time.Now())) + genuine, "", ""},
	} {
		outside.Before = func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.Header().Set("Content-Type", c.header)
			rw.Header().Set("Location", "http://127.0.0.1:1/")
			rw.WriteHeader(c.status)
			rw.Write([]byte(c.body))
			return true
		}
		if c.code == "" {
			if line, err := w.Publish(t.Context(), s); err != nil || string(line) != genuine {
				t.Errorf("%s: %q %v", name, line, err)
			}
			continue
		}
		if err := refuses(t, w, s, c.code); err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
}

func TestCosignature(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.grow(5, "")
	s := l.state(5, 0)
	outside := anchortest.NewWitness(t, "w", l.key.VerifierKey(origin))
	other := anchortest.NewWitness(t, "other", l.key.VerifierKey(origin))
	body, _, _ := strings.Cut(string(s.Note), "\n\n")
	line := outside.Cosign([]byte(body+"\n"), time.Unix(1700000000, 0))
	cosigned := anchor.WithCosignatures(s.Note, line, other.Cosign([]byte(body+"\n"), time.Now()), line)
	if n := strings.Count(string(cosigned), "— "); n != 3 {
		t.Errorf("the note has %d signatures", n)
	}
	if at, err := anchor.VerifyCosignature(cosigned, outside.Key(t)); err != nil || at.Unix() != 1700000000 {
		t.Errorf("%s %v", at, err)
	}
	if _, err := anchor.VerifyCosignature(s.Note, outside.Key(t)); !errors.Is(err, anchor.ErrNotCosigned) {
		t.Errorf("a note without a cosignature gives %v", err)
	}
	// Anybody's software for signed notes reads it.
	v, err := note.NewVerifier(l.key.VerifierKey(origin))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := note.Open(cosigned, note.VerifierList(v, outside.Key(t), other.Key(t))); err != nil || len(n.Sigs) != 3 {
		t.Errorf("%+v %v", n, err)
	}
	// Every bit of the text and of the cosignature counts.
	for i := range cosigned {
		broken := append([]byte(nil), cosigned...)
		broken[i] ^= 1
		at := strings.Index(string(cosigned), "— w ")
		end := at + strings.Index(string(cosigned[at:]), "\n")
		if i >= len(body)+2 && (i < at || i > end) {
			continue // other's lines are ignored
		}
		if _, err := anchor.VerifyCosignature(broken, outside.Key(t)); err == nil {
			t.Errorf("a changed byte %d of %q passes", i, cosigned[i])
		}
	}
	if _, err := anchor.ParseWitnessKey(outside.VKey[:len(outside.VKey)-4] + "AAA="); err == nil {
		t.Error("a key with a typing error is taken")
	}
	if _, err := anchor.ParseWitnessKey(l.key.VerifierKey(origin)); err == nil {
		t.Error("a log's key is taken for a witness's")
	}
	if k, err := anchor.ParseWitnessKey(outside.VKey); err != nil || k.String() != outside.VKey {
		t.Errorf("%s %v", k, err)
	}
}

// TestSpecificationExample: the cosignature in the text of tlog-cosignature has
// the id of no key that is public, but its form must be read.
func TestSpecificationExampleIsRead(t *testing.T) {
	t.Parallel()
	const example = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`
	w := anchortest.NewWitness(t, "w")
	if _, err := anchor.VerifyCosignature([]byte(example), w.Key(t)); !errors.Is(err, anchor.ErrNotCosigned) {
		t.Errorf("%v", err)
	}
}
