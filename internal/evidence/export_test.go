package evidence

import (
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Doors for the tests.

// SetChunk makes a collector's chunks small.
func (c *Collector) SetChunk(entries int) { c.perChunk = entries }

// RepackStored tells Repack which files not to compress.
var RepackStored = isStored

// RepackList changes a list that Repack has made.
var RepackList = func(_ string, content []byte) []byte { return content }

// Repack writes a package's files with manifests that fit them, as someone
// does who changes a package and makes its lists again. The files that seal
// are made anew; seal signs, or returns what shall stand instead.
func Repack(w io.Writer, folder string, at time.Time, files map[string][]byte, seal func(tagmanifest []byte) []byte) error {
	z := &zipWriter{w: w, dos: dosTime(at)}
	sums, packed := map[string][32]byte{}, map[string][32]byte{}
	add := func(name string, content []byte) error {
		m, err := z.add(folder+"/"+name, int64(len(content)), RepackStored(name), func(w io.Writer) error { _, err := w.Write(content); return err })
		if err != nil {
			return err
		}
		sums[name], packed[name] = m.unpackedSHA256, m.packedSHA256
		return nil
	}
	made := []string{nameManifest, namePacked, nameTagManifest, nameSeal}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if slices.Contains(made, name) {
			continue
		}
		if err := add(name, files[name]); err != nil {
			return err
		}
	}
	for _, name := range made {
		var content []byte
		switch name {
		case nameManifest:
			content = RepackList(name, manifest(sums, isPayload))
		case namePacked:
			content = RepackList(name, manifest(packed, func(string) bool { return true }))
		case nameTagManifest:
			content = RepackList(name, manifest(sums, isTag))
			files[nameTagManifest] = content
		case nameSeal:
			content = seal(files[nameTagManifest])
		}
		if err := add(name, content); err != nil {
			return err
		}
	}
	return z.finish()
}

// BigSize is from which size on files have ZIP64 fields.
func BigSize() int64 { return bigSize }

// SetBigSize gives smaller files than necessary ZIP64 fields.
func SetBigSize(n int64) (before int64) {
	before, bigSize = bigSize, n
	return before
}

// SealText is what a package's signature signs.
var SealText = sealText

// Harmless makes a CSV cell safe.
var Harmless = harmless

// AppendCell writes a CSV cell.
func AppendCell(s string) string { return string(appendCell(nil, s)) }

// OneLine makes a text fit for a line.
var OneLine = singleLine

// ScanEntryLine parses and writes a line of entries.jsonl.
func ScanEntryLine(line []byte) (again []byte, err error) {
	row := newRow()
	if err := parseEntryLine(line, row); err != nil {
		return nil, err
	}
	b, err := appendEntryLine(nil, row)
	return []byte(strings.TrimSuffix(string(b), "\n")), err
}
