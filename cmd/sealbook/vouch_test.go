package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/anchor/anchortest"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestVouching: of what places gave, what counts is what those gave whom the
// person named.
func TestVouching(t *testing.T) {
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, two := anchortest.NewWitness(t, "one.example"), anchortest.NewWitness(t, "two.example")
	ours, theirs := tsatest.NewAuthority(t), tsatest.NewAuthority(t)
	note, err := ledgertest.Key.Sign(ledger.Checkpoint{Origin: ledgertest.Origin, Size: 7, Root: ledger.LeafHash(nil)})
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(note), "\n\n")
	authority, err := anchor.NewAuthority(ours.URL, ours.Roots)
	if err != nil {
		t.Fatal(err)
	}
	token, err := authority.Publish(t.Context(), anchor.Statement{Note: note})
	if err != nil {
		t.Fatal(err)
	}
	a := evidence.Anchor{Note: note, Places: []evidence.AnchorPlace{
		{Place: "witness one.example", Cosignature: string(one.Cosign([]byte(text+"\n"), time.Unix(1767225600, 0)))},
		{Place: "time-stamp authority ours", Token: token},
	}}
	first, second := file("one", one.Policy()), file("two", two.Policy())
	good, other := file("ours.pem", ours.Roots), file("theirs.pem", theirs.Roots)
	for _, tt := range []struct {
		policy, roots string
		enough        bool
		by            string
	}{
		{first, "", true, "witness one.example"},
		{"", good, true, "time-stamp authority ours at "},
		{first, good, true, "witness one.example"},
		{second, "", false, ""},
		{"", other, false, ""},
		{first, other, false, "witness one.example"},
		{second, good, false, "time-stamp authority ours"},
	} {
		vouch, err := readVouching(tt.policy, tt.roots)
		if err != nil {
			t.Fatal(err)
		}
		got := vouch(a)
		said := slices.ContainsFunc(got.By, func(by string) bool { return strings.HasPrefix(by, tt.by) })
		if got.Enough != tt.enough || (tt.by != "") != said || tt.roots == other && len(got.Notes) != 1 {
			t.Errorf("policy %s, roots %s: %+v", tt.policy, tt.roots, got)
		}
	}
	if vouch, err := readVouching("", ""); vouch != nil || err != nil {
		t.Errorf("who names nobody asks nobody: %v", err)
	}
	// A cosignature of a named witness that does not hold is said.
	a.Places[0].Cosignature = string(one.Cosign([]byte("something else\n"), time.Unix(1767225600, 0)))
	vouch, err := readVouching(first, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := vouch(a); got.Enough || len(got.Notes) != 1 {
		t.Errorf("%+v", got)
	}
	for says, args := range map[string][]string{
		"--witnesses: there is no file":           {"verify", "x.zip", "--witnesses", filepath.Join(folder, "gone")},
		"policy, line 1":                          {"verify", "x.zip", "--witnesses", good},
		"names no witness":                        {"verify", "x.zip", "--witnesses", file("empty", []byte("# nobody\nquorum none\n"))},
		"something else than PEM blocks":          {"verify", "x.zip", "--tsa-roots", first},
		"are for a package; docs/anchors.md says": {"verify", "--live", "--witnesses", first},
		"holds receipts":                          {"verify", file("r.json", []byte("{}")), "--tsa-roots", good},
	} {
		invoke(t, nil, "", args...).want(t, exitUsage).says(t, says)
	}
}
