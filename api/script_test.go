package api_test

import (
	"bufio"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
)

// TestScripts runs testdata/*.txt, each against a fresh API. A script is lines:
//
//	# a comment
//	as full                         the key that the next requests use; - is none
//	POST ~/entries                  a request; ~ is the mount, and so is ${mount}
//	Idempotency-Key: k1             its headers
//	| {"event_type": …}             its body, of one or more lines
//	status 201                      what must come back
//	header Location = /x            a header: = text, ~ pattern, or absent
//	data.id ~ ^audit_entry_         a value of the answer: = JSON, ~ pattern,
//	data.investigation absent       absent, or count of elements
//	data.results count 3
//	body ~ ^ledger.test/            the answer's bytes
//	let id = data.id                keeps a value as ${id}: a text as it is, all else as JSON
//	let tag = header ETag           keeps a header
//	index                           brings the text index to the ledgers' heads
//	flush                           brings what was read into the ledgers
//	complete JOB                    publishes a package for an export, as a worker does
//	officer                         officer@example.com, who may sign, joins and signs in
//	publish REPORT                  makes a report as a worker does; the officer signs if it waits for
//	                                them, and its mails are delivered
//	fields MESSAGE                  the answer has the fields that fields.tsv lists,
//	sent MESSAGE                    or the request has
//
//	later 15m                       moves the clock
//	totp code = SECRET              keeps the one-time code of the moment, of a secret as a person has it
//
// ${repeat TEXT N}, ${hex FF00}, ${crlf} and ${events N} stand for bytes that no
// one wants to read.
// After each request that can change something, both ledgers are checked.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			runScript(t, newBench(t), file, api.Mounts[0])
		})
	}
}

type script struct {
	officer *member
	t       *testing.T
	b       *bench
	at      string // file:line
	as      string

	mount string // what ~ stands for
	vars  map[string]string

	next *request // being put together
	sent []byte   // its body, once it was sent
	last *answer
}

func runScript(t *testing.T, b *bench, file, mount string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := &script{t: t, b: b, mount: mount, vars: map[string]string{"mount": mount}}
	for name, key := range b.keys {
		s.vars["key "+name] = key
	}
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		s.at = fmt.Sprintf("%s:%d", filepath.Base(file), n)
		s.line(in.Text())
	}
	s.send()
}

var (
	methodLine = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\S.*)$`)
	headerLine = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*): ?(.*)$`)
)

func (s *script) line(text string) {
	switch {
	case strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#"):
	case strings.HasPrefix(text, "as "):
		s.send()
		s.as = strings.TrimPrefix(text, "as ")
	case methodLine.MatchString(text):
		s.send()
		m := methodLine.FindStringSubmatch(text)
		path := s.expand(m[2])
		if rest, ok := strings.CutPrefix(path, "~"); ok {
			path = s.mount + rest
		}
		s.next = &request{method: m[1], path: path, as: s.as, header: http.Header{}}
		if s.as == "-" {
			s.next.as = ""
		}
	case text == "index":
		s.send()
		if err := s.b.log.Index(s.t.Context()); err != nil {
			s.t.Fatalf("%s: %v", s.at, err)
		}
	case text == "flush":
		s.send()
		s.b.flush()
	case strings.HasPrefix(text, "later "):
		s.send()
		d, err := time.ParseDuration(strings.TrimPrefix(text, "later "))
		if err != nil {
			s.t.Fatalf("%s: %v", s.at, err)
		}
		s.b.clock.move(d)
	case strings.HasPrefix(text, "totp "):
		s.send()
		words := strings.Fields(s.expand(text))
		secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(words[3])
		if err != nil {
			s.t.Fatalf("%s: %v", s.at, err)
		}
		s.vars[words[1]] = account.Code(secret, s.b.clock.now())
	case strings.HasPrefix(text, "complete "):
		s.send()
		s.b.clock.move(time.Second) // no package is made in no time
		s.b.complete(s.expand(strings.TrimPrefix(text, "complete ")), []byte("a package"))
	case text == "officer":
		s.send()
		s.officer = s.b.join("officer", audit.ComplianceOfficer)
		s.officer.signIn()
	case strings.HasPrefix(text, "publish "):
		s.send()
		s.b.publish(s.expand(strings.TrimPrefix(text, "publish ")), s.officer)
	case strings.HasPrefix(text, "join "): // NAME ROLE: a person, who signs in as NAME@example.com
		s.send()
		name, role, _ := strings.Cut(strings.TrimPrefix(text, "join "), " ")
		s.b.join(name, audit.RoleName(role)).signIn()
	case text == "crime": // ${trigger} is the entry that shows it
		s.send()
		s.vars["trigger"] = s.b.crime()
	case strings.HasPrefix(text, "investigate "):
		s.send()
		newDetectives(s.b).work(s.expand(strings.TrimPrefix(text, "investigate ")))
	case strings.HasPrefix(text, "accept "): // ID: each finding of it
		s.send()
		id := s.expand(strings.TrimPrefix(text, "accept "))
		for _, f := range s.b.get(s.as, "~/investigations/"+id+"/findings?status=candidate").want(200).list("data") {
			s.b.send(request{method: "PATCH", path: "~/investigations/" + id + "/findings/" + f["finding_id"].(string), as: s.as,
				header: http.Header{}, body: []byte(`{"status":"accepted","reason":"The operator confirmed it"}`)}).want(200)
		}
	case text == "detectives": // who take the steps of people at once
		s.send()
		newDetectives(s.b)
	case s.next != nil && headerLine.MatchString(text):
		m := headerLine.FindStringSubmatch(text)
		s.next.header[http.CanonicalHeaderKey(m[1])] = append(s.next.header[http.CanonicalHeaderKey(m[1])], s.expand(m[2]))
	case s.next != nil && strings.HasPrefix(text, "|"):
		s.next.body = append(s.next.body, s.expand(strings.TrimPrefix(strings.TrimPrefix(text, "|"), " "))...)
	default:
		s.send()
		s.expect(text)
	}
}

// send sends the request that was put together, if there is one.
func (s *script) send() {
	if s.next == nil {
		return
	}
	s.last, s.sent = s.b.send(*s.next), s.next.body
	if s.next.method != "GET" {
		s.b.whole()
	}
	s.next = nil
	if s.t.Failed() {
		s.t.Fatalf("before %s", s.at)
	}
}

func (s *script) expect(text string) {
	words := strings.SplitN(text, " ", 3)
	if s.last == nil || len(words) < 2 {
		s.t.Fatalf("%s: this means nothing: %s", s.at, text)
	}
	switch {
	case words[0] == "status" && len(words) == 2:
		if got := strconv.Itoa(s.last.status); got != words[1] {
			s.t.Fatalf("%s: status %s, not %s: %.2000s", s.at, got, words[1], s.last.body)
		}
	case words[0] == "fields":
		if err := s.b.documented.hold(strings.TrimPrefix(text, "fields "), s.last.body); err != nil {
			s.t.Fatalf("%s: %v: %.2000s", s.at, err, s.last.body)
		}
	case words[0] == "sent":
		if err := s.b.documented.hold(strings.TrimPrefix(text, "sent "), s.sent); err != nil {
			s.t.Fatalf("%s: %v: %.2000s", s.at, err, s.sent)
		}
	case words[0] == "header":
		rest := strings.SplitN(words[2], " ", 2)
		values, there := s.last.header[http.CanonicalHeaderKey(words[1])]
		s.compare(words[1], strings.Join(values, ", "), there, rest)
	case words[0] == "body":
		s.compare("the body", string(s.last.body), true, words[1:])
	case words[0] == "let":
		path := strings.TrimPrefix(words[2], "= ")
		if name, ok := strings.CutPrefix(path, "header "); ok {
			s.vars[words[1]] = s.last.header.Get(name)
			return
		}
		v, ok := s.last.at(path)
		if !ok {
			s.t.Fatalf("%s: there is no %s in %s", s.at, path, s.last.body)
		}
		s.vars[words[1]] = fmt.Sprint(v)
		switch v.(type) {
		case map[string]any, []any:
			text, err := json.Marshal(v)
			if err != nil {
				s.t.Fatal(err)
			}
			s.vars[words[1]] = string(text)
		}
	default:
		v, there := s.last.at(words[0])
		s.compare(words[0], v, there, words[1:])
	}
}

func (s *script) compare(what string, got any, there bool, how []string) {
	want := ""
	if len(how) > 1 {
		want = s.expand(how[1])
	}
	fail := func() {
		s.t.Errorf("%s: %s is %v, wanted %s\n%.3000s", s.at, what, got, strings.Join(how, " "), s.last.body)
	}
	switch text, isText := got.(string); how[0] {
	case "absent":
		if there {
			fail()
		}
	case "count":
		list, _ := got.([]any)
		if n, err := strconv.Atoi(want); err != nil || len(list) != n {
			fail()
		}
	case "~":
		if !isText {
			b, err := json.Marshal(got)
			if err != nil {
				s.t.Fatal(err)
			}
			text = string(b)
		}
		if matched, err := regexp.MatchString(want, text); err != nil || !matched || !there {
			fail()
		}
	case "=":
		var v any
		if json.Unmarshal([]byte(want), &v) != nil {
			v = want
		}
		if !there || !reflect.DeepEqual(got, v) && (!isText || text != want) {
			fail()
		}
	default:
		s.t.Fatalf("%s: %q is no comparison", s.at, how[0])
	}
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func (s *script) expand(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		inside := p[2 : len(p)-1]
		words := strings.Fields(inside)
		switch {
		case inside == "crlf":
			return "\r\n"
		case len(words) == 3 && words[0] == "repeat":
			n, err := strconv.Atoi(words[2])
			if err != nil {
				s.t.Fatalf("%s: %v", s.at, err)
			}
			return strings.Repeat(words[1], n)
		case len(words) == 2 && words[0] == "events":
			n, err := strconv.Atoi(words[1])
			if err != nil {
				s.t.Fatalf("%s: %v", s.at, err)
			}
			return strings.Repeat(`{"event_type":"scan.started"},`, n-1) + `{"event_type":"scan.started"}`
		case len(words) == 2 && words[0] == "hex":
			b, err := hex.DecodeString(words[1])
			if err != nil {
				s.t.Fatalf("%s: %v", s.at, err)
			}
			return string(b)
		}
		v, ok := s.vars[inside]
		if !ok {
			s.t.Fatalf("%s: ${%s} has no value", s.at, inside)
		}
		return v
	})
}
