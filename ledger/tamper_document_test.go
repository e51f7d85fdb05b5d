package ledger_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// document renders the matrix. It holds nothing that differs from run to run.
func (m *matrix) document() []byte {
	var b bytes.Buffer
	b.WriteString(`# The tamper matrix

What happens when someone with full rights on the database, a superuser with
every trigger off, changes it: each attack on each column and table of the
schema, made on a real Postgres and then verified as ` + "`sealbook verify --database`" + `
does; that is left out for a column of a table that verification never reads, by
Postgres's own count. This page is written by a test (` + "`go test ./ledger -run TestTamperMatrix -update`" + `)
from the schema, so a new column joins by itself, and the test fails as long as
the page says something else than the attacks give.

| verdict | meaning |
|---|---|
| row | verification names the entry |
| ledger | verification names the range of entries, or the ledger and what of it is wrong |
| outside | the database is consistent in itself; a checkpoint, receipt or package held outside reveals it (` + "`--trusted`" + `), and the signer state refuses to go on from it |
| refused | a constraint refuses it even to a superuser, who would have to drop the constraint first |
| not hashed | by design; the reasons are below |
| – | there is no such value, or nothing would change |

## Whole ledgers

| attack | verdict |
|---|---|
`)
	for _, k := range ledgerAttacks {
		fmt.Fprintf(&b, "| %s | %s |\n", k.name, m.verdicts[cell{attack: k.name}])
	}
	b.WriteString(`
Without the key, the forged checkpoint fails against the ledger's verifier key.
With the key, its signature is good, and what the registry holds contradicts it.
Who has the key and rewrites the registry too is contradicted only by what was
signed before and is held outside: receipts, packages, checkpoints, anchors.

## Rows

`)
	m.table(&b, "table", rowAttacks, func(each func(name string, at cell)) {
		for _, s := range m.tables {
			each(s.name, cell{table: s.name})
		}
	})
	b.WriteString("\n## Columns\n\nAn edit of a searchable column is a flip of it.\n")
	for _, s := range m.tables {
		if m.uniform(s) {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n", s.name)
		m.table(&b, "column", columnAttacks, func(each func(name string, at cell)) {
			for _, c := range s.columns {
				each(c.Name, cell{table: s.name, column: c.Name})
			}
		})
	}
	b.WriteString("\n## Not hashed, by design\n\nEvery column of these, as far as no constraint refuses the change.\n\n| what | why |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(notHashedByDesign)) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, notHashedByDesign[name])
	}
	return b.Bytes()
}

// uniform reports whether a whole table is not hashed.
func (m *matrix) uniform(s tableShape) bool {
	_, ok := notHashedByDesign[s.name]
	return ok
}

func (m *matrix) table(b *bytes.Buffer, head string, attacks []attack, rows func(func(string, cell))) {
	names := []string{head}
	for _, k := range attacks {
		names = append(names, k.name)
	}
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	rows(func(name string, at cell) {
		cells := []string{name}
		for _, k := range attacks {
			at.attack = k.name
			cells = append(cells, m.verdicts[at])
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	})
}
