package evidence

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sealbook/sealbook/audit"
)

// Material is what a package is built from.
type Material struct {
	Scope    Scope
	Parts    []Part    // of the categories, and for a zip of the skeleton
	Controls *Controls // of a package of [Version]; nil makes one of the first version, without them
	Failures []string  // what could not be collected, a sentence each; makes the package partial

	// Open reads a chunk object by the name under which it was created.
	Open func(name string) (io.ReadCloser, error)

	// Sign signs a package's text with the ledger's key as a signed note under
	// SealName. It is called once, at the end of Build.
	Sign func(text string) ([]byte, error)
}

// Summary describes what was built.
type Summary struct {
	Digest  string                   `json:"digest"` // "sha256:" and 64 hex digits, of the whole file
	Bytes   int64                    `json:"bytes"`
	Files   int                      `json:"files"`   // in the zip; 1 for JSON and CSV
	Entries map[audit.Category]int64 `json:"entries"` // shown
	Range   int64                    `json:"range"`   // entries that are accounted for; 0 for JSON and CSV
	Status  string                   `json:"status"`  // complete or partial
}

// Build writes an evidence package to w in one pass, in memory that does not
// depend on its size. The same material gives the same bytes, with the same
// program; another Go release may compress differently. A category without a
// part needs a failure that says why. Returns Tampered when the parts
// contradict each other or their chunks; what was written then is no package.
func Build(w io.Writer, m Material) (Summary, error) {
	b, err := newBuilder(w, m)
	if err != nil {
		return Summary{}, fmt.Errorf("build package: %w", err)
	}
	if err := b.check(); err != nil {
		return Summary{}, err
	}
	if err := b.readHeads(); err != nil {
		return Summary{}, fmt.Errorf("build package: %w", err)
	}
	if err := b.write(); err != nil {
		return Summary{}, fmt.Errorf("build package: %w", err)
	}
	return b.summary(len(b.zip.members), b.skeleton.Tally.Total), nil
}

type builder struct {
	facts
	material Material
	out      *digest // of all that is written
	w        io.Writer
	zip      *zipWriter
}

func newBuilder(w io.Writer, m Material) (*builder, error) {
	f, err := newFrame(m.Scope)
	if err != nil {
		return nil, err
	}
	b := &builder{material: m, out: newDigest(), facts: facts{frame: f, page: pageVersion, version: firstVersion, controls: m.Controls, failures: m.Failures, parts: map[audit.Category]*Part{}, previews: map[audit.Category][]preview{}}}
	b.w = io.MultiWriter(w, b.out)
	if m.Controls != nil {
		b.version = Version
		if err := m.Controls.check(f); err != nil {
			return nil, fmt.Errorf("control results: %w", err)
		}
		if n := len(encodeDocument(m.Controls)); int64(n) > DefaultLimits.DocumentBytes {
			return nil, fmt.Errorf("control results have %d bytes", n)
		}
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		c := audit.Category(p.Name)
		switch {
		case p.Name == Skeleton && b.skeleton == nil && p.Tally != nil:
			b.skeleton = p
		case slices.Contains(f.Request.Include, c) && b.parts[c] == nil && p.CSV != nil:
			b.parts[c] = p
		default:
			return nil, fmt.Errorf("part %q is not wanted, or comes twice", p.Name)
		}
	}
	if missing := b.missing(); len(missing) > 0 && len(m.Failures) == 0 {
		return nil, fmt.Errorf("categories %v have no part, and no failure says why", missing)
	}
	return b, nil
}

// check compares what the categories found with what the skeleton, which saw
// every entry, says they had to find.
func (b *builder) check() error {
	if b.skeleton == nil {
		return errors.New("build package: the skeleton is missing")
	}
	if n := b.skeleton.Tally.Total; n != b.End-b.First {
		return audit.Errorf(audit.Tampered, "the skeleton has %d entries, the range %d", n, b.End-b.First)
	}
	for _, c := range b.present() {
		if got, want := b.parts[c].Stats.Entries, b.skeleton.Tally.of(c, Exported); got != want {
			return audit.Errorf(audit.Tampered, "category %s: %d entries were found by their columns, %d by their hashed bytes", c, got, want)
		}
	}
	return nil
}

// readHeads reads the first entries of each category, which the page shows,
// and the example of the README.
func (b *builder) readHeads() error {
	for _, c := range b.present() {
		err := b.head(b.parts[c], func(line []byte) (more bool, err error) {
			e, err := b.readEntry(line)
			if err != nil {
				return false, err
			}
			b.offer(c, e)
			return len(b.previews[c]) < maxPreview, nil
		})
		if err != nil {
			return fmt.Errorf("read first entries of %s: %w", c, err)
		}
	}
	return b.head(b.skeleton, func(line []byte) (more bool, err error) {
		row := newRow()
		if b.example != nil {
			return false, nil
		}
		if err := parseSkeletonLine(line, row); err != nil {
			return false, err
		}
		b.offerSkeleton(row)
		return true, nil
	})
}

// head gives the lines of a part until each wants no more.
func (b *builder) head(p *Part, each func(line []byte) (more bool, err error)) error {
	for i := range p.Chunks {
		more := true
		r, err := b.material.Open(ChunkName(p.Name, i, "jsonl"))
		if err != nil {
			return err
		}
		lines := newLineReader(r, DefaultLimits.LineBytes)
		for more {
			var line []byte
			if line, err = lines.next(); err != nil {
				break
			}
			if more, err = each(line); err != nil {
				break
			}
		}
		r.Close()
		if err != nil && err != io.EOF || !more {
			return noEOF(err)
		}
	}
	return nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func (b *builder) write() error {
	docs, err := b.documents()
	if err != nil {
		return err
	}
	streams := b.streams()
	docs = append(docs, b.info(docs, streams))

	b.zip = &zipWriter{w: b.w, dos: dosTime(b.FrozenAt)}
	type file struct {
		name  string
		size  int64
		write func(io.Writer) error
	}
	var files []file
	for _, d := range docs {
		files = append(files, file{d.name, int64(len(d.content)), func(w io.Writer) error { _, err := w.Write(d.content); return err }})
	}
	for _, s := range streams {
		files = append(files, file{s.name, s.file.Bytes, func(w io.Writer) error { return b.copyChunks(w, s) }})
	}
	slices.SortFunc(files, func(a, b file) int { return zipOrder(a.name, b.name) })

	sums, packed := map[string][32]byte{}, map[string][32]byte{}
	add := func(f file) error {
		m, err := b.zip.add(string(b.ExportID)+"/"+f.name, f.size, isStored(f.name), f.write)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		sums[f.name], packed[f.name] = m.unpackedSHA256, m.packedSHA256
		return nil
	}
	whole := func(name string, content []byte) error {
		return add(file{name, int64(len(content)), func(w io.Writer) error { _, err := w.Write(content); return err }})
	}
	for _, f := range files {
		if err := add(f); err != nil {
			return err
		}
	}
	if err := whole(nameManifest, manifest(sums, isPayload)); err != nil {
		return err
	}
	if err := whole(namePacked, manifest(packed, func(string) bool { return true })); err != nil {
		return err
	}
	tags := manifest(sums, isTag)
	if err := whole(nameTagManifest, tags); err != nil {
		return err
	}
	text := sealText(b.origin(), b.ExportID, tags)
	note, err := b.material.Sign(text)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if err := openSeal(note, text, b.VerifierKey); err != nil {
		return fmt.Errorf("sign: the signature does not verify: %w", err)
	}
	if err := whole(nameSeal, note); err != nil {
		return err
	}
	return b.zip.finish()
}

// copyChunks writes a part's chunks of one kind and holds them against what
// the collector wrote.
func (b *builder) copyChunks(w io.Writer, s stream) error {
	sum := newDigest()
	w = io.MultiWriter(w, sum)
	for i := range s.part.Chunks {
		name := ChunkName(s.part.Name, i, s.kind)
		r, err := b.material.Open(name)
		if err != nil {
			return fmt.Errorf("open chunk: %w", err)
		}
		_, err = io.Copy(w, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return fmt.Errorf("read chunk %s: %w", name, err)
		}
	}
	if got := sum.file(); got != s.file {
		return audit.Errorf(audit.Tampered, "the chunks of %s hold %d bytes with SHA-256 %s, %d bytes with %s were written", s.part.Name, got.Bytes, got.SHA256, s.file.Bytes, s.file.SHA256)
	}
	return nil
}

func (b *builder) summary(files int, entries int64) Summary {
	s := Summary{Digest: "sha256:" + b.out.file().SHA256, Bytes: b.out.bytes, Files: files, Entries: map[audit.Category]int64{}, Range: entries, Status: b.status()}
	for c, p := range b.parts {
		s.Entries[c] = p.Stats.Entries
	}
	return s
}

// readEntry decodes a line of a category that was checked when it was written.
func (f *frame) readEntry(line []byte) (*entry, error) {
	row := newRow()
	if err := parseEntryLine(line, row); err != nil {
		return nil, err
	}
	return f.decodeRow(row)
}
