package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pgbench measures a script with as many clients as the API is asked by, each
// with its statements prepared. It connects as a superuser, whom no policy of
// the tables slows down.
func (d *dataset) pgbench(ctx context.Context, script string) (s measured, err error) {
	dir, err := os.MkdirTemp("", "sealbook-pgbench-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "script.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return s, err
	}
	u, err := url.Parse(d.dsn())
	if err != nil {
		return s, err
	}
	password, _ := u.User.Password()
	// Whole seconds are all that it knows. What ends in the first of them is
	// not counted.
	seconds := int((d.warm + d.window + time.Second - 1) / time.Second)
	cmd := exec.CommandContext(ctx, filepath.Join(d.postgres, "pgbench"), "--no-vacuum", "--protocol=prepared", "--log", "--log-prefix="+filepath.Join(dir, "log"),
		"--client="+strconv.Itoa(d.clients), "--jobs=2", "--time="+strconv.Itoa(seconds), "--random-seed="+strconv.Itoa(seed), "--file="+file, "--max-tries=1", d.name)
	cmd.Env = append(os.Environ(), "PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(), "PGPASSWORD="+password,
		"LD_LIBRARY_PATH="+os.Getenv("SEALBOOK_TEST_POSTGRES_LIBS"), "PGOPTIONS=-c timezone=UTC")
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return s, fmt.Errorf("pgbench: %w\n%s\n%s", err, out, script)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "log.*"))
	if err != nil {
		return s, err
	}
	var all []time.Duration
	last := began
	for _, name := range logs {
		if err := readLog(name, func(end time.Time, took time.Duration) {
			all = append(all, took)
			if end.Sub(began) >= d.warm && end.Sub(began) <= d.warm+d.window {
				s.waits = append(s.waits, took)
			}
			if end.After(last) {
				last = end
			}
		}); err != nil {
			return s, err
		}
	}
	s.took = d.window
	if len(s.waits) < d.clients { // a statement takes about as long as the window
		s.waits, s.took = all, last.Sub(began)
	}
	if len(s.waits) == 0 {
		return s, errors.New("pgbench has logged nothing")
	}
	slices.Sort(s.waits)
	return s, nil
}

// readLog reads lines of client, transaction, time in µs, script, and the end's
// time in seconds and µs.
func readLog(name string, each func(end time.Time, took time.Duration)) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read pgbench's log: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		var n [3]int64
		if len(words) < 6 {
			return fmt.Errorf("read pgbench's log: %q", lines.Text())
		}
		for i, at := range []int{2, 4, 5} {
			if n[i], err = strconv.ParseInt(words[at], 10, 64); err != nil {
				return fmt.Errorf("read pgbench's log: %q", lines.Text())
			}
		}
		each(time.Unix(n[1], n[2]*1000), time.Duration(n[0])*time.Microsecond)
	}
	return lines.Err()
}
