package evidence_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
)

// FuzzVerify gives the verifier anything. It must return, within its limits,
// and with a reason for whatever is not a whole package.
func FuzzVerify(f *testing.F) {
	good, key := smallPackage(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte{})
	f.Add([]byte("PK\x05\x06" + string(make([]byte, 18))))
	b := newBook(f)
	f.Add(b.build(b.scope(allCategories(audit.FormatZIP), 0)))
	limits := evidence.Limits{Files: 100, UnpackedBytes: 1 << 20, DocumentBytes: 1 << 17, LineBytes: 1 << 16, Ratio: 100, Findings: 20}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Keys: []string{key}, Limits: limits})
		if r.Exit() != 0 && len(r.Findings) == 0 {
			t.Error("not verified, and nothing says why")
		}
		if len(r.Findings) > limits.Findings {
			t.Errorf("%d findings", len(r.Findings))
		}
		reportText(t, r)
	})
}

// FuzzRepacked goes behind the container: the content of one file is anything,
// and all lists and the signature fit it.
func FuzzRepacked(f *testing.F) {
	good, key := smallPackage(f)
	folder, files := unzip(f, good)
	var names []string
	for _, z := range zipFiles(f, good) {
		name := z.Name[len(folder)+1:]
		names = append(names, name)
		f.Add(len(names)-1, files[name])
	}
	b := newBook(f)
	f.Fuzz(func(t *testing.T, which int, content []byte) {
		name := names[uint(which)%uint(len(names))]
		mine := clone(files)
		mine[name] = content
		var out bytes.Buffer
		err := evidence.Repack(&out, folder, b.at, mine, func(tagmanifest []byte) []byte {
			note, _ := b.seal(evidence.SealText(testOrigin, "exp_01TEST", tagmanifest))
			return note
		})
		if err != nil {
			t.Skip(err)
		}
		r := evidence.Verify(bytes.NewReader(out.Bytes()), int64(out.Len()), evidence.VerifyOptions{Keys: []string{key}})
		made := name == "manifest-sha256.txt" || name == "packed-sha256.txt" || name == "tagmanifest-sha256.txt" || name == "tagmanifest-sha256.txt.sig"
		if r.Exit() == 0 && !made && !bytes.Equal(content, files[name]) {
			t.Errorf("%s may hold %q", name, content)
		}
	})
}

// FuzzAgreement gives both verifiers a package in which a part of one file is
// anything, and all lists and the signature fit it.
func FuzzAgreement(f *testing.F) {
	good, key := smallPackage(f)
	folder, files := unzip(f, good)
	names := slices.Sorted(maps.Keys(files))
	for which, name := range names {
		n := len(files[name])
		f.Add(which, n/2, n/2, []byte{})
		f.Add(which, n/3, n/3+1, []byte("0"))
		f.Add(which, n, n, []byte("\n"))
	}
	for i, piece := range []string{`null`, `{}`, `[]`, `-0`, `1e5`, `"\u0041"`, `"\ud800"`, "\xff", "\r", `{"a":1,"a":2}`, `"`, `\`} {
		for which, name := range names {
			if at := bytes.Index(files[name], []byte(`":`)); at > 0 {
				f.Add(which, at+2, at+3+i, []byte(piece))
			}
		}
	}
	b := newBook(f)
	f.Fuzz(func(t *testing.T, which, from, to int, piece []byte) {
		name := names[uint(which)%uint(len(names))]
		mine := clone(files)
		n := uint(len(mine[name]) + 1)
		from, to = int(uint(from)%n), int(uint(to)%n)
		mine[name] = slices.Concat(mine[name][:min(from, to)], piece, mine[name][max(from, to):])
		var out bytes.Buffer
		err := evidence.Repack(&out, folder, b.at, mine, func(tagmanifest []byte) []byte {
			note, _ := b.seal(evidence.SealText(testOrigin, "exp_01TEST", tagmanifest))
			return note
		})
		if err != nil {
			t.Skip(err)
		}
		verify(t, out.Bytes(), key)
	})
}

// FuzzLine holds the scanner of lines against the writer: what it accepts is
// written the same again.
func FuzzLine(f *testing.F) {
	_, files := unzip(f, newBook(f).fill(20).build(newBook(f).fill(20).scope(allCategories(audit.FormatZIP), 0)))
	for line := range bytes.Lines(files[accessEntries]) {
		f.Add(bytes.TrimSuffix(line, []byte("\n")))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		again, err := evidence.ScanEntryLine(line)
		if err == nil && !bytes.Equal(again, line) {
			t.Errorf("%q is written as %q", line, again)
		}
	})
}
