package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// appends asks an API whether it takes entries. It does so before Temporal is
// there, and says that in the details of not being ready for everything.
func appends(url string) bool {
	client := http.Client{Timeout: 2 * time.Second}
	r, err := client.Get(url + "/readyz")
	if err != nil {
		return false
	}
	defer r.Body.Close()
	var answer struct {
		Error struct{ Details struct{ Appends bool } }
	}
	return r.StatusCode == http.StatusOK || json.NewDecoder(r.Body).Decode(&answer) == nil && answer.Error.Details.Appends
}

// firstLine keeps a child's first line and drops the rest.
type firstLine struct {
	mu   sync.Mutex
	line []byte
}

var _ io.Writer = (*firstLine)(nil)

func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !bytes.Contains(f.line, []byte("\n")) {
		f.line = append(f.line, p...)
	}
	return len(p), nil
}

func (f *firstLine) ready() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	line, _, whole := bytes.Cut(f.line, []byte("\n"))
	var said struct{ Ready bool }
	return whole && json.Unmarshal(line, &said) == nil && said.Ready
}
