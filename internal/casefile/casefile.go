// Package casefile describes an investigation in the CASE and UCO ontologies
// and writes it, with its evidence, as a ZIP file that anybody can check with
// sha256sum. It guards that each file is named in the manifest by the digest
// with which it was collected, and that the same case gives the same bytes. The
// API uses it.
package casefile

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Case is what is exported of an investigation.
type Case struct {
	ID       string
	Title    string
	Status   string
	Opened   time.Time
	Exported time.Time // of all times in the ZIP
	Tool     string    // and version
	Evidence []Evidence
	Custody  []Custody         // by item and number
	Parts    map[string][]byte // further files, by name: JSON
}

// Evidence is an item of evidence.
type Evidence struct {
	ID, Kind, Title string
	FileName        string
	MediaType       string
	Digest          string // "sha256:" and hex
	Size            int64
	Acquired        time.Time
	By              string
}

// Custody is a handling of an item.
type Custody struct {
	Evidence, Event, Actor, Tool, Reason string
	Number                               int
	At                                   time.Time
}

// Open gives the bytes of an item of evidence, from the first to the last.
type Open = func(evidence string) (io.ReadCloser, error)

var unsafe = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// name is where an item lies in the ZIP: its id makes it one, and nothing of what
// somebody called their file leads elsewhere.
func (e *Evidence) name() string {
	file := strings.Trim(unsafe.ReplaceAllString(path.Base(e.FileName), "_"), ".")
	if file == "" {
		file = "file"
	}
	return "evidence/" + unsafe.ReplaceAllString(e.ID, "_") + "/" + file
}

// Write writes the ZIP. An item whose bytes are not those of its digest breaks it
// off: what was written has no end, and no program takes it for whole.
func (c *Case) Write(w io.Writer, open Open) error {
	z := zip.NewWriter(w)
	var manifest bytes.Buffer
	add := func(name string, content io.Reader, want string) error {
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: c.Exported.UTC()})
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		h := sha256.New()
		if _, err := io.Copy(io.MultiWriter(f, h), content); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		got := fmt.Sprintf("%x", h.Sum(nil))
		if want != "" && "sha256:"+got != want {
			return fmt.Errorf("%s has the digest sha256:%s, not %s", name, got, want)
		}
		fmt.Fprintf(&manifest, "%s  %s\n", got, name)
		return nil
	}
	description, err := c.describe()
	if err != nil {
		return err
	}
	if err := add("README.txt", strings.NewReader(c.readme()), ""); err != nil {
		return err
	}
	if err := add("case.jsonld", bytes.NewReader(description), ""); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Parts)) {
		if err := add(name, bytes.NewReader(c.Parts[name]), ""); err != nil {
			return err
		}
	}
	for i := range c.Evidence {
		e := &c.Evidence[i]
		content, err := open(e.ID)
		if err != nil {
			return err
		}
		err = add(e.name(), content, e.Digest)
		content.Close()
		if err != nil {
			return err
		}
	}
	f, err := z.CreateHeader(&zip.FileHeader{Name: "manifest-sha256.txt", Method: zip.Deflate, Modified: c.Exported.UTC()})
	if err == nil {
		_, err = f.Write(manifest.Bytes())
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return fmt.Errorf("end the file: %w", err)
	}
	return nil
}

func (c *Case) readme() string {
	return fmt.Sprintf(`Investigation %s, exported at %s by %s.

case.jsonld          the case in CASE 1.3 and UCO 1.3: items, who handled them, when
*.json               the case, its timeline, findings and notes as the API gives them
evidence/            the items of evidence, each as it was collected
manifest-sha256.txt  digests of all other files: sha256sum -c manifest-sha256.txt

The digest of each item is in the ledger, in the entry about its collection. Lines of
entries.jsonl are records with their salts: docs/ledger-format.md says how their
hashes are computed.
`, c.ID, c.Exported.UTC().Format(time.RFC3339), c.Tool)
}

// node is a thing of the graph.
type node = map[string]any

func at(t time.Time) node {
	return node{"@type": "xsd:dateTime", "@value": t.UTC().Format("2006-01-02T15:04:05.000000Z")}
}

func ref(kind, id string) node {
	return node{"@id": "kb:" + kind + "-" + unsafe.ReplaceAllString(id, "_")}
}

// describe is the case as JSON-LD: an Investigation, for each item a
// ProvenanceRecord and a File with its hash, for each handling one
// InvestigativeAction with instrument, performer, object and times.
func (c *Case) describe() ([]byte, error) {
	var graph []node
	tool := ref("tool", c.Tool)
	graph = append(graph, node{"@id": tool["@id"], "@type": "uco-tool:Tool", "uco-core:name": c.Tool})
	performers := map[string]bool{}
	performer := func(name string) node {
		r := ref("identity", name)
		if !performers[name] {
			performers[name] = true
			graph = append(graph, node{"@id": r["@id"], "@type": "uco-identity:Identity", "uco-core:name": name})
		}
		return r
	}
	var objects []node
	for i := range c.Evidence {
		e := &c.Evidence[i]
		file, record := ref("file", e.ID), ref("provenance", e.ID)
		objects = append(objects, record, file)
		graph = append(graph, node{
			"@id": file["@id"], "@type": "uco-observable:File", "uco-core:hasFacet": []node{
				{"@type": "uco-observable:FileFacet", "uco-observable:fileName": e.name(), "uco-observable:sizeInBytes": e.Size},
				{"@type": "uco-observable:ContentDataFacet", "uco-observable:mimeType": e.MediaType, "uco-observable:hash": []node{{
					"@type": "uco-types:Hash", "uco-types:hashMethod": "SHA256",
					"uco-types:hashValue": node{"@type": "xsd:hexBinary", "@value": strings.TrimPrefix(e.Digest, "sha256:")},
				}}},
			},
		}, node{
			"@id": record["@id"], "@type": "case-investigation:ProvenanceRecord", "uco-core:name": e.Title, "case-investigation:exhibitNumber": e.ID,
			"uco-core:objectCreatedTime": at(e.Acquired), "uco-core:object": []node{file},
		})
	}
	for i := range c.Custody {
		h := &c.Custody[i]
		id := fmt.Sprintf("%s-%d", h.Evidence, h.Number)
		action := ref("action", id)
		objects = append(objects, action)
		graph = append(graph, node{
			"@id": action["@id"], "@type": "case-investigation:InvestigativeAction", "uco-core:name": h.Event, "uco-core:description": h.Reason,
			"uco-action:startTime": at(h.At), "uco-action:endTime": at(h.At), "uco-action:performer": performer(h.Actor),
			"uco-action:instrument": []node{ref("tool", h.Tool)}, "uco-action:object": []node{ref("file", h.Evidence)}, "uco-action:result": []node{ref("provenance", h.Evidence)},
		})
	}
	graph = append(graph, node{
		"@id": ref("investigation", c.ID)["@id"], "@type": "case-investigation:Investigation", "uco-core:name": c.Title, "uco-core:objectCreatedTime": at(c.Opened),
		"case-investigation:investigationStatus": c.Status, "uco-core:object": objects,
	})
	text, err := json.MarshalIndent(node{
		"@context": node{
			"kb": "urn:sealbook:" + c.ID + ":", "case-investigation": "https://ontology.caseontology.org/case/investigation/",
			"uco-action": "https://ontology.unifiedcyberontology.org/uco/action/", "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
			"uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/", "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
			"uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/", "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
			"xsd": "http://www.w3.org/2001/XMLSchema#",
		},
		"@graph": graph,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe the case: %w", err)
	}
	return append(text, '\n'), nil
}
