package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// Answer is what the API answered: D is the type of its data and M that of its
// metadata.
type Answer[D, M any] struct {
	Status   int         // 200 to 299
	Header   http.Header // ETag, Location and what else came
	Data     D
	Metadata M
	Raw      json.RawMessage // data as it was sent, with what D does not know
}

// Replayed reports whether this is the answer to an earlier request with the
// same Idempotency-Key.
func (a *Answer[D, M]) Replayed() bool { return a.Header.Get("Idempotent-Replayed") == "true" }

// ETag returns the tag of what was answered, for If-Match and If-None-Match.
func (a *Answer[D, M]) ETag() string { return a.Header.Get("ETag") }

// Page is one page of a list; P is how its pages are counted.
type Page[D, P, M any] struct {
	Answer[D, M]
	Pagination P
}

// Download is a text or a file that is read while it arrives. The caller closes
// it. An end that came too early is an error of Read.
type Download struct {
	io.ReadCloser
	Header http.Header
	Size   int64 // bytes; -1 is unknown
}

// Name returns the file's name as the server suggests it, or "". It is not safe
// as a path.
func (d *Download) Name() string {
	_, parameters, err := mime.ParseMediaType(d.Header.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	return parameters["filename"]
}

// File is one that is uploaded. It is sent while it is read; a request with one
// is repeated only if Content is an io.Seeker.
type File struct {
	Name    string // the last part of a path counts
	Content io.Reader
}

// decode reads the documented envelope around data.
func decode[D, P, M any](c *Client, a *arrived, envelope bool, page *Page[D, P, M]) error {
	page.Status, page.Header = a.status, a.header
	if a.status == http.StatusNoContent {
		return nil
	}
	var outer struct {
		Data       json.RawMessage `json:"data"`
		Pagination *P              `json:"pagination"`
		Metadata   *M              `json:"metadata"`
	}
	outer.Pagination, outer.Metadata = &page.Pagination, &page.Metadata
	page.Raw = a.body
	if envelope {
		if err := json.Unmarshal(a.body, &outer); err != nil {
			return c.strange(err)
		}
		page.Raw = outer.Data
	}
	if err := json.Unmarshal(page.Raw, &page.Data); err != nil {
		return c.strange(err)
	}
	return nil
}

func (c *Client) strange(err error) error {
	return fmt.Errorf("%s answered something else than Sealbook does: %w", c.base, err)
}
