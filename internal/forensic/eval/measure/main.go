// Command measure runs the detectors over labelled entries and prints how they
// do. It is "make eval".
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sealbook/sealbook/internal/forensic/eval"
	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
	"github.com/sealbook/sealbook/internal/forensic/eval/synthetic"
)

type options struct {
	splits, corpus, jsonl string
	sites, benign         int
	seed                  uint64
	calibration           string
	score, labels         string
}

func main() {
	var o options
	flag.StringVar(&o.splits, "split", "development,validation,held-out", "which `SPLITS`, separated by commas")
	flag.IntVar(&o.sites, "sites", synthetic.Sites, "sites, so many incidents of each family (1 to 90)")
	flag.IntVar(&o.benign, "benign", synthetic.BenignSites, "sites without an incident (1 to 90)")
	flag.Uint64Var(&o.seed, "seed", 0, "another `SEED` than the published one")
	flag.StringVar(&o.jsonl, "jsonl", "", "write entries.jsonl and labels.jsonl of each split below `DIR`, and measure nothing")
	flag.StringVar(&o.corpus, "corpus", "", "measure on the entries.jsonl and labels.jsonl in `DIR` instead")
	flag.StringVar(&o.calibration, "calibration", "", "write true and false findings of each detector to `FILE`, of the first split")
	flag.StringVar(&o.score, "score", "", "score findings in `FILE`, as sealbook analyse --json prints them; needs -labels")
	flag.StringVar(&o.labels, "labels", "", "labels.jsonl for -score")
	flag.Parse()
	if err := o.run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func (o *options) run(w io.Writer) error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("%q is not a flag", flag.Arg(0))
	case o.score != "" || o.labels != "":
		return o.scoreFile(w)
	case o.corpus != "":
		c, err := corpus.Read(o.corpus)
		if err != nil {
			return err
		}
		return o.measure(w, c, nil, true)
	}
	for i, name := range strings.Split(o.splits, ",") {
		split, ok := synthetic.ByName(name)
		if !ok {
			return fmt.Errorf("%q is not a split; there are development, validation and held-out", name)
		}
		if o.seed != 0 {
			split = split.NewSplit(o.seed)
		}
		attacked, err := split.Attacked(o.sites)
		if err != nil {
			return err
		}
		harmless, err := split.Benign(o.benign)
		if err != nil {
			return err
		}
		if o.jsonl != "" {
			err = errors.Join(attacked.Write(filepath.Join(o.jsonl, attacked.Name)), harmless.Write(filepath.Join(o.jsonl, harmless.Name)))
		} else {
			err = o.measure(w, attacked, harmless, i == 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// measure prints the tables. A corpus that is smaller than the published one,
// or changed, is named as such: its figures are not comparable.
func (o *options) measure(w io.Writer, c, harmless *corpus.Corpus, calibrate bool) error {
	m, err := eval.Measure(eval.Sources(), c, harmless)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "## %s\n\n", c.Name)
	if synthetic.Published(c.Name) != m.Digest || harmless != nil && synthetic.Published(harmless.Name) != m.Harmless.Digest {
		fmt.Fprintln(w, "These are not the published entries: do not compare the figures with published ones.")
	}
	m.Print(w, synthetic.FamilyName)
	if !calibrate {
		return nil
	}
	text, err := json.MarshalIndent(m.Calibrate(), "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Calibration\n\n%s\n\n", text)
	if o.calibration == "" {
		return nil
	}
	return os.WriteFile(o.calibration, append(text, '\n'), 0o644)
}

func (o *options) scoreFile(w io.Writer) error {
	if o.score == "" || o.labels == "" {
		return errors.New("-score and -labels need each other")
	}
	content, err := os.ReadFile(o.score)
	if err != nil {
		return err
	}
	f, err := os.Open(o.labels)
	if err != nil {
		return err
	}
	defer f.Close()
	labels, err := corpus.ReadLabels(f)
	if err != nil {
		return fmt.Errorf("%s: %w", o.labels, err)
	}
	r, err := eval.ScoreJSON(content, labels)
	if err != nil {
		return fmt.Errorf("%s: %w", o.score, err)
	}
	r.Print(w, synthetic.FamilyName)
	return nil
}
