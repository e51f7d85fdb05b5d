package evidence_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// The second verifier, verify.py, is asked about the packages that tests give to
// the first; where every byte is changed in turn, about a sample (flip). The two
// were written separately, so what they agree on is what the documents say.

// derived are the files that verify.py compares with the signed lists and does
// not make again, as its output says. That one of them says what the entries
// do not lead to, only the holder of the key can bring about, and only the
// first verifier tells. In everything else the two agree.
var derived = regexp.MustCompile(`^(data/categories/[a-z_]+/(entries\.csv|IPE\.json)|data/population/(population|gaps)\.json|data/index\.html|` +
	`bag-info\.txt|keys/KEY-FINGERPRINTS\.txt|README-VERIFY\.md|verify/verify\.py)$`)

// madeAgain are the messages of the first verifier about a file that it made again.
var madeAgain = regexp.MustCompile(`^(it says ".*" where the package's entries lead to|the row is not what the entry leads to|the entry has no row|` +
	`there are more rows than entries|the header is not the one of such a file)`)

func onlyFirst(f evidence.Finding) bool {
	return derived.MatchString(f.File) && madeAgain.MatchString(f.Message)
}

// withoutDerived is what the first verifier would say if it did not make the
// derived files again.
func withoutDerived(r *evidence.Report) *evidence.Report {
	if r.More > 0 || !slices.ContainsFunc(r.Findings, onlyFirst) {
		return r // every finding counts, also those that are not told
	}
	w := &evidence.Report{Integrity: evidence.OK, Completeness: evidence.OK, Authenticity: r.Authenticity, Package: r.Package, Counts: r.Counts}
	for _, f := range r.Findings {
		status := map[evidence.Verdict]*evidence.Status{evidence.Integrity: &w.Integrity, evidence.Completeness: &w.Completeness}[f.Verdict]
		if onlyFirst(f) || strings.HasPrefix(f.Message, "without integrity, ") {
			continue
		}
		if status != nil && *status != evidence.Failed {
			*status = f.Status
		}
		w.Findings = append(w.Findings, f)
	}
	if w.Integrity != evidence.OK && w.Completeness == evidence.OK {
		w.Completeness = evidence.CannotTell // it has no basis
	}
	return w
}

// failedFiles names the files that findings say have failed, without the
// package's folder.
func failedFiles(findings []evidence.Finding) []string {
	var names []string
	for _, f := range findings {
		if f.Status == evidence.Failed && f.File != "" {
			names = append(names, strings.TrimPrefix(f.File, "exp_01TEST/"))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// answer is what verify.py says.
type answer struct {
	Integrity    evidence.Status    `json:"integrity"`
	Completeness evidence.Status    `json:"completeness"`
	Authenticity evidence.Status    `json:"authenticity"`
	Exit         int                `json:"exit"`
	Findings     []evidence.Finding `json:"findings"`
	Counts       *secondCounts      `json:"counts"`

	Canonical string `json:"canonical"`
	Error     string `json:"error"`
	Crash     string `json:"crash"`
}

type secondCounts struct {
	Entries      int64                    `json:"entries"`
	Shown        map[audit.Category]int64 `json:"shown"`
	NotSelected  int64                    `json:"not_selected"`
	Undetermined int64                    `json:"undetermined"`
	NotCollected int64                    `json:"not_collected"`
}

// second is a running verify.py. It ends with the tests, whose pipe it reads.
type second struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
	err error
}

var theSecond = sync.OnceValue(func() *second {
	s := &second{}
	python, err := exec.LookPath("python3")
	if err != nil {
		s.err = fmt.Errorf("the tests need python3, for the second verifier: %w", err)
		return s
	}
	cmd := exec.Command(python, "-B", filepath.Join("testdata", "second.py"), filepath.Join("..", "..", "docs"))
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		s.err = fmt.Errorf("pipes to python3: %w", errors.Join(err1, err2))
		return s
	}
	s.in, s.out, s.err = in, bufio.NewReader(out), cmd.Start()
	return s
})

func askSecond(tb failer, ask map[string]any) (a answer) {
	tb.Helper()
	s := theSecond()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		tb.Fatalf("second verifier: %v", s.err)
	}
	line, err := json.Marshal(ask)
	if err != nil {
		tb.Fatalf("second verifier: %v", err)
	}
	if _, err = s.in.Write(append(line, '\n')); err == nil {
		line, err = s.out.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		tb.Fatalf("second verifier: %v", err)
	}
	if a.Crash != "" {
		tb.Errorf("second verifier: %s", a.Crash)
	}
	return a
}

// failer is a testing.TB, or rapid's.
type failer interface {
	Helper()
	Name() string
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// verifyAlone checks a package with the first verifier.
func verifyAlone(_ failer, data []byte, keys ...string) *evidence.Report {
	return evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Keys: keys})
}

// verify checks a package with both verifiers, which must agree.
func verify(tb failer, data []byte, keys ...string) *evidence.Report {
	tb.Helper()
	return verifyWithin(tb, data, evidence.Limits{}, keys...)
}

func verifyWithin(tb failer, data []byte, limits evidence.Limits, keys ...string) *evidence.Report {
	tb.Helper()
	r := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Keys: keys, Limits: limits})
	a := askSecond(tb, map[string]any{"package": append([]byte{}, data...), "keys": append([]string{}, keys...), "limits": limits, "zip64_size": evidence.BigSize()})
	want := withoutDerived(r)
	if want.Integrity != a.Integrity || want.Completeness != a.Completeness || want.Authenticity != a.Authenticity || want.Exit() != a.Exit {
		tb.Errorf("the verifiers disagree:\n  Go:     %s, %s, %s, exit %d: %s\n  Python: %s, %s, %s, exit %d: %s",
			want.Integrity, want.Completeness, want.Authenticity, want.Exit(), text(r.Findings), a.Integrity, a.Completeness, a.Authenticity, a.Exit, text(a.Findings))
	}
	// In a container that is none, or a package that does not describe itself, either may stop at another fault.
	if r.Package != nil && r.More == 0 && !slices.Equal(failedFiles(want.Findings), failedFiles(a.Findings)) {
		tb.Errorf("the verifiers blame different files:\n  Go:     %q: %s\n  Python: %q: %s",
			failedFiles(want.Findings), text(want.Findings), failedFiles(a.Findings), text(a.Findings))
	}
	if want.Exit() != 1 && a.Counts != nil {
		c := secondCounts{r.Counts.Entries, r.Counts.Shown, r.Counts.NotSelected, r.Counts.Undetermined, r.Counts.NotCollected}
		if got, want := fmt.Sprint(*a.Counts), fmt.Sprint(c); got != want {
			tb.Errorf("the verifiers count differently: %s in Go, %s in Python", want, got)
		}
	}
	return r
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// jsonText draws what may be JSON: numbers in every spelling, strings with every
// kind of escape, names that repeat or sort in an unusual way.
func jsonText(depth int) *rapid.Generator[string] {
	number := rapid.OneOf(
		rapid.Map(rapid.Uint64(), func(bits uint64) string {
			return strconv.FormatFloat(math.Float64frombits(bits), 'g', -1, 64) // NaN and Inf too
		}),
		rapid.Map(rapid.Float64(), func(f float64) string { return strconv.FormatFloat(f, 'e', 20, 64) }),
		rapid.Map(rapid.Float64Range(-1e15, 1e15), func(f float64) string { return strconv.FormatFloat(f, 'f', 6, 64) }),
		rapid.Map(rapid.Int64Range(-1<<54, 1<<54), func(n int64) string { return strconv.FormatInt(n, 10) }),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`),
		rapid.StringMatching(`-?[0-9.]{1,3}[eE+-]?[0-9]?`),
	)
	char := rapid.OneOf(rapid.StringMatching(`[a-c]`), rapid.StringMatching(`\\[bfnrt"/\\]`), rapid.StringMatching(`\\u[0-9a-fA-F]{4}`),
		rapid.Map(rapid.IntRange(0xd800, 0xdfff), func(r int) string { return fmt.Sprintf(`\u%04x`, r) }),
		rapid.Map(rapid.IntRange(0x10000, 0x10ffff), func(r int) string { return string(rune(r)) }),
		rapid.Map(rapid.Rune(), func(r rune) string { return string(r) }), rapid.SampledFrom([]string{"\xff", "\x00", "\x7f", `\x`, "\u2028"}))
	text := rapid.Map(rapid.SliceOfN(char, 0, 3), func(chars []string) string { return `"` + strings.Join(chars, "") + `"` })
	values := []*rapid.Generator[string]{number, number, text, rapid.SampledFrom([]string{"null", "true", "false", " 1 ", "nul", ""})}
	if depth > 0 {
		member := rapid.Custom(func(t *rapid.T) string {
			return text.Draw(t, "name") + ":" + jsonText(depth-1).Draw(t, "value")
		})
		values = append(values,
			rapid.Map(rapid.SliceOfN(jsonText(depth-1), 0, 3), func(v []string) string { return "[" + strings.Join(v, " ,") + "]" }),
			rapid.Map(rapid.SliceOfN(member, 0, 4), func(v []string) string { return "{" + strings.Join(v, ",") + "\n}" }))
	}
	return rapid.OneOf(values...)
}

// TestCanonicalAgrees compares the canonical form that the ledger seals with
// the one of verify.py, over values that both accept and that both refuse.
func TestCanonicalAgrees(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		for _, text := range rapid.SliceOfN(jsonText(3), 5, 5).Draw(t, "values") {
			want, err := ledger.Canonical([]byte(text))
			a := askSecond(t, map[string]any{"canonical": []byte(text)})
			if (err == nil) != (a.Error == "") || string(want) != a.Canonical {
				t.Fatalf("%q: %q %v in Go, %q %s in Python", text, want, err, a.Canonical, a.Error)
			}
			if err == nil {
				accepted++
			}
		}
	})
	if accepted < 50 {
		t.Errorf("only %d values were accepted", accepted)
	}
}

// TestDerived changes, with the key, each of the files that only the first
// verifier makes again. verify, which knows no other exception, holds verify.py
// to overlooking exactly them: a file that it finds wrong belongs no longer to
// derived, and one that it overlooks and is not there is a disagreement.
func TestDerived(t *testing.T) {
	b := newBook(t).fill(60)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	folder, files := unzip(t, b.build(s))
	n := 0
	for name, content := range files {
		if !derived.MatchString(name) {
			continue
		}
		n++
		t.Run(name, func(t *testing.T) {
			f := &forged{book: b, scope: s, folder: folder, files: clone(files)}
			f.insider()
			f.files[name] = slices.Concat(bytes.TrimSuffix(content, []byte("\n")), []byte(" or not\n"))
			if path.Ext(name) == ".json" { // which both read, if only to know of failures
				f.files[name] = slices.Concat(content, []byte("\n"))
			}
			r := verify(t, f.pack(), b.genesis.Key)
			if r.Exit() != 1 || !slices.ContainsFunc(r.Findings, func(f evidence.Finding) bool { return f.File == name && onlyFirst(f) }) {
				t.Errorf("exit %d, and nothing says that %s was changed:\n%s", r.Exit(), name, reportText(t, r))
			}
			if w := withoutDerived(r); w.Exit() != 0 {
				t.Errorf("it is not only the file that was changed: %v", w.Findings)
			}
		})
	}
	if want := 7 + 2*len(audit.Categories); n != want {
		t.Errorf("%d derived files were changed, not %d", n, want)
	}
}

// TestCommand runs verify.py as a person does.
func TestCommand(t *testing.T) {
	data, key := smallPackage(t)
	dir := t.TempDir()
	good, bad, old := filepath.Join(dir, "good.zip"), filepath.Join(dir, "bad.zip"), filepath.Join(dir, "empty.zip")
	b := newBook(t)
	for name, content := range map[string][]byte{good: data, bad: data[1:], old: b.build(b.scope(allCategories(audit.FormatZIP), 0)), filepath.Join(dir, "keys"): []byte("# ours\n\n" + key + "\n")} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{good}, 0, "authenticity  unpinned\nVERIFIED"},
		{[]string{good, "--key", key}, 0, "authenticity  ok"},
		{[]string{good, "--key", filepath.Join(dir, "keys")}, 0, "authenticity  ok"},
		{[]string{good, "--json"}, 0, `"integrity": "ok", "completeness": "ok", "authenticity": "unpinned"`},
		{[]string{"--json", good, bad}, 1, `"exit": 1`},
		{[]string{bad}, 1, "FAILED"},
		{[]string{old}, 2, "CANNOT TELL"},
		{[]string{os.DevNull}, 2, "there is nothing to check"},
		{[]string{filepath.Join(dir, "absent")}, 2, "it cannot be read"},
		{[]string{good, "--key", "nonsense"}, 2, "neither a verifier key"},
		{nil, 2, "usage"},
	} {
		out, err := exec.Command("python3", append([]string{"-B", filepath.Join("..", "..", "docs", "verify.py")}, tt.args...)...).CombinedOutput()
		exit := 0
		var exited *exec.ExitError
		if errors.As(err, &exited) {
			exit = exited.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if exit != tt.exit || !bytes.Contains(out, []byte(tt.says)) {
			t.Errorf("verify.py %v: exit %d, not %d:\n%s", tt.args, exit, tt.exit, out)
		}
	}
}
