package audit

// Selector selects entries: those for which all that it names holds. What it
// leaves empty does not restrict. Sealbook's own entries are selected only when
// Types or Families names them.
type Selector struct {
	Types       []string     `yaml:"types"`
	NotTypes    []string     `yaml:"not_types"`
	Families    []string     `yaml:"families"` // of a type, what stands before its first dot
	NotFamilies []string     `yaml:"not_families"`
	Classes     []EventClass `yaml:"classes"`
	Categories  []string     `yaml:"categories"`
	Severities  []Severity   `yaml:"severities"`
	Frameworks  []Framework  `yaml:"frameworks"` // carries one of them
}

// EvidenceID names an item of evidence. Of an upload it is ev_ and a ULID in
// lower case; of an aggregate it is made of framework, query and period, so
// that the same question has the same id.
type EvidenceID string

// EvidenceRequest describes evidence that is uploaded.
type EvidenceRequest struct {
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Date        string   `json:"date"`
	Criteria    []string `json:"criteria"`
}

// EvidenceFile is a file of uploaded evidence.
type EvidenceFile struct {
	Name      string   `json:"name"`
	MediaType string   `json:"media_type"` // as its first bytes say
	Artifact  Artifact `json:"artifact"`
}
