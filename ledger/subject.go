package ledger

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"
)

// Subject is a person by their identifiers: ids, e-mail addresses and names. They
// are found in any case and in either Unicode form, and only as whole words, so
// that user_1 is not found in user_12, nor ann@example.com in
// mary.ann@example.com.
type Subject struct{ names []string }

// NewSubject returns the person who has these identifiers.
func NewSubject(identifiers []string) *Subject {
	s := &Subject{}
	for _, name := range identifiers {
		if name = folded(strings.TrimSpace(name)); name != "" {
			s.names = append(s.names, name)
		}
	}
	return s
}

// folded makes texts alike that differ in case or Unicode form alone.
func folded(text string) string {
	plain := true
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return text
	}
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return unicode.ToLower(least)
	}, norm.NFC.String(text))
}

// Is reports whether a text is one of the identifiers.
func (s *Subject) Is(text string) bool { return text != "" && slices.Contains(s.names, folded(text)) }

// In reports whether a text holds one of the identifiers.
func (s *Subject) In(text string) bool {
	text = folded(text)
	return slices.ContainsFunc(s.names, func(name string) bool { return holds(text, name) })
}

func holds(text, name string) bool {
	address := strings.Contains(name, "@")
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		from, to := at+i, at+i+len(name)
		if !joined(text[:from], name, address) && !continued(name, text[to:], address) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[from:])
		at = from + size
	}
}

func wordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// joined reports whether what stands before belongs to the same word: before an
// address, also what a longer address may have there.
func joined(before, name string, address bool) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(name)
	if before == "" {
		return false
	}
	return wordRune(last) && wordRune(first) || address && strings.ContainsRune(".+-_", last)
}

// continued reports whether the word goes on after it, or the address's domain.
func continued(name, after string, address bool) bool {
	if after == "" {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(name)
	next, size := utf8.DecodeRuneInString(after)
	if wordRune(next) && (wordRune(last) || unicode.IsMark(next)) {
		return true
	}
	beyond, _ := utf8.DecodeRuneInString(after[size:])
	return address && (next == '.' || next == '-') && wordRune(beyond)
}

// inValue reports whether a JSON value holds an identifier: in a text of it, as
// the name of a member, or as a number.
func (s *Subject) inValue(value []byte) bool {
	if plain, ok := plainText(value); ok {
		return s.In(string(plain))
	}
	d := jsontext.NewDecoder(strings.NewReader(string(value)))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return false
		}
		switch token.Kind() {
		case '"':
			if s.In(token.String()) {
				return true
			}
		case '0':
			if s.Is(token.String()) {
				return true
			}
		}
	}
}

// judgement is what an erasure takes of an entry.
type judgement struct {
	erase []int    // fields
	kept  []string // where the subject is named and nothing can be erased
}

// judge says what is personal of the subject: every personal field of the entries
// whose actor they are, and of others those that name them. What kind of actor it
// was stays: it is about nobody, and counted.
func (s *Subject) judge(fields []Field) (j judgement) {
	own := slices.ContainsFunc(fields, func(f Field) bool {
		switch f.Path {
		case "/actor/id", "/actor/email", "/user/id", "/user/email":
			return f.Disclosed() && s.Is(textOf(f.Value))
		}
		return false
	})
	for i := range fields {
		f := &fields[i]
		pattern := personalPattern(f.Path)
		if pattern != "" && s.In(f.Path) { // the path is hashed, and stays
			j.kept = append(j.kept, pattern)
		}
		if !f.Disclosed() {
			continue
		}
		named := s.inValue(f.Value)
		switch {
		case pattern == "" && named:
			j.kept = append(j.kept, s.place(f))
		case pattern != "" && (named || own && f.Path != "/actor/type"):
			j.erase = append(j.erase, i)
		}
	}
	slices.Sort(j.kept)
	j.kept = slices.Compact(j.kept)
	return j
}

// place says where in a field the subject is named, as far as the names of its
// members may be told.
func (s *Subject) place(f *Field) string {
	if f.Value[0] != '{' {
		return f.Path
	}
	at := f.Path
	err := eachMember(f.Value, func(name, value []byte) error {
		switch {
		case at != f.Path:
		case s.In(string(name)):
			at = f.Path + "/*"
		case s.inValue(value):
			at = f.Path + "/" + escapePointer(string(name))
		}
		return nil
	})
	if err != nil || len(at) > 128 {
		return f.Path
	}
	return at
}

// personalPattern returns which of PersonalPaths a field is of, or "".
func personalPattern(path string) string {
	for _, pattern := range PersonalPaths {
		steps, wanted := strings.Split(path, "/"), strings.Split(pattern, "/")
		if len(steps) != len(wanted) {
			continue
		}
		same := true
		for i := range steps {
			same = same && (wanted[i] == "*" || wanted[i] == steps[i])
		}
		if same {
			return pattern
		}
	}
	return ""
}
