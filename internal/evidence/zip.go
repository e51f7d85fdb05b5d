package evidence

import (
	"bufio"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"time"
)

// A package is a zip file in one form: names in byte order, one time for all,
// deflate, no extra fields but ZIP64's where a size needs it, no comments,
// nothing between or around. The files that seal the others come last, and are
// stored without compression. A verifier derives every byte of the container again
// from names, sizes and checksums, so nothing can hide in it.

// member is one file of the zip.
type member struct {
	name           string
	stored         bool // else deflated
	crc            uint32
	packed, size   int64 // bytes in the zip and unpacked
	offset         int64 // of the local header
	packedSHA256   [sha256.Size]byte
	unpackedSHA256 [sha256.Size]byte
}

// bigSize is the size from which on a file has ZIP64 fields. It is decided
// before its packed size is known, and deflate can only add a thousandth. Only
// tests change it.
var bigSize int64 = 0xF0000000

const max32 = 0xFFFFFFFF

func (m *member) big() bool { return m.size >= bigSize }

// descriptorSize is how many bytes follow the data.
func (m *member) descriptorSize() int64 {
	switch {
	case m.stored:
		return 0
	case m.big():
		return 24
	}
	return 16
}

// Header fields that are the same for every package: made on Unix by version
// 2.0 or 4.5 of the format, a regular file that all may read.
const (
	unixMade     = 3 << 8
	regularFile  = 0o100644 << 16
	methodStore  = 0
	methodDeflat = 8
	flagDeferred = 1 << 3 // checksum and sizes come after the data
)

func (m *member) version() uint16 {
	if m.big() {
		return 45
	}
	return 20
}

// dosTime is t at the precision of two seconds, in UTC.
func dosTime(t time.Time) uint32 {
	t = t.UTC()
	date := (t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day()
	clock := t.Hour()<<11 | t.Minute()<<5 | t.Second()/2
	return uint32(date)<<16 | uint32(clock)
}

// local is the header before the data. A deflated file's sizes are not yet
// known there and stand after it.
func (m *member) local(dos uint32) []byte {
	b := le32(nil, 0x04034b50)
	b = le16(b, m.version())
	var extra []byte
	if m.stored {
		b = le16(b, 0, methodStore)
		b = le32(b, dos, m.crc, uint32(m.packed), uint32(m.size))
	} else {
		b = le16(b, flagDeferred, methodDeflat)
		b = le32(b, dos, 0)
		if m.big() {
			b = le32(b, max32, max32)
			extra = le64(le16(nil, 1, 16), 0, 0)
		} else {
			b = le32(b, 0, 0)
		}
	}
	b = le16(b, uint16(len(m.name)), uint16(len(extra)))
	return append(append(b, m.name...), extra...)
}

// descriptor follows the data of a deflated file.
func (m *member) descriptor() []byte {
	b := le32(nil, 0x08074b50, m.crc)
	switch {
	case m.stored:
		return nil
	case m.big():
		return le64(b, uint64(m.packed), uint64(m.size))
	}
	return le32(b, uint32(m.packed), uint32(m.size))
}

// central is the file's entry in the directory at the end.
func (m *member) central(dos uint32) []byte {
	packed, size, offset := uint32(m.packed), uint32(m.size), uint32(m.offset)
	var extra []byte
	if m.big() {
		packed, size = max32, max32
		extra = le64(extra, uint64(m.size), uint64(m.packed))
	}
	if m.offset >= max32 {
		offset = max32
		extra = le64(extra, uint64(m.offset))
	}
	if extra != nil {
		extra = append(le16(nil, 1, uint16(len(extra))), extra...)
	}
	flags, method := uint16(flagDeferred), uint16(methodDeflat)
	if m.stored {
		flags, method = 0, methodStore
	}
	b := le32(nil, 0x02014b50)
	b = le16(b, unixMade|m.version(), m.version(), flags, method)
	b = le32(b, dos, m.crc, packed, size)
	b = le16(b, uint16(len(m.name)), uint16(len(extra)), 0, 0, 0)
	b = le32(b, regularFile, offset)
	return append(append(b, m.name...), extra...)
}

// endRecords end the zip.
func endRecords(count int, size, offset int64) (b []byte) {
	n, s, o := uint16(min(count, 0xFFFF)), uint32(min(size, max32)), uint32(min(offset, max32))
	if n == 0xFFFF || s == max32 || o == max32 {
		b = le64(le32(b, 0x06064b50), 44)
		b = le32(le16(b, unixMade|45, 45), 0, 0)
		b = le64(b, uint64(count), uint64(count), uint64(size), uint64(offset))
		b = le64(le32(b, 0x07064b50, 0), uint64(offset+size))
		b = le32(b, 1)
	}
	b = le16(le32(b, 0x06054b50), 0, 0, n, n)
	return le16(le32(b, s, o), 0)
}

func le16(b []byte, v ...uint16) []byte {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint16(b, x)
	}
	return b
}

func le32(b []byte, v ...uint32) []byte {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}

func le64(b []byte, v ...uint64) []byte {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return b
}

// zipWriter writes a zip in one pass. After an error it is unusable.
type zipWriter struct {
	w       io.Writer
	dos     uint32
	offset  int64
	members []*member
	deflate *flate.Writer
}

// add writes a file whose size is known and whose content write gives. Names
// must come in zipOrder.
func (z *zipWriter) add(name string, size int64, stored bool, write func(io.Writer) error) (*member, error) {
	if n := len(z.members); n > 0 && zipOrder(z.members[n-1].name, name) >= 0 {
		return nil, fmt.Errorf("zip: %s is out of order", name)
	}
	m := &member{name: name, stored: stored, size: size, offset: z.offset}
	z.members = append(z.members, m)
	if !stored {
		return m, z.addDeflated(m, write)
	}
	content := make(fixed, 0, size)
	if err := write(&content); err != nil {
		return nil, err
	}
	m.packed, m.crc = int64(len(content)), crc32.ChecksumIEEE(content)
	m.packedSHA256 = sha256.Sum256(content)
	m.unpackedSHA256 = m.packedSHA256
	if err := z.write(m.local(z.dos)); err != nil {
		return nil, err
	}
	return m, z.write(content)
}

// fixed is a byte slice as a writer.
type fixed []byte

func (f *fixed) Write(b []byte) (int, error) {
	*f = append(*f, b...)
	return len(b), nil
}

func (z *zipWriter) addDeflated(m *member, write func(io.Writer) error) error {
	if err := z.write(m.local(z.dos)); err != nil {
		return err
	}
	packed := &packedWriter{z: z, sum: sha256.New()}
	if z.deflate == nil {
		d, err := flate.NewWriter(packed, flate.DefaultCompression)
		if err != nil {
			return err
		}
		z.deflate = d
	} else {
		z.deflate.Reset(packed)
	}
	crc := crc32.NewIEEE()
	unpacked := newDigest()
	// The buffer makes what the compressor is handed, and so perhaps its
	// output, independent of how the content arrives.
	buffered := bufio.NewWriterSize(z.deflate, 64<<10)
	if err := write(io.MultiWriter(buffered, crc, unpacked)); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := z.deflate.Close(); err != nil {
		return err
	}
	if unpacked.bytes != m.size {
		return fmt.Errorf("zip: %s has %d bytes, not %d", m.name, unpacked.bytes, m.size)
	}
	m.packed, m.crc = packed.n, crc.Sum32()
	packed.sum.Sum(m.packedSHA256[:0])
	unpacked.hash.Sum(m.unpackedSHA256[:0])
	return z.write(m.descriptor())
}

func (z *zipWriter) write(b []byte) error {
	n, err := z.w.Write(b)
	z.offset += int64(n)
	return err
}

// packedWriter counts and hashes what the compressor gives.
type packedWriter struct {
	z   *zipWriter
	sum hash.Hash
	n   int64
}

func (p *packedWriter) Write(b []byte) (int, error) {
	p.sum.Write(b)
	p.n += int64(len(b))
	return len(b), p.z.write(b)
}

// finish writes the directory.
func (z *zipWriter) finish() error {
	start := z.offset
	for _, m := range z.members {
		if err := z.write(m.central(z.dos)); err != nil {
			return err
		}
	}
	return z.write(endRecords(len(z.members), z.offset-start, start))
}
