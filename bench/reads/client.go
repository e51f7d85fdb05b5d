package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// client is one connection that stays open. It speaks just enough HTTP: it
// shares the machine with what it measures, and should not be what is measured.
type client struct {
	net.Conn
	reader  *bufio.Reader
	tail    string // of every request, after its target
	request []byte
	body    []byte
}

func (s *server) dial(ctx context.Context) (*client, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	return &client{
		Conn: conn, reader: bufio.NewReaderSize(conn, 64<<10),
		tail: fmt.Sprintf(" HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", s.Address, s.key),
	}, nil
}

// get asks for what stands below the API's mount and returns the body, which
// the next call overwrites. Anything but an answer with data is an error.
func (c *client) get(target string) ([]byte, error) {
	c.request = append(append(append(c.request[:0], "GET /api/v1/audit"...), target...), c.tail...)
	if _, err := c.Write(c.request); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	status, err := c.answer()
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if status != 200 || !bytes.HasPrefix(c.body, []byte(`{"success":true,`)) {
		return nil, newRefusal(target, status, c.body)
	}
	return c.body, nil
}

// refusal is an answer without data. It says nothing of the other questions.
type refusal struct {
	target string
	answer string // status, code and message
}

func newRefusal(target string, status int, body []byte) *refusal {
	var told struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(body, &told); err != nil || told.Error.Code == "" {
		return &refusal{target, fmt.Sprintf("%d: %.400q", status, body)}
	}
	return &refusal{target, fmt.Sprintf("%d %s: %s", status, told.Error.Code, told.Error.Message)}
}

func (r *refusal) Error() string {
	return fmt.Sprintf("GET %s is answered with %s", r.target, r.answer)
}

func (c *client) answer() (status int, err error) {
	length := -1
	for first := true; ; first = false {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first {
			if len(line) < 12 {
				return 0, fmt.Errorf("status line %q", line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, fmt.Errorf("status line %q", line)
			}
			continue
		}
		if len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(": ")); string(name) == "Content-Length" {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, fmt.Errorf("content length %q", value)
			}
		}
	}
	if length < 0 {
		return 0, errors.New("the answer has no length")
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	_, err = io.ReadFull(c.reader, c.body)
	return status, err
}

// measured is one measurement.
type measured struct {
	took  time.Duration
	waits []time.Duration // of what ended inside the window, sorted
}

func (s measured) rate() float64 { return float64(len(s.waits)) / s.took.Seconds() }

// quantile returns how long the given share waited at most.
func (s measured) quantile(q float64) float64 {
	if len(s.waits) == 0 {
		return 0
	}
	return float64(s.waits[min(int(q*float64(len(s.waits))), len(s.waits)-1)].Microseconds()) / 1000
}

// drive lets every client ask as fast as it is answered, and counts what is
// answered inside the window. At least one answer of each client is waited for.
func drive(ctx context.Context, o options, s *server, target func(*rand.Rand) string) (out measured, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var stop atomic.Bool
	var running sync.WaitGroup
	from := time.Now().Add(o.warm)
	until := from.Add(o.window)
	waits := make([][]time.Duration, o.clients)
	for n := range o.clients {
		c, err := s.dial(ctx)
		if err != nil {
			return out, errors.Join(err, context.Cause(ctx))
		}
		defer c.Close()
		random := rand.New(rand.NewPCG(seed, uint64(n)))
		running.Go(func() {
			for {
				at := time.Now()
				if _, err := c.get(target(random)); err != nil {
					stop.Store(true)
					cancel(err)
					return
				}
				end := time.Now()
				late := end.After(until)
				if end.After(from) && (!late || len(waits[n]) == 0) {
					waits[n] = append(waits[n], end.Sub(at))
				}
				if late || stop.Load() {
					return
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	if err := context.Cause(ctx); err != nil {
		return out, err
	}
	out.took = max(time.Since(from), o.window)
	if out.took-o.window < o.window/10 {
		out.took = o.window // the last answers came after it and are not counted
	}
	out.waits = slices.Concat(waits...)
	slices.Sort(out.waits)
	return out, nil
}

// seed makes the same draws every time.
const seed = 20251231
