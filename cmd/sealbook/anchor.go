package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/hsm"
	"github.com/sealbook/sealbook/workflows"
)

// anchorSettings say where the worker publishes the registry's checkpoints.
var anchorSettings = []string{
	"SEALBOOK_TSA_URL", "SEALBOOK_TSA_ROOTS", "SEALBOOK_ANCHOR_BUCKET", "SEALBOOK_WITNESSES", "SEALBOOK_ANCHOR_EVERY",
}

// readAnchorEvery reads a duration in its bounds.
func readAnchorEvery(c *Config, v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < workflows.MinAnchorEvery || d > workflows.MaxAnchorEvery || d%time.Second != 0 {
		return fmt.Errorf("%q is not a time of whole seconds like 1m, from %s to %s", v, workflows.MinAnchorEvery, workflows.MaxAnchorEvery)
	}
	c.AnchorEvery = d
	return nil
}

// anchors makes the places that the settings name. None of them is asked
// anything: one that is down stops no worker.
func anchors(c Config) ([]activities.Anchor, error) {
	var out []activities.Anchor
	if c.TSARoots != "" && c.TSAURL == "" {
		return nil, usagef("SEALBOOK_TSA_ROOTS is set and SEALBOOK_TSA_URL is not: there is no token to check")
	}
	if c.TSAURL != "" {
		var roots []byte
		if c.TSARoots != "" {
			var err error
			if roots, err = readSettingFile("SEALBOOK_TSA_ROOTS", c.TSARoots); err != nil {
				return nil, err
			}
		}
		a, err := anchor.NewAuthority(c.TSAURL, roots)
		if err != nil {
			return nil, usagef("SEALBOOK_TSA_URL or SEALBOOK_TSA_ROOTS: %s", err)
		}
		out = append(out, a)
	}
	if c.AnchorBucket != "" {
		b, err := anchor.NewBucket(c.AnchorBucket)
		if err != nil {
			return nil, usagef("SEALBOOK_ANCHOR_BUCKET: %s", err)
		}
		out = append(out, b)
	}
	if c.Witnesses != "" {
		text, err := readSettingFile("SEALBOOK_WITNESSES", c.Witnesses)
		if err != nil {
			return nil, err
		}
		p, err := anchor.ParsePolicy(text)
		if err != nil {
			return nil, usagef("SEALBOOK_WITNESSES: %s: %s", c.Witnesses, err)
		}
		witnesses, err := anchor.Witnesses(p)
		if err != nil {
			return nil, usagef("SEALBOOK_WITNESSES: %s: %s", c.Witnesses, err)
		}
		if len(witnesses) == 0 {
			return nil, usagef("SEALBOOK_WITNESSES: %s names no witness with a URL", c.Witnesses)
		}
		for _, w := range witnesses {
			out = append(out, w)
		}
	}
	return out, nil
}

func readSettingFile(setting, file string) ([]byte, error) {
	// The PIN may stand in it, and the errors below name the file.
	if hsm.Within(file) {
		return nil, usagef("%s: this is not where a pkcs11: URI can stand, or something stands before it", setting)
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("%s: there is no file %s", setting, file)
	}
	if err != nil {
		return nil, usagef("%s: %s", setting, err)
	}
	return text, nil
}
