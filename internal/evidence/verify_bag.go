package evidence

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// checkManifests reads what was not read yet and compares every file with the
// lists, in both directions.
func (v *verifier) checkManifests() {
	sums, packed := map[string][32]byte{}, map[string][32]byte{}
	for _, m := range v.zip.members {
		name := v.local(m)
		u := v.files[name]
		if u == nil {
			u = v.start(name, m)
		}
		v.finish(name, u)
		if u.finished {
			sums[name], packed[name] = u.unpackedSHA256, u.packedSHA256
		}
	}
	v.compareList(nameManifest, isPayload, sums, "")
	v.compareList(nameTagManifest, isTag, sums, "")
	v.compareList(namePacked, func(name string) bool { return !isStored(name) }, packed, ": its content is the same, its packed form is not")
}

// finish ends the reading of a file and records what is wrong with it.
func (v *verifier) finish(name string, u *unpacked) {
	if u.finished || u.reported {
		return
	}
	if err := u.finish(); err != nil {
		u.reported = true
		v.fileError(name, err)
	}
}

// compareList compares a manifest with the files that it must list.
func (v *verifier) compareList(list string, covers func(string) bool, sums map[string][32]byte, how string) {
	content, ok := v.docs[list]
	if !ok {
		return // is found as missing
	}
	listed := map[string]string{}
	wrong := false
	fail := func(file, format string, args ...any) {
		wrong = true
		v.find(Finding{Verdict: Integrity, File: file}, format, args...)
	}
	n := 0
	for line := range strings.Lines(string(content)) {
		n++
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if _, err := hex.DecodeString(sum); err != nil || !ok || len(sum) != 64 {
			fail(list, "line %d is not a digest and a name", n)
			continue
		}
		if _, twice := listed[name]; twice {
			fail(list, "it lists %.200s twice", name)
		}
		listed[name] = sum
	}
	for _, m := range v.zip.members {
		name := v.local(m)
		if !covers(name) {
			continue
		}
		want, ok := listed[name]
		got, read := sums[name]
		switch {
		case !ok:
			fail(name, "the file is not listed in %s", list)
		case read && hex.EncodeToString(got[:]) != want:
			fail(name, "the file is not the one in %s%s", list, how)
		case !read:
			wrong = true // was found when it was read
		}
		delete(listed, name)
	}
	for _, name := range sortedNames(listed) {
		fail(list, "it lists %.200s, which is not in the package", name)
	}
	if !wrong && !bytes.Equal(content, manifest(sums, covers)) {
		fail(list, "it is not in its one form: sorted, and with lower-case digits")
	}
}

func sortedNames[V any](m map[string]V) []string {
	return slices.SortedFunc(maps.Keys(m), cmp.Compare)
}

// checkDocuments makes the small files again, from the scope and from what was
// counted in the rows, and compares them. So they cannot say anything else
// than the entries, whoever signed them.
func (v *verifier) checkDocuments() {
	if v.frame == nil || v.skeleton == nil || v.rowsFailed {
		return // the files would differ for a reason that is already found
	}
	if _, there := v.docs[nameControls]; there != (v.controls != nil) {
		return // likewise: the page shows what that file says
	}
	docs, err := v.documents()
	if err != nil {
		v.find(Finding{Verdict: Integrity}, "the package's documents cannot be made again: %s", message(err))
		return
	}
	for i, d := range docs {
		if got, ok := v.docs[d.name]; ok && !v.canRemake(d.name) && !bytes.Equal(got, d.content) {
			docs[i].content = got // counts as it is in the sum of sizes
			if v.page != pageVersion && (d.name == nameIndex || d.name == nameReadme || d.name == nameVerifier) {
				v.report.Notes = append(v.report.Notes, d.name+" was written in a form that this program cannot make again; believe the other files, not it.")
			}
		}
	}
	docs = append(docs, v.info(docs, v.streams()))
	for _, d := range docs {
		got, ok := v.docs[d.name]
		if !ok || bytes.Equal(got, d.content) {
			continue
		}
		verdict := Integrity
		if strings.HasPrefix(d.name, "data/population/") || strings.HasSuffix(d.name, "/"+fileIPE) {
			verdict = Completeness
		}
		line, is, should := firstDifference(got, d.content)
		v.find(Finding{Verdict: verdict, File: d.name, Line: line}, "it says %.120q where the package's entries lead to %.120q", is, should)
	}
}

// canRemake reports whether a document follows from what is known. Pages of
// another wording do not, nor do counts over entries that a partial package
// does not have.
func (v *verifier) canRemake(name string) bool {
	switch name {
	case nameIndex:
		return v.page == pageVersion && len(v.missing()) == 0
	case nameReadme, nameVerifier:
		return v.page == pageVersion
	case namePopulation, nameGaps:
		return len(v.missing()) == 0
	}
	return true
}

// firstDifference returns the first line in which two texts differ.
func firstDifference(a, b []byte) (line int, in, instead string) {
	as, bs := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range max(len(as), len(bs)) {
		in, instead = "", ""
		if i < len(as) {
			in = strings.TrimSpace(as[i])
		}
		if i < len(bs) {
			instead = strings.TrimSpace(bs[i])
		}
		if i >= len(as) || i >= len(bs) || as[i] != bs[i] {
			return i + 1, in, instead
		}
	}
	return 0, "", ""
}
