package evidence

import (
	"bufio"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"hash"
	"hash/crc32"
	"io"
)

// unpacked reads one member from its start to its end and hashes what it reads.
type unpacked struct {
	*member
	a        *archive
	source   *packedReader
	inflate  io.Reader
	crcSum   hash.Hash32
	sha      hash.Hash
	n        int64 // bytes that were given
	err      error // what ended the reading, io.EOF when all is well
	finished bool  // read whole, and as the zip says
	reported bool  // what is wrong with it is a finding
}

func (a *archive) open(m *member) *unpacked {
	start := m.offset + int64(len(m.local(a.dos)))
	u := &unpacked{member: m, a: a, crcSum: crc32.NewIEEE(), sha: sha256.New()}
	u.source = &packedReader{r: io.NewSectionReader(a.r, start, m.packed), sum: sha256.New(), read: a.read}
	u.source.buf = bufio.NewReaderSize(u.source, int(min(m.packed, 64<<10)))
	u.inflate = u.source.buf
	if !m.stored {
		// The decompressor takes single bytes from a ByteReader and so never
		// more than it needs: what is left over is seen.
		u.inflate = flate.NewReader(u.source.buf)
	}
	return u
}

// Read implements io.Reader. A file that is longer than it says ends there
// with an error.
func (u *unpacked) Read(b []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	if left := u.size - u.n; int64(len(b)) > left {
		b = b[:left+1] // one more, to see that it ends
	}
	n, err := u.inflate.Read(b)
	if u.n+int64(n) > u.size {
		u.err = fault(u.name, "the file is longer than the %d bytes that the zip says", u.size)
		return 0, u.err
	}
	u.n += int64(n)
	u.crcSum.Write(b[:n])
	u.sha.Write(b[:n])
	if err != nil && err != io.EOF && !errors.Is(err, u.source.failed) {
		err = fault(u.name, "the packed data is damaged: %v", err)
	}
	u.err = err
	return n, err
}

// finish reads what is left and compares the file with what the zip says of
// it. It returns a containerError, or an error of the disk or network.
func (u *unpacked) finish() error {
	if _, err := io.Copy(io.Discard, u); err != nil {
		return err
	}
	if u.source.failed != nil {
		return u.source.failed
	}
	rest, err := io.Copy(io.Discard, u.source.buf)
	if err != nil {
		return err
	}
	switch {
	case rest > 0:
		return fault(u.name, "%d bytes follow the packed data", rest)
	case u.n != u.size:
		return fault(u.name, "the file has %d bytes, the zip says %d", u.n, u.size)
	case u.crcSum.Sum32() != u.crc:
		return fault(u.name, "the file's checksum is not the one in the zip: its content was changed")
	}
	u.source.sum.Sum(u.packedSHA256[:0])
	u.sha.Sum(u.unpackedSHA256[:0])
	u.finished = true
	return nil
}

// packedReader hashes a member's packed bytes, and tells a fault of the disk
// or network from one of the data.
type packedReader struct {
	r      io.Reader
	buf    *bufio.Reader
	sum    hash.Hash
	read   func(n int64)
	failed error
}

func (p *packedReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.sum.Write(b[:n])
	if p.read != nil {
		p.read(int64(n))
	}
	if err != nil && err != io.EOF {
		p.failed = err
	}
	return n, err
}
