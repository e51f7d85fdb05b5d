package main

import (
	"encoding/base32"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/account"
)

// TestFirstAdministrator comes from the command line, enrols, signs in, and adds
// somebody else.
func TestFirstAdministrator(t *testing.T) {
	t.Parallel()
	i := install(t)
	url := i.serve(t)
	args := []string{"person", "create", "--organisation", "Test", "--email", "ann@example.com", "--name", "Ann Example", "--roles", "admin"}
	var made struct {
		UserID string `json:"user_id"`
		Code   string `json:"enrolment_code"`
	}
	if err := json.Unmarshal([]byte(invoke(t, i.env, "", append(args, "--json")...).want(t, exitOK).stdout), &made); err != nil || made.Code == "" {
		t.Fatal(err)
	}
	send := func(path, token, body string, want int, into any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+apiMount+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != want {
			t.Fatalf("%s: %s", path, answer.Status)
		}
		if into != nil {
			if err := json.NewDecoder(answer.Body).Decode(&struct{ Data any }{into}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var secret struct {
		Secret string `json:"totp_secret"`
	}
	send("/auth/enrol", "", `{"code":"`+made.Code+`","password":"a long enough password"}`, 200, &secret)
	key := decodeSecret(t, secret.Secret)
	// The last step confirms and this one signs in, or the test would wait for the
	// next; near a step's end it would be the last but one.
	if left := 30 - time.Now().Unix()%30; left <= 3 {
		time.Sleep(time.Duration(left) * time.Second)
	}
	send("/auth/enrol/confirm", "", `{"code":"`+made.Code+`","totp":"`+account.Code(key, time.Now().Add(-30*time.Second))+`"}`, 204, nil)
	var session struct{ Token string }
	send("/auth/login", "", `{"email":"ann@example.com","password":"a long enough password","code":"`+account.Code(key, time.Now())+`"}`, 200, &session)
	send("/directory/users", session.Token, `{"email":"bob@example.com","name":"Bob","roles":["viewer"]}`, 201, nil)
	send("/directory/users", session.Token, `{"email":"cid@example.com","name":"Cid","roles":["compliance_officer"]}`, 403, nil)

	// Whoever has lost everything gets another code from the operator.
	invoke(t, i.env, "", "person", "reset", "--organisation", "Test", "--email", "ann@example.com").want(t, exitOK).says(t, "enrolment code")
	send("/directory/users", session.Token, `{"email":"eve@example.com","name":"Eve","roles":["viewer"]}`, 401, nil)
	invoke(t, i.env, "", "person", "reset", "--organisation", "Test", "--email", "nobody@example.com").want(t, exitFailed)
	invoke(t, i.env, "", "person", "reset").want(t, exitUsage)

	invoke(t, i.env, "", args...).want(t, exitFailed).says(t, "has this e-mail address")
	invoke(t, i.env, "", append(args, "--roles", "boss")...).want(t, exitUsage).says(t, "is not a role")
	invoke(t, i.env, "", "person", "create", "--organisation", "Test").want(t, exitUsage)
	invoke(t, i.env, "", "person", "create", "--organisation", "Nobody", "--email", "x@example.com", "--name", "X", "--roles", "viewer").want(t, exitFailed)
	text := invoke(t, i.env, "", "person", "create", "--organisation", "Test", "--email", "dee@example.com", "--name", "Dee", "--roles", "compliance_officer,investigator").want(t, exitOK).stdout
	if !strings.Contains(text, "enrolment code") {
		t.Error(text)
	}
}

func decodeSecret(t *testing.T, text string) []byte {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
