package ledgertest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Moment says on which side of the server's work a Proxy acts.
type Moment int

// The moments.
const (
	Sent     Moment = iota // the client has sent the statement, the server has not seen it
	Answered               // the server is through with it, the client has not seen the answer
)

// Proxy stands between a client and Postgres on the loopback address and reads
// along, so that a test can break a connection at a statement of its choice,
// on either side of what the server does with it. Both ends are real.
type Proxy struct {
	url      string
	target   string
	listener net.Listener

	mu     sync.Mutex
	rules  []*rule
	conns  map[*proxied]struct{}
	refuse bool
}

// rule acts once, on the first statement that it matches.
type rule struct {
	moment    Moment
	statement *regexp.Regexp
	do        func() (pass bool)
}

// NewProxy starts a proxy to the server of dsn for the length of the test.
func NewProxy(t testing.TB, dsn string) *Proxy {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: u.Host, listener: l, conns: map[*proxied]struct{}{}}
	query := u.Query()
	query.Set("sslmode", "disable") // the proxy has to understand what it carries
	u.Host, u.RawQuery = l.Addr().String(), query.Encode()
	p.url = u.String()
	go p.accept()
	t.Cleanup(func() {
		l.Close()
		p.Refuse(true)
	})
	return p
}

// URL is the connection string through the proxy.
func (p *Proxy) URL() string { return p.url }

// At lets do run at a moment of the next statement that the expression matches,
// while its connection waits. What do returns decides: true passes the message
// on, false breaks the connection.
func (p *Proxy) At(m Moment, statement string, do func() (pass bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, &rule{m, regexp.MustCompile(statement), do})
}

// Refuse breaks all connections and refuses new ones until it is told
// otherwise, as a server that is down does.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
	if on {
		for c := range p.conns {
			c.cut()
		}
	}
}

// Reset forgets every rule that did not act, and accepts connections again.
func (p *Proxy) Reset() {
	p.Refuse(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed: the test is over
		}
		go p.carry(client)
	}
}

func (p *Proxy) carry(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		client.Close()
		return
	}
	c := &proxied{proxy: p, client: client, server: server, statements: map[string]string{}, answered: -1}
	p.mu.Lock()
	if p.refuse {
		c.cut()
	}
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(c.forward)
	both.Go(c.back)
	both.Wait()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

// take returns the rule for a statement's moment, which is used up by it.
func (p *Proxy) take(m Moment, statement string) *rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range p.rules {
		if r.moment == m && r.statement.MatchString(statement) {
			p.rules = append(p.rules[:i:i], p.rules[i+1:]...)
			return r
		}
	}
	return nil
}

// proxied is one connection. Postgres ends its answer to what a client sent up
// to a Sync or a simple Query with one ReadyForQuery each, so counting both
// says which answer belongs to which statement.
type proxied struct {
	proxy          *Proxy
	client, server net.Conn
	statements     map[string]string // prepared ones, by name; forward's own

	mu       sync.Mutex
	asked    int   // Syncs and Querys so far
	answered int   // ReadyForQuerys so far; -1 before that which ends the login
	waiting  *rule // for the answer after the first place of them
	place    int
}

func (c *proxied) cut() {
	c.client.Close()
	c.server.Close()
}

// Message types of the protocol that matter here. Their letters are the same
// in both directions for other messages, which are only passed on.
const (
	bind          = 'B'
	parse         = 'P'
	query         = 'Q'
	readyForQuery = 'Z'
	syncMessage   = 'S'
)

// forward carries what the client sends.
func (c *proxied) forward() {
	defer c.cut()
	// The first message has no type; neither has a cancel request, which comes
	// on a connection of its own.
	first, err := readBody(c.client, nil)
	if err != nil {
		return
	}
	if _, err := c.server.Write(first); err != nil {
		return
	}
	for {
		m, err := readMessage(c.client)
		if err != nil {
			return
		}
		if sql, ok := c.statement(m); ok {
			if r := c.proxy.take(Sent, sql); r != nil && !r.do() {
				return
			}
			if r := c.proxy.take(Answered, sql); r != nil {
				c.mu.Lock()
				c.waiting, c.place = r, c.asked
				c.mu.Unlock()
			}
		}
		if m[0] == syncMessage || m[0] == query {
			c.mu.Lock()
			c.asked++
			c.mu.Unlock()
		}
		if _, err := c.server.Write(m); err != nil {
			return
		}
	}
}

// statement returns the SQL that a message runs.
func (c *proxied) statement(m []byte) (sql string, ok bool) {
	switch m[0] {
	case query:
		sql, _ = text(m[5:])
		return sql, true
	case parse:
		name, rest := text(m[5:])
		c.statements[name], _ = text(rest)
	case bind:
		_, rest := text(m[5:]) // the portal
		name, _ := text(rest)
		return c.statements[name], true
	}
	return "", false
}

// back carries what the server answers. An answer that a rule waits for is
// held until it is whole.
func (c *proxied) back() {
	defer c.cut()
	var held []byte
	for {
		m, err := readMessage(c.server)
		if err != nil {
			return
		}
		c.mu.Lock()
		r := c.waiting
		mine := r != nil && c.answered == c.place
		if m[0] == readyForQuery {
			c.answered++
		}
		if mine && m[0] == readyForQuery {
			c.waiting = nil
		}
		c.mu.Unlock()
		if mine {
			held = append(held, m...)
			if m[0] != readyForQuery {
				continue
			}
			if !r.do() {
				return
			}
			m, held = held, nil
		}
		if _, err := c.client.Write(m); err != nil {
			return
		}
	}
}

// maxMessage bounds what a wrong length could make the proxy allocate.
const maxMessage = 1 << 30

func readMessage(from io.Reader) ([]byte, error) {
	kind := make([]byte, 1)
	if _, err := io.ReadFull(from, kind); err != nil {
		return nil, err
	}
	return readBody(from, kind)
}

// readBody reads a length, which counts itself, and what it announces, and
// appends both to what came before.
func readBody(from io.Reader, before []byte) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n < 4 || n > maxMessage {
		return nil, errors.New("not a message of the Postgres protocol")
	}
	m := append(before, length[:]...)
	m = append(m, make([]byte, n-4)...)
	_, err := io.ReadFull(from, m[len(m)-int(n-4):])
	return m, err
}

// text splits off a string that ends with a zero byte.
func text(b []byte) (s string, rest []byte) {
	s, after, _ := strings.Cut(string(b), "\x00")
	return s, []byte(after)
}
