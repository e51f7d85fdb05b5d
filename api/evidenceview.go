package api

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// evidenceBody is an item of evidence as document A shows it: an upload has
// date and artifacts, an aggregate of the ledger date_range and record_count.
// The rest is ours.
type evidenceBody struct {
	ID          audit.EvidenceID `json:"id"`
	Type        string           `json:"type"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Criteria    []string         `json:"criteria"`

	Date      string         `json:"date,omitempty"`
	Artifacts []artifactBody `json:"artifacts,omitempty"`
	Uploader  audit.Object   `json:"uploaded_by,omitempty"`
	CreatedAt string         `json:"created_at,omitempty"`

	Range *dateRange `json:"date_range,omitempty"`
	Count *int64     `json:"record_count,omitempty"`
	First string     `json:"first_event,omitempty"`
	Last  string     `json:"last_event,omitempty"`
}

type dateRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type artifactBody struct {
	Name      string `json:"name"`
	URL       string `json:"url"` // below the API's base, as document A has it
	MediaType string `json:"media_type"`
	Size      int64  `json:"size_bytes"`
	SHA256    string `json:"sha256"`
}

func uploadView(e store.Evidence) *evidenceBody {
	v := &evidenceBody{
		ID: e.ID, Type: e.Type, Title: e.Title, Description: e.Description, Criteria: e.Criteria,
		Date: e.Date.Format(time.DateOnly), Uploader: e.UploadedBy.V, CreatedAt: audit.FormatTime(e.CreatedAt),
	}
	for i, f := range e.Files.V {
		v.Artifacts = append(v.Artifacts, artifactBody{
			Name: f.Name, URL: fmt.Sprintf("/evidence/download/%s_artifact_%d", e.ID, i+1),
			MediaType: f.MediaType, Size: f.Artifact.Size, SHA256: f.Artifact.Digest,
		})
	}
	return v
}

var uploadListParameters = []string{"type", "criteria", "page", "limit"}

// listEvidence answers GET /evidence: what people uploaded, newest first.
func (s *server) listEvidence(r *http.Request) (reply, error) {
	q := callOf(r).query
	f := store.EvidenceFilter{Type: q.identifier("type")}
	if given := q.text("criteria"); given != "" {
		for _, part := range strings.Split(given, ",") {
			id, _, ok := s.catalog.Find(strings.TrimSpace(part))
			if !ok {
				q.fail("criteria", s.allCriteria(), "there is no criterion %.40q", part)
			}
			f.Criteria = append(f.Criteria, id)
		}
	}
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.uploads(r, f, page.limit, page.offset())
	if err != nil {
		return reply{}, err
	}
	data := make([]*evidenceBody, len(list))
	for i, e := range list {
		data[i] = uploadView(e)
	}
	return reply{data: data, pagination: page.of(total), metadata: coverage(r)}, nil
}

// uploads lists uploads that the caller's constraints cover, and counts them.
func (s *server) uploads(r *http.Request, f store.EvidenceFilter, limit, offset int) (list []store.Evidence, total int64, err error) {
	f, some := s.coveredUploads(r, f)
	if !some {
		return nil, 0, nil
	}
	return s.Store.EvidenceList(r.Context(), principal(r).Ledger, f, limit, offset)
}

func (s *server) allCriteria() (ids []string) {
	for _, f := range s.catalog.Frameworks {
		ids = append(ids, f.IDs()...)
	}
	return ids
}

// evidenceItem shows an upload, or counts an aggregate again.
func (s *server) evidenceItem(r *http.Request, id string) (reply, error) {
	if q := callOf(r).query; len(q.values) > 0 {
		q.fail("criteria", nil, "an item of evidence has no parameters; its id says all")
		return reply{}, q.err
	}
	if f, query, period, ok := s.parseAggregateID(id); ok {
		if err := s.coversFramework(r, f); err != nil {
			return reply{}, err
		}
		tallies, err := s.Log.Tallies(r.Context(), principal(r).Ledger, period.period(), principal(r).Constraints, [][]audit.Selector{query.Match})
		if err != nil {
			return reply{}, err
		}
		return reply{data: aggregateView(f, query, period, tallies[0])}, nil
	}
	e, err := s.upload(r, id)
	if err != nil {
		return reply{}, err
	}
	return reply{data: uploadView(e)}, nil
}

var (
	uploadID   = regexp.MustCompile(`^ev_[0-9a-z]{26}$`)
	artifactID = regexp.MustCompile(`^(ev_[0-9a-z]{26})_artifact_([1-9]\d{0,2})$`)
)

// upload returns the caller's organisation's upload of this id.
func (s *server) upload(r *http.Request, id string) (store.Evidence, error) {
	none := audit.Errorf(audit.NotFound, "there is no such evidence")
	if !uploadID.MatchString(id) {
		return store.Evidence{}, none
	}
	e, err := s.Store.Evidence(r.Context(), principal(r).Ledger, audit.EvidenceID(id))
	if audit.CodeOf(err) == audit.NotFound || err == nil && !s.coversUpload(r, &e) {
		return store.Evidence{}, none
	}
	return e, err
}

// downloadEvidence answers GET /evidence/download/{artifact} with a file as it
// was uploaded. The download is an entry before the first byte goes out.
func (s *server) downloadEvidence(r *http.Request) (reply, error) {
	m := artifactID.FindStringSubmatch(variable(r, "artifact"))
	if m == nil {
		return reply{}, audit.Errorf(audit.NotFound, "there is no such artifact")
	}
	e, err := s.upload(r, m[1])
	if err != nil {
		return reply{}, err
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || n > len(e.Files.V) {
		return reply{}, audit.Errorf(audit.NotFound, "there is no such artifact")
	}
	file := e.Files.V[n-1]
	content, err := s.Artifacts.Open(r.Context(), file.Artifact)
	if err != nil {
		if audit.CodeOf(err) == audit.NotFound { // it is ours to have, not the caller's to know better
			err = &audit.Error{Code: audit.Internal, Message: "file of " + string(e.ID), Err: err}
		}
		return reply{}, err
	}
	about := action(r, typeDownloaded, evidenceResource(e.ID), audit.Object{"sha256": file.Artifact.Digest, "size_bytes": file.Artifact.Size})
	if _, err := s.record(r, about, nil, nil); err != nil {
		content.Close()
		return reply{}, err
	}
	header, err := fileHeader(file)
	return reply{header: header, stream: func(w io.Writer) error {
		defer content.Close()
		return s.copyVerified(w, content)
	}}, err
}

// harmlessTypes are sent as what they are; all else as bytes. Whatever it is, a
// browser saves it and neither guesses nor runs it.
var harmlessTypes = map[string]bool{
	"application/pdf": true, "application/zip": true, "application/x-gzip": true, "text/plain; charset=utf-8": true,
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true,
}

func fileHeader(f audit.EvidenceFile) (http.Header, error) {
	sum, err := hex.DecodeString(strings.TrimPrefix(f.Artifact.Digest, "sha256:"))
	if err != nil {
		return nil, fmt.Errorf("digest of file: %w", err)
	}
	mediaType := f.MediaType
	if !harmlessTypes[mediaType] {
		mediaType = "application/octet-stream"
	}
	return http.Header{
		"Content-Type":                 {mediaType},
		"Content-Length":               {strconv.FormatInt(f.Artifact.Size, 10)},
		"Content-Disposition":          {mime.FormatMediaType("attachment", map[string]string{"filename": f.Name})},
		"Content-Security-Policy":      {"sandbox; default-src 'none'"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Etag":                         {`"` + f.Artifact.Digest + `"`},
		"Repr-Digest":                  {"sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":"}, // RFC 9530
	}, nil
}
