package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestVisualOrder(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain (text) 12": "plain (text) 12",
		"אבג":             "גבא",
		"a אבג דהו z":     "a והד גבא z",
		"אבג (דה) 12.5":   "(הד) גבא 12.5",
		"אב 12.5 גד":      "דג 12.5 בא",
		"אבג.":            "גבא.",
		"בּ א":            "א בּ",
		"(אב)":            "(בא)",
	} {
		if got := visual(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// fonts of a new rendering.
func fonts(t *testing.T) [faces]*font {
	t.Helper()
	p, err := newPress(Document{}.GeneratedAt)
	if err != nil {
		t.Fatal(err)
	}
	return p.fonts
}

func TestLinesFitAndLoseNothing(t *testing.T) {
	t.Parallel()
	fonts := fonts(t)
	rapid.Check(t, func(rt *rapid.T) {
		f := fonts[rapid.IntRange(0, int(faces)-1).Draw(rt, "face")]
		size, width := rapid.Float64Range(6, 24).Draw(rt, "size"), rapid.Float64Range(12, 200).Draw(rt, "width")
		raw := rapid.OneOf(rapid.String(), rapid.StringMatching(`([a-zA-Z0-9_./-]{1,60}[ \n]{0,2})*`)).Draw(rt, "text")
		text, replaced := f.clean(raw)
		if again, more := f.clean(text); again != text || more != 0 {
			rt.Errorf("%q, cleaned with %d replaced, is cleaned again to %q", text, replaced, again)
		}
		lines := f.wrap(text, size, width)
		for _, line := range lines {
			if w := f.measure(line, size); w > width+0.01 && len([]rune(line)) > 1 && strings.TrimSpace(line) != "" {
				rt.Errorf("%q is %.1f mm, more than %.1f", line, w, width)
			}
		}
		bare := strings.NewReplacer(" ", "", "\n", "")
		if got, want := bare.Replace(strings.Join(lines, "")), bare.Replace(text); got != want {
			rt.Errorf("%q is broken to %q", want, got)
		}
	})
}

func TestLinesBreakAtSpacesFirst(t *testing.T) {
	t.Parallel()
	f := fonts(t)[mono] // each character 0.602 of the size: 10 on a line
	width := 10.2 * 0.602 * body * perPoint
	for text, want := range map[string][]string{
		"":                       {""},
		"one two three":          {"one two", "three"},
		"re-use of it":           {"re-use of", "it"},
		"audit_entry_20260611":   {"audit_", "entry_", "20260611"},
		"abcdefghijklmno":        {"abcdefghij", "klmno"},
		"a bcdefghijklm":         {"a", "bcdefghijk", "lm"},
		"1\n\n2":                 {"1", "", "2"},
		"exactly te n":           {"exactly te", "n"},
		"many            spaces": {"many", "spaces"},
	} {
		if got := f.wrap(text, body, width); !slices.Equal(got, want) {
			t.Errorf("%q is broken to %q, want %q", text, got, want)
		}
	}
}

func TestTitlesAreBalanced(t *testing.T) {
	t.Parallel()
	f := fonts(t)[bold]
	for text, want := range map[string][]string{
		"Access review": {"Access review"},
		"Part 11 compliance, second quarter 2026": {"Part 11 compliance,", "second quarter 2026"},
	} {
		if got := f.balance(text, display, 170); !slices.Equal(got, want) {
			t.Errorf("%q is broken to %q, want %q", text, got, want)
		}
	}
}

func TestFitShortens(t *testing.T) {
	t.Parallel()
	f := fonts(t)[regular]
	for _, text := range []string{"", "short", strings.Repeat("long ", 40), strings.Repeat("W", 100)} {
		got := f.fit(text, body, 50)
		if f.measure(got, body) > 50 || got != text && !strings.HasSuffix(got, "…") || len(text) < 10 && got != text {
			t.Errorf("%q is shortened to %q", text, got)
		}
	}
}

func TestGlyphsOfTheFonts(t *testing.T) {
	t.Parallel()
	all, err := shown()
	if err != nil {
		t.Fatal(err)
	}
	for f := range faces {
		for _, r := range "Az09éłЖα→…—“" {
			if !all[f].has(r) {
				t.Errorf("font %d lacks %q", f, r)
			}
		}
		for _, r := range "\x00\n漢\uFFFF🚀" {
			if all[f].has(r) {
				t.Errorf("font %d has %q", f, r)
			}
		}
	}
	if all[mono].has('ש') || !all[regular].has('ש') {
		t.Error("the fonts are not told apart")
	}
	for _, cut := range []int{0, 5, 40, 400, 4000} {
		if err := new(glyphs).read(bytes.Clone(files[mono][:cut])); err == nil {
			t.Errorf("a font cut to %d bytes is read", cut)
		}
	}
}
