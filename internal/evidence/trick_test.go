package evidence_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/internal/evidence"
)

// rezip writes files with the standard library's writer, for tricks that our
// own writer cannot do.
func rezip(tb testing.TB, write func(z *zip.Writer)) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	write(z)
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func file(tb testing.TB, z *zip.Writer, h *zip.FileHeader, content string) {
	tb.Helper()
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func named(name string) *zip.FileHeader { return &zip.FileHeader{Name: name, Method: zip.Deflate} }

// patch changes bytes that a little-endian number at a place counts from.
func patch(data []byte, at int, b ...byte) []byte {
	data = bytes.Clone(data)
	copy(data[at:], b)
	return data
}

// TestZipTricks gives the verifier zips that readers understand differently,
// or that are dangerous to unpack. Each is refused with a reason.
func TestZipTricks(t *testing.T) {
	good, _ := smallPackage(t)
	end := len(good) - 22
	directory := int(binary.LittleEndian.Uint32(good[end+16:]))
	firstData := 30 + int(binary.LittleEndian.Uint16(good[26:]))
	one := func(name string) []byte {
		return rezip(t, func(z *zip.Writer) { file(t, z, named(name), "x") })
	}
	tests := []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "too short"},
		{"no zip", []byte(strings.Repeat("an evidence package ", 20)), "does not end as a zip"},
		{"an empty zip", rezip(t, func(*zip.Writer) {}), "the zip is empty"},
		{"a zip by another writer", one("exp/bagit.txt"), "not in the one form"},
		{"a link", rezip(t, func(z *zip.Writer) {
			h := named("exp/link")
			h.SetMode(os.ModeSymlink | 0o777)
			file(t, z, h, "/etc/passwd")
		}), "symbolic link"},
		{"a folder entry", rezip(t, func(z *zip.Writer) { file(t, z, &zip.FileHeader{Name: "exp/"}, "") }), "folder entry"},
		{"encrypted", rezip(t, func(z *zip.Writer) {
			h := named("exp/a")
			h.Flags = 1
			file(t, z, h, "x")
		}), "encrypted"},
		{"an unknown method", patch(good, directory+10, 99), "method 99"},
		{"a comment", append(patch(good, len(good)-2, 3), "hey"...), "does not end as a zip"},
		{"data after the end", append(bytes.Clone(good), 0), "does not end as a zip"},
		{"data before the start", append([]byte("MZ"), good...), "something lies before"},
		{"a second zip behind", append(bytes.Clone(good), good...), "something lies before"},
		{"a gap before the directory", func() []byte {
			data := append(bytes.Clone(good[:directory]), "gap!"...)
			data = append(data, good[directory:]...)
			binary.LittleEndian.PutUint32(data[len(data)-6:], uint32(directory+4))
			return data
		}(), "belong to nothing"},
		{"the local name differs", patch(good, 30, 'X'), "its header in the zip"},
		{"the local time differs", patch(good, 10, good[10]^1), "its header in the zip"},
		{"the local method differs", patch(good, 8, 0), "its header in the zip"},
		{"the directory's offset overlaps", patch(good, directory+42, 1), "overlap"},
		{"two counts", patch(good, end+10, 0xff, 0x00), "end record"},
		{"more files than there are", patch(good, end+8, 0xff, 0x00, 0xff, 0x00), "has no entry"},
		{"a file less in the directory", patch(patch(good, end+8, good[end+8]-1), end+10, good[end+10]-1), "belong to no file"},
		{"many files", patch(good, end+10, 0xfe, 0xff), "limit Files"},
		{"a split archive", patch(good, end+4, 1), "end record"},
		{"damaged deflate data", patch(good, firstData, 0xff, 0xff), "packed data is damaged"},
		{"a size that is too small", shrink(good, directory), "is not the one that its directory entry leads to"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := verify(t, tt.data)
			if r.Exit() != 1 || r.Integrity != evidence.Failed {
				t.Fatalf("exit %d, integrity %s", r.Exit(), r.Integrity)
			}
			for _, f := range r.Findings {
				if strings.Contains(f.Message, tt.says) {
					return
				}
			}
			t.Errorf("no finding says %q: %v", tt.says, r.Findings)
		})
	}
}

// shrink lowers a size in the directory alone.
func shrink(good []byte, directory int) []byte {
	return patch(good, directory+24, good[directory+24]-1)
}

// TestZipNames tries names in a container that is in our form otherwise.
func TestZipNames(t *testing.T) {
	good, _ := smallPackage(t)
	folder, files := unzip(t, good)
	for name, says := range map[string]string{
		"../../etc/passwd":        "leads out of its folder",
		"data/../../x":            "leads out of its folder",
		"data//x":                 "leads out of its folder",
		"data/./x":                "leads out of its folder",
		`data\x`:                  "backslash",
		"data/x\x00y":             "character that names",
		"data/ü":                  "character that names",
		"data/Index.html":         "in case only",
		"DATA/x":                  "in case only",
		"data/index.html/x":       "is a file and a folder",
		"data/con trol":           "character that names",
		"data/" + longName:        "longer than 200 bytes",
		"data/categories/x.jsonl": "not part of such a package",
	} {
		t.Run(name, func(t *testing.T) {
			mine := map[string][]byte{name: []byte("x")}
			for n, content := range files {
				mine[n] = content
			}
			var out bytes.Buffer
			if err := evidence.Repack(&out, folder, bookStart, mine, func([]byte) []byte { return files["tagmanifest-sha256.txt.sig"] }); err != nil {
				t.Fatal(err)
			}
			r := verify(t, out.Bytes())
			for _, f := range r.Findings {
				if r.Exit() == 1 && strings.Contains(f.Message, says) {
					return
				}
			}
			t.Errorf("exit %d, no finding says %q: %v", r.Exit(), says, r.Findings)
		})
	}
	for _, folder := range []string{"", "..", "a/b", "exp_02OTHER"} {
		var out bytes.Buffer
		if err := evidence.Repack(&out, folder, bookStart, clone(files), func([]byte) []byte { return files["tagmanifest-sha256.txt.sig"] }); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, out.Bytes()); r.Exit() != 1 {
			t.Errorf("folder %q: exit %d", folder, r.Exit())
		}
	}
}

var longName = strings.Repeat("x", 200)

func clone(files map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for n, content := range files {
		out[n] = content
	}
	return out
}

// TestLimits crosses each limit.
func TestLimits(t *testing.T) {
	good, _ := smallPackage(t)
	folder, files := unzip(t, good)
	for says, limits := range map[string]evidence.Limits{
		"limit Files":         {Files: 10},
		"limit UnpackedBytes": {UnpackedBytes: 10_000},
		"limit DocumentBytes": {DocumentBytes: 1000},
		"limit LineBytes":     {LineBytes: 100},
	} {
		r := verifyWithin(t, good, limits)
		if r.Exit() != 1 || !strings.Contains(reportText(t, r), says) {
			t.Errorf("%s: exit %d\n%s", says, r.Exit(), reportText(t, r))
		}
	}
	r := verifyWithin(t, good[:100], evidence.Limits{Findings: 1})
	if len(r.Findings) != 1 || r.More != 2 {
		t.Errorf("limit Findings: %d findings and %d more", len(r.Findings), r.More)
	}

	bomb := clone(files)
	bomb["data/index.html"] = make([]byte, 8<<20) // packs to a thousandth
	var out bytes.Buffer
	if err := evidence.Repack(&out, folder, bookStart, bomb, func([]byte) []byte { return nil }); err != nil {
		t.Fatal(err)
	}
	r = verifyWithin(t, out.Bytes(), evidence.Limits{Ratio: 200})
	if r.Exit() != 1 || !strings.Contains(reportText(t, r), "limit Ratio") {
		t.Errorf("limit Ratio: exit %d\n%s", r.Exit(), reportText(t, r))
	}
}

// TestLyingSize packs more into a file than the zip says: reading stops there.
func TestLyingSize(t *testing.T) {
	good, _ := smallPackage(t)
	// The deflated data of the first file is replaced by that of an endless
	// row of zeros; checksum and sizes stay.
	size := binary.LittleEndian.Uint32(good[bytes.Index(good, []byte("PK\x07\x08"))+8:])
	start := 30 + int(binary.LittleEndian.Uint16(good[26:]))
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 200<<10)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if packed.Len() > int(size) {
		t.Fatalf("%d bytes do not fit into %d", packed.Len(), size)
	}
	data := bytes.Clone(good)
	copy(data[start:], packed.Bytes())
	if r := verify(t, data); r.Exit() != 1 || !strings.Contains(reportText(t, r), "longer than the") {
		t.Errorf("exit %d\n%s", r.Exit(), reportText(t, r))
	}
}

// TestHiddenBehindDeflate puts bytes behind a file's packed data, where no
// unpacking program looks: the same content is packed tighter, and all sizes
// stay.
func TestHiddenBehindDeflate(t *testing.T) {
	good, _ := smallPackage(t)
	for _, f := range zipFiles(t, good) {
		start, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		w, err := flate.NewWriter(&packed, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if f.Method != zip.Deflate || packed.Len() >= int(f.CompressedSize64) {
			continue
		}
		data := bytes.Clone(good)
		rest := data[start+int64(packed.Len()) : start+int64(f.CompressedSize64)]
		copy(data[start:], packed.Bytes())
		copy(rest, strings.Repeat("secret ", len(rest)))
		if r := verify(t, data); r.Exit() != 1 || !strings.Contains(reportText(t, r), "bytes follow the packed data") {
			t.Errorf("exit %d\n%s", r.Exit(), reportText(t, r))
		}
		return
	}
	t.Fatal("no file of the package can be packed tighter")
}

// TestStored has the one way of packing that each file has.
func TestStored(t *testing.T) {
	b := newBook(t).fill(20)
	s := b.scope(wideRequest(), 0)
	folder, files := unzip(t, b.build(s))
	defer func(f func(string) bool) { evidence.RepackStored = f }(evidence.RepackStored)
	for name, stored := range map[string]func(string) bool{
		"everything": func(string) bool { return true },
		"nothing":    func(string) bool { return false },
	} {
		evidence.RepackStored = stored
		f := &forged{book: b, scope: s, folder: folder, files: clone(files)}
		f.insider()
		if r := verify(t, f.pack()); r.Exit() != 1 || !strings.Contains(reportText(t, r), "not packed in the way that packages do") {
			t.Errorf("%s is stored: exit %d\n%s", name, r.Exit(), reportText(t, r))
		}
	}
}

// TestLists signs lists that are not those of the files, in either direction.
func TestLists(t *testing.T) {
	b := newBook(t).fill(20)
	s := b.scope(wideRequest(), 0)
	folder, files := unzip(t, b.build(s))
	defer func(f func(string, []byte) []byte) { evidence.RepackList = f }(evidence.RepackList)
	for _, list := range []string{"manifest-sha256.txt", "tagmanifest-sha256.txt", "packed-sha256.txt"} {
		for how, change := range map[string]func(lines []string) []string{
			"another digest": func(lines []string) []string {
				lines[1] = lines[0][:64] + lines[1][64:]
				return lines
			},
			"a file is not listed":     func(lines []string) []string { return lines[1:] },
			"an absent file is listed": func(lines []string) []string { return append(lines, lines[0][:64]+"  zzz\n") },
			"another order":            func(lines []string) []string { return append(lines[1:], lines[0]) },
			"capitals": func(lines []string) []string {
				return append([]string{strings.ToUpper(lines[0][:64]) + lines[0][64:]}, lines[1:]...)
			},
			"a line without a file":   func(lines []string) []string { return append(lines, "\n") },
			"a line that comes twice": func(lines []string) []string { return append(lines, lines[len(lines)-1]) },
			"the last line has no end": func(lines []string) []string {
				return append(lines[:len(lines)-1], strings.TrimSpace(lines[len(lines)-1]))
			},
		} {
			t.Run(list+", "+how, func(t *testing.T) {
				evidence.RepackList = func(name string, content []byte) []byte {
					if name != list {
						return content
					}
					lines := strings.SplitAfter(string(content), "\n")
					return []byte(strings.Join(change(lines[:len(lines)-1]), ""))
				}
				f := &forged{book: b, scope: s, folder: folder, files: clone(files)}
				f.insider()
				expect(t, verify(t, f.pack()), evidence.Failed, evidence.CannotTell, evidence.Unpinned, 1)
			})
		}
	}
}
