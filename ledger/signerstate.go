package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// SignerStateVersion is the first line of a signer state.
const SignerStateVersion = "sealbook-signer/v1"

// signerState is what the signer last signed of the registry. It is kept
// outside the database, so that a database from a backup, which has forgotten
// entries that were published, is noticed before anything more is signed.
//
//	sealbook-signer/v1
//	<origin of the registry>
//	<size>
//	<base64 root>
//	<base64 hash>…  the roots of the complete subtrees that cover the tree
//
// The edge lets the next checkpoint be computed from this one and the new
// entries alone: the signer extends its own tree, whatever the database says
// about the old one.
type signerState struct {
	origin string
	size   int64
	root   Hash
	edge   []Hash
}

func (s *signerState) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%s\n%d\n%s\n", SignerStateVersion, s.origin, s.size, encodeHash(s.root))
	for _, h := range s.edge {
		b.WriteString(encodeHash(h) + "\n")
	}
	return b.Bytes()
}

func parseSignerState(data []byte) (*signerState, error) {
	lines := strings.Split(string(data), "\n")
	if len(lines) < 5 || len(lines) > 5+maxProofHashes || lines[0] != SignerStateVersion || lines[len(lines)-1] != "" {
		return nil, fmt.Errorf("a signer state starts with %s and has a line for each hash", SignerStateVersion)
	}
	s := &signerState{origin: lines[1]}
	var err error
	if s.size, err = strconv.ParseInt(lines[2], 10, 64); err != nil || s.size < 0 {
		return nil, fmt.Errorf("size %.40q", lines[2])
	}
	if s.root, err = decodeHash(lines[3]); err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	for _, line := range lines[4 : len(lines)-1] {
		h, err := decodeHash(line)
		if err != nil {
			return nil, fmt.Errorf("edge: %w", err)
		}
		s.edge = append(s.edge, h)
	}
	tree, err := NewTree(s.size, s.edge)
	if err != nil {
		return nil, err
	}
	if root, err := tree.Root(); err != nil || root != s.root {
		return nil, fmt.Errorf("the edge does not lead to the root")
	}
	return s, nil
}

// stateFile keeps the signer state in a file. A swap holds a lock beside it and
// is durable when it returns; a process that dies in between leaves the old
// state or the new one. All processes of an installation must see the same
// file.
type stateFile struct{ path string }

// load returns nil when there is no state yet.
func (f stateFile) load() (*signerState, error) {
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the signer state: %w", err)
	}
	s, err := parseSignerState(data)
	if err != nil {
		return nil, fmt.Errorf("signer state %s: %w", f.path, err)
	}
	return s, nil
}

// errStateMoved says that another process has signed meanwhile.
var errStateMoved = errors.New("another process has changed the signer state")

// swap replaces old, which is nil when there must be none yet, by next.
func (f stateFile) swap(old, next *signerState) error {
	lock, err := os.OpenFile(f.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the signer state: %w", err)
	}
	defer lock.Close() // which unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the signer state: %w", err)
	}
	there, err := f.load()
	if err != nil {
		return err
	}
	if (there == nil) != (old == nil) || there != nil && !bytes.Equal(there.encode(), old.encode()) {
		return errStateMoved
	}
	if err := f.write(next.encode()); err != nil {
		return fmt.Errorf("write the signer state: %w", err)
	}
	return nil
}

func (f stateFile) write(data []byte) error {
	t, err := os.CreateTemp(filepath.Dir(f.path), "."+filepath.Base(f.path)+".*")
	if err != nil {
		return err
	}
	_, err = t.Write(data)
	if err = errors.Join(err, t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	dir, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
