//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAssessment lets the worker assess a year, asks how things stand, and makes the
// assessment again from the ledger alone.
func TestAssessment(t *testing.T) {
	i := install(t)
	i.must("sample", "--entries", "600")
	client := &http.Client{Timeout: 30 * time.Second}
	status, answer := i.post(client, "/compliance/assessments", `{"period":"last_90_days"}`)
	var started struct {
		Data struct {
			ID string `json:"assessment_id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &started); err != nil || status != http.StatusAccepted {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	var stands struct {
		Data struct {
			Assessment struct {
				ID    *string  `json:"assessment_id"`
				Score *float64 `json:"overall_score"`
			} `json:"compliance_assessment"`
			Frameworks []struct {
				Framework string `json:"framework"`
				Findings  []struct {
					ID string `json:"finding_id"`
				} `json:"findings"`
			} `json:"frameworks"`
		} `json:"data"`
	}
	for deadline := time.Now().Add(time.Minute); stands.Data.Assessment.ID == nil; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there is no result: %+v\n%s", stands, i.logs())
		}
		if text := i.get(client, "/compliance?period=last_90_days"); text != nil {
			if err := json.Unmarshal(text, &stands); err != nil {
				t.Fatal(err)
			}
		}
	}
	if *stands.Data.Assessment.ID != started.Data.ID || stands.Data.Assessment.Score == nil || len(stands.Data.Frameworks) != 6 {
		t.Errorf("%+v", stands)
	}
	findings := 0
	for _, f := range stands.Data.Frameworks {
		findings += len(f.Findings)
	}
	if findings == 0 {
		t.Error("a sample of a careless company has no findings")
	}
	i.must("append", "--file", i.write("more.json", `{"event_type":"scan.started"}`))
	if out := i.must("assess", "--organisation", "E2E", "--replay", started.Data.ID); !strings.Contains(out, "the same again: ") {
		t.Errorf("%s", out)
	}
	// The stored result cannot be exchanged, either: its digest is in its row and in
	// its entry.
	var kept string
	err := filepath.WalkDir(filepath.Join(i.dir, "artifacts", "assessments"), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".attrs") {
			kept = path
		}
		return err
	})
	if err != nil || kept == "" {
		t.Fatalf("there is no artifact: %v", err)
	}
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, []byte(strings.Replace(string(text), `"floor":`, `"floor":1`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, code := i.command("assess", "--organisation", "E2E", "--replay", started.Data.ID); code != 1 {
		t.Errorf("an exchanged result: exit %d %s", code, out)
	}
}

func (i *installation) write(name, text string) string {
	i.t.Helper()
	path := filepath.Join(i.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		i.t.Fatal(err)
	}
	return path
}
