package store_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestKeysAreListedAndRevokedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	k, _, err := store.NewKey([]byte("pepper"), "org_test", "ingest", "test", []audit.Permission{audit.Write}, audit.SystemClock())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "made", store.InsertKey(k)); err != nil {
		t.Fatal(err)
	}
	list, err := b.store.Keys(t.Context(), "")
	if err != nil || len(list) != 1 || list[0].ID != k.ID || list[0].OrganisationName != "Test" {
		t.Fatalf("%+v %v", list, err)
	}
	if list, err := b.store.Keys(t.Context(), "Another"); err != nil || len(list) != 0 {
		t.Fatalf("another organisation has %+v %v", list, err)
	}
	at := audit.SystemClock()
	if err := b.append(t, "ended", store.RevokeKey("org_test", k.ID, at)); err != nil {
		t.Fatal(err)
	}
	if got, _, err := b.store.KeyByID(t.Context(), k.ID); err != nil || got.Usable(at) {
		t.Fatalf("a revoked key is usable: %+v %v", got, err)
	}
	size := ledgertest.Check(t, b.log, b.ledger, -1).Checkpoint.Size
	if err := b.append(t, "ended again", store.RevokeKey("org_test", k.ID, at)); audit.CodeOf(err) != audit.InvalidState {
		t.Fatal(err)
	}
	if err := b.append(t, "nobody", store.RevokeKey("org_test", "000000000000", at)); audit.CodeOf(err) != audit.NotFound {
		t.Fatal(err)
	}
	ledgertest.Check(t, b.log, b.ledger, size)
}

func TestKeysKeepTheirGrant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pepper, now := []byte("pepper"), audit.SystemClock()
	until := now.Add(time.Hour).Format(time.RFC3339Nano)
	request := audit.KeyGrant{
		Name: "x", Role: audit.Auditor, AllowedCIDRs: []string{"192.0.2.0/24", "2001:db8::1"}, ExpiresAt: &until,
		Constraints: &audit.Constraints{Frameworks: []audit.Framework{"soc2"}, From: "2025-01-01", Repositories: []string{"r1"}},
	}
	grant, err := request.Check(now)
	if err != nil {
		t.Fatal(err)
	}
	k, _, err := store.GrantKey(pepper, "org_test", grant, "test", now)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "", store.InsertKey(k)); err != nil {
		t.Fatal(err)
	}
	got, err := b.store.OrganisationKey(t.Context(), "org_test", k.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(grant, got.Grant(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
		t.Error(d)
	}
	if _, err := b.store.OrganisationKey(t.Context(), "org_other", k.ID); audit.CodeOf(err) != audit.NotFound {
		t.Errorf("another organisation has it: %v", err)
	}
	if list, n, err := b.store.OrganisationKeys(t.Context(), "org_other", 10, 0); err != nil || n != 0 || len(list) != 0 {
		t.Errorf("another organisation lists %v %d %v", list, n, err)
	}
	if err := b.append(t, "", store.RevokeKey("org_other", k.ID, now)); audit.CodeOf(err) != audit.NotFound {
		t.Errorf("another organisation revokes it: %v", err)
	}
	// Whatever lets it come so far, a key never signs.
	signing, _, err := store.NewKey(pepper, "org_test", "x", "test", []audit.Permission{audit.Write, audit.SignReports}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "", store.InsertKey(signing)); err == nil || !strings.Contains(err.Error(), "api_key_never_signs") {
		t.Errorf("%v", err)
	}
}

func TestRotationHasAnOverlap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pepper, now := []byte("pepper"), audit.SystemClock()
	k, text, err := store.NewKey(pepper, "org_test", "x", "test", []audit.Permission{audit.Write}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "", store.InsertKey(k)); err != nil {
		t.Fatal(err)
	}
	secretOf := func(text string) string {
		id, secret, ok := store.ParseKey(text)
		if !ok || id != k.ID {
			t.Fatalf("%s is not a key of %s", text, k.ID)
		}
		return secret
	}
	until := now.Add(time.Hour)
	next, replaces := k, k.MAC
	newText, err := next.Rotate(pepper, now, until)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "", store.RotateKey(next, replaces)); err != nil {
		t.Fatal(err)
	}
	got, err := b.store.OrganisationKey(t.Context(), "org_test", k.ID)
	if err != nil || got.Last4 != newText[len(newText)-4:] {
		t.Fatalf("%+v %v", got, err)
	}
	if last := until.Add(-time.Microsecond); !got.Matches(pepper, secretOf(text), last) || !got.Matches(pepper, secretOf(newText), last) {
		t.Error("one of two secrets is not good during the overlap")
	}
	if got.Matches(pepper, secretOf(text), until) || !got.Matches(pepper, secretOf(newText), until) {
		t.Error("after the overlap")
	}
	// Of two that rotate at once, one is told.
	if err := b.append(t, "", store.RotateKey(next, replaces)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("%v", err)
	}
	// A key that has ended is not given a new secret.
	if err := b.append(t, "", store.RevokeKey("org_test", k.ID, now)); err != nil {
		t.Fatal(err)
	}
	again, current := got, got.MAC
	if _, err := again.Rotate(pepper, now, now); err != nil || again.PreviousMAC != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "", store.RotateKey(again, current)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("%v", err)
	}
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := audit.SystemClock()
	k, _, err := store.NewKey([]byte("pepper"), "org_test", "x", "test", []audit.Permission{audit.Write}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "", store.InsertKey(k)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ at, want time.Duration }{{0, 0}, {time.Minute, 0}, {time.Minute + time.Microsecond, time.Minute + time.Microsecond}, {90 * time.Second, time.Minute + time.Microsecond}} {
		if err := b.store.TouchKey(t.Context(), k.ID, now.Add(c.at)); err != nil {
			t.Fatal(err)
		}
		got, err := b.store.OrganisationKey(t.Context(), "org_test", k.ID)
		if err != nil || !got.LastUsedAt.Equal(now.Add(c.want)) {
			t.Errorf("used after %s, noted %v (%v)", c.at, got.LastUsedAt, err)
		}
	}
}
