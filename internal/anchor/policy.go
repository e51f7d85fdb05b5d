package anchor

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Limits of a policy. C2SP tlog-policy asks for 32 of each at least.
const (
	MaxPolicy  = 64 << 10 // bytes
	MaxMembers = 64       // witnesses, groups and logs, each
)

// Policy says whose cosignatures are asked for and whose make a checkpoint
// trusted (C2SP tlog-policy).
type Policy struct {
	Logs      []string // verifier keys; empty accepts any
	Witnesses []PolicyWitness

	groups map[string]group // and each witness, as a group of one
	quorum string           // name of a group; "" is none
}

// PolicyWitness is a witness of a policy.
type PolicyWitness struct {
	Name string // in the policy
	Key  *WitnessKey
	URL  string // submission prefix; may be empty
}

type group struct {
	threshold int
	members   []string // names of groups
	key       *WitnessKey
}

// ParsePolicy reads a policy file. The short form is accepted, too: a line for
// each witness with its key and URL, and no quorum.
func ParsePolicy(text []byte) (*Policy, error) {
	if len(text) > MaxPolicy {
		return nil, fmt.Errorf("a policy has at most %d bytes", MaxPolicy)
	}
	p := &policyReader{Policy: Policy{groups: map[string]group{}}, grouped: map[string]bool{}, keys: map[string]bool{}}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimSuffix(line, []byte("\n"))
		if bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("policy, line %d: it has a control character", number)
		}
		words := strings.FieldsFunc(string(line), func(r rune) bool { return r == ' ' || r == '\t' })
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := p.line(words); err != nil {
			return nil, fmt.Errorf("policy, line %d: %w", number, err)
		}
	}
	switch {
	case p.short && p.long:
		return nil, fmt.Errorf("policy: lines of both forms, tlog-policy and key and URL, stand in it")
	case p.long && !p.decided:
		return nil, fmt.Errorf("policy: it has no quorum line")
	}
	return &p.Policy, nil
}

// policyReader is a policy of which some lines were read.
type policyReader struct {
	Policy
	grouped     map[string]bool // names that a group has
	keys        map[string]bool // public keys
	short, long bool            // forms that were seen
	decided     bool            // by a quorum line
}

func (p *policyReader) line(words []string) error {
	p.long = p.long || words[0] == "log" || words[0] == "witness" || words[0] == "group" || words[0] == "quorum"
	switch what, rest := words[0], words[1:]; {
	case what == "log" && (len(rest) == 1 || len(rest) == 2):
		return p.log(rest[0])
	case what == "witness" && (len(rest) == 2 || len(rest) == 3):
		return p.witness(rest[0], rest[1], strings.Join(rest[2:], ""))
	case what == "group" && len(rest) >= 3:
		return p.group(rest[0], rest[1], rest[2:])
	case what == "quorum" && len(rest) == 1:
		return p.decide(rest[0])
	case len(words) == 2 && strings.Count(words[0], "+") >= 2:
		p.short = true
		return p.witness(words[0], words[0], words[1])
	}
	return fmt.Errorf("%.80q is none of log, witness, group, quorum in their form", strings.Join(words, " "))
}

func (p *policyReader) log(vkey string) error {
	if _, err := note.NewVerifier(vkey); err != nil {
		return fmt.Errorf("log key: %w", err)
	}
	p.Logs = append(p.Logs, vkey)
	// A key is the same key under another name.
	return p.unique("log", strings.SplitN(vkey, "+", 3)[2], len(p.Logs))
}

func (p *policyReader) witness(name, vkey, at string) error {
	key, err := ParseWitnessKey(vkey)
	if err != nil {
		return err
	}
	// The message that is signed does not name the witness: one key under two
	// names would count twice.
	p.Witnesses = append(p.Witnesses, PolicyWitness{name, key, at})
	if err := p.unique("witness", string(key.public), len(p.Witnesses)); err != nil {
		return err
	}
	return p.define(name, group{key: key})
}

// unique refuses a key that another line has, and the line after the last.
func (p *policyReader) unique(what, key string, n int) error {
	if n > MaxMembers {
		return fmt.Errorf("it has more than %d lines %s", MaxMembers, what)
	}
	if p.keys[what+key] {
		return fmt.Errorf("another %s has the same key", what)
	}
	p.keys[what+key] = true
	return nil
}

func (p *policyReader) define(name string, g group) error {
	if _, ok := p.groups[name]; ok || name == "none" {
		return fmt.Errorf("the name %.80q is taken", name)
	}
	p.groups[name] = g
	return nil
}

func (p *policyReader) group(name, threshold string, members []string) error {
	g := group{members: members}
	switch threshold {
	case "any":
		g.threshold = 1
	case "all":
		g.threshold = len(members)
	default:
		n, err := strconv.Atoi(threshold)
		if err != nil || n < 1 || n > len(members) || strconv.Itoa(n) != threshold {
			return fmt.Errorf("the threshold of %.80q is any, all or 1 to %d, not %.20q", name, len(members), threshold)
		}
		g.threshold = n
	}
	for _, m := range members {
		if _, ok := p.groups[m]; !ok {
			return fmt.Errorf("%.80q is not defined before", m)
		}
		if p.grouped[m] {
			return fmt.Errorf("%.80q is in a group before", m)
		}
		p.grouped[m] = true
	}
	if len(p.groups)-len(p.Witnesses) == MaxMembers {
		return fmt.Errorf("it has more than %d lines group", MaxMembers)
	}
	return p.define(name, g)
}

func (p *policyReader) decide(name string) error {
	if p.decided {
		return fmt.Errorf("it has two quorum lines")
	}
	p.decided = true
	if name == "none" {
		return nil
	}
	if _, ok := p.groups[name]; !ok {
		return fmt.Errorf("%.80q is not defined before", name)
	}
	p.quorum = name
	return nil
}

// Quorum reports whether the policy asks for cosignatures at all.
func (p *Policy) Quorum() bool { return p.quorum != "" }

// Cosigned returns the witnesses of the policy that cosigned the note, and
// whether they are enough. A signature of one of their keys that does not
// verify is an error: such a note is malformed.
func (p *Policy) Cosigned(signed []byte) (by []*WitnessKey, enough bool, err error) {
	for _, w := range p.Witnesses {
		switch _, err := VerifyCosignature(signed, w.Key); {
		case err == nil:
			by = append(by, w.Key)
		case err != ErrNotCosigned:
			return nil, false, err
		}
	}
	return by, p.quorum == "" || p.met(p.quorum, by), nil
}

func (p *Policy) met(name string, by []*WitnessKey) bool {
	g := p.groups[name]
	if g.key != nil {
		return slices.Contains(by, g.key)
	}
	n := 0
	for _, m := range g.members {
		if p.met(m, by) {
			n++
		}
	}
	return n >= g.threshold
}
