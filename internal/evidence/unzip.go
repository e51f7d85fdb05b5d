package evidence

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Limits bound what Verify does with a hostile file. A zero field means its
// default.
type Limits struct {
	Files         int   // in the zip
	UnpackedBytes int64 // of all files together
	DocumentBytes int64 // of a file that is held whole: all but entries and skeleton
	LineBytes     int   // of a line of entries.jsonl or skeleton.jsonl
	Ratio         int64 // unpacked to packed bytes, of files above a megabyte
	Findings      int   // in the report; the others are counted
}

// DefaultLimits hold a package of ten million entries. The ratio is just above
// the 1032 that deflate can reach, because honest entries can be that dull;
// for packages of strangers a lower one saves time.
var DefaultLimits = Limits{Files: 10_000, UnpackedBytes: 1 << 40, DocumentBytes: 8 << 20, LineBytes: 16 << 20, Ratio: 1100, Findings: 1000}

func (l *Limits) setDefaults() {
	d := DefaultLimits
	for _, x := range []struct{ v, d *int64 }{{&l.UnpackedBytes, &d.UnpackedBytes}, {&l.DocumentBytes, &d.DocumentBytes}, {&l.Ratio, &d.Ratio}} {
		if *x.v == 0 {
			*x.v = *x.d
		}
	}
	for _, x := range []struct{ v, d *int }{{&l.Files, &d.Files}, {&l.LineBytes, &d.LineBytes}, {&l.Findings, &d.Findings}} {
		if *x.v == 0 {
			*x.v = *x.d
		}
	}
}

// ratioFree is the size up to which a file's ratio does not matter.
const ratioFree = 1 << 20

// archive is a zip in the one form that zipWriter writes.
type archive struct {
	r       io.ReaderAt
	limits  Limits
	members []*member // in the zip's order
	folder  string    // the one top folder, without its slash
	dos     uint32
	read    func(n int64) // is told of packed bytes that were read
}

// containerError is a structural fault: the file is no package as we write it,
// and nothing behind the fault is looked at.
type containerError struct {
	file    string // "" for the zip as a whole
	message string
}

func (e *containerError) Error() string { return e.message }

func fault(file, format string, args ...any) error {
	return &containerError{file, fmt.Sprintf(format, args...)}
}

// openArchive reads the directory and derives the whole container from it
// again. Any byte outside the files' data that differs is a fault.
func openArchive(r io.ReaderAt, size int64, limits Limits) (*archive, error) {
	a := &archive{r: r, limits: limits}
	start, err := a.readDirectory(size)
	if err != nil {
		return nil, err
	}
	var offset, unpacked int64
	if err := a.checkNames(); err != nil {
		return nil, err
	}
	for _, m := range a.members {
		if m.offset != offset {
			return nil, fault(m.name, "the file starts at byte %d of the zip, not at %d: something lies between or before the files, or they overlap", m.offset, offset)
		}
		// Checked one by one, so that no sum overflows.
		if m.packed < 0 || m.size < 0 || m.packed > size || m.size > limits.UnpackedBytes-unpacked {
			return nil, fault(m.name, "the zip unpacks to more than %d bytes (limit UnpackedBytes)", limits.UnpackedBytes)
		}
		unpacked += m.size
		if m.size > ratioFree && m.size/limits.Ratio > m.packed {
			return nil, fault(m.name, "%d bytes unpack to %d, more than %d times as many (limit Ratio)", m.packed, m.size, limits.Ratio)
		}
		local := m.local(a.dos)
		if err := a.expect(m.name, "header", offset, local); err != nil {
			return nil, err
		}
		offset += int64(len(local)) + m.packed
		if err := a.expect(m.name, "trailer", offset, m.descriptor()); err != nil {
			return nil, err
		}
		offset += m.descriptorSize()
	}
	if offset != start {
		return nil, fault("", "there are %d bytes between the last file and the directory that belong to nothing", start-offset)
	}
	return a, nil
}

const endSize = 22

// readDirectory parses the records at the end and the directory before them.
// It returns where the directory starts.
func (a *archive) readDirectory(size int64) (start int64, err error) {
	if size < endSize {
		return 0, fault("", "it is too short for a zip file")
	}
	tail := make([]byte, min(size, endSize+20+56)) // with ZIP64's two records
	if err := a.readAt(tail, size-int64(len(tail))); err != nil {
		return 0, err
	}
	end := tail[len(tail)-endSize:]
	if string(end[:4]) != "PK\x05\x06" {
		return 0, fault("", "it does not end as a zip file without a comment does: it is no zip, was cut off, or has something after it")
	}
	u16, u32, u64 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	count, length, start := int(u16(end[10:])), int64(u32(end[12:])), int64(u32(end[16:]))
	if (count == 0xFFFF || length == max32 || start == max32) && len(tail) == endSize+20+56 {
		big := tail
		if n := u64(big[32:]); n > uint64(a.limits.Files) {
			return 0, fault("", "the zip has %d files, more than %d (limit Files)", n, a.limits.Files)
		}
		count, length, start = int(u64(big[32:])), int64(u64(big[40:])), int64(u64(big[48:]))
	}
	if count > a.limits.Files {
		return 0, fault("", "the zip has %d files, more than %d (limit Files)", count, a.limits.Files)
	}
	if start < 0 || length < 0 || start > size || length > size || length > int64(count)*(46+maxName+32) {
		return 0, fault("", "the zip's directory is not where its end says")
	}
	records := endRecords(count, length, start)
	switch ends := start + length + int64(len(records)); {
	case ends < size:
		return 0, fault("", "the zip's records account for %d bytes less than the file has: something lies before or between them", size-ends)
	case ends > size:
		return 0, fault("", "the zip's records account for more bytes than the file has: it was cut")
	case !bytes.HasSuffix(tail, records):
		return 0, fault("", "the zip's end record is not the one of such a zip")
	}
	directory := make([]byte, length)
	if err := a.readAt(directory, start); err != nil {
		return 0, err
	}
	for i := range count {
		n, err := a.parseMember(directory, i)
		if err != nil {
			return 0, err
		}
		directory = directory[n:]
	}
	if len(directory) > 0 {
		return 0, fault("", "there are %d bytes in the zip's directory that belong to no file", len(directory))
	}
	if count == 0 {
		return 0, fault("", "the zip is empty")
	}
	return start, nil
}

// parseMember reads the directory's next entry and compares it with the one
// that a member of its name and sizes has.
func (a *archive) parseMember(b []byte, i int) (n int, err error) {
	if len(b) < 46 || string(b[:4]) != "PK\x01\x02" {
		return 0, fault("", "the zip's directory has no entry %d", i)
	}
	u16, u32, u64 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	flags, method := u16(b[8:]), u16(b[10:])
	nameLen, extraLen, commentLen := int(u16(b[28:])), int(u16(b[30:])), int(u16(b[32:]))
	n = 46 + nameLen + extraLen + commentLen
	if len(b) < n {
		return 0, fault("", "the zip's directory ends in the middle of entry %d", i)
	}
	m := &member{name: string(b[46 : 46+nameLen]), crc: u32(b[16:]), packed: int64(u32(b[20:])), size: int64(u32(b[24:])), offset: int64(u32(b[42:]))}
	shown := fmt.Sprintf("%.100q", m.name)
	switch {
	case flags&1 != 0 || flags&(1<<6) != 0:
		return 0, fault(shown, "the file is encrypted")
	case method != methodStore && method != methodDeflat:
		return 0, fault(shown, "the file is packed with method %d, which packages do not use", method)
	case u32(b[38:])>>28 == 0o120000>>12:
		return 0, fault(shown, "it is a symbolic link")
	case strings.HasSuffix(m.name, "/"):
		return 0, fault(shown, "it is a folder entry, which packages do not have")
	}
	m.stored = method == methodStore
	if i == 0 {
		a.dos = u32(b[12:])
	}
	// ZIP64: what does not fit stands in the extra field, in this order.
	extra := b[46+nameLen : 46+nameLen+extraLen]
	next := func(v *int64) {
		if *v == max32 && len(extra) >= 8 {
			*v, extra = int64(u64(extra)), extra[8:]
		}
	}
	if len(extra) >= 4 {
		extra = extra[4:]
		next(&m.size)
		next(&m.packed)
		next(&m.offset)
	}
	if !bytes.Equal(m.central(a.dos), b[:n]) {
		return 0, fault(shown, "its entry in the zip's directory is not in the one form that packages have")
	}
	a.members = append(a.members, m)
	return n, nil
}

// maxName bounds names, in bytes.
const maxName = 200

// checkName accepts a name below the one top folder, in characters that every
// file system keeps.
func (a *archive) checkName(name string) error {
	shown := fmt.Sprintf("%.100q", name)
	if len(name) > maxName {
		return fault(shown, "the name is longer than %d bytes", maxName)
	}
	for _, c := range []byte(name) {
		switch {
		case c == '\\':
			return fault(shown, "the name holds a backslash")
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '/':
		default:
			return fault(shown, "the name holds a character that names in packages do not have")
		}
	}
	steps := strings.Split(name, "/")
	for i, s := range steps {
		switch {
		case s == "" && i == 0:
			return fault(shown, "the name is absolute")
		case s == "" || s == "." || s == "..":
			return fault(shown, "the name leads out of its folder")
		}
	}
	if a.folder == "" {
		a.folder = steps[0]
	}
	if len(steps) < 2 || steps[0] != a.folder {
		return fault(shown, "it is not in the package's one folder %.70q", a.folder)
	}
	return nil
}

// checkNames refuses names that repeat, that a file system without case would
// merge, and any order but that of their bytes.
func (a *archive) checkNames() error {
	seen := map[string]string{}
	for _, m := range a.members {
		if err := a.checkName(m.name); err != nil {
			return err
		}
		// Folders count too: "a/b" and "A/c", and "a" as a file beside "a/b".
		steps := strings.Split(m.name, "/")
		for i := range steps {
			path := strings.Join(steps[:i+1], "/")
			lower := strings.ToLower(path)
			if i == len(steps)-1 {
				path += "\x00" // a file
			}
			switch before, ok := seen[lower]; {
			case ok && before == path && i == len(steps)-1:
				return fault(m.name, "the name is in the zip twice")
			case ok && before != path:
				return fault(m.name, "the name differs from another in case only, or is a file and a folder")
			}
			seen[lower] = path
		}
	}
	for i, m := range a.members[1:] {
		if zipOrder(a.members[i].name, m.name) > 0 {
			return fault(m.name, "the zip's files are not in the order of their names")
		}
	}
	return nil
}

func (a *archive) expect(file, what string, offset int64, want []byte) error {
	got := make([]byte, len(want))
	if err := a.readAt(got, offset); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fault(file, "its %s in the zip is not the one that its directory entry leads to", what)
	}
	return nil
}

func (a *archive) readAt(b []byte, offset int64) error {
	if n, err := a.r.ReadAt(b, offset); n < len(b) {
		if err == io.EOF {
			return fault("", "the zip ends too early")
		}
		return err
	}
	return nil
}
