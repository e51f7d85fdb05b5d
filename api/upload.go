package api

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// Limits of an upload, beside Config.MaxEvidenceFile.
const (
	MaxEvidenceForm     = 256 << 10 // bytes of the form around the file
	MaxEvidenceField    = 16 << 10  // bytes of one of its other fields
	MaxEvidenceParts    = 100       // of the form
	MaxEvidenceCriteria = 50
	MaxFileName         = 255 // bytes
)

func evidenceResource(id audit.EvidenceID) audit.Object {
	return audit.Object{"type": "evidence", "id": string(id)}
}

// uploadEvidence answers POST /evidence: 201 once the file is stored and its
// digest is in the ledger. If the process dies between the two, a file is left
// that nothing names.
func (s *server) uploadEvidence(r *http.Request) (reply, error) {
	form, err := s.readForm(r)
	defer form.close()
	if err != nil {
		return reply{}, err
	}
	req, day, err := form.request(s)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	e := store.Evidence{
		ID: audit.EvidenceID("ev_" + newULID(now)), Ledger: p.Ledger, Type: req.Type, Title: req.Title, Description: req.Description,
		Date: day, Criteria: req.Criteria, CreatedAt: now,
	}
	e, again, err := s.addEvidence(r, e, audit.EvidenceFile{Name: form.fileName, MediaType: form.mediaType}, form.file, nil, func(file audit.EvidenceFile) (*ledger.RequestKey, error) {
		return form.key(r, req, file)
	})
	if err != nil {
		return reply{}, err
	}
	return uploaded(r, e, again), nil
}

// addEvidence stores a file, and then evidence whose digest is in the ledger. more
// goes into the entry; key is asked for once the file's digest is known. Of a
// request that is repeated it returns what there is already, and leaves no file
// behind.
func (s *server) addEvidence(r *http.Request, e store.Evidence, file audit.EvidenceFile, content io.ReadSeeker, more audit.Object,
	key func(audit.EvidenceFile) (*ledger.RequestKey, error),
) (_ store.Evidence, again bool, err error) {
	e.UploadedBy.V = principal(r).Actor()
	if file.Artifact, err = s.Artifacts.Put(r.Context(), evidencePrefix(e.ID), content); err != nil {
		return e, false, err
	}
	file.Artifact.Files = 1
	e.Files.V = []audit.EvidenceFile{file}
	once, err := key(file)
	if err == nil {
		if once != nil {
			once.Note = string(e.ID)
		}
		about := evidenceUploaded(r, e)
		maps.Copy(about.Details, more)
		var out ledger.Outcome
		out, err = s.record(r, about, once, store.InsertEvidence(e))
		if err == nil && !out.Replayed {
			return e, false, nil
		}
		if err == nil {
			s.dropFile(r, e.ID)
			e, err = s.Store.Evidence(r.Context(), e.Ledger, audit.EvidenceID(out.Note))
			return e, true, err
		}
	}
	if audit.Permanent(err) { // otherwise the row may be there all the same, and needs its file
		s.dropFile(r, e.ID)
	}
	return e, false, err
}

func evidencePrefix(id audit.EvidenceID) string { return "evidence/" + string(id) }

func (s *server) dropFile(r *http.Request, id audit.EvidenceID) {
	if err := s.Artifacts.DeleteAll(r.Context(), evidencePrefix(id)+"/"); err != nil {
		s.Logger.WarnContext(r.Context(), "file of refused evidence is left", "evidence", id, "error", err)
	}
}

func uploaded(r *http.Request, e store.Evidence, again bool) reply {
	header := replayed(http.Header{"Location": {callOf(r).mount + "/evidence/" + string(e.ID)}}, again)
	return reply{status: http.StatusCreated, header: header, data: uploadView(e)}
}

// evidenceUploaded is the entry about an upload: the ledger holds what the file
// was.
func evidenceUploaded(r *http.Request, e store.Evidence) audit.Event {
	file := e.Files.V[0]
	about := action(r, typeEvidenceUploaded, evidenceResource(e.ID), audit.Object{
		"evidence_type": e.Type, "title": e.Title, "date": e.Date.Format(time.DateOnly), "criteria": e.Criteria,
		"file_name": file.Name, "media_type": file.MediaType, "sha256": file.Artifact.Digest, "size_bytes": file.Artifact.Size,
	})
	about.Description = e.Description
	return about
}

// uploadForm is a multipart/form-data body (RFC 7578) that was read; the file
// is on disk.
type uploadForm struct {
	fields    map[string][]string
	file      *os.File
	fileName  string
	mediaType string
}

func (f *uploadForm) close() {
	if f != nil && f.file != nil {
		f.file.Close()
		os.Remove(f.file.Name()) //nolint:errcheck // it lies in the folder for such files
	}
}

var uploadFields = []string{"type", "title", "description", "date", "criteria", "criteria[]"}

func (s *server) readForm(r *http.Request) (*uploadForm, error) {
	form := &uploadForm{fields: map[string][]string{}}
	parts, err := r.MultipartReader()
	if err != nil {
		return form, audit.Errorf(audit.UnsupportedMediaType, "the body is a form; send Content-Type: multipart/form-data with its boundary")
	}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return form, formError(err)
		}
		name := part.FormName()
		switch {
		case n >= MaxEvidenceParts:
			return form, audit.Errorf(audit.PayloadTooLarge, "the form has more than %d parts", MaxEvidenceParts)
		case name == "file" && form.file == nil:
			if err := s.readFile(form, part, part.FileName()); err != nil {
				return form, err
			}
		case name == "file":
			return form, invalid("the form is not what this request takes", audit.FieldError{Field: "file", Code: "duplicate", Message: "one file is uploaded at a time"})
		default:
			text, err := io.ReadAll(io.LimitReader(part, MaxEvidenceField+1))
			if err != nil {
				return form, formError(err)
			}
			if len(text) > MaxEvidenceField {
				return form, audit.Errorf(audit.PayloadTooLarge, "a field of the form has more than %d bytes", MaxEvidenceField)
			}
			form.fields[name] = append(form.fields[name], string(text))
		}
	}
}

func formError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return audit.Errorf(audit.PayloadTooLarge, "the body has more than %d bytes", tooLarge.Limit)
	}
	return (&audit.Error{Code: audit.InvalidParameter, Message: "the form is not well-formed, or ended before it was complete", Err: err}).With("parameter", "body")
}

// readFile spools the file, and learns from its first bytes what it is: what
// the client says of that counts for nothing.
func (s *server) readFile(form *uploadForm, content io.Reader, name string) (err error) {
	if form.file, err = os.CreateTemp("", "sealbook-evidence-"); err != nil {
		return fmt.Errorf("spool evidence: %w", err)
	}
	form.fileName = fileName(name)
	n, err := io.Copy(form.file, io.LimitReader(content, s.MaxEvidenceFile+1))
	var write *os.PathError
	if errors.As(err, &write) {
		return fmt.Errorf("spool evidence: %w", err)
	}
	if err != nil {
		return formError(err)
	}
	if n > s.MaxEvidenceFile {
		return audit.Errorf(audit.PayloadTooLarge, "the file has more than %d bytes", s.MaxEvidenceFile)
	}
	first := make([]byte, 512)
	k, err := form.file.ReadAt(first, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read spooled evidence: %w", err)
	}
	form.mediaType = http.DetectContentType(first[:k])
	if n == 0 {
		return invalid("the form is not what this request takes", audit.FieldError{Field: "file", Code: "length", Message: "the file is empty"})
	}
	_, err = form.file.Seek(0, io.SeekStart)
	return err
}

// fileName keeps the last part of a name, without what could lead elsewhere or
// break a header or a line.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), `\`, "/"))
	name = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return c
	}, name)
	for len(name) > MaxFileName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if strings.Trim(name, "./ ") == "" {
		return "file"
	}
	return name
}
