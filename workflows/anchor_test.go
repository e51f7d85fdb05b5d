package workflows_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/workflows"
)

// places stands in for the activities of anchoring.
type places struct {
	mu    sync.Mutex
	due   activities.DueAnchors
	fail  map[string]error // by the place's name
	calls map[string]int
}

func (p *places) ListDueAnchors(context.Context) (activities.DueAnchors, error) {
	return p.due, p.fail["list"]
}

func (p *places) AnchorCheckpoint(_ context.Context, c activities.AnchorCheckpoint) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[c.Place.Name]++
	if c.Size != p.due.Size {
		return denied(audit.InvalidState, "another size")
	}
	return p.fail[c.Place.Name]
}

func (p *places) run(t *testing.T) (took time.Duration, err error) {
	t.Helper()
	p.calls = map[string]int{}
	env := environment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterWorkflowWithOptions(workflows.AnchorRegistry, workflow.RegisterOptions{Name: "AnchorRegistry"})
	env.RegisterActivity(p)
	began := env.Now()
	env.ExecuteWorkflow("AnchorRegistry")
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow does not end")
	}
	return env.Now().Sub(began), env.GetWorkflowError()
}

func due(names ...string) activities.DueAnchors {
	d := activities.DueAnchors{Size: 9}
	for _, n := range names {
		d.Places = append(d.Places, anchor.Place{Kind: anchor.KindWitness, Name: n})
	}
	return d
}

func TestAnchorRegistry(t *testing.T) {
	t.Parallel()
	p := &places{due: due("a", "b", "c")}
	if _, err := p.run(t); err != nil || p.calls["a"] != 1 || p.calls["b"] != 1 || p.calls["c"] != 1 {
		t.Errorf("%v %v", err, p.calls)
	}
	p = &places{due: due()}
	if _, err := p.run(t); err != nil || len(p.calls) != 0 {
		t.Errorf("%v %v", err, p.calls)
	}
}

// TestAnchorRegistryWithPlacesThatFail: one is down, one hangs, one refuses for
// good. The fourth has its checkpoint all the same, and the run says what
// failed and ends in a bounded time.
func TestAnchorRegistryWithPlacesThatFail(t *testing.T) {
	t.Parallel()
	p := &places{due: due("down", "hangs", "refuses", "works"), fail: map[string]error{
		"down":    temporal.NewApplicationError("the witness down refuses connections", string(audit.Unavailable)),
		"hangs":   temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil),
		"refuses": denied(audit.NotFound, "the witness refuses does not know the log"),
	}}
	took, err := p.run(t)
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != "NOT_ANCHORED" {
		t.Fatalf("the run ends with %v", err)
	}
	for _, says := range []string{"witness down: the witness down refuses connections", "witness hangs: it took too long", "witness refuses: the witness refuses does not know the log"} {
		if !strings.Contains(app.Message(), says) {
			t.Errorf("%q does not say %q", app.Message(), says)
		}
	}
	if strings.Contains(app.Message(), "works") {
		t.Errorf("%q blames the one that works", app.Message())
	}
	if p.calls["works"] != 1 || p.calls["refuses"] != 1 || p.calls["down"] != 3 || p.calls["hangs"] != 3 {
		t.Errorf("the places were asked %v times", p.calls)
	}
	if took > 2*time.Minute {
		t.Errorf("the run took %s", took)
	}
}
