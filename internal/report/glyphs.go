package report

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/go-fonts/dejavu/dejavusanscondensed"
	"github.com/go-fonts/dejavu/dejavusanscondensedbold"
	"github.com/go-fonts/dejavu/dejavusansmono"
)

// face is one of the fonts of a page.
type face int

const (
	regular face = iota
	bold
	mono
	faces
)

// files are shared by all renderings of a process and never written to: each
// rendering works on copies, because gofpdf writes into the font that it is given.
var files = [faces][]byte{dejavusanscondensed.TTF, dejavusanscondensedbold.TTF, dejavusansmono.TTF}

// glyphs is a set of code points up to U+FFFF, the last that gofpdf can show.
type glyphs [1 << 16 / 64]uint64

func (g *glyphs) has(r rune) bool { return r >= 0 && r < 1<<16 && g[r/64]>>(r%64)&1 != 0 }

// shown are the code points that each font has a glyph for.
var shown = sync.OnceValues(func() (*[faces]glyphs, error) {
	var all [faces]glyphs
	for f, file := range files {
		if err := all[f].read(file); err != nil {
			return nil, fmt.Errorf("read font %d: %w", f, err)
		}
	}
	return &all, nil
})

// read takes the code points of a TrueType file's character map: the table cmap,
// its Unicode subtable of format 4 (ISO/IEC 14496-22, 5.2.1.3.3).
func (g *glyphs) read(file []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("the character map points outside the file")
		}
	}()
	u16 := func(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
	u32 := func(b []byte, at int) int { return int(binary.BigEndian.Uint32(b[at:])) }
	var cmap []byte
	for i := range u16(file, 4) {
		if entry := file[12+16*i:]; string(entry[:4]) == "cmap" {
			cmap = file[u32(entry, 8):]
		}
	}
	if cmap == nil {
		return fmt.Errorf("there is no character map")
	}
	for i := range u16(cmap, 2) {
		sub := cmap[u32(cmap, 4+8*i+4):]
		platform, format := u16(cmap, 4+8*i), u16(sub, 0)
		if format != 4 || platform != 0 && platform != 3 {
			continue
		}
		double := u16(sub, 6) // twice the number of segments
		ends, starts, deltas, offsets := sub[14:], sub[16+double:], sub[16+2*double:], sub[16+3*double:]
		for s := 0; s < double; s += 2 {
			offset := u16(offsets, s)
			for r := u16(starts, s); r <= u16(ends, s) && r < 0xFFFF; r++ {
				glyph := r
				if offset != 0 {
					if glyph = u16(offsets, s+offset+2*(r-u16(starts, s))); glyph == 0 {
						continue
					}
				}
				if (glyph+u16(deltas, s))&0xFFFF != 0 {
					g[r/64] |= 1 << (r % 64)
				}
			}
		}
		return nil
	}
	return fmt.Errorf("the character map has no subtable of format 4")
}
