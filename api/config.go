package api

import (
	"crypto/ecdsa"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/internal/identity"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// Config is what the API needs. Limits that are zero get their defaults.
type Config struct {
	Log       *ledger.Log
	Store     *store.Store
	Artifacts *artifact.Store
	Workflows Workflows          // nil: Temporal is said to be missing, and orders wait in the outbox
	Pepper    []byte             // of the API keys
	Identity  *identity.Provider // of people's tokens; nil: only API keys are taken
	PublicURL string             // how clients reach this API, such as https://audit.example.com; starts download URLs
	Contact   string             // e-mail address that a refused caller is referred to; may be empty
	Version   string             // said by /version; empty: what the build knows
	Clock     audit.Clock
	Logger    *slog.Logger // nil: nothing is logged

	// TrustedProxies are the networks of proxies whose X-Forwarded-For is
	// believed; empty: nobody's is.
	TrustedProxies []netip.Prefix

	MaxEntryBody int64 // bytes of the body of POST /entries
	MaxBulkBody  int64 // bytes of the body of POST /entries/bulk
	MaxBody      int64 // bytes of every other body

	MaxEvidenceFile int64 // bytes of an uploaded file

	MaxVerifyEntries int64 // entries that are verified while the caller waits; longer ranges become a job
	MaxVerifications int64 // verifications at a time, because each holds a connection

	RequestTimeout  time.Duration // of every request but verifications and downloads
	VerifyTimeout   time.Duration // of POST /verify
	ProgressTimeout time.Duration // of asking a workflow for its progress
	ReadyTimeout    time.Duration // of each check of /readyz
	ReportWait      time.Duration // for a report, when the request does not say; negative: not at all
	DownloadStall   time.Duration // how long a downloading client may take nothing
	MeasureTimeout  time.Duration // of measuring what an organisation holds, and of finding its frameworks

	MaxEventStreams int64         // streams of events at a time, each of which asks the database once a second
	EventHeartbeat  time.Duration // how long a stream of events may say nothing
	EventLife       time.Duration // after which a stream ends, and its client comes back

	RateLimit int64 // requests a second that an API key may send in the long run, to each process; negative: any number
	RateBurst int64 // requests that it may send at once

	CORSOrigins []string // whose scripts may use the API, such as https://console.example.com; none by default

	// ReadFlushEvery is how long the entry about a read may wait until it is
	// appended, and with that what a crash can lose. Negative: the entry is
	// appended before the answer, which then takes as long as an append.
	ReadFlushEvery  time.Duration
	MaxWaitingReads int64 // such entries that wait, half of them of one organisation; a read that finds no room waits, too

	MaxCountedReaders int64 // credentials whose reads of lists are summed up at a time; each read of others is an entry

	StreamAllow []netip.Prefix // networks in which receivers of streams may be, though not public

	MailEvents *ecdsa.PublicKey // of the mail provider, which signs what became of mails; nil: nothing is taken

	AssessEvery time.Duration // how often the worker assesses organisations; 0 is never

	SignInRate  int64         // requests a minute that an address may send to sign in or enrol, in the long run; negative: any number
	SignInBurst int64         // that it may send at once
	MaxSignIns  int64         // passwords that are compared at a time: each takes 19 MiB
	SignInFloor time.Duration // how long a refusal takes, whatever the reason

	PasswordCost account.Cost // of hashing a password

	KeyCacheLife       time.Duration // how long a revoked API key may still be taken
	EventTypeCacheLife time.Duration // how long another process' change of an event type may go unseen
	RetentionCacheLife time.Duration // the same of a retention policy
	MeasureLife        time.Duration // how old a measurement of what an organisation holds may be
}

// Defaults of Config's limits.
const (
	DefaultMaxEntryBody = 256 << 10
	DefaultMaxBulkBody  = 8 << 20
	DefaultMaxBody      = 64 << 10

	DefaultMaxEvidenceFile = 25 << 20

	DefaultMaxVerifyEntries = 200_000 // some seconds: proxies give up on longer answers
	DefaultMaxVerifications = 4

	DefaultMaxEventStreams = 64
	DefaultEventHeartbeat  = 15 * time.Second
	DefaultEventLife       = 15 * time.Minute

	DefaultRateLimit = 1_000
	DefaultRateBurst = 5_000

	DefaultRequestTimeout  = 30 * time.Second
	DefaultVerifyTimeout   = 2 * time.Minute
	DefaultProgressTimeout = 300 * time.Millisecond
	DefaultReadyTimeout    = 2 * time.Second
	DefaultReportWait      = MaxWait
	DefaultDownloadStall   = time.Minute
	DefaultMeasureTimeout  = 15 * time.Second

	DefaultReadFlushEvery  = time.Second
	DefaultMaxWaitingReads = 10_000 // some 20 MB

	DefaultMaxCountedReaders = 10_000

	DefaultSignInRate  = 30
	DefaultSignInBurst = 20
	DefaultMaxSignIns  = 4
	DefaultSignInFloor = 500 * time.Millisecond

	DefaultKeyCacheLife       = 5 * time.Second
	DefaultEventTypeCacheLife = 5 * time.Second
	DefaultRetentionCacheLife = 5 * time.Second
	DefaultMeasureLife        = 5 * time.Minute
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

// How answers are made.
const (
	MinPacked = 4 << 10          // bytes of an answer from which it is compressed for who takes that
	MaxWait   = 20 * time.Second // that Prefer: wait can ask for; below DefaultRequestTimeout
	waitPoll  = 200 * time.Millisecond

	CountedReadsEvery = time.Minute // after which what a credential read of lists and figures is summed up
)

// Limits of what a request may ask for.
const (
	MaxProblemsShown  = 100   // problems that an answer lists at once; a job lists ledger.MaxProblems
	MaxEventTypes     = 2_000 // types that an organisation may register
	MaxSchemaVersions = 100   // versions of the schema of an event type
	MaxRequestID      = 128   // characters of an X-Request-Id
	MaxIdempotencyKey = 255   // characters
	MaxParameter      = 1_024 // bytes of a query parameter
	MaxHistoryPoints  = 1_000 // periods of a history
)

// What statistics and a history are about when the request does not say.
const (
	DefaultStatisticsPeriod = 30 * 24 * time.Hour
	DefaultHistoryPeriod    = 90 * 24 * time.Hour
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
	for _, o := range c.CORSOrigins {
		if u, err := url.Parse(o); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != o {
			return fmt.Errorf("%q is not an origin like https://console.example.com", o)
		}
	}
	if c.RateBurst < 0 {
		return fmt.Errorf("a burst of %d requests lets nobody in", c.RateBurst)
	}
	if c.SignInBurst < 0 || c.MaxSignIns < 0 {
		return fmt.Errorf("a burst of %d requests to sign in and %d passwords at a time let nobody in", c.SignInBurst, c.MaxSignIns)
	}
	if c.MaxWaitingReads < 0 || c.MaxCountedReaders < 0 {
		return fmt.Errorf("room for %d reads and counts of %d readers is none", c.MaxWaitingReads, c.MaxCountedReaders)
	}
	if c.MaxEventStreams < 0 || c.EventHeartbeat < 0 || c.EventLife < 0 {
		return fmt.Errorf("%d streams of events, that say something every %s for %s, are none", c.MaxEventStreams, c.EventHeartbeat, c.EventLife)
	}
	if c.PasswordCost == (account.Cost{}) {
		c.PasswordCost = account.StandardCost
	}
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
		{&c.MaxEvidenceFile, DefaultMaxEvidenceFile},
		{&c.MaxVerifyEntries, DefaultMaxVerifyEntries}, {&c.MaxVerifications, DefaultMaxVerifications},
		{&c.MaxWaitingReads, DefaultMaxWaitingReads}, {&c.MaxCountedReaders, DefaultMaxCountedReaders},
		{&c.MaxEventStreams, DefaultMaxEventStreams}, {&c.RateLimit, DefaultRateLimit}, {&c.RateBurst, DefaultRateBurst},
		{&c.SignInRate, DefaultSignInRate}, {&c.SignInBurst, DefaultSignInBurst}, {&c.MaxSignIns, DefaultMaxSignIns},
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
		{&c.ReadyTimeout, DefaultReadyTimeout}, {&c.DownloadStall, DefaultDownloadStall}, {&c.ReportWait, DefaultReportWait},
		{&c.MeasureTimeout, DefaultMeasureTimeout}, {&c.MeasureLife, DefaultMeasureLife}, {&c.RetentionCacheLife, DefaultRetentionCacheLife},
		{&c.EventHeartbeat, DefaultEventHeartbeat}, {&c.EventLife, DefaultEventLife},
		{&c.ReadFlushEvery, DefaultReadFlushEvery}, {&c.SignInFloor, DefaultSignInFloor},
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
