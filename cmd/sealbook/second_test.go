package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// secondVerifier is the other implementation of this command.
var secondVerifier = filepath.Join("..", "..", "docs", "verify.py")

// agree gives files, of receipts or of what was one, to this command and to the second verifier, and
// compares exit codes and each receipt's verdicts.
func agree(t testing.TB, keys []string, files ...string) {
	t.Helper()
	type said struct {
		File, Integrity, Authenticity string
		Exit                          int
	}
	args := append([]string{"-B", secondVerifier, "--json"}, files...)
	for _, k := range keys {
		args = append(args, "--key="+k)
	}
	out, err := exec.Command("python3", args...).Output()
	if exited := new(exec.ExitError); err != nil && !errors.As(err, &exited) {
		t.Fatal(err)
	}
	second, exits := map[string][]string{}, map[string]int{}
	for line := range strings.Lines(string(out)) {
		var s said
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		second[s.File] = append(second[s.File], s.Integrity+" "+s.Authenticity)
		if was := exits[s.File]; was != exitFailed && s.Exit != exitOK {
			exits[s.File] = s.Exit
		}
	}
	for _, file := range files {
		args := []string{"verify", file, "--json"}
		for _, k := range keys {
			args = append(args, "--key", k)
		}
		r := invoke(t, nil, "", args...)
		n := 0
		for d := json.NewDecoder(strings.NewReader(r.stdout)); d.More(); {
			var s said
			if err := d.Decode(&s); err != nil {
				t.Fatalf("%s: %v", r.stdout, err)
			}
			if got := s.Integrity + " " + s.Authenticity; n >= len(second[file]) || second[file][n] != got {
				content, _ := os.ReadFile(file)
				t.Errorf("receipt %d: %s, verify.py says %v\n%s", n+1, got, second[file], content)
			}
			n++
		}
		if _, answered := second[file]; r.code != exits[file] || !answered {
			content, _ := os.ReadFile(file)
			t.Errorf("exit code %d, that of verify.py is %d\n%s%s%s", r.code, exits[file], r.stderr, out, content)
		}
	}
}

// TestReceiptVectors checks the published receipts with the command.
func TestReceiptVectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Receipts []struct {
			Name, Key, Integrity, Authenticity string
			Receipt                            json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors.Receipts) == 0 {
		t.Fatal(err)
	}
	for i, v := range vectors.Receipts {
		file := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if err := os.WriteFile(file, v.Receipt, 0o600); err != nil {
			t.Fatal(err)
		}
		invoke(t, nil, "", "verify", file, "--key", v.Key, "--json").
			says(t, `"integrity":"`+v.Integrity+`"`, `"authenticity":"`+v.Authenticity+`"`)
		agree(t, []string{v.Key}, file)
		agree(t, nil, file)
	}
}

// TestReceiptForms are receipts that two readers of JSON could understand
// differently.
func TestReceiptForms(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	receipt, err := json.Marshal(ledgertest.Append(t, l, id, 0, 9)[5])
	if err != nil {
		t.Fatal(err)
	}
	vkey := ledgertest.Key.VerifierKey(ledgertest.Origin + "/org_test")
	good := string(receipt)
	for name, c := range map[string]struct {
		content string
		code    int
	}{
		"white space":                {" " + strings.ReplaceAll(good, `","`, "\",\n\t\""), exitFailed}, // a file that starts with a space is taken for a package
		"white space inside":         {strings.ReplaceAll(good, `","`, "\",\n\t\""), exitOK},
		"a member more":              {strings.Replace(good, "{", `{"note":[1e400,null,{"a":1}],`, 1), exitOK},
		"another case":               {strings.Replace(good, `"record"`, `"Record"`, 1), exitFailed},
		"another case of the first":  {strings.Replace(good, `"receipt"`, `"RECEIPT"`, 1), exitUsage},
		"a member twice, the bad":    {strings.Replace(good, "{", `{"record":"x",`, 1), exitOK},
		"a member twice, the good":   {strings.TrimSuffix(good, "}") + `,"record":"x"}`, exitFailed},
		"a number for a text":        {strings.Replace(good, "{", `{"proof":1,"x":`, 1), exitFailed},
		"an escape":                  {strings.Replace(good, "audit-entry", `\u0061udit-entry`, 1), exitOK},
		"a carriage return":          {strings.Replace(good, `=\n`, `=\r\n`, 1), exitFailed},
		"a return in the proof":      {strings.Replace(good, `index 5\n`, `index 5\n\r`, 1), exitFailed},
		"half a surrogate pair":      {strings.Replace(good, "audit-entry", `\ud800`, 1), exitFailed},
		"not UTF-8":                  {strings.Replace(good, "audit-entry", "\xff", 1), exitFailed},
		"a constant":                 {strings.Replace(good, "{", `{"x":NaN,`, 1), exitFailed},
		"a list":                     {"[" + good + "]", exitFailed},
		"a bad one before nonsense":  {strings.Replace(good, "index 5", "index 4", 1) + "{}", exitFailed},
		"a good one before nonsense": {good + "{}", exitUsage},
		"a null":                     {`{"receipt":null}`, exitUsage},
		"nothing but the version":    {`{"receipt":"` + ledger.ReceiptVersion + `"}`, exitFailed},
		"spaces behind":              {good + " \n\t", exitOK},
		"a mark in front":            {"\ufeff" + good, exitFailed},
		"nothing":                    {"", exitUsage},
	} {
		file := filepath.Join(t.TempDir(), "receipt.json")
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := invoke(t, nil, "", "verify", file, "--key", vkey); r.code != c.code {
			t.Errorf("%s: exit code %d, not %d\n%s%s", name, r.code, c.code, r.stdout, r.stderr)
		}
		if strings.HasPrefix(c.content, "{") {
			agree(t, []string{vkey}, file)
		}
	}
}
