package report

import (
	"bytes"
	"testing"
	"time"
)

func TestSpliceRefusesWhatGofpdfDoesNotWrite(t *testing.T) {
	t.Parallel()
	p, err := newPress(time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	p.pdf.AddPage()
	var b bytes.Buffer
	if err := p.pdf.Output(&b); err != nil {
		t.Fatal(err)
	}
	page := sheet{}
	if err := page.draw(p, []op{{kind: opText, size: body, x: side, y: top, text: "spliced"}}); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	if out, err := splice(file, []sheet{page}); err != nil || !bytes.HasSuffix(out, []byte("%%EOF\n")) {
		t.Fatalf("%v", err)
	}
	for cut := 0; cut < len(file)-5; cut += 1 + cut/50 {
		if out, err := splice(file[:cut], []sheet{page}); err == nil {
			t.Errorf("a file cut to %d bytes becomes one of %d", cut, len(out))
		}
	}
	start := bytes.LastIndex(file, []byte("xref\n0"))
	for at := start; at < len(file); at++ { // must not panic; what the numbers say is not checked
		bent := bytes.Clone(file)
		bent[at] = '9'
		_, _ = splice(bent, []sheet{page})
	}
	if _, err := splice(file, make([]sheet, 50)); err == nil {
		t.Error("50 pages are spliced into a file of one")
	}
}
