package anchor

import (
	"context"
	"time"

	"github.com/sealbook/sealbook/internal/exchange"
	"github.com/sealbook/sealbook/internal/tsa"
)

// timestampWait bounds one request; the caller's context usually allows less.
const timestampWait = 30 * time.Second

// Authority is a time-stamp authority as a place.
type Authority struct {
	place Place
	tsa   tsa.Authority
}

// NewAuthority reads the authority's URL, which may hold credentials, and the
// certificates in PEM that its own must lead to; without any, the machine's
// roots decide. It asks nothing yet.
func NewAuthority(serviceURL string, rootsPEM []byte) (*Authority, error) {
	u, name, err := exchange.ParseURL(serviceURL)
	if err != nil {
		return nil, err
	}
	a := &Authority{Place{KindTimestamp, name}, tsa.Authority{URL: u.String(), Client: exchange.NewClient(), Wait: timestampWait}}
	if rootsPEM != nil {
		if a.tsa.Roots, err = tsa.ParseRoots(rootsPEM); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Place says where this is.
func (a *Authority) Place() Place { return a.place }

// Publish gets a token over the note and returns it, verified, in DER. The
// errors are those of [tsa.Authority.Stamp].
func (a *Authority) Publish(ctx context.Context, s Statement) ([]byte, error) {
	return a.tsa.Stamp(ctx, s.Note)
}
