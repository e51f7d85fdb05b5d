package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

//go:embed openapi.yaml
var openAPISource []byte

// openAPIDocument is openapi.yaml as JSON.
var openAPIDocument = sync.OnceValues(func() ([]byte, error) {
	var document map[string]any
	if err := yaml.Unmarshal(openAPISource, &document); err != nil {
		return nil, fmt.Errorf("parse openapi.yaml: %w", err)
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encode openapi.yaml as JSON: %w", err)
	}
	return text, nil
})

func (s *server) openAPI(*http.Request) (reply, error) { return reply{raw: s.openapi}, nil }

// healthz says that the process serves requests, whatever it can reach.
func (s *server) healthz(*http.Request) (reply, error) {
	return reply{data: map[string]any{"status": "alive"}}, nil
}

func (s *server) version(*http.Request) (reply, error) {
	return reply{data: map[string]any{"name": "sealbook", "version": s.Version, "record_format": ledger.RecordVersion}}, nil
}

// check is one line of /readyz.
type check struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
}

// readyz says whether everything that requests need is there: 200, or 503 with
// what is missing. Why it is missing stands in the log.
func (s *server) readyz(r *http.Request) (reply, error) {
	checks := []check{{Name: "database"}, {Name: "artifacts"}, {Name: "temporal"}}
	var wg sync.WaitGroup
	for i, ready := range []func(context.Context) error{s.Log.Ping, s.Artifacts.Ping, s.temporalReady} {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(r.Context(), s.ReadyTimeout)
			defer cancel()
			err := ready(ctx)
			checks[i].Ready = err == nil
			if err != nil {
				s.Logger.WarnContext(r.Context(), "not ready", "check", checks[i].Name, "error", err)
			}
		})
	}
	wg.Wait()
	var missing []string
	for _, c := range checks {
		if !c.Ready {
			missing = append(missing, c.Name)
		}
	}
	appends := checks[0].Ready // nothing else is needed to append
	if missing == nil {
		return reply{data: map[string]any{"status": "ready", "checks": checks, "appends": appends}}, nil
	}
	message := "not ready: " + strings.Join(missing, " and ") + " cannot be reached"
	if appends {
		message += "; the ledger takes and shows entries all the same"
	}
	return reply{}, audit.Errorf(audit.Unavailable, "%s", message).With("checks", checks).With("appends", appends)
}

func (s *server) temporalReady(ctx context.Context) error {
	if s.Workflows == nil {
		return fmt.Errorf("there is no connection to Temporal")
	}
	return s.Workflows.Ready(ctx)
}
