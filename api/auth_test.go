package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// superuser runs SQL as someone who may do everything, triggers included.
func (b *bench) superuser(sql string, args ...any) {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.dsn)
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close(b.t.Context())
	if _, err := conn.Exec(b.t.Context(), "set session_replication_role = replica"); err != nil {
		b.t.Fatal(err)
	}
	tag, err := conn.Exec(b.t.Context(), sql, args...)
	if err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
	if tag.RowsAffected() == 0 {
		b.t.Fatalf("%s changed nothing", sql)
	}
}

func TestRevocationTakesEffectWithinTheCacheLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.get("reader", "~/entries").want(http.StatusOK)
	b.superuser(`update api_key set revoked_at = now() where name = 'reader'`)
	b.get("reader", "~/entries").want(http.StatusOK) // still remembered
	b.clock.move(api.DefaultKeyCacheLife)
	a := b.get("reader", "~/entries").want(http.StatusUnauthorized)
	// What is wrong with a key is not told.
	b.keys["unknown"] = "sk_live_000000000000_" + strings.Repeat("0", 49)
	if unknown := b.get("unknown", "~/entries").want(http.StatusUnauthorized); a.text("error.code") != unknown.text("error.code") {
		t.Fatal(a.text("error.message"))
	}
}

func TestKeysAreNotReadForEveryRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.get("reader", "~/event-types").want(http.StatusOK)
	// With the table gone, only what is remembered can answer.
	b.superuser(`with gone as (delete from api_key returning 1) select count(*) from gone`)
	for range 20 {
		b.get("reader", "~/event-types").want(http.StatusOK)
	}
	b.clock.move(api.DefaultKeyCacheLife)
	b.get("reader", "~/event-types").want(http.StatusUnauthorized)
}

func TestExpiredKeysAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at := b.clock.now().Add(time.Second)
	b.keys["brief"] = b.key("org_test", "brief", audit.Permissions, func(k *store.Key) { k.ExpiresAt = &at })
	b.get("brief", "~/entries").want(http.StatusOK)
	b.clock.move(time.Second) // less than the cache's life
	b.get("brief", "~/entries").want(http.StatusUnauthorized)
}

func TestAKeyOfAnotherPepperIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.Pepper = []byte("another pepper") })
	b.get("full", "~/entries").want(http.StatusUnauthorized)
}

func TestUseOfAKeyIsNoted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.get("reader", "~/event-types").want(http.StatusOK)
	id, _, _ := store.ParseKey(b.keys["reader"])
	k, _, err := b.store.KeyByID(t.Context(), id)
	if err != nil || k.LastUsedAt == nil {
		t.Fatalf("%+v %v", k, err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := api.Config{Log: b.log, Store: b.store, Artifacts: b.artifacts, Clock: b.clock.now, Pepper: pepper, PublicURL: "http://localhost:8080/"}
	if _, err := api.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*api.Config){
		"no ledger":    func(c *api.Config) { c.Log = nil },
		"no store":     func(c *api.Config) { c.Store = nil },
		"no artifacts": func(c *api.Config) { c.Artifacts = nil },
		"no clock":     func(c *api.Config) { c.Clock = nil },
		"no pepper":    func(c *api.Config) { c.Pepper = nil },
		"no URL":       func(c *api.Config) { c.PublicURL = "" },
		"a path":       func(c *api.Config) { c.PublicURL = "/api" },
		"no room":      func(c *api.Config) { c.MaxWaitingReads = -1 },
		"no readers":   func(c *api.Config) { c.MaxCountedReaders = -1 },
		"a query":      func(c *api.Config) { c.PublicURL = "https://example.com?x" },
	} {
		c := good
		spoil(&c)
		if _, err := api.New(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
