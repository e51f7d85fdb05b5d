package api

import (
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// Config is what the API needs. Limits that are zero get their defaults.
type Config struct {
	Log       *ledger.Log
	Store     *store.Store
	Artifacts *artifact.Store
	Workflows Workflows // nil: Temporal is said to be missing, and orders wait in the outbox
	Pepper    []byte    // of the API keys
	PublicURL string    // how clients reach this API, such as https://audit.example.com; starts download URLs
	Contact   string    // e-mail address that a refused caller is referred to; may be empty
	Version   string    // said by /version; empty: what the build knows
	Clock     audit.Clock
	Logger    *slog.Logger // nil: nothing is logged

	MaxEntryBody int64 // bytes of the body of POST /entries
	MaxBulkBody  int64 // bytes of the body of POST /entries/bulk
	MaxBody      int64 // bytes of every other body

	MaxVerifyEntries int64 // entries of one verification
	MaxVerifications int64 // verifications at a time, because each holds a connection

	RequestTimeout  time.Duration // of every request but verifications and downloads
	VerifyTimeout   time.Duration // of POST /verify
	ProgressTimeout time.Duration // of asking a workflow for its progress
	ReadyTimeout    time.Duration // of each check of /readyz
	DownloadStall   time.Duration // how long a downloading client may take nothing

	KeyCacheLife       time.Duration // how long a revoked API key may still be taken
	EventTypeCacheLife time.Duration // how long another process' change of an event type may go unseen
}

// Defaults of Config's limits.
const (
	DefaultMaxEntryBody = 256 << 10
	DefaultMaxBulkBody  = 8 << 20
	DefaultMaxBody      = 64 << 10

	DefaultMaxVerifyEntries = 1_000_000
	DefaultMaxVerifications = 4

	DefaultRequestTimeout  = 30 * time.Second
	DefaultVerifyTimeout   = 2 * time.Minute
	DefaultProgressTimeout = 300 * time.Millisecond
	DefaultReadyTimeout    = 2 * time.Second
	DefaultDownloadStall   = time.Minute

	DefaultKeyCacheLife       = 5 * time.Second
	DefaultEventTypeCacheLife = 5 * time.Second
)

// Settings of the http.Server that serves this API. WriteTimeout leaves a
// verification its time; a download moves its own deadline.
const (
	ReadHeaderTimeout = 5 * time.Second
	ReadTimeout       = 30 * time.Second
	WriteTimeout      = DefaultVerifyTimeout + 30*time.Second
	IdleTimeout       = 2 * time.Minute
	MaxHeaderBytes    = 32 << 10
)

// Limits of what a request may ask for.
const (
	MaxProblemsShown  = 100   // problems that a verification lists
	MaxEventTypes     = 2_000 // types that an organisation may register
	MaxRequestID      = 128   // characters of an X-Request-Id
	MaxIdempotencyKey = 255   // characters
	MaxParameter      = 1_024 // bytes of a query parameter
)

// Retention of an entry on which no framework's floor is known.
const (
	DefaultRetentionDays = 2_555 // document A's policy: seven years
	daysPerYear          = 365
)

func (c *Config) setDefaults() error {
	if c.Log == nil || c.Store == nil || c.Artifacts == nil || c.Clock == nil {
		return fmt.Errorf("the API needs a ledger, a store, an artifact store and a clock")
	}
	if len(c.Pepper) == 0 {
		return fmt.Errorf("the API needs the pepper of its keys")
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("the public URL %q is not one like https://audit.example.com", c.PublicURL)
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Version == "" {
		c.Version = buildVersion()
	}
	for _, l := range []struct {
		value    *int64
		standard int64
	}{
		{&c.MaxEntryBody, DefaultMaxEntryBody}, {&c.MaxBulkBody, DefaultMaxBulkBody}, {&c.MaxBody, DefaultMaxBody},
		{&c.MaxVerifyEntries, DefaultMaxVerifyEntries}, {&c.MaxVerifications, DefaultMaxVerifications},
	} {
		if *l.value == 0 {
			*l.value = l.standard
		}
	}
	for _, l := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&c.RequestTimeout, DefaultRequestTimeout}, {&c.VerifyTimeout, DefaultVerifyTimeout}, {&c.ProgressTimeout, DefaultProgressTimeout},
		{&c.ReadyTimeout, DefaultReadyTimeout}, {&c.DownloadStall, DefaultDownloadStall},
		{&c.KeyCacheLife, DefaultKeyCacheLife}, {&c.EventTypeCacheLife, DefaultEventTypeCacheLife},
	} {
		if *l.value == 0 {
			*l.value = l.standard
		}
	}
	return nil
}

// buildVersion is the module's version, or the commit that was built.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && info.Main.Version == "(devel)" {
			return "devel+" + setting.Value
		}
	}
	return info.Main.Version
}
