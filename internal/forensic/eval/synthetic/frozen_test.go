package synthetic

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

var freeze = flag.Bool("freeze", false, "write frozen.txt; only for a corpus that has a new name")

// TestFrozen: what was published can be made again, byte for byte. The two
// corpora that figures are quoted of are made whole; the others come from the
// same code, and make eval says so when one is not what was published.
func TestFrozen(t *testing.T) {
	t.Parallel()
	if *freeze {
		var all strings.Builder
		for _, split := range Splits {
			all.WriteString(frozenLine(t, split, true))
			all.WriteString(frozenLine(t, split, false))
		}
		if err := os.WriteFile("frozen.txt", []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, split := range Splits[1:] {
		if line := frozenLine(t, split, true); !strings.Contains(frozen, line) || Published(split.Name) != strings.Fields(line)[4] {
			t.Errorf("the generator makes\n%s\nand published is\n%s", line, frozen)
		}
	}
	if lines := strings.Count(frozen, "\n"); lines != 2*len(Splits) {
		t.Errorf("%d corpora are published, want %d", lines, 2*len(Splits))
	}
}

func frozenLine(t *testing.T, split Split, attacked bool) string {
	t.Helper()
	make, sites, want := split.Benign, BenignSites, 0
	if attacked {
		make, sites = split.Attacked, Sites
		for _, f := range families {
			if f.development == split.Development {
				want += sites
			}
		}
	}
	c, err := make(sites)
	if err != nil {
		t.Fatal(err)
	}
	incidents := 0
	for _, l := range c.Labels {
		if l.Kind == corpus.Incident {
			incidents++
		}
	}
	if incidents != want {
		t.Errorf("%s has %d incidents, want %d", c.Name, incidents, want)
	}
	return fmt.Sprintf("%s %d %d %d %s\n", c.Name, sites, len(c.Lines), incidents, c.Digest())
}
