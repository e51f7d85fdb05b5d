package anchor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/anchor/anchortest"
)

// group is the two-level example of tlog-policy.
func TestPolicyQuorum(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.grow(3, "")
	s := l.state(3, 0)
	body, _, _ := strings.Cut(string(s.Note), "\n\n")
	var text strings.Builder
	fmt.Fprintf(&text, "# ours\n\t log %s\n", l.key.VerifierKey(origin))
	lines := map[string][]byte{}
	for _, name := range []string{"X1", "X2", "X3", "Y1", "Y2", "Y3"} {
		w := anchortest.NewWitness(t, name+".example")
		fmt.Fprintf(&text, "witness  %s\t%s\n", name, w.VKey)
		lines[name] = w.Cosign([]byte(body+"\n"), time.Now())
	}
	text.WriteString("group X-witnesses 2 X1 X2 X3\n group Y-witnesses any Y1 Y2 Y3\ngroup X-and-Y all X-witnesses Y-witnesses\n\nquorum X-and-Y\n")
	p, err := anchor.ParsePolicy([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := anchor.Witnesses(p); err != nil || len(list) != 0 || !p.Quorum() || len(p.Logs) != 1 {
		t.Errorf("%v %v %+v", list, err, p)
	}
	for signers, want := range map[string]bool{
		"": false, "X1 X2": false, "X1 Y1": false, "Y1 Y2 Y3": false, "X1 X3 Y2": true, "X1 X2 X3 Y1 Y2 Y3": true,
	} {
		note := s.Note
		for _, name := range strings.Fields(signers) {
			note = anchor.WithCosignatures(note, lines[name])
		}
		by, enough, err := p.Cosigned(note)
		if err != nil || enough != want || len(by) != len(strings.Fields(signers)) {
			t.Errorf("%q: %d cosigned, enough %t, %v", signers, len(by), enough, err)
		}
	}
	bad := strings.Replace(string(s.Note), "\n3\n", "\n4\n", 1)
	if _, _, err := p.Cosigned(anchor.WithCosignatures([]byte(bad), lines["X1"])); err == nil {
		t.Error("a cosignature of something else is counted or passed over")
	}
}

func TestPolicyShortForm(t *testing.T) {
	t.Parallel()
	a, b := anchortest.NewWitness(t, "a"), anchortest.NewWitness(t, "b")
	p, err := anchor.ParsePolicy(fmt.Appendf(nil, "%s %s\n\n# the other\n%s %s/\n", a.VKey, a.URL, b.VKey, b.URL))
	if err != nil {
		t.Fatal(err)
	}
	list, err := anchor.Witnesses(p)
	if err != nil || len(list) != 2 || list[1].Place() != (anchor.Place{Kind: anchor.KindWitness, Name: "b"}) || p.Quorum() {
		t.Errorf("%v %v", list, err)
	}
}

func TestPolicyRefuses(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	log := l.key.VerifierKey(origin)
	a, b := anchortest.NewWitness(t, "a"), anchortest.NewWitness(t, "b")
	renamed := anchortest.NewWitness(t, "a")
	witness := "witness a " + a.VKey + " " + a.URL + "\n"
	many := strings.Builder{}
	for range anchor.MaxMembers + 1 {
		fmt.Fprintf(&many, "log %s\n", newLog(t).key.VerifierKey(origin))
	}
	for text, says := range map[string]string{
		witness:                                    "no quorum",
		witness + "quorum a\nquorum a\n":           "two quorum",
		witness + "quorum b\n":                     "not defined",
		"quorum a\n" + witness:                     "not defined",
		witness + witness + "quorum a\n":           "same key",
		witness + "witness a " + b.VKey + "\n":     "taken",
		"witness none " + a.VKey + "\n":            "taken",
		"log " + log + "\nlog " + log + "\n":       "same key",
		"log " + a.VKey + "\n":                     "log key",
		"witness a " + log + "\n":                  "type 0x01",
		witness + "group g 2 a\n":                  "1 to 1",
		witness + "group g 01 a\n":                 "1 to 1",
		witness + "group g any a\ngroup h any a\n": "in a group before",
		witness + "group g any g\n":                "not defined",
		witness + "group a any a\n":                "taken",
		"witness a\n":                              "none of",
		"hello\n":                                  "none of",
		"quorum none\x00\n":                        "control character",
		"quorum none\r\n":                          "control character",
		a.VKey + " http://x/\nquorum none\n":       "both forms",
		strings.Repeat("#", anchor.MaxPolicy+1):    "at most",
		many.String():                              "more than",
	} {
		if _, err := anchor.ParsePolicy([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.200q: %v does not say %q", text, err, says)
		}
	}
	p, err := anchor.ParsePolicy([]byte(a.VKey + " ftp://x/\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := anchor.Witnesses(p); err == nil {
		t.Error("a witness without HTTP is taken")
	}
	if p, err = anchor.ParsePolicy([]byte(a.VKey + " http://x/\n" + strings.Replace("witness z KEY http://y/\n", "KEY", renamed.VKey, 1))); err == nil {
		t.Errorf("%+v", p)
	}
	if p, err = anchor.ParsePolicy([]byte(witness + "witness z " + renamed.VKey + " http://y/\nquorum none\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := anchor.Witnesses(p); err == nil {
		t.Error("two witnesses of one name are taken: their evidence could not be told apart")
	}
}

func FuzzPolicy(f *testing.F) {
	w := anchortest.NewWitness(f, "w")
	f.Add(w.Policy())
	f.Add([]byte(w.VKey + " http://x\n"))
	f.Add([]byte("group g any a b\nquorum g"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, err := anchor.ParsePolicy(text); err == nil {
			if _, enough, err := p.Cosigned([]byte("x\n\n— a AAAA\n")); err == nil && enough && p.Quorum() {
				t.Errorf("nobody's cosignature is enough for %q", text)
			}
		}
	})
}
