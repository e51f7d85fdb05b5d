package ledger_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// Every tile is what golang.org/x/mod/sumdb/tlog makes of the same leaves, and
// every bundle holds the records of its leaves.
func TestTilesAgreeWithTheReference(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	var want reference
	size := int64(0)
	for _, next := range []int64{1, 255, 256, 257, 511, 513, 700} {
		for _, r := range ledgertest.Append(t, l, id, int(size), int(next-size)) {
			want.add(ledger.LeafHash(r.Record))
		}
		size = next
		for _, tile := range tlog.NewTiles(8, 0, size) {
			data, err := tlog.ReadTileData(tile, want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := l.Tile(t.Context(), id, tile)
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%s of %d: %v", tile.Path(), size, err)
			}
			if tile.L > 0 {
				continue
			}
			bundle, err := l.EntryBundle(t.Context(), id, tile)
			if err != nil {
				t.Fatal(err)
			}
			entries, err := ledger.ParseEntryBundle(bundle, tile.W)
			if err != nil {
				t.Fatal(err)
			}
			leaves, err := ledger.ParseTile(got, tile.W)
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range entries {
				if ledger.LeafHash(e) != leaves[i] {
					t.Errorf("%s of %d: record %d does not hash to its leaf", tile.Path(), size, i)
				}
			}
		}
	}
	// The partial tiles of every smaller tree are there, and nothing beyond.
	for w := 1; w <= ledger.TileWidth; w++ {
		if got, err := l.Tile(t.Context(), id, tlog.Tile{H: 8, L: 0, N: 1, W: w}); err != nil || len(got) != 32*w {
			t.Errorf("%d hashes of a full tile: %d bytes, %v", w, len(got), err)
		}
		for _, tile := range []tlog.Tile{{H: 8, L: 0, N: 2, W: w}, {H: 8, L: 1, N: 0, W: w}, {H: 8, L: 2, N: 0, W: w}, {H: 8, L: 0, N: 1<<55 - 1, W: w}, {H: 8, L: 63, W: w}} {
			fits := tile.L == 0 && tile.N == 2 && w <= 700-512 || tile.L == 1 && w <= 2
			if _, err := l.Tile(t.Context(), id, tile); (err == nil) != fits || !fits && audit.CodeOf(err) != audit.NotFound {
				t.Errorf("%s: %v", tile.Path(), err)
			}
			if tile.L == 0 {
				if _, err := l.EntryBundle(t.Context(), id, tile); (err == nil) != fits || !fits && audit.CodeOf(err) != audit.NotFound {
					t.Errorf("entries of %s: %v", tile.Path(), err)
				}
			}
		}
	}
	if _, err := l.Tile(t.Context(), id+1, tlog.Tile{H: 8, W: 1}); audit.CodeOf(err) != audit.NotFound {
		t.Errorf("a tile of a ledger that is not there: %v", err)
	}
	ledgertest.Check(t, l, id, 700)
}

// What was removed or changed is never served, whichever copy it was.
func TestTamperedTilesAreNotServed(t *testing.T) {
	t.Parallel()
	hash := func(level int, n int64, w int) tlog.Tile { return tlog.Tile{H: 8, L: level, N: n, W: w} }
	for name, c := range map[string]struct {
		sql                     string
		badTiles, badBundles    []tlog.Tile
		goodTiles, goodBundles  []tlog.Tile
		checkpointIsServed      bool
		checkpointOf300IsServed bool
	}{
		"an entry is gone": {
			sql:      `delete from entry where seq = 550`,
			badTiles: []tlog.Tile{hash(0, 2, 88), hash(0, 2, 1)}, badBundles: []tlog.Tile{hash(0, 2, 88)},
			goodTiles: []tlog.Tile{hash(0, 1, 256)}, goodBundles: []tlog.Tile{hash(0, 1, 256)}, checkpointOf300IsServed: true,
		},
		"an entry below a tile is gone": {
			sql:        `delete from entry where seq = 250`,
			badBundles: []tlog.Tile{hash(0, 0, 256), hash(0, 0, 251)},
			goodTiles:  []tlog.Tile{hash(0, 0, 256)}, goodBundles: []tlog.Tile{hash(0, 0, 250)}, checkpointIsServed: true, checkpointOf300IsServed: true,
		},
		"a record": {
			sql:        `update entry set record = overlay(record placing 'x' from 30) where seq = 250`,
			badBundles: []tlog.Tile{hash(0, 0, 256), hash(0, 0, 251)}, goodTiles: []tlog.Tile{hash(0, 0, 256)}, goodBundles: []tlog.Tile{hash(0, 0, 250)},
			checkpointIsServed: true, checkpointOf300IsServed: true,
		},
		"a record and its leaf": {
			sql:        `update entry set record = 'x', leaf = sha256('\x0078') where seq = 250`,
			badBundles: []tlog.Tile{hash(0, 0, 256)}, goodTiles: []tlog.Tile{hash(0, 0, 256)}, checkpointIsServed: true, checkpointOf300IsServed: true,
		},
		"a leaf on the edge": {
			sql:      `update entry set record = 'x', leaf = sha256('\x0078') where seq = 599`,
			badTiles: []tlog.Tile{hash(0, 2, 88)}, goodTiles: []tlog.Tile{hash(0, 1, 256)}, checkpointOf300IsServed: true,
		},
		"a tile": {
			sql:      `update tile set hashes = overlay(hashes placing sha256('x') from 33) where idx = 1`,
			badTiles: []tlog.Tile{hash(0, 1, 256), hash(0, 1, 7)}, badBundles: []tlog.Tile{hash(0, 1, 256)}, goodTiles: []tlog.Tile{hash(0, 0, 256)},
			checkpointIsServed: true, // it rests on the tile's root
		},
		"a tile is gone": {
			sql:      `delete from tile where idx = 1`,
			badTiles: []tlog.Tile{hash(0, 1, 256), hash(1, 0, 2), hash(1, 0, 1)}, badBundles: []tlog.Tile{hash(0, 1, 256)},
		},
		"a tile's root": {
			sql:      `update tile set root = sha256('x') where idx = 1`,
			badTiles: []tlog.Tile{hash(0, 1, 256), hash(1, 0, 2)}, goodTiles: []tlog.Tile{hash(0, 0, 256)}, checkpointOf300IsServed: true,
		},
		"the head": {
			sql:      `update head set root = sha256('x')`,
			badTiles: []tlog.Tile{hash(0, 2, 88), hash(1, 0, 2)}, goodTiles: []tlog.Tile{hash(0, 0, 256)}, checkpointOf300IsServed: true,
		},
		"the head's checkpoint":         {sql: `update checkpoint set root = sha256('x') where size = 600`, checkpointOf300IsServed: true},
		"the head's checkpoint is gone": {sql: `delete from checkpoint where size = 600`, checkpointOf300IsServed: true},
		"another checkpoint":            {sql: `update checkpoint set root = sha256('x') where size = 300`, checkpointIsServed: true},
		"the tail": {
			sql: `delete from entry where seq >= 290; update head set size = 290`, badTiles: []tlog.Tile{hash(0, 1, 34)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, id, dsn := ledgertest.New(t)
			ledgertest.Append(t, l, id, 0, 300)
			ledgertest.Append(t, l, id, 300, 300)
			ledgertest.Check(t, l, id, 600)
			superuser(t, dsn, strings.Split(c.sql, "; ")...)
			expect := func(what string, err error, ok bool) {
				t.Helper()
				if ok && err != nil || !ok && audit.CodeOf(err) != audit.Tampered {
					t.Errorf("%s: %v", what, err)
				}
			}
			for _, list := range []struct {
				tiles []tlog.Tile
				read  func(tlog.Tile) error
				ok    bool
			}{
				{c.badTiles, func(x tlog.Tile) error { _, err := l.Tile(t.Context(), id, x); return err }, false},
				{c.goodTiles, func(x tlog.Tile) error { _, err := l.Tile(t.Context(), id, x); return err }, true},
				{c.badBundles, func(x tlog.Tile) error { _, err := l.EntryBundle(t.Context(), id, x); return err }, false},
				{c.goodBundles, func(x tlog.Tile) error { _, err := l.EntryBundle(t.Context(), id, x); return err }, true},
			} {
				for _, x := range list.tiles {
					expect(x.Path(), list.read(x), list.ok)
				}
			}
			_, err := l.Checkpoint(t.Context(), id, ledger.Newest)
			expect("the newest checkpoint", err, c.checkpointIsServed)
			_, err = l.Checkpoint(t.Context(), id, 300)
			expect("the checkpoint of 300", err, c.checkpointOf300IsServed)
			_, err = l.ProveConsistency(t.Context(), id, 300, ledger.Newest)
			expect("consistency", err, c.checkpointIsServed && c.checkpointOf300IsServed)
			_, err = l.ProveRange(t.Context(), id, 10, 280, 300)
			expect("a range", err, c.checkpointOf300IsServed)
		})
	}
}

func TestParseTilePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]tlog.Tile{
		"tile/0/000":                  {H: 8, L: 0, N: 0, W: 256},
		"tile/1/x001/x234/067":        {H: 8, L: 1, N: 1234067, W: 256},
		"tile/63/x001/x234/067.p/8":   {H: 8, L: 63, N: 1234067, W: 8},
		"tile/entries/999.p/255":      {H: 8, L: -1, N: 999, W: 255},
		"tile/entries/x001/x234/067":  {H: 8, L: -1, N: 1234067, W: 256},
		"tile/0/x036/x028/x797/018/x": {}, "tile/64/000": {}, "tile/-1/000": {}, "tile/00/000": {}, "tile/data/000": {}, "tile/0/0": {}, "tile/0/x000/000": {},
		"tile/0/000.p/0": {}, "tile/0/000.p/256": {}, "tile/0/000.p/08": {}, "tile/0/000.p": {}, "tile/0": {}, "tile/entries": {}, "tile/entries/": {},
		"": {}, "0/000": {}, "/tile/0/000": {}, "tile/0/000/": {}, "tile/8/0/000": {}, "tile/0/x999/x999/x999/x999/x999/x999/x999/999": {},
		"tile/99999999999999999999/000": {}, "tile/0/x01/000": {}, "tile/0/X001/000": {}, "tile/0/+01": {}, "tile/entries/entries/000": {},
	} {
		got, err := ledger.ParseTilePath(path)
		if got != want || (err == nil) != (want != tlog.Tile{}) {
			t.Errorf("%s: %+v %v", path, got, err)
		}
	}
}

func TestParseTileAndBundleRefuse(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"truncated tile":                           second(ledger.ParseTile(make([]byte, 95), 3)),
		"oversized tile":                           second(ledger.ParseTile(make([]byte, 97), 3)),
		"truncated entry bundle: record 0 of 1":    second(ledger.ParseEntryBundle([]byte{0}, 1)),
		"truncated entry bundle: record 1 of 2":    second(ledger.ParseEntryBundle([]byte{0, 1, 'x', 0, 2, 'y'}, 2)),
		"oversized entry bundle: 2 bytes after 1 ": second(ledger.ParseEntryBundle([]byte{0, 1, 'x', 0, 2}, 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzTilePath(f *testing.F) {
	for _, path := range []string{"tile/0/000", "tile/63/x001/x234/067.p/8", "tile/entries/x001/000.p/255", "tile/data/000", "tile/8/0/000", "tile/0/x999/x999/x999/x999/x999/x999/x999/999"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ledger.ParseTilePath(path)
		if err != nil {
			return
		}
		if tile.H != 8 || tile.L < -1 || tile.L > 63 || tile.N < 0 || tile.W < 1 || tile.W > 256 {
			t.Fatalf("%q is %+v", path, tile)
		}
		level := fmt.Sprint(tile.L)
		if tile.L < 0 {
			level = "entries"
		}
		if spelling := strings.Replace(tile.Path(), "tile/8/"+strings.Replace(level, "entries", "data", 1), "tile/"+level, 1); spelling != path {
			t.Fatalf("%q and %q are one tile", path, spelling)
		}
	})
}

func FuzzEntryBundle(f *testing.F) {
	f.Add([]byte{}, 0)
	f.Add([]byte{0, 3, 'a', 'b', 'c', 0, 0}, 2)
	f.Add([]byte{255, 255, 1}, 1)
	f.Fuzz(func(t *testing.T, data []byte, width int) {
		if width < 0 || width > ledger.TileWidth {
			return
		}
		records, err := ledger.ParseEntryBundle(data, width)
		if err != nil {
			return
		}
		var again []byte
		for _, r := range records {
			again = binary.BigEndian.AppendUint16(again, uint16(len(r)))
			again = append(again, r...)
		}
		if len(records) != width || !bytes.Equal(again, data) {
			t.Fatalf("%x is not %x", again, data)
		}
	})
}
