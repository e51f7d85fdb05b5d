package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// A resource is what C2SP tlog-tiles serves of a ledger: a tile of hashes, or
// the bundle of the entries whose leaves a tile of level 0 holds.

// maxTileLevel is the highest level that tlog-tiles has a path for.
const maxTileLevel = 63

// ParseTilePath reads a resource's path below a ledger's prefix,
// tile/<L>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>]; of a bundle, L is -1.
// Every resource has one spelling, and no other is read.
func ParseTilePath(path string) (tlog.Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if bundle, isBundle := strings.CutPrefix(rest, "entries/"); isBundle {
		rest = "data/" + bundle // what sumdb calls it
	} else if strings.HasPrefix(rest, "data/") {
		ok = false
	}
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", tileHeight, rest))
	if !ok || err != nil || t.L > maxTileLevel {
		return tlog.Tile{}, fmt.Errorf("%.80q is not the path of a tile or an entry bundle", path)
	}
	return t, nil
}

// ParseTile reads a tile of width hashes.
func ParseTile(data []byte, width int) ([]Hash, error) {
	if len(data) < width*len(Hash{}) {
		return nil, fmt.Errorf("truncated tile: %d bytes are not %d hashes", len(data), width)
	}
	if len(data) > width*len(Hash{}) {
		return nil, fmt.Errorf("oversized tile: %d bytes are more than %d hashes", len(data), width)
	}
	return hashesOf(nil, data), nil
}

// ParseEntryBundle reads a bundle of width records, each behind its length as
// a 16-bit big-endian number. The records alias data.
func ParseEntryBundle(data []byte, width int) ([][]byte, error) {
	out := make([][]byte, 0, min(width, TileWidth))
	for range width {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("truncated entry bundle: record %d of %d is not whole", len(out), width)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		out = append(out, data[2:end:end])
		data = data[end:]
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("oversized entry bundle: %d bytes after %d records", len(data), width)
	}
	return out, nil
}

// encodeEntryBundle writes what ParseEntryBundle reads. Records are far shorter
// than 64 KiB: every field of one is bounded.
func encodeEntryBundle(records [][]byte) (out []byte) {
	for _, r := range records {
		out = binary.BigEndian.AppendUint16(out, uint16(len(r)))
		out = append(out, r...)
	}
	return out
}

// Tile returns the hashes of a tile as they are stored, one after the other.
// Of a tile that is full by now, less than its width may be asked for. Returns
// NotFound beyond the tree, and Tampered when hashes are missing or do not lead
// to what stands above them.
func (l *Log) Tile(ctx context.Context, ledger int32, t tlog.Tile) (data []byte, err error) {
	err = l.resource(ctx, ledger, t, func(n *nodes) error {
		hashes, err := n.tile(tileKey{t.L, t.N})
		if err != nil {
			return err
		}
		if err := n.checkTile(t, hashes); err != nil {
			return err
		}
		for _, h := range hashes[:t.W] {
			data = append(data, h[:]...)
		}
		return nil
	})
	return data, err
}

// EntryBundle returns the records whose leaves the tile of the same index at
// level 0 holds. Returns NotFound beyond the tree, and Tampered when a record
// is missing or is not the one in the tree.
func (l *Log) EntryBundle(ctx context.Context, ledger int32, t tlog.Tile) (data []byte, err error) {
	t.L = 0
	err = l.resource(ctx, ledger, t, func(n *nodes) error {
		leaves, err := n.tile(tileKey{0, t.N})
		if err != nil {
			return err
		}
		first := t.N * TileWidth
		rows, err := n.tx.Query(ctx, `select record from entry where ledger = $1 and seq >= $2 and seq < $3 order by seq`, ledger, first, first+int64(t.W))
		if err != nil {
			return err
		}
		records, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil {
			return err
		}
		if len(records) != t.W {
			return audit.Errorf(audit.Tampered, "of the entries [%d,%d), %d are missing", first, first+int64(t.W), t.W-len(records))
		}
		for i, r := range records {
			if LeafHash(r) != leaves[i] {
				return audit.Errorf(audit.Tampered, "entry %d: its record does not hash to the leaf in the tree", first+int64(i))
			}
		}
		data = encodeEntryBundle(records)
		return nil
	})
	return data, err
}

// resource runs do over the tree if the tree has what is asked for.
func (l *Log) resource(ctx context.Context, ledger int32, t tlog.Tile, do func(*nodes) error) error {
	err := l.read(ctx, ledger, func(tx pgx.Tx) error {
		var size int64
		err := tx.QueryRow(ctx, `select size from head where ledger = $1`, ledger).Scan(&size)
		if err != nil && err != pgx.ErrNoRows {
			return err
		}
		width := size >> (tileHeight * t.L) // hashes at this level
		if t.N > width/TileWidth || t.N*TileWidth+int64(t.W) > width {
			return audit.Errorf(audit.NotFound, "the tree of %d entries has no such tile", size)
		}
		return do(newNodes(ctx, tx, ledger, size))
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Path(), err)
	}
	return nil
}

// checkTile holds a tile against what is stored above it: a full one against
// its root there, one on the tree's edge against the root of the tree.
func (n *nodes) checkTile(t tlog.Tile, hashes []Hash) error {
	var got, want Hash
	var err error
	if len(hashes) == TileWidth {
		got = fold(hashes)
		want, err = n.node(tileHeight*(t.L+1), t.N)
	} else {
		var root []byte
		if err := n.tx.QueryRow(n.ctx, `select root from head where ledger = $1`, n.ledger).Scan(&root); err != nil {
			return err
		}
		copy(want[:], root)
		got, err = tlog.TreeHash(n.size, n)
	}
	if err != nil {
		return err
	}
	if got != want {
		return audit.Errorf(audit.Tampered, "tile %d at level %d does not lead to the hash that is stored above it", t.N, t.L)
	}
	return nil
}
