// Package anchortest gives tests a witness that keeps C2SP's rules. It guards
// that tests hold the anchors against somebody else's idea of the protocol. It
// listens on loopback for the length of a test; the time-stamp authority is in
// tsatest.
package anchortest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/ledger"
)

// Witness keeps the rules of C2SP tlog-witness for the logs that it knows.
type Witness struct {
	URL  string // submission prefix
	VKey string

	name    string
	id      uint32
	private ed25519.PrivateKey

	mu       sync.Mutex // checking and persisting a checkpoint are one step
	logs     map[string]note.Verifier
	seen     map[string]ledger.Checkpoint // by origin: the newest that was cosigned
	requests []string                     // first lines of the bodies that came

	// Before is called with each request and may answer it; nil is not called.
	Before func(w http.ResponseWriter, r *http.Request) (answered bool)
}

// NewWitness starts a witness that trusts the keys of logs.
func NewWitness(t testing.TB, name string, logs ...string) *Witness {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := append([]byte{4}, public...)
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	w := &Witness{
		name: name, id: binary.BigEndian.Uint32(sum[:]), private: private,
		VKey: fmt.Sprintf("%s+%x+%s", name, sum[:4], base64.StdEncoding.EncodeToString(key)),
		logs: map[string]note.Verifier{}, seen: map[string]ledger.Checkpoint{},
	}
	for _, l := range logs {
		v, err := note.NewVerifier(l)
		if err != nil {
			t.Fatal(err)
		}
		w.logs[v.Name()] = v
	}
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	w.URL = server.URL
	return w
}

// Seen is the newest checkpoint of a log that the witness cosigned.
func (w *Witness) Seen(origin string) ledger.Checkpoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[origin]
}

// Requests are the first lines of the bodies that came.
func (w *Witness) Requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.requests...)
}

// Policy is a policy file that wants this witness.
func (w *Witness) Policy() []byte {
	return fmt.Appendf(nil, "witness w %s %s\nquorum w\n", w.VKey, w.URL)
}

func (w *Witness) serve(rw http.ResponseWriter, r *http.Request) {
	if w.Before != nil && w.Before(rw, r) {
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/add-checkpoint" {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	first, _, _ := strings.Cut(string(body), "\n")
	w.requests = append(w.requests, first)
	status, answer := w.add(body)
	if status == http.StatusConflict {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
	}
	rw.WriteHeader(status)
	rw.Write(answer)
}

// add does what the specification says, in its order.
func (w *Witness) add(body []byte) (status int, answer []byte) {
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, isOld := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(size, 10, 64)
	if !ok || !isOld || err != nil || old < 0 || strconv.FormatInt(old, 10) != size || len(lines) > 64 {
		return http.StatusBadRequest, nil
	}
	var proof tlog.TreeProof
	for _, l := range lines[1:] {
		b, err := base64.StdEncoding.DecodeString(l)
		if err != nil || len(b) != len(tlog.Hash{}) {
			return http.StatusBadRequest, nil
		}
		proof = append(proof, tlog.Hash(b))
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	key := w.logs[origin]
	if key == nil {
		return http.StatusNotFound, nil
	}
	n, err := note.Open(signed, note.VerifierList(key))
	if err != nil {
		return http.StatusForbidden, nil
	}
	c, err := ledger.ParseCheckpoint(n.Text)
	if err != nil || old > c.Size {
		return http.StatusBadRequest, nil
	}
	last := w.seen[origin]
	if old != last.Size {
		return http.StatusConflict, fmt.Appendf(nil, "%d\n", last.Size)
	}
	switch {
	case old == 0:
		if len(proof) > 0 || c.Size == 0 && c.Root != sha256.Sum256(nil) {
			return http.StatusUnprocessableEntity, nil
		}
	case tlog.CheckTree(proof, c.Size, c.Root, old, last.Root) != nil: // equal sizes: equal roots and no proof
		return http.StatusUnprocessableEntity, nil
	}
	w.seen[origin] = c
	return http.StatusOK, w.Cosign([]byte(n.Text), time.Now())
}

// Cosign returns the line with which the witness signs a checkpoint's text,
// whatever it saw before.
func (w *Witness) Cosign(text []byte, at time.Time) []byte {
	sig := binary.BigEndian.AppendUint32(nil, w.id)
	sig = binary.BigEndian.AppendUint64(sig, uint64(at.Unix()))
	sig = append(sig, ed25519.Sign(w.private, anchor.CosignedText(text, at.Unix()))...)
	return fmt.Appendf(nil, "— %s %s\n", w.name, base64.StdEncoding.EncodeToString(sig))
}

// Key is the witness's public key.
func (w *Witness) Key(t testing.TB) *anchor.WitnessKey {
	t.Helper()
	k, err := anchor.ParseWitnessKey(w.VKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
