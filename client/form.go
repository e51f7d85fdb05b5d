package client

import (
	"cmp"
	"io"
	"mime/multipart"
	"path"
	"strings"
)

// form is a multipart/form-data body (RFC 7578), which is written while it is
// sent.
type form struct {
	fields [][2]string // name and value
	files  []upload

	done   chan struct{} // closed when the last attempt reads the files no more
	failed error         // of reading a file; set before done is closed
}

type upload struct {
	name string
	File
}

// field adds a field unless its value is missing.
func (f *form) field(name string, value any) {
	for _, text := range texts(value) {
		f.fields = append(f.fields, [2]string{name, text})
	}
}

func (f *form) file(name string, file File) { f.files = append(f.files, upload{name, file}) }

// open starts to write the body. Fields come first, so that a server knows what
// a file is before it reads it.
func (f *form) open() (body io.ReadCloser, mediaType string) {
	reader, writer := io.Pipe()
	m := multipart.NewWriter(writer)
	f.done, f.failed = make(chan struct{}), nil
	go func() {
		defer close(f.done)
		writer.CloseWithError(f.write(m))
	}()
	return reader, m.FormDataContentType()
}

func (f *form) write(m *multipart.Writer) error {
	for _, field := range f.fields {
		if err := m.WriteField(field[0], field[1]); err != nil {
			return err
		}
	}
	for _, u := range f.files {
		part, err := m.CreateFormFile(u.name, path.Base(cmp.Or(u.Name, "file")))
		if err != nil {
			return err
		}
		if u.Content == nil {
			u.Content = strings.NewReader("")
		}
		source := &watched{r: u.Content}
		_, err = io.Copy(part, source)
		if source.err != nil {
			f.failed = source.err
		}
		if err != nil {
			return err
		}
	}
	return m.Close()
}

// watched keeps the error of a file apart from that of the connection.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// unread returns the error of reading a file in the attempt that failed.
func (f *form) unread() error {
	if f == nil {
		return nil
	}
	select {
	case <-f.done:
		return f.failed
	default: // it was not the file that ended the attempt
		return nil
	}
}

// rewind prepares another attempt and reports whether there can be one.
func (f *form) rewind() bool {
	if f == nil {
		return true
	}
	<-f.done
	for _, u := range f.files {
		s, ok := u.Content.(io.Seeker)
		if !ok {
			return u.Content == nil
		}
		if _, err := s.Seek(0, io.SeekStart); err != nil {
			return false
		}
	}
	return true
}
