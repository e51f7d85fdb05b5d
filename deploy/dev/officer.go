package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// officer is the sample organisation's compliance officer, whose part in the story
// this program plays: they enrol, read a report and sign it, as a person does with
// a browser and an authenticator. Nothing of it is there outside a development
// stack: password and secret live in this process.
type officer struct {
	api      string // the mount
	email    string
	password string
	secret   []byte
	token    string        // of the session
	every    time.Duration // how long a one-time code is good; 0 is codeEvery
	last     int64         // step of the last one-time code: none is taken twice
}

const officerEmail = "officer@example.com"

// codeEvery is how long a one-time code is good (RFC 6238).
const codeEvery = 30 * time.Second

// enrol makes a person with a code that the person command printed.
func enrol(ctx context.Context, publicURL, email, code string, every time.Duration) (*officer, error) {
	o := &officer{api: publicURL + "/api/v1/audit", email: email, password: "sample password of nobody", every: cmp.Or(every, codeEvery)}
	var begun struct {
		Secret string `json:"totp_secret"`
	}
	if err := o.call(ctx, "/auth/enrol", map[string]any{"code": code, "password": o.password}, &begun); err != nil {
		return nil, err
	}
	var err error
	if o.secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(begun.Secret); err != nil {
		return nil, fmt.Errorf("read the authenticator's secret: %w", err)
	}
	fresh, err := o.code(ctx)
	if err != nil {
		return nil, err
	}
	return o, o.call(ctx, "/auth/enrol/confirm", map[string]any{"code": code, "totp": fresh}, nil)
}

// signIn starts a session.
func (o *officer) signIn(ctx context.Context) error {
	code, err := o.code(ctx)
	if err != nil {
		return err
	}
	var session struct{ Token string }
	if err := o.call(ctx, "/auth/login", map[string]any{"email": o.email, "password": o.password, "code": code}, &session); err != nil {
		return err
	}
	o.token = session.Token
	return nil
}

// sign signs in, waits until a report asks for the officer's signature, and signs it.
func (o *officer) sign(ctx context.Context, said func(string)) error {
	if err := o.signIn(ctx); err != nil {
		return err
	}
	id, err := o.asked(ctx)
	if err != nil {
		return err
	}
	code, err := o.code(ctx)
	if err != nil { // before the challenge, which is over soon
		return err
	}
	document, err := o.get(ctx, "/reports/"+id+"/signature/document")
	if err != nil {
		return err
	}
	var challenge struct {
		Nonce, Digest string
		Meaning       string `json:"signature_meaning"`
	}
	if err := o.call(ctx, "/reports/"+id+"/signature/challenge", map[string]any{}, &challenge); err != nil {
		return err
	}
	said(fmt.Sprintf("%s has read %d bytes and signs %s", o.email, len(document), challenge.Digest))
	return o.call(ctx, "/reports/"+id+"/signature", map[string]any{
		"nonce": challenge.Nonce, "digest": challenge.Digest, "signature_meaning": challenge.Meaning, "password": o.password, "code": code, "intent": true,
	}, nil)
}

// asked waits until a report waits for a signature.
func (o *officer) asked(ctx context.Context) (id string, err error) {
	for {
		text, err := o.get(ctx, "/reports?status=pending_signature&limit=1")
		if err != nil {
			return "", err
		}
		var list struct {
			Data []struct {
				ID string `json:"report_id"`
			}
		}
		if err := json.Unmarshal(text, &list); err != nil {
			return "", fmt.Errorf("read the list of reports: %w", err)
		}
		if len(list.Data) > 0 {
			return list.Data[0].ID, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// code waits for a one-time code that was not used yet (RFC 6238, with SHA-1 and
// six digits, as authenticators have it).
func (o *officer) code(ctx context.Context) (string, error) {
	step := time.Now().UnixNano() / int64(o.every)
	if step <= o.last {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(time.Until(time.Unix(0, (o.last+1)*int64(o.every))) + o.every/100):
		}
		step = o.last + 1
	}
	o.last = step
	mac := hmac.New(sha1.New, o.secret)
	binary.Write(mac, binary.BigEndian, step) //nolint:errcheck // a hash takes everything
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff)%1_000_000), nil
}

func (o *officer) get(ctx context.Context, path string) ([]byte, error) {
	return o.send(ctx, http.MethodGet, path, nil)
}

// call posts a body and reads the answer's data.
func (o *officer) call(ctx context.Context, path string, body map[string]any, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode a request: %w", err)
	}
	if text, err = o.send(ctx, http.MethodPost, path, text); err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(text, &struct{ Data any }{into}); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

func (o *officer) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	text, status, err := o.ask(ctx, method, path, body)
	if err == nil && status >= 300 {
		err = fmt.Errorf("%d: %s", status, text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return text, nil
}

// ask returns whatever the answer is.
func (o *officer) ask(ctx context.Context, method, path string, body []byte) (text []byte, status int, err error) {
	r, err := http.NewRequestWithContext(ctx, method, o.api+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("make a request: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if o.token != "" {
		r.Header.Set("Authorization", "Bearer "+o.token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, 0, fmt.Errorf("ask the API: %w", err)
	}
	defer answer.Body.Close()
	if text, err = io.ReadAll(answer.Body); err != nil {
		return nil, 0, fmt.Errorf("read the answer: %w", err)
	}
	return text, answer.StatusCode, nil
}
