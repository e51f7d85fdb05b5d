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

// TestFrozen: what was published can be made again, byte for byte.
func TestFrozen(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, split := range Splits {
		for _, make := range []func() (*corpus.Corpus, error){
			func() (*corpus.Corpus, error) { return split.Attacked(Sites) },
			func() (*corpus.Corpus, error) { return split.Benign(BenignSites) },
		} {
			c, err := make()
			if err != nil {
				t.Fatal(err)
			}
			sites, incidents := BenignSites, 0
			for _, l := range c.Labels {
				if l.Kind == corpus.Incident {
					incidents++
				}
			}
			if incidents > 0 {
				sites = Sites
				kinds := 0
				for _, f := range families {
					if f.development == split.Development {
						kinds++
					}
				}
				if incidents != sites*kinds {
					t.Errorf("%s has %d incidents, want %d", c.Name, incidents, sites*kinds)
				}
			}
			lines = append(lines, fmt.Sprintf("%s %d %d %d %s\n", c.Name, sites, len(c.Lines), incidents, c.Digest()))
		}
	}
	text := strings.Join(lines, "")
	if *freeze {
		if err := os.WriteFile("frozen.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != frozen {
		t.Errorf("the generator makes\n%s\nand published is\n%s", text, frozen)
	}
	for _, line := range lines {
		if f := strings.Fields(line); Published(f[0]) != f[4] {
			t.Errorf("%s is published as %q", f[0], Published(f[0]))
		}
	}
}
