package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/anchor/anchortest"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
)

func TestAnchorSettings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	w := anchortest.NewWitness(t, "witness.example/w1")
	a := tsatest.NewAuthority(t)
	c, err := readConfig([]string{
		"SEALBOOK_TSA_URL=" + a.URL, "SEALBOOK_TSA_ROOTS=" + file("roots.pem", a.Roots), "SEALBOOK_ANCHOR_BUCKET=file:///mnt/worm",
		"SEALBOOK_WITNESSES=" + file("witnesses", w.Policy()), "SEALBOOK_ANCHOR_EVERY=90s",
	})
	if err != nil {
		t.Fatal(err)
	}
	places, err := anchors(c)
	if err != nil || c.AnchorEvery != 90*time.Second {
		t.Fatalf("%s %v", c.AnchorEvery, err)
	}
	got := ""
	for _, p := range places {
		got += p.Place().String() + "\n"
	}
	if want := "time-stamp authority " + a.URL + "\nbucket file:///mnt/worm\nwitness witness.example/w1\n"; got != want {
		t.Errorf("%s", got)
	}
	if none, err := anchors(Config{}); err != nil || none != nil {
		t.Errorf("without settings there are %v %v", none, err)
	}
}

func TestAnchorSettingsRefuse(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	empty, silent := filepath.Join(folder, "empty"), filepath.Join(folder, "silent")
	w := anchortest.NewWitness(t, "w")
	for file, text := range map[string]string{empty: "", silent: fmt.Sprintf("witness w %s\nquorum w\n", w.VKey)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for says, env := range map[string][]string{
		"SEALBOOK_TSA_URL is not":                     {"SEALBOOK_TSA_ROOTS=" + empty},
		"SEALBOOK_TSA_URL or SEALBOOK_TSA_ROOTS: \"t": {"SEALBOOK_TSA_URL=tsa.example"},
		"there is no file " + folder + "/gone":        {"SEALBOOK_TSA_URL=http://x", "SEALBOOK_TSA_ROOTS=" + folder + "/gone"},
		"there is no certificate":                     {"SEALBOOK_TSA_URL=http://x", "SEALBOOK_TSA_ROOTS=" + empty},
		"SEALBOOK_ANCHOR_BUCKET: ":                    {"SEALBOOK_ANCHOR_BUCKET=/mnt/worm"},
		"SEALBOOK_WITNESSES: there is no file":        {"SEALBOOK_WITNESSES=" + folder + "/gone"},
		"names no witness with a URL":                 {"SEALBOOK_WITNESSES=" + silent},
		"policy, line 1":                              {"SEALBOOK_WITNESSES=anchor_test.go"},
		"\"5s\" is not a time of whole seconds":       {"SEALBOOK_ANCHOR_EVERY=5s"},
		"\"25h\" is not":                              {"SEALBOOK_ANCHOR_EVERY=25h"},
		"\"10500ms\" is not":                          {"SEALBOOK_ANCHOR_EVERY=10500ms"},
		"\"soon\" is not":                             {"SEALBOOK_ANCHOR_EVERY=soon"},
	} {
		invoke(t, env, "", "worker").want(t, exitUsage).says(t, says)
	}
}
