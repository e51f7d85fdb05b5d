// Package compose_test holds docker-compose.yml against the Compose
// specification and against this repository.
// It guards the file where no container engine is at hand: names that nobody
// defines, settings that the program does not know, lists that have drifted.
// Only the tests run it.
package compose_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../../.."

// project loads the file as docker compose does, with the schema checked and
// every name resolved. A variable without a default is an error here.
func project(t *testing.T) *types.Project {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  filepath.Dir(file),
		ConfigFiles: []types.ConfigFile{{Filename: file}},
		Environment: types.Mapping{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestServices(t *testing.T) {
	p := project(t)
	want := []string{
		"postgres", "sealbook-api", "sealbook-keygen", "sealbook-migrate", "sealbook-worker",
		"temporal", "temporal-namespace", "temporal-schema", "temporal-ui",
	}
	if got := p.ServiceNames(); !slices.Equal(got, want) {
		t.Errorf("services are %v, want %v", got, want)
	}
	for name, s := range p.Services {
		for other, how := range s.DependsOn {
			switch how.Condition {
			case types.ServiceConditionHealthy:
				if p.Services[other].HealthCheck == nil {
					t.Errorf("%s waits for the health of %s, which has no check", name, other)
				}
			case types.ServiceConditionCompletedSuccessfully:
				if strings.HasPrefix(p.Services[other].Restart, "unless") {
					t.Errorf("%s waits for the end of %s, which never ends", name, other)
				}
			}
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes port %s on %q, want loopback only", name, port.Published, port.HostIP)
			}
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts %s: %v", name, v.Source, err)
			}
		}
	}
}

func TestProgramKnowsItsSettings(t *testing.T) {
	known := map[string]bool{}
	for _, name := range regexp.MustCompile(`(SEALBOOK|TEMPORAL)_[A-Z0-9_]+`).FindAllString(read(t, "cmd/sealbook/config.go")+read(t, "cmd/sealbook/configreport.go"), -1) {
		known[name] = true
	}
	for name, s := range project(t).Services {
		if !strings.HasPrefix(name, "sealbook-") {
			continue
		}
		for variable := range s.Environment {
			// TEMPORAL_… are read by Temporal's own configuration package.
			if strings.HasPrefix(variable, "SEALBOOK_") && !known[variable] {
				t.Errorf("%s sets %s, which cmd/sealbook does not know", name, variable)
			}
		}
	}
}

func TestSearchAttributesAreThoseOfDevelopment(t *testing.T) {
	pairs := func(text, pattern string) []string {
		var list []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			list = append(list, strings.ToLower(m[1]+" "+m[2]))
		}
		slices.Sort(list)
		return list
	}
	here := pairs(strings.Join(project(t).Services["temporal-namespace"].Command, "\n"), `attribute (Audit\w+) (\w+)`)
	there := pairs(read(t, "deploy/dev/temporal/namespace.go"), `"(Audit\w+)":\s+enums\.INDEXED_VALUE_TYPE_(\w+)`)
	if len(here) == 0 || !slices.Equal(here, there) {
		t.Errorf("docker-compose.yml registers %v\nthe development server     %v", here, there)
	}
}

func TestVersionsAreThoseOfDevelopment(t *testing.T) {
	mod := read(t, "deploy/dev/go.mod")
	for service, module := range map[string]string{
		"temporal": "go.temporal.io/server", "temporal-ui": "github.com/temporalio/ui-server/v2",
	} {
		m := regexp.MustCompile(regexp.QuoteMeta(module) + ` v(\S+)`).FindStringSubmatch(mod)
		image := project(t).Services[service].Image
		if m == nil || !strings.HasSuffix(image, ":"+m[1]) {
			t.Errorf("%s runs %s, the development server is %v", service, image, m)
		}
	}
}

func TestRolesScriptGetsItsPasswords(t *testing.T) {
	env := project(t).Services["postgres"].Environment
	for _, m := range regexp.MustCompile(`\$(SEALBOOK_\w+)`).FindAllStringSubmatch(read(t, "deploy/roles.sql"), -1) {
		if v := env[m[1]]; v == nil || *v == "" {
			t.Errorf("deploy/roles.sql reads %s, which the postgres service does not set", m[1])
		}
	}
}
