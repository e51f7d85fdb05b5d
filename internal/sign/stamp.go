package sign

import (
	"context"
	"errors"

	"github.com/sealbook/sealbook/audit"
)

// maxToken is the room for a time-stamp token in the document, in bytes.
const maxToken = 16 << 10

// stamp gets a time stamp over a signature. That an authority is not there, or
// wants to be asked less often, is nothing that whoever has a document sealed
// did wrong or can heed.
func (o Options) stamp(ctx context.Context, signature []byte) ([]byte, error) {
	authority := *o.Stamp
	authority.Room = maxToken
	token, err := authority.Stamp(ctx, signature)
	var e *audit.Error
	if !errors.As(err, &e) {
		return token, err
	}
	said := *e
	switch e.Code {
	case audit.NotFound:
		said.Code = audit.InvalidState
	case audit.RateLimited:
		said.Code = audit.Unavailable
	}
	return nil, &said
}
