package ledger

// verifiedTrees grow while the rows stream. As long as every record hashes to
// the leaf beside it there is one tree; from the first that does not on there
// are two, because either copy may be the one that was changed.
type verifiedTrees struct {
	byHash nodeStack
	byLeaf *nodeStack // nil while it is the same
	lost   bool       // an entry is missing, or the tree to the left cannot be read
}

func (t *verifiedTrees) add(hash, leaf Hash) {
	if hash != leaf && t.byLeaf == nil {
		t.byLeaf = t.byHash.clone()
	}
	t.byHash.push(0, hash)
	if t.byLeaf != nil {
		t.byLeaf.push(0, leaf)
	}
}

func (t *verifiedTrees) lose() { t.lost = true }

// agree reports whether one of the trees has this root.
func (t *verifiedTrees) agree(root Hash) bool { return t.agreeWith(nil, nil, root) }

// agreeWith does the same for the trees with more subtrees to their right.
func (t *verifiedTrees) agreeWith(cover []subtree, right []Hash, root Hash) bool {
	if t.lost {
		return false
	}
	for _, s := range []*nodeStack{&t.byHash, t.byLeaf} {
		if s == nil {
			continue
		}
		if len(cover) > 0 {
			s = s.clone()
			s.pushAll(cover, right)
		}
		if s.root() == root {
			return true
		}
	}
	return false
}

// startTree reads the tree to the left of the range. What cannot be read is
// damaged, and said so.
func (v *verifier) startTree() error {
	v.nodes = newNodes(v.ctx, v.tx, v.ledger, v.result.Checkpoint.Size)
	left, err := v.nodes.cover(0, v.result.First)
	if err != nil && !damaged(err) {
		return err
	}
	if err != nil {
		v.general(WrongTree, "the tree before entry %d cannot be read: %v", v.result.First, err)
		v.trees.lose()
		return nil
	}
	v.trees.byHash.pushAll(subtrees(0, v.result.First), left)
	return nil
}

// finishTree compares the recomputed root with those that are stored: of the
// head row, of its edge and of its checkpoint.
func (v *verifier) finishTree() error {
	c := v.result.Checkpoint
	if edge := v.head.edge(); edge == nil || edge.root() != c.Root {
		v.general(WrongTree, "the head row's edge does not lead to its root")
	}
	var point []byte
	if c.Size > 0 {
		err := v.tx.QueryRow(v.ctx, `select root from checkpoint where ledger = $1 and size = $2`, v.ledger, c.Size).Scan(&point)
		if err != nil && !noRows(err) {
			return err
		}
		if err != nil || Hash(point) != c.Root {
			v.general(WrongTree, "the head's root is not the one of the checkpoint of %d entries", c.Size)
		}
	}
	if v.trees.lost {
		v.blameCheckpoints()
		return nil
	}
	cover := subtrees(v.result.End, c.Size)
	right, err := v.nodes.cover(v.result.End, c.Size)
	if err != nil && !damaged(err) {
		return err
	}
	if err != nil {
		v.general(WrongTree, "the tree after entry %d cannot be read: %v", v.result.End-1, err)
		v.blameCheckpoints()
		return nil
	}
	agree := func(root Hash) bool { return v.trees.agreeWith(cover, right, root) }
	rootHolds, edge := agree(c.Root), v.head.edge()
	pointHolds := len(point) == len(Hash{}) && agree(Hash(point))
	switch {
	case pointHolds:
		if !rootHolds {
			v.general(WrongTree, "the entries do not lead to the root that the head row says")
		}
		v.confirm(c.Size)
	case rootHolds, edge != nil && agree(edge.root()):
		if f := v.points.failed; len(f) > 0 {
			v.within(WrongTree, v.points.held, f[0].size, "they lead to the tree of the head row but not to the checkpoint of %d entries: they or the checkpoint were rewritten", f[0].size)
		}
	default:
		whole := v.trees.byHash.clone()
		whole.pushAll(cover, right)
		v.general(WrongTree, "the entries lead to the root %s, the head row says %s", FormatHash(whole.root()), FormatHash(c.Root))
		// A stored checkpoint narrows it down where the tree cannot.
		end := c.Size
		if failed := v.points.failed; len(failed) > 0 {
			end = failed[0].size
		}
		return v.locate(c.Size, c.Root, v.points.held, end, WrongTree)
	}
	return nil
}
