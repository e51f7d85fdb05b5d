package report

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jung-kurt/gofpdf"
)

// bind makes a file of the pages, with the marks as its bookmarks. For gofpdf the
// pages are empty; what is on them is spliced in afterwards.
func (c *canvas) bind(marks []mark) ([]byte, error) {
	c.flush()
	last := c.pages[len(c.pages)-1].size().Ht // gofpdf takes all bookmarks to be on a page as high as the last
	for n := range c.pages {
		if c.err == nil {
			c.err = c.ctx.Err()
		}
		if c.err != nil {
			return nil, c.err
		}
		s := &c.pages[n]
		orientation := "P"
		if s.landscape {
			orientation = "L"
		}
		c.pdf.AddPageFormat(orientation, gofpdf.SizeType{Wd: shortEdge, Ht: longEdge})
		for _, l := range s.links {
			id := c.pdf.AddLink()
			c.pdf.SetLink(id, l.to.y, l.to.page)
			c.pdf.Link(l.x, l.y, l.w, l.h, id)
		}
		for ; len(marks) > 0 && marks[0].page == n+1; marks = marks[1:] {
			c.pdf.SetFont(family(regular), "", body) // from which gofpdf takes how to encode a bookmark
			c.pdf.Bookmark(strings.ReplaceAll(marks[0].title, "\n", " "), marks[0].level, marks[0].y+last-s.size().Ht)
		}
	}
	var b bytes.Buffer
	if err := c.pdf.Output(&b); err != nil {
		return nil, unrenderable(fmt.Errorf("write the PDF: %w", err))
	}
	out, err := splice(b.Bytes(), c.pages)
	if err != nil {
		return nil, unrenderable(fmt.Errorf("put the pages into the PDF: %w", err))
	}
	return out, nil
}

// splice gives the pages of a file of gofpdf their content. The content of page n is
// object 2n+2; the other objects stay as they are, and the cross-reference table (ISO
// 32000-1, 7.5.4) gets their new positions.
func splice(file []byte, pages []sheet) ([]byte, error) {
	const entry = len("0000000000 00000 n \n")
	var at, objects int
	end := max(bytes.LastIndex(file, []byte("startxref\n")), 0)
	if _, err := fmt.Sscanf(string(file[end:]), "startxref\n%d\n", &at); err != nil || at < 0 || at > end {
		return nil, errors.New("the file does not say where its cross-reference table is")
	}
	if _, err := fmt.Sscanf(string(file[at:end]), "xref\n0 %d\n", &objects); err != nil || objects < 2*len(pages)+3 {
		return nil, errors.New("the cross-reference table does not have all pages")
	}
	table := at + len(fmt.Sprintf("xref\n0 %d\n", objects))
	if table+objects*entry > end {
		return nil, errors.New("the cross-reference table is cut off")
	}
	offsets := make([]int, objects)
	order := make([]int, 0, objects) // of the objects in the file
	for n := 1; n < objects; n++ {
		offset, err := strconv.Atoi(string(file[table+n*entry : table+n*entry+10]))
		if err != nil || offset < 0 || offset > at {
			return nil, fmt.Errorf("object %d has no position", n)
		}
		offsets[n], order = offset, append(order, n)
	}
	slices.SortFunc(order, func(a, b int) int { return offsets[a] - offsets[b] })

	size := len(file)
	for i := range pages {
		size += len(pages[i].content) + 32
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	out.Write(file[:offsets[order[0]]])
	for i, n := range order {
		next := at
		if i+1 < len(order) {
			next = offsets[order[i+1]]
		}
		object := file[offsets[n]:next]
		offsets[n] = out.Len()
		if page := n/2 - 2; n%2 == 0 && page >= 0 && page < len(pages) {
			stream := pages[page].stream()
			fmt.Fprintf(out, "%d 0 obj\n<</Filter /FlateDecode /Length %d>>\nstream\n%s\nendstream\nendobj\n", n, len(stream), stream)
			continue
		}
		out.Write(object)
	}
	start := out.Len()
	out.Write(file[at : table+entry])
	for _, offset := range offsets[1:] {
		fmt.Fprintf(out, "%010d 00000 n \n", offset)
	}
	out.Write(file[table+objects*entry : end])
	fmt.Fprintf(out, "startxref\n%d\n%%%%EOF\n", start)
	return out.Bytes(), nil
}

// stream is the page's content in zlib's form (RFC 1950): what was deflated of it,
// an empty last block, and the checksum.
func (s *sheet) stream() []byte {
	out := append([]byte{0x78, 0x01}, s.content...)
	return binary.BigEndian.AppendUint32(append(out, 0x03, 0x00), s.sum.Sum32())
}
