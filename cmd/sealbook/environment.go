package main

import (
	"os"
	"slices"
	"strings"
)

// environment is the process's variables, as NAME=value.
type environment []string

// environ is the only reader of the process's environment.
func environ() environment { return os.Environ() }

// LookupEnv implements envconfig.EnvLookup; the last of two values counts.
func (e environment) LookupEnv(name string) (value string, ok bool) {
	for _, pair := range e {
		if v, found := strings.CutPrefix(pair, name+"="); found {
			value, ok = v, true
		}
	}
	return value, ok
}

// Environ implements envconfig.EnvLookup.
func (e environment) Environ() []string { return e }

func (e environment) refuseUnknown() error {
	names := slices.Clone(foreign)
	for _, s := range settings {
		names = append(names, s.name)
	}
	for _, pair := range e {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "SEALBOOK_") || strings.HasPrefix(name, testPrefix) || slices.Contains(names, name) {
			continue
		}
		if near := nearest(name, names); near != "" {
			return usagef("%s is not a setting; did you mean %s?", name, near)
		}
		return usagef("%s is not a setting; unset it, or see sealbook --help", name)
	}
	return nil
}
