// Package identity is about who a person is: it verifies the bearer tokens of
// one OpenID Connect provider and maps their claims to an organisation and
// roles. It guards that nobody becomes somebody by a token that this provider
// did not sign for this API just now. The API uses it beside its own keys and
// works without it.
package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/sealbook/sealbook/audit"
)

// Config says whom to trust, and how claims are read. A claim is named by its
// name, or by a JSON Pointer for one that is not at the top.
type Config struct {
	Issuer     string   // URL, as it stands in tokens and in the discovery document; https, or http on the loopback
	Audience   string   // that a token must be for
	Algorithms []string // that a signature may have; empty: all of [Algorithms]

	OrganisationClaim string                    // whose value is an organisation's id
	RolesClaim        string                    // whose value is a role of the provider, or a list of them
	Roles             map[string]audit.RoleName // the provider's roles to ours; others have no meaning
	ConstraintsClaim  string                    // whose value is like audit.Constraints; "": tokens cannot hold any

	ClientID  string   // as which people's browsers ask the provider for ID tokens; with StepUpACR, or neither
	StepUpACR []string // authentication context classes that are as good as a password and a one-time code

	Clock audit.Clock
}

// Algorithms are the signature algorithms that there are: each with a key that
// only the provider holds. What is verified with a shared secret is none.
var Algorithms = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}

// Names of claims where nothing else is configured.
const (
	DefaultOrganisationClaim = "organisation"
	DefaultRolesClaim        = "roles"
)

// Limits.
const (
	ClockSkew      = time.Minute      // that the provider's clock may differ from ours
	KeysLife       = 15 * time.Minute // after which the provider's keys are fetched again: a withdrawn one is good no longer
	RefetchAfter   = 10 * time.Second // at least between two fetches because of a key that is not known
	FailureLife    = 5 * time.Second  // how long a failed fetch is not tried again
	FetchTimeout   = 5 * time.Second  // of discovery and keys together
	MaxDocument    = 1 << 20          // bytes of either document
	MaxTokenRoles  = 200              // values of the roles claim
	maxTokenLength = 16 << 10         // bytes
)

// Person is whom a token speaks of.
type Person struct {
	Subject      string // at the provider; 1 to audit.MaxIdentifier bytes
	Name, Email  string // as the provider tells them; may be empty
	Organisation audit.OrganisationID
	Roles        []audit.RoleName
	Permissions  []audit.Permission // of all roles together
	Constraints  audit.Constraints
	ExpiresAt    time.Time
}

// Provider verifies tokens. Its methods can be called at the same time.
type Provider struct {
	config     Config
	algorithms []jose.SignatureAlgorithm
	keys       *keySet
}

// New makes a provider and does not use the network: keys are fetched when the
// first token comes.
func New(c Config) (*Provider, error) {
	if err := CheckIssuer(c.Issuer); err != nil {
		return nil, err
	}
	if c.Audience == "" || c.OrganisationClaim == "" || c.RolesClaim == "" || len(c.Roles) == 0 || c.Clock == nil {
		return nil, fmt.Errorf("an identity provider needs an audience, claims for organisation and roles, a map of roles and a clock")
	}
	if (c.ClientID == "") != (len(c.StepUpACR) == 0) || slices.Contains(c.StepUpACR, "") {
		return nil, fmt.Errorf("authenticating again with an identity provider needs both a client id and authentication context classes")
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = Algorithms
	}
	p := &Provider{config: c, keys: newKeySet(c.Issuer, c.Clock)}
	for _, a := range c.Algorithms {
		if !slices.Contains(Algorithms, a) {
			return nil, fmt.Errorf("%q is not an algorithm for tokens", a)
		}
		p.algorithms = append(p.algorithms, jose.SignatureAlgorithm(a))
	}
	for theirs, ours := range c.Roles {
		if _, ok := audit.RoleOf(ours); !ok {
			return nil, fmt.Errorf("the role %q is mapped to %q, which is none", theirs, ours)
		}
	}
	return p, nil
}

// CheckIssuer refuses an issuer whose keys anybody on the way could replace.
func CheckIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%q is not an issuer like https://login.example.com", issuer)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !ip.IsLoopback() && u.Hostname() != "localhost") {
		return fmt.Errorf("%q is not an https URL", issuer)
	}
	return nil
}

// Person verifies a token. Returns Unauthenticated, which says to the client
// nothing about why and to the log everything, or Unavailable when the
// provider's keys cannot be had.
func (p *Provider) Person(ctx context.Context, token string) (Person, error) {
	person, err := p.verify(ctx, token)
	var known *audit.Error
	if err == nil || errors.As(err, &known) {
		return person, err
	}
	return Person{}, &audit.Error{Code: audit.Unauthenticated, Message: "the token is malformed, expired, not for this API or not signed by its provider", Err: err}
}

func (p *Provider) verify(ctx context.Context, token string) (Person, error) {
	c, verified, err := p.signed(ctx, token, p.config.Audience)
	if err != nil {
		return Person{}, err
	}
	return p.person(c, verified)
}

// signed returns what a token for an audience says that the provider has signed
// and that is good now.
func (p *Provider) signed(ctx context.Context, token, audience string) (claims, *oidc.IDToken, error) {
	if len(token) > maxTokenLength {
		return nil, nil, fmt.Errorf("a token has at most %d bytes", maxTokenLength)
	}
	jws, err := jose.ParseSignedCompact(token, p.algorithms)
	if err != nil {
		return nil, nil, fmt.Errorf("parse token: %w", err)
	}
	// Before anything is believed: a token that says itself that it is somebody
	// else's does not make us fetch keys.
	var said claims
	if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &said); err != nil || said["iss"] != p.config.Issuer {
		return nil, nil, fmt.Errorf("the token is of another issuer")
	}
	keys, err := p.keys.find(ctx, jws.Signatures[0].Header.KeyID)
	if err != nil {
		return nil, nil, err
	}
	verified, err := oidc.NewVerifier(p.config.Issuer, signedBy{keys, p.algorithms}, &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: p.config.Algorithms,
		SkipExpiryCheck: true, // checkTime does it: the package's own knows no skew of the end
	}).Verify(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	var c claims
	if err := verified.Claims(&c); err != nil {
		return nil, nil, err
	}
	return c, verified, c.checkTime(p.config.Clock())
}
