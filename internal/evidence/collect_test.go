package evidence_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// TestResume stops a collector after any number of rows, as a crash does, and
// goes on from the progress that it last reported. The chunks and the part are
// the same as without the crash.
func TestResume(t *testing.T) {
	b := newBook(t).fill(60)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	parts := []string{evidence.Skeleton, string(audit.AccessLogs), string(audit.ComplianceReports)}
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom(parts).Draw(t, "part")
		rows := b.selected(s, part)
		whole, broken := chunks{}, chunks{}
		want := b.collect(s, part, whole)

		var progress *evidence.Progress
		for stops := rapid.IntRange(0, 3).Draw(t, "stops"); ; stops-- {
			c, err := evidence.NewCollector(s, part, progress, broken.create)
			if err != nil {
				t.Fatal(err)
			}
			c.SetChunk(7)
			most := len(rows)
			if stops > 0 {
				most = rapid.IntRange(0, len(rows)).Draw(t, "rows")
			}
			for i, row := range rows {
				if i >= most {
					break
				}
				if row.Seq < c.Next() {
					continue
				}
				if err := c.Add(row); err != nil {
					t.Fatal(err)
				}
			}
			if stops > 0 {
				text, err := json.Marshal(c.Progress()) // as it comes back from a heartbeat
				if err != nil {
					t.Fatal(err)
				}
				if len(text) > 4096 {
					t.Fatalf("progress has %d bytes", len(text))
				}
				progress = new(evidence.Progress)
				if err := json.Unmarshal(text, progress); err != nil {
					t.Fatal(err)
				}
				c.Abandon()
				continue
			}
			got, err := c.Close()
			if err != nil {
				t.Fatal(err)
			}
			if !sameJSON(t, got, want) || !reflect.DeepEqual(broken, whole) {
				t.Fatalf("after a crash the part differs: %+v, not %+v", got, want)
			}
			return
		}
	})
}

func sameJSON(tb rapid.TB, a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		tb.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Equal(x, y)
}

// TestForeignProgress gives a collector what it cannot go on from: it starts
// over.
func TestForeignProgress(t *testing.T) {
	b := newBook(t).fill(30)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	c, err := evidence.NewCollector(s, evidence.Skeleton, nil, chunks{}.create)
	if err != nil {
		t.Fatal(err)
	}
	c.SetChunk(7)
	for _, row := range b.rows[:20] {
		if err := c.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	good := c.Progress()
	if good.Next != 14 || good.Part.Chunks != 2 {
		t.Fatalf("after 20 rows the progress is at %d with %d chunks", good.Next, good.Part.Chunks)
	}
	for name, spoil := range map[string]func(p *evidence.Progress){
		"none":             func(p *evidence.Progress) { *p = evidence.Progress{} },
		"of another part":  func(p *evidence.Progress) { p.Part.Name = string(audit.AccessLogs) },
		"unreadable state": func(p *evidence.Progress) { p.JSONL = []byte("sha-999") },
		"beyond the range": func(p *evidence.Progress) { p.Next = 31 },
		"without a tally":  func(p *evidence.Progress) { p.Part.Tally = nil },
	} {
		p := good
		spoil(&p)
		c, err := evidence.NewCollector(s, evidence.Skeleton, &p, chunks{}.create)
		if err != nil {
			t.Fatal(err)
		}
		if c.Next() != 0 {
			t.Errorf("%s: it goes on from %d", name, c.Next())
		}
	}
}

// TestCollectTampered gives a collector rows that contradict their hashes.
func TestCollectTampered(t *testing.T) {
	b := newBook(t).fill(60)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	other := func() ledger.Row {
		foreign := newBook(t)
		foreign.genesis.Origin = "ledger.example/t/other"
		foreign.fill(1)
		row := foreign.rows[0]
		rec, err := ledger.ParseRecord(row.Record)
		if err != nil {
			t.Fatal(err)
		}
		rec.Origin = "ledger.example/t/other"
		row.Record = rec.Encode()
		row.Leaf = ledger.LeafHash(row.Record)
		return row
	}()
	changed := func(seq int, change func(*ledger.Row)) ledger.Row {
		row := b.rows[seq]
		row.Fields = append([]ledger.Field{}, row.Fields...)
		change(&row)
		return row
	}
	for _, tt := range []struct {
		name, part, says string
		rows             []ledger.Row
	}{
		{"a missing row", evidence.Skeleton, "entry 1: it is missing", []ledger.Row{b.rows[0], b.rows[2]}},
		{"a missing tail", evidence.Skeleton, "entry 3: it is missing", b.rows[:3]},
		{"a changed value", evidence.Skeleton, "entry 0: the payload's fields hash to", []ledger.Row{changed(0, func(r *ledger.Row) { r.Fields[0].Value = json.RawMessage(`{"x":1}`) })}},
		{"a changed leaf", evidence.Skeleton, "entry 0: the record hashes to", []ledger.Row{changed(0, func(r *ledger.Row) { r.Leaf[0] ^= 1 })}},
		{"a changed record", string(audit.AccessLogs), "entry 24: the record hashes to", []ledger.Row{changed(24, func(r *ledger.Row) { r.Record = bytes.Replace(r.Record, []byte("security_event"), []byte("login"), 1) })}},
		{"another ledger's row", evidence.Skeleton, "of the ledger ledger.example/t/other", []ledger.Row{other}},
		{"a row of another category", string(audit.ScanResults), "entry 24: it was found as one of scan_results", b.rows[24:25]},
		{"a row outside the period", string(audit.AccessLogs), "entry 0: it was found as one of access_logs, its hashed bytes say otherwise", b.rows[:1]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := evidence.NewCollector(s, tt.part, nil, chunks{}.create)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range tt.rows {
				if err = c.Add(row); err != nil {
					break
				}
			}
			if err == nil {
				_, err = c.Close()
			}
			if audit.CodeOf(err) != audit.Tampered || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, not %s", err, tt.says)
			}
			if again := c.Add(b.rows[0]); again == nil {
				t.Error("the collector goes on after an error")
			}
		})
	}
}

// TestCollectFailingStore passes on what the store says.
func TestCollectFailingStore(t *testing.T) {
	b := newBook(t).fill(30)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	full := errors.New("the disk is full")
	c, err := evidence.NewCollector(s, evidence.Skeleton, nil, func(string) (io.WriteCloser, error) { return failing{full}, nil })
	if err != nil {
		t.Fatal(err)
	}
	c.SetChunk(7)
	for _, row := range b.rows {
		if err = c.Add(row); err != nil {
			break
		}
	}
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if p := c.Progress(); p.Part.Chunks != 0 || p.Next != 0 {
		t.Errorf("the progress counts a chunk that was not written: %+v", p)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Close() error              { return f.err }
