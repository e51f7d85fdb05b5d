package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/sealbook/sealbook/audit"
)

// StepUp is how a person authenticates again with the provider (OpenID Connect Core
// 1.0, section 3.1.2.1): what the browser asks for, beside a nonce and max_age=0.
type StepUp struct {
	Issuer, ClientID string
	ACR              []string // of which one must be reached
}

// StepUp returns how people authenticate again; ok is false where they cannot.
func (p *Provider) StepUp() (how StepUp, ok bool) {
	return StepUp{p.config.Issuer, p.config.ClientID, slices.Clone(p.config.StepUpACR)}, p.config.ClientID != ""
}

// Authentication is what an ID token says of somebody who authenticated just now.
type Authentication struct {
	Issuer, Subject string // who; the subject has 1 to audit.MaxIdentifier bytes
	ACR             string // the class that was reached
	At              time.Time
}

// Authentication verifies an ID token (OpenID Connect Core 1.0, section 3.1.3.7)
// that answers a nonce, of an authentication that was not before since, up to
// [ClockSkew]. Returns Unauthenticated and Unavailable as [Provider.Person] does, and
// InvalidState where nobody can authenticate again.
func (p *Provider) Authentication(ctx context.Context, token, nonce string, since time.Time) (Authentication, error) {
	if p.config.ClientID == "" {
		return Authentication{}, audit.Errorf(audit.InvalidState, "nobody can authenticate again with the identity provider here")
	}
	c, verified, err := p.signed(ctx, token, p.config.ClientID)
	var a Authentication
	if err == nil {
		a, err = p.authentication(c, verified, nonce, since)
	}
	var known *audit.Error
	if err != nil && !errors.As(err, &known) {
		err = &audit.Error{Code: audit.Unauthenticated, Message: "the ID token is malformed, expired, not for this application, not signed by its provider, or does not answer this challenge", Err: err}
	}
	return a, err
}

func (p *Provider) authentication(c claims, verified *oidc.IDToken, nonce string, since time.Time) (a Authentication, err error) {
	// Of a token for several audiences the one that asked for it must be this one.
	if by, there := c["azp"]; there && by != p.config.ClientID || !there && len(verified.Audience) > 1 {
		return a, fmt.Errorf("another application asked for the ID token")
	}
	if nonce == "" || verified.Nonce != nonce {
		return a, fmt.Errorf("the ID token answers another nonce")
	}
	a = Authentication{Issuer: verified.Issuer, Subject: verified.Subject, ACR: c.text("acr")}
	if a.Subject == "" || len(a.Subject) > audit.MaxIdentifier || strings.ContainsRune(a.Subject, 0) {
		return a, fmt.Errorf("the ID token's subject has not 1 to %d bytes", audit.MaxIdentifier)
	}
	if !slices.Contains(p.config.StepUpACR, a.ACR) {
		return a, fmt.Errorf("the authentication is of class %q, which is not enough", a.ACR)
	}
	at, there, err := c.instant("auth_time")
	switch {
	case err != nil:
		return a, err
	case !there:
		return a, fmt.Errorf("the ID token does not say when the person authenticated")
	case at.Add(ClockSkew).Before(since):
		return a, fmt.Errorf("the person authenticated at %s, before they were asked to", audit.FormatTime(at))
	case p.config.Clock().Add(ClockSkew).Before(at):
		return a, fmt.Errorf("the person authenticated at %s, which is yet to come", audit.FormatTime(at))
	}
	a.At = at
	return a, nil
}
