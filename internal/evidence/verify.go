package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/ledger"
)

// VerifyOptions are what the caller knows that the package cannot be trusted
// to say.
type VerifyOptions struct {
	// Keys are the trusted keys, each a vkey or a fingerprint "SHA256:…" (see
	// CheckKey). One of them must be the package's. Without any, authenticity
	// is at best Unpinned.
	Keys []string

	// Known are checkpoints of the same ledger that the caller holds from
	// elsewhere, opened with a trusted key. A package that forked from one of
	// them fails.
	Known []ledger.Checkpoint

	// Vouch says whose word the caller takes for the registry's checkpoint that
	// the package brings along. Without it no place is believed.
	Vouch func(Anchor) Vouching

	Limits   Limits
	Progress func(done, total int64) // packed bytes; may be nil
}

// Verify checks a package that r holds in size bytes. It needs nothing else,
// takes memory that depends on Limits and not on the package's length, reads
// every file once, and expects r to be hostile. It always returns a report; a
// package that cannot be read at all has failed, and one whose bytes cannot be
// had, because r returns an error, cannot be told.
func Verify(r io.ReaderAt, size int64, opt VerifyOptions) *Report {
	opt.Limits.setDefaults()
	v := &verifier{opt: opt, report: newReport(), files: map[string]*unpacked{}, docs: map[string][]byte{}}
	zip, err := openArchive(r, size, opt.Limits)
	if err != nil {
		v.unreadable(err)
		return v.report
	}
	v.zip = zip
	v.report.Counts.Files = len(zip.members)
	v.watch()
	v.readDocuments()
	if v.knowsVersion() {
		v.readFrame()
		v.readControls()
		v.checkSignatures()
		v.checkRows()
		v.checkFiles()
		v.checkManifests()
		v.checkDocuments()
	} else {
		v.checkManifests()
	}
	v.conclude()
	return v.report
}

type verifier struct {
	opt    VerifyOptions
	report *Report
	zip    *archive
	files  map[string]*unpacked // by name below the folder; those that were opened
	docs   map[string][]byte    // small files
	facts
	rowsFailed bool // the count of the rows cannot be trusted
	unread     bool // the caller's reader failed
}

func (v *verifier) find(f Finding, format string, args ...any) {
	f.Message = fmt.Sprintf(format, args...)
	if f.Status == "" {
		f.Status = Failed
	}
	if v.unread && f.Status == Failed {
		return // it may follow from what could not be read
	}
	v.report.add(f, v.opt.Limits.Findings)
}

// unreadable ends a verification that has not begun.
func (v *verifier) unreadable(err error) {
	v.fileError("", err)
	for _, verdict := range []Verdict{Completeness, Authenticity} {
		v.find(Finding{Verdict: verdict, Status: CannotTell}, "the package could not be read")
	}
}

// fileError records why a file could not be read to its end.
func (v *verifier) fileError(name string, err error) {
	var c *containerError
	if !errors.As(err, &c) {
		for _, verdict := range []Verdict{Integrity, Completeness} {
			v.find(Finding{Verdict: verdict, Status: CannotTell, File: name}, "it cannot be read: %v", err)
		}
		v.unread = true
		return
	}
	if c.file != "" {
		name = c.file
	}
	v.find(Finding{Verdict: Integrity, File: name}, "%s", c.message)
}

// watch reports progress, at most once per megabyte.
func (v *verifier) watch() {
	if v.opt.Progress == nil {
		return
	}
	var total, done, told int64
	for _, m := range v.zip.members {
		total += m.packed
	}
	v.zip.read = func(n int64) {
		if done += n; done-told >= 1<<20 || done == total {
			told = done
			v.opt.Progress(done, total)
		}
	}
}

func (v *verifier) member(name string) *member {
	path := v.zip.folder + "/" + name
	for _, m := range v.zip.members { // asked for a few dozen names only
		if m.name == path {
			return m
		}
	}
	return nil
}

// local is a member's name below the top folder.
func (v *verifier) local(m *member) string { return strings.TrimPrefix(m.name, v.zip.folder+"/") }

// open starts on a file; nil when the package does not have it.
func (v *verifier) open(name string) *unpacked {
	m := v.member(name)
	if m == nil {
		return nil
	}
	return v.start(name, m)
}

func (v *verifier) start(name string, m *member) *unpacked {
	v.files[name] = v.zip.open(m)
	return v.files[name]
}

// readDocuments reads the files that packages have and that are small.
func (v *verifier) readDocuments() {
	for _, m := range v.zip.members {
		name := v.local(m)
		if !isDocument(name) {
			continue
		}
		if m.size > v.opt.Limits.DocumentBytes {
			v.find(Finding{Verdict: Integrity, File: name}, "the file unpacks to %d bytes, more than %d (limit DocumentBytes)", m.size, v.opt.Limits.DocumentBytes)
			continue
		}
		u := v.start(name, m)
		content, _ := io.ReadAll(u) // finish repeats its error
		if v.finish(name, u); u.finished {
			v.docs[name] = content
		}
	}
}

// knowsVersion reports whether the package says that it has this program's
// version.
func (v *verifier) knowsVersion() bool {
	v.version = Version
	version, ok := v.tag("Sealbook-Package-Version")
	if !ok {
		return true // a missing file or line is found later
	}
	if version == Version || version == firstVersion {
		v.version = version
		return true
	}
	for _, verdict := range []Verdict{Integrity, Completeness, Authenticity} {
		v.find(Finding{Verdict: verdict, Status: CannotTell, File: nameInfo}, "the package has version %.20q, this program knows %s and %s", version, firstVersion, Version)
	}
	return false
}

// tag returns a label's value in bag-info.txt.
func (v *verifier) tag(label string) (value string, ok bool) {
	for line := range strings.Lines(string(v.docs[nameInfo])) {
		if value, ok := strings.CutPrefix(line, label+": "); ok {
			return strings.TrimSuffix(value, "\n"), true
		}
	}
	return "", false
}

// readFrame puts the scope together again from the package's files. What they
// leave out or spell in another way is found when the files are made again.
func (v *verifier) readFrame() {
	var request requestDocument
	var proof rangeDocument
	var population struct{ Failures []string }
	ok := v.decode(nameRequest, &request)
	ok = v.decode(nameRange, &proof) && ok
	v.decode(namePopulation, &population)
	frozen, err := time.Parse(ledger.TimeFormat, request.FrozenAt)
	if ok && err != nil {
		v.find(Finding{Verdict: Integrity, File: nameRequest}, "frozen_at %.40q is not a time", request.FrozenAt)
		ok = false
	}
	if !ok {
		return
	}
	introductions, err := parseIntroductionLines(v.docs[nameIntroductions])
	if err != nil {
		v.find(Finding{Verdict: Integrity, File: nameIntroductions}, "%v", err)
		return
	}
	anchor, err := v.readAnchor()
	if err != nil {
		v.find(Finding{Verdict: Integrity, File: nameAnchors}, "%v", err)
		return
	}
	f, err := newUnsignedFrame(Scope{
		ExportID: request.ExportID, Organisation: request.Organisation, Request: request.Request, RequestedBy: request.RequestedBy,
		Genesis: v.docs[nameGenesis], VerifierKey: strings.TrimSuffix(string(v.docs[nameKey]), "\n"), Checkpoint: v.docs[nameCheckpoint], Introductions: introductions,
		First: proof.First, End: proof.End, Left: proof.Left, FrozenAt: frozen, Software: request.Software,
		Anchor: anchor,
	})
	if err != nil {
		v.find(Finding{Verdict: Integrity}, "the package's description of itself does not hold together: %s", message(err))
		return
	}
	if string(f.ExportID) != v.zip.folder {
		v.find(Finding{Verdict: Integrity, File: nameRequest}, "the package is of export %s, its folder is named %.70s", f.ExportID, v.zip.folder)
	}
	v.frame = f
	v.failures = population.Failures
	v.page = pageVersion
	if text, ok := v.tag("Sealbook-Page-Version"); ok {
		if n, err := strconv.Atoi(text); err == nil {
			v.page = n
		}
	}
	v.report.NotProven = limits(f)
}

func (v *verifier) decode(name string, into any) bool {
	content, ok := v.docs[name]
	if !ok {
		return false // is found as missing
	}
	d := json.NewDecoder(strings.NewReader(string(content)))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		v.find(Finding{Verdict: Integrity, File: name}, "it cannot be decoded: %.200v", err)
		return false
	}
	return true
}

// checkSignatures reaches the verdict on authenticity.
func (v *verifier) checkSignatures() {
	if v.frame == nil || v.unread {
		v.find(Finding{Verdict: Authenticity, Status: CannotTell}, "the package does not say what was signed")
		return
	}
	fail := func(file, format string, args ...any) {
		v.find(Finding{Verdict: Authenticity, File: file}, format, args...)
	}
	key := v.VerifierKey
	if _, err := ledger.KeyFingerprint(key); err != nil {
		fail(nameKey, "%s", message(err)) // with no key there is nothing to hold the signatures against
		return
	}
	trusted, err := v.trusted(v.opt.Keys)
	if err != nil {
		fail(nameKey, "%s", message(err))
		return
	}
	if _, err := ledger.OpenCheckpoint(v.Checkpoint, key); err != nil {
		fail(nameCheckpoint, "%s", message(err))
	}
	if v.founded() != nil {
		fail(nameGenesis, "the ledger was founded with another key than the one in %s, and no introduction leads from it to this one", nameKey)
	}
	if err := openSeal(v.docs[nameSeal], sealText(v.origin(), v.ExportID, v.docs[nameTagManifest]), key); err != nil {
		fail(nameSeal, "the package's signature does not hold: %s", message(err))
	}
	v.checkAnchor()
	switch {
	case len(v.opt.Keys) > 0 && trusted == "":
		fingerprint, _ := ledger.KeyFingerprint(key)
		fail(nameKey, "the package is signed by %s, which is none of the trusted keys", fingerprint)
	case len(v.opt.Keys) == 0 && v.report.Authenticity == OK:
		v.report.Authenticity = Unpinned
	}
	v.report.Trusted = trusted
}

// conclude adds what the report says beside its findings.
func (v *verifier) conclude() {
	r := v.report
	if v.frame == nil {
		v.find(Finding{Verdict: Completeness, Status: CannotTell}, "the package does not say what it should hold")
		return
	}
	for _, f := range v.failures {
		v.find(Finding{Verdict: Completeness, Status: CannotTell, File: namePopulation}, "the package is partial: %.500s", f)
	}
	if v.First == v.End {
		v.find(Finding{Verdict: Completeness, Status: CannotTell}, "the range is empty, so there is nothing that could be complete")
	}
	if r.Integrity != OK && r.Completeness == OK {
		v.find(Finding{Verdict: Completeness, Status: CannotTell}, "without integrity, completeness has no basis")
	}
	r.Package = v.packageInfo()
	if r.Integrity == OK && (r.Authenticity == OK || r.Authenticity == Unpinned) {
		r.Assurance = v.assurance()
	}
	if r.Authenticity == Unpinned {
		r.Notes = append(r.Notes, fmt.Sprintf("The signatures verify with the key in the package. Compare its fingerprint %s with the one you got in another way, or name the key that you trust.", r.Package.Fingerprint))
	}
	if v.skeleton == nil || v.skeleton.Tally.LastTime == nil {
		return
	}
	if last := *v.skeleton.Tally.LastTime; last.Before(v.period.Until) {
		r.Notes = append(r.Notes, fmt.Sprintf("The newest entry was recorded at %s, before the period ends at %s. If you know of a later one, the checkpoint is too old.", formatTime(last), formatTime(v.period.Until)))
	}
}

// checkFiles names the files that are missing or not part of a package.
func (v *verifier) checkFiles() {
	want := map[string]bool{
		nameBagit: true, nameInfo: true, nameReadme: true, nameVerifier: true, nameKey: true, nameFingerprints: true, nameIndex: true, nameRequest: true,
		namePopulation: true, nameGaps: true, nameGenesis: true, nameCheckpoint: true, nameRange: true, nameSkeleton: true,
		nameManifest: true, namePacked: true, nameTagManifest: true, nameSeal: true,
	}
	if v.version != firstVersion {
		want[nameControls] = true
	}
	if v.frame != nil {
		if len(v.Introductions) > 0 {
			want[nameIntroductions] = true
		}
		if v.anchored != nil {
			for _, d := range v.anchored.documents() {
				want[d.name] = true
			}
		}
		for _, c := range v.present() {
			for _, name := range []string{fileEntries, fileCSV, fileIPE} {
				want[categoryFile(c, name)] = true
			}
		}
		for _, c := range v.missing() {
			if len(v.failures) == 0 {
				v.find(Finding{Verdict: Completeness}, "the request includes %s, the package does not, and names no failure", c)
			}
		}
	}
	for _, m := range v.zip.members {
		name := v.local(m)
		if !want[name] {
			v.find(Finding{Verdict: Integrity, File: name}, "the file is not part of such a package")
		}
		if isStored(name) != m.stored {
			v.find(Finding{Verdict: Integrity, File: name}, "the file is not packed in the way that packages do")
		}
		delete(want, name)
	}
	for _, name := range sortedNames(want) {
		v.find(Finding{Verdict: Integrity, File: name}, "the file is missing")
	}
}
