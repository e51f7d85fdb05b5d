package audit

import (
	"strings"
	"testing"
)

func TestVerificationWindows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request VerificationRequest
		code    Code
		fields  int
	}{
		"good":                {VerificationRequest{From: "2024-01-01", To: "2024-01-31", RepositoryID: "r"}, "", 0},
		"nothing":             {VerificationRequest{}, ValidationFailed, 2},
		"no end":              {VerificationRequest{From: "2024-01-01"}, ValidationFailed, 1},
		"a long repository":   {VerificationRequest{From: "2024-01-01", To: "2024-01-31", RepositoryID: strings.Repeat("r", MaxIdentifier+1)}, ValidationFailed, 1},
		"not a time":          {VerificationRequest{From: "once", To: "2024-01-31"}, InvalidParameter, 0},
		"the wrong way round": {VerificationRequest{From: "2024-02-01", To: "2024-01-31"}, InvalidParameter, 0},
	} {
		f, err := c.request.Filter()
		if c.code == "" {
			if err != nil || f.RepositoryID != "r" || !f.Period.From.Before(f.Period.Until) {
				t.Errorf("%s: %+v %v", name, f, err)
			}
			continue
		}
		e, ok := err.(*Error)
		if !ok || e.Code != c.code || len(e.Fields) != c.fields {
			t.Errorf("%s: %v", name, err)
		}
	}
}
