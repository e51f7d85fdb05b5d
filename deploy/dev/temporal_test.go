package main

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is the embedded Temporal's binary, which the test wrapper has built.
func server(t *testing.T) string {
	t.Helper()
	path := os.Getenv("SEALBOOK_TEST_TEMPORAL")
	if path == "" {
		t.Skip("the embedded Temporal may have to be built, which takes minutes: run make test")
	}
	return path
}

func TestEmbeddedTemporal(t *testing.T) {
	cmd := exec.Command(server(t), "--port", "0", "--ui-port", "0", "--log-level", "error")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("no ready line: %v", err)
	}
	var up struct {
		Ready                        bool
		Address, UI, HTTP, Namespace string
	}
	if err := json.Unmarshal(line, &up); err != nil || !up.Ready || up.Namespace != "default" {
		t.Fatalf("ready line is %s (%v)", line, err)
	}

	t.Run("has the search attributes", func(t *testing.T) {
		var listed struct{ CustomAttributes map[string]string }
		get(t, "http://"+up.HTTP+"/api/v1/namespaces/default/search-attributes", &listed)
		for name, kind := range map[string]string{
			"AuditTenant": "KEYWORD", "AuditKind": "KEYWORD", "AuditStage": "KEYWORD", "AuditFramework": "KEYWORD",
			"AuditItems": "INT", "AuditLedgerSeq": "INT", "AuditDueAt": "DATETIME",
		} {
			if got := listed.CustomAttributes[name]; got != "INDEXED_VALUE_TYPE_"+kind {
				t.Errorf("%s is %q, want %s", name, got, kind)
			}
		}
	})
	t.Run("has a Web UI that reaches it", func(t *testing.T) {
		var namespace struct{ NamespaceInfo struct{ Name string } }
		get(t, up.UI+"/api/v1/namespaces/default", &namespace)
		if namespace.NamespaceInfo.Name != "default" {
			t.Errorf("the Web UI answers with %+v", namespace)
		}
	})
	t.Run("stops when it is asked", func(t *testing.T) {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestEmbeddedTemporalNamesATakenPort(t *testing.T) {
	binary := server(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	out, err := exec.Command(binary, "--port", port).CombinedOutput()
	want := "sealbook-temporal: port " + port + " on 127.0.0.1 is taken: choose another with --port\n"
	if err == nil || string(out) != want {
		t.Errorf("it says %q (%v), want %q", out, err, want)
	}
}

// get repeats for a moment: a cache of the frontend may lag behind.
func get(t *testing.T, url string, into any) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	var last string
	for range 50 {
		r, err := client.Get(url)
		if err == nil {
			err = json.NewDecoder(r.Body).Decode(into)
			_ = r.Body.Close()
			if err == nil && r.StatusCode == http.StatusOK {
				return
			}
			last = r.Status
		}
		last = strings.TrimSpace(last + " " + errorText(err))
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("get %s: %s", url, last)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
