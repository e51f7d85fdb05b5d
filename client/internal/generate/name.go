package main

import (
	"go/token"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// initialisms are written in one case (Go's code review comments).
var initialisms = map[string]string{}

func init() {
	for _, word := range strings.Fields("ID IDs API APIs URL URI HTTP HTTPS JSON JSONL CSV PDF HTML XML IP CIDR CIDRs TLS TSA TTL UTC UUID " +
		"SHA256 HMAC MS MB GB KMS SQL SSO SOC2 ISO FDA GDPR SOX NIST CSF OIDC SIEM S3 GCS HEC OTLP SMTP") {
		initialisms[strings.ToLower(word)] = word
	}
}

var words = regexp.MustCompile(`[A-Za-z0-9]+`)

// exported makes a Go name of one in the document: job_id is JobID, showSOC2Evidence
// ShowSOC2Evidence, audit:read:basic AuditReadBasic.
func exported(name string) string {
	var b strings.Builder
	for _, word := range words.FindAllString(name, -1) {
		switch known, ok := initialisms[strings.ToLower(word)]; {
		case ok:
			b.WriteString(known)
		case strings.ToUpper(word) == word && strings.ContainsFunc(word, unicode.IsLetter) && len(word) > 1: // a word of MALFORMED_JSON
			b.WriteString(word[:1] + strings.ToLower(word[1:]))
		default:
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	out := b.String()
	if out == "" || out[0] >= '0' && out[0] <= '9' {
		return "N" + out
	}
	return out
}

// component is the Go name of a named schema, which is a Go name already.
func component(name string) string {
	if name != "" && unicode.IsUpper(rune(name[0])) && words.FindString(name) == name {
		return name
	}
	return exported(name)
}

// local are names that mean something else inside of a method.
var local = strings.Fields("ctx body params options c r at next items answer cmp context iter walk segment segments call string error int64 bool true false nil new")

// unexported is the name of an argument.
func unexported(name string) string {
	parts := words.FindAllString(name, -1)
	out := strings.ToLower(parts[0]) + strings.TrimPrefix(exported(strings.Join(append([]string{"x"}, parts[1:]...), "_")), "X")
	if token.IsKeyword(out) || slices.Contains(local, out) {
		return out + "Value"
	}
	return out
}

// singular names one of several.
func singular(name string) string {
	switch {
	case strings.HasSuffix(name, "ies"):
		return strings.TrimSuffix(name, "ies") + "y"
	case strings.HasSuffix(name, "sses"):
		return strings.TrimSuffix(name, "es")
	case strings.HasSuffix(name, "s") && !strings.HasSuffix(name, "ss") && !strings.HasSuffix(name, "us"):
		return strings.TrimSuffix(name, "s")
	}
	return name + "Item"
}
