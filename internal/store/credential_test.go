package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// TestAPasskeyCounts: of many uses of one counter one counts, and none that is behind.
func TestAPasskeyCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who, other := b.person(t, "one", 100), b.person(t, "two", 100)
	at := audit.SystemClock()
	k := store.Passkey{ID: "passkey_1", Ledger: b.ledger, Person: who, Name: "n", Credential: []byte("c"), PublicKey: []byte("k"), Counter: 4, CreatedAt: at}
	if err := b.append(t, "old code", store.InsertPasskey(k, 100)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a code that was taken adds a passkey: %v", err)
	}
	if err := b.append(t, "add", store.InsertPasskey(k, 101)); err != nil {
		t.Fatal(err)
	}
	theirs := k
	theirs.ID, theirs.Person = "passkey_2", other
	if err := b.append(t, "add again", store.InsertPasskey(theirs, 101)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("one key is two people's: %v", err)
	}
	use := func(counter int64, change func(*store.Passkey)) error {
		used := k
		if used.Counter = counter; change != nil {
			change(&used)
		}
		return b.append(t, "", store.UsePasskey(used, at.Add(time.Minute)))
	}
	for what, err := range map[string]error{
		"behind":         use(3, nil),
		"the same":       use(4, nil),
		"none":           use(0, nil),
		"somebody's":     use(9, func(k *store.Passkey) { k.Person = other }),
		"another's":      use(9, func(k *store.Passkey) { k.ID = "passkey_9" }),
		"another ledger": use(9, func(k *store.Passkey) { k.Ledger++ }),
	} {
		if audit.CodeOf(err) != audit.InvalidState {
			t.Errorf("%s: %v", what, err)
		}
	}
	var won atomic.Int32
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if use(5, nil) == nil {
				won.Add(1)
			}
		})
	}
	group.Wait()
	list, err := b.store.Passkeys(t.Context(), b.ledger, who)
	if err != nil || won.Load() != 1 || len(list) != 1 || list[0].Counter != 5 || list[0].UsedAt == nil {
		t.Errorf("%d won: %+v %v", won.Load(), list, err)
	}
	if err := b.append(t, "lock", store.NoteFailure(who, at)); err != nil {
		t.Fatal(err)
	}
	for range audit.MaxSignInFails {
		if err := b.append(t, "", store.NoteFailure(who, at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := use(6, nil); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a locked account signs: %v", err)
	}
	if err := b.append(t, "theirs", store.DeletePasskey(b.ledger, other, k.ID)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("somebody else removes it: %v", err)
	}
	if err := b.append(t, "close", store.DeactivatePerson(b.ledger, who, at)); err != nil {
		t.Fatal(err)
	}
	if list, err = b.store.Passkeys(t.Context(), b.ledger, who); len(list) != 0 || err != nil {
		t.Errorf("a closed account has %d passkeys: %v", len(list), err)
	}
}

func TestLinkedIdentities(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who, other := b.person(t, "one", 100), b.person(t, "two", 100)
	at := audit.SystemClock()
	l := store.LinkedIdentity{Person: who, Ledger: b.ledger, Issuer: "https://i.example.com", Subject: "s", LinkedAt: at}
	if err := b.append(t, "old code", store.LinkIdentity(l, 100)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a code that was taken links: %v", err)
	}
	if err := b.append(t, "link", store.LinkIdentity(l, 101)); err != nil {
		t.Fatal(err)
	}
	theirs := l
	theirs.Person = other
	if err := b.append(t, "theirs", store.LinkIdentity(theirs, 101)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("one identity is two people: %v", err)
	}
	if err := b.append(t, "use", store.UseIdentity(l, at.Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	if found, err := b.store.LinkedIdentity(t.Context(), b.ledger, who); err != nil || found.Subject != "s" || found.UsedAt == nil {
		t.Errorf("%+v %v", found, err)
	}
	next := l
	next.Subject = "another"
	if err := b.append(t, "relink", store.LinkIdentity(next, 102)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "use the old", store.UseIdentity(l, at.Add(time.Minute))); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("an identity of before signs: %v", err)
	}
	if err := b.append(t, "reset", store.ResetPerson(b.ledger, who, "admin", []byte("c"), at.Add(time.Hour), at)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.LinkedIdentity(t.Context(), b.ledger, who); audit.CodeOf(err) != audit.NotFound {
		t.Errorf("a reset leaves the link: %v", err)
	}
}
