package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sealbook/sealbook/deploy/dev/port"
)

// settings are everything the environment decides, in one place.
type settings struct {
	root     string // the repository
	data     string // what is kept
	sealbook string // the program under development

	http      listener
	temporal  listener
	ui        listener
	outbox    listener
	publicURL string
	origin    string

	postgresBin  string
	postgresDist string
	inherited    []string // the caller's environment, for children
}

// listener is an address and the setting that moves it.
type listener struct {
	host, variable string
	port           int
}

func (l listener) String() string { return net.JoinHostPort(l.host, strconv.Itoa(l.port)) }

// free says in one sentence when somebody else listens there.
func (l listener) free() error {
	s, err := net.Listen("tcp", l.String())
	if err != nil {
		return fmt.Errorf("port %d on %s is taken: stop what listens there, or choose another with %s", l.port, l.host, l.variable)
	}
	return s.Close()
}

// anywhere replaces the port by a free one.
func (l *listener) anywhere() error {
	n, err := port.Free(l.host)
	if err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	l.port = n
	return nil
}

func readSettings(getenv func(string) string) (settings, error) {
	var s settings
	var err error
	or := func(name, fallback string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return fallback
	}
	if s.root, err = repository(); err != nil {
		return s, err
	}
	if s.data, err = filepath.Abs(or("SEALBOOK_DATA", filepath.Join(s.root, ".sealbook"))); err != nil {
		return s, fmt.Errorf("SEALBOOK_DATA: %w", err)
	}
	if s.http, err = parseListener("SEALBOOK_HTTP_ADDR", or("SEALBOOK_HTTP_ADDR", "127.0.0.1:8080")); err != nil {
		return s, err
	}
	if s.temporal, err = parseListener("TEMPORAL_ADDRESS", or("TEMPORAL_ADDRESS", "127.0.0.1:7233")); err != nil {
		return s, err
	}
	if v := getenv("SEALBOOK_TEMPORAL_PORT"); v != "" {
		if s.temporal, err = parseListener("SEALBOOK_TEMPORAL_PORT", net.JoinHostPort(s.temporal.host, v)); err != nil {
			return s, err
		}
	}
	ui := or("SEALBOOK_TEMPORAL_UI_PORT", "8233")
	if s.ui, err = parseListener("SEALBOOK_TEMPORAL_UI_PORT", net.JoinHostPort(s.temporal.host, ui)); err != nil {
		return s, err
	}
	if s.outbox, err = parseListener("SEALBOOK_OUTBOX_PORT", net.JoinHostPort("127.0.0.1", or("SEALBOOK_OUTBOX_PORT", "8025"))); err != nil {
		return s, err
	}
	s.publicURL = or("SEALBOOK_PUBLIC_URL", "http://"+s.http.String())
	s.origin = or("SEALBOOK_ORIGIN", "sealbook.local")
	s.postgresBin = getenv("SEALBOOK_POSTGRES_BIN")
	s.postgresDist = filepath.Join(s.data, "postgres-dist") // shared by demos and tests, which have folders of their own
	s.sealbook = filepath.Join(s.root, "bin", "sealbook")
	s.inherited = os.Environ()
	return s, nil
}

// parseListener reads host:port. An empty host and "localhost" become the
// loopback address: nothing of a development stack is for the network unless
// somebody says so with an address.
func parseListener(variable, value string) (listener, error) {
	host, text, err := net.SplitHostPort(value)
	if err != nil {
		return listener{}, fmt.Errorf("%s=%q is not an address like 127.0.0.1:8080", variable, value)
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return listener{}, fmt.Errorf("%s=%q has no port between 1 and 65535", variable, value)
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	return listener{host: host, port: port, variable: variable}, nil
}

// repository is the folder above the working directory that this program
// belongs to.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "deploy", "dev", "go.mod")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", errors.New("start in the repository: there is no deploy/dev/go.mod in " + dir + " or above it")
		}
	}
}

// handedOn are settings of the program that the stack has no opinion on.
var handedOn = []string{"SEALBOOK_LOG_LEVEL", "SEALBOOK_CONTACT"}

// owned are the names that children must get from the stack or not at all,
// whatever a shell that has sourced dev.env still holds.
func owned(name string) bool {
	if slices.Contains(handedOn, name) {
		return false
	}
	return strings.HasPrefix(name, "SEALBOOK_") || strings.HasPrefix(name, "TEMPORAL_") || strings.HasPrefix(name, "PG")
}

// environment is the caller's, with the stack's own names replaced by vars.
func (s settings) environment(vars map[string]string) []string {
	var env []string
	for _, pair := range s.inherited {
		if name, _, _ := strings.Cut(pair, "="); !owned(name) {
			env = append(env, pair)
		}
	}
	for name, value := range vars {
		env = append(env, name+"="+value)
	}
	return env
}
