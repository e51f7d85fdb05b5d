package evidence

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/docs"
	"github.com/sealbook/sealbook/ledger"
)

// Names of the files of a package, below its top folder.
const (
	nameBagit         = "bagit.txt"
	nameInfo          = "bag-info.txt"
	nameReadme        = "README-VERIFY.md"
	nameVerifier      = "verify/verify.py"
	nameKey           = "keys/ledger.vkey"
	nameIntroductions = "keys/introductions.jsonl"
	nameFingerprints  = "keys/KEY-FINGERPRINTS.txt"
	nameIndex         = "data/index.html"
	nameRequest       = "data/request/request.json"
	nameControls      = "data/controls/controls.json"
	namePopulation    = "data/population/population.json"
	nameGaps          = "data/population/gaps.json"
	nameGenesis       = "data/ledger/genesis.txt"
	nameCheckpoint    = "data/ledger/checkpoint.note"
	nameRange         = "data/ledger/range.json"
	nameSkeleton      = "data/ledger/skeleton.jsonl"

	nameAnchors      = "data/ledger/anchors/anchors.json"
	nameAnchorEntry  = "data/ledger/anchors/entry.jsonl"
	nameAnchorProof  = "data/ledger/anchors/entry.tlog-proof"
	nameRegistryNote = "data/ledger/anchors/registry.note"

	nameManifest    = "manifest-sha256.txt"
	namePacked      = "packed-sha256.txt"
	nameTagManifest = "tagmanifest-sha256.txt"
	nameSeal        = "tagmanifest-sha256.txt.sig"
)

func categoryFile(c audit.Category, name string) string {
	return "data/categories/" + string(c) + "/" + name
}

// The files of a category.
const (
	fileEntries = "entries.jsonl"
	fileCSV     = "entries.csv"
	fileIPE     = "IPE.json"
)

// document is a small file, held whole.
type document struct {
	name    string
	content []byte
}

// facts are what a package's small files are made from. The builder has them
// from the collectors, the verifier from its own count.
type facts struct {
	*frame
	parts    map[audit.Category]*Part // those that are in the package
	skeleton *Part
	failures []string
	previews map[audit.Category][]preview
	example  *example // nil when the range is empty
	page     int      // the page version
	version  string   // the package version
	controls *Controls
}

func (f *facts) status() string {
	if len(f.failures) > 0 {
		return "partial"
	}
	return "complete"
}

// missing returns the categories that were requested and are not here.
func (f *facts) missing() []audit.Category {
	return slices.DeleteFunc(f.included(), func(c audit.Category) bool { return f.parts[c] != nil })
}

// present returns the categories that are here.
func (f *facts) present() []audit.Category {
	return slices.DeleteFunc(f.included(), func(c audit.Category) bool { return f.parts[c] == nil })
}

// documents returns every small file but the manifests and bag-info.txt.
func (f *facts) documents() ([]document, error) {
	index, err := f.index()
	if err != nil {
		return nil, err
	}
	readme, err := f.readme()
	if err != nil {
		return nil, err
	}
	fingerprint, err := ledger.KeyFingerprint(f.VerifierKey)
	if err != nil {
		return nil, err
	}
	docs := []document{
		{nameBagit, []byte("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")},
		{nameReadme, readme},
		{nameVerifier, docs.Verifier},
		{nameKey, []byte(f.VerifierKey + "\n")},
		{nameFingerprints, fmt.Appendf(nil, "%s  %s\n\nThe key in ledger.vkey proves nothing by itself: whoever makes a package chooses\nthe key in it. Compare the fingerprint with the one you got in another way.\n", fingerprint, nameKey)},
		{nameIndex, index},
		{nameRequest, encodeDocument(f.request())},
		{namePopulation, encodeDocument(f.population())},
		{nameGaps, encodeDocument(f.gaps())},
		{nameGenesis, f.Genesis},
		{nameCheckpoint, f.Checkpoint},
		{nameRange, encodeDocument(f.rangeProof())},
	}
	if len(f.Introductions) > 0 {
		docs = append(docs, document{nameIntroductions, introductionLines(f.Introductions)})
	}
	if f.anchored != nil {
		docs = append(docs, f.anchored.documents()...)
	}
	if f.controls != nil {
		docs = append(docs, document{nameControls, encodeDocument(f.controls)})
	}
	for _, c := range f.present() {
		docs = append(docs, document{categoryFile(c, fileIPE), encodeDocument(f.ipe(c))})
	}
	return docs, nil
}

// streams lists the large files with their parts and kinds.
func (f *facts) streams() (all []stream) {
	for _, c := range f.present() {
		p := f.parts[c]
		all = append(all, stream{categoryFile(c, fileEntries), p, "jsonl", p.JSONL}, stream{categoryFile(c, fileCSV), p, "csv", *p.CSV})
	}
	return append(all, stream{nameSkeleton, f.skeleton, "jsonl", f.skeleton.JSONL})
}

type stream struct {
	name string
	part *Part
	kind string
	file File
}

// info is bag-info.txt; payload are the files below data/.
func (f *facts) info(docs []document, streams []stream) document {
	var size, count int64
	for _, d := range docs {
		if strings.HasPrefix(d.name, "data/") {
			size, count = size+int64(len(d.content)), count+1
		}
	}
	for _, s := range streams {
		size, count = size+s.file.Bytes, count+1
	}
	var b bytes.Buffer
	line := func(label string, value any) {
		fmt.Fprintf(&b, "%s: %s\n", label, singleLine(fmt.Sprint(value)))
	}
	line("Source-Organization", f.Organisation)
	line("Bagging-Date", f.FrozenAt.Format(time.DateOnly))
	line("External-Identifier", f.ExportID)
	line("Bag-Software-Agent", f.Software)
	line("Payload-Oxum", fmt.Sprintf("%d.%d", size, count))
	line("Sealbook-Package-Version", f.version)
	line("Sealbook-Page-Version", f.page)
	line("X-Framework", f.Request.Framework)
	line("X-Period-From", f.Request.AuditPeriod.From)
	line("X-Period-To", f.Request.AuditPeriod.To)
	line("X-Ledger-Origin", f.origin())
	line("X-Tree-Size-From", f.First)
	line("X-Tree-Size-To", f.End)
	line("X-Status", f.status())
	return document{nameInfo, b.Bytes()}
}

// requestDocument is request.json.
type requestDocument struct {
	ExportID     audit.ExportID      `json:"export_id"`
	Organisation string              `json:"organisation"`
	Request      audit.ExportRequest `json:"request"`
	RequestedBy  audit.Object        `json:"requested_by"`
	FrozenAt     string              `json:"frozen_at"`
	Software     string              `json:"software"`
}

func (f *facts) request() requestDocument {
	return requestDocument{f.ExportID, f.Organisation, f.Request, f.RequestedBy, formatTime(f.FrozenAt), f.Software}
}

// rangeDocument is range.json: a range proof. Right has no hashes, because the
// range ends with the tree.
type rangeDocument struct {
	First int64         `json:"first"`
	End   int64         `json:"end"`
	Size  int64         `json:"size"`
	Left  []ledger.Hash `json:"left"`
	Right []ledger.Hash `json:"right"`
}

func (f *facts) rangeProof() rangeDocument {
	p := f.proof()
	return rangeDocument{p.First, p.End, p.Size, append([]ledger.Hash{}, p.Left...), []ledger.Hash{}}
}

// manifest lists files as sha256sum does.
func manifest(sums map[string][32]byte, keep func(name string) bool) []byte {
	var names []string
	for name := range sums {
		if keep(name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, cmp.Compare)
	var b []byte
	for _, name := range names {
		sum := sums[name]
		b = append(hex.AppendEncode(b, sum[:]), "  "+name+"\n"...)
	}
	return b
}

func isPayload(name string) bool { return strings.HasPrefix(name, "data/") }

// isTag reports whether tagmanifest-sha256.txt covers the file.
func isTag(name string) bool { return !isPayload(name) && !isSealing(name) }

// isSealing tells the files that no manifest can list.
func isSealing(name string) bool { return strings.HasPrefix(name, nameTagManifest) }

// isStored tells the files that are not compressed: those that come after all
// whose packed bytes packed-sha256.txt lists.
func isStored(name string) bool { return name == namePacked || isSealing(name) }

// zipOrder compares paths as a package orders its files: by their bytes, the
// lists of the others last.
func zipOrder(a, b string) int {
	rank := func(name string) int {
		if name = path.Base(name); name == nameManifest || isStored(name) {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// isDocument tells the files that are held whole.
func isDocument(name string) bool {
	switch name {
	case nameBagit, nameInfo, nameReadme, nameVerifier, nameKey, nameFingerprints, nameIndex, nameRequest, nameControls, namePopulation, nameGaps,
		nameIntroductions, nameGenesis, nameCheckpoint, nameRange, nameManifest, namePacked, nameTagManifest, nameSeal,
		nameAnchors, nameAnchorEntry, nameAnchorProof, nameRegistryNote:
		return true
	}
	if isToken(name) {
		return true
	}
	for _, c := range audit.Categories {
		if name == categoryFile(c, fileIPE) {
			return true
		}
	}
	return false
}
