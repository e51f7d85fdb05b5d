package main

import (
	"cmp"
	"crypto/ecdsa"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/identity"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/workflows"
)

// Config is everything that the environment decides. Libraries read their own:
// TEMPORAL_* below, PG* where a connection URL leaves something open.
type Config struct {
	// DatabaseURL connects the API, the worker and the operator's commands, as
	// a login that is a member of the group roles and has no rights of its own.
	DatabaseURL string
	// MigrateDatabaseURL connects migrate alone, as the tables' owner.
	MigrateDatabaseURL string
	// HTTPAddr is where serve listens. The default is for this machine only.
	HTTPAddr string
	// PublicURL is how clients reach the API; links in answers start with it.
	PublicURL string
	// Origin is the prefix of every ledger's name. It must never change.
	Origin string
	// SignerKey and PepperFile are what keygen made.
	SignerKey, PepperFile string
	// SignerState is what was last signed of the registry; all processes share
	// it, and no backup of the database may take it along.
	SignerState string
	// Artifacts is the artifact store, as a blob URL.
	Artifacts string
	// Contact is whom somebody without permission is told to ask.
	Contact string
	// TrustedProxies are networks of proxies whose X-Forwarded-For says from
	// where a request comes.
	TrustedProxies []netip.Prefix
	// Identity is the provider of people's tokens; without an issuer there is
	// none.
	Identity identity.Config
	// RateLimit and RateBurst are what an API key may send to one process: a
	// second, and at once. RateLimit is 0 for the default, negative for any.
	RateLimit, RateBurst int64
	// ReadFlush is how long the entry about a read may wait to be appended; 0 for
	// the default, negative when it comes before the answer.
	ReadFlush time.Duration
	// StreamAllow are networks in which receivers of streams may be.
	StreamAllow []netip.Prefix
	// BackupDays is how long backups of the database are kept; 0 is not known.
	BackupDays int

	// AssessEvery is how often organisations are assessed; 0 is never.
	AssessEvery time.Duration

	// RetainEvery is how often retention is enforced; 0 is never.
	RetainEvery time.Duration
	// ArchiveCheckDays is within how many days every file of the archive is read
	// again; 0 is never.
	ArchiveCheckDays int
	// ReportCertificate and ReportKey, or ReportPKCS12 with its password, are files
	// of what reports are sealed with; ReportKey may be a URI with a PIN instead.
	ReportCertificate, ReportKey, ReportPKCS12, ReportPasswordFile string
	// Development says that nobody relies on what this installation seals.
	Development bool
	// MailFrom and MailName are the sender of mails; SendGridKeyFile holds the
	// account's key, and SendGridURL is where its API is.
	MailFrom, MailName, SendGridKeyFile, SendGridURL string
	// SMTPAddr is a mail server to send with instead, SMTPTLS how it is reached, and
	// SMTPUsername and SMTPPasswordFile who logs in there.
	SMTPAddr, SMTPUsername, SMTPPasswordFile string
	SMTPTLS                                  mail.TLSMode
	// MailEvents verifies what the mail provider reports; nil takes nothing.
	MailEvents *ecdsa.PublicKey
	// CORSOrigins are whose scripts may use the API.
	CORSOrigins []string
	// LogLevel is debug, info, warn or error.
	LogLevel slog.Level
	// TemporalUIURL is where operators see workflows; export links to it.
	TemporalUIURL string

	// TSAURL, AnchorBucket and Witnesses are where the worker publishes the
	// registry's checkpoints; empty is not there. TSARoots and Witnesses are
	// files.
	TSAURL, TSARoots, AnchorBucket, Witnesses string
	// AnchorEvery is how often; 0 is the default.
	AnchorEvery time.Duration

	// URL and Key are of the API that client commands call.
	URL, Key string
	// TrustedKeys are verifier keys, or files of them.
	TrustedKeys []string

	env environment // for the libraries' own names
}

// Defaults of settings that have one.
const (
	defaultHTTPAddr = "127.0.0.1:8080"
	defaultOrigin   = "sealbook.local"

	defaultArchiveCheckDays = 30
)

// Bounds of SEALBOOK_READ_FLUSH.
const (
	minReadFlush = 10 * time.Millisecond
	maxReadFlush = time.Minute
)

// setting is a variable that commands read.
type setting struct {
	name, help string
	read       func(c *Config, value string) error
}

var settings = slices.Concat([]setting{
	{"SEALBOOK_DATABASE_URL", "Postgres, as the application's login:\npostgres://sealbook_app:…@host/sealbook", plain(func(c *Config) *string { return &c.DatabaseURL })},
	{"SEALBOOK_MIGRATE_DATABASE_URL", "Postgres, as the owner of the tables", plain(func(c *Config) *string { return &c.MigrateDatabaseURL })},
	{"SEALBOOK_HTTP_ADDR", "where to listen (default " + defaultHTTPAddr + ")", func(c *Config, v string) error {
		host, port, err := net.SplitHostPort(v)
		if err != nil || port == "" || strings.Contains(host, "/") {
			return fmt.Errorf("%q is not an address like %s", v, defaultHTTPAddr)
		}
		c.HTTPAddr = v
		return nil
	}},
	{"SEALBOOK_PUBLIC_URL", "how clients reach the API; links in answers\nstart with it (default: http:// and where it listens)", web(func(c *Config) *string { return &c.PublicURL })},
	{"SEALBOOK_ORIGIN", "prefix of every ledger's name; never change it\n(default " + defaultOrigin + ")", plain(func(c *Config) *string { return &c.Origin })},
	{"SEALBOOK_SIGNER_KEY", "file of the key that signs checkpoints (keygen)", plain(func(c *Config) *string { return &c.SignerKey })},
	{"SEALBOOK_PEPPER_FILE", "file of the secret that API keys are hashed with\n(keygen)", plain(func(c *Config) *string { return &c.PepperFile })},
	{"SEALBOOK_SIGNER_STATE", "file that says what was signed last: on a disk that\nall processes share, apart from the database's\nbackups (default: signer.state beside\nSEALBOOK_SIGNER_KEY)", plain(func(c *Config) *string { return &c.SignerState })},
	{"SEALBOOK_ARTIFACTS", "artifact store, such as\nfile:///var/lib/sealbook/artifacts", func(c *Config, v string) error {
		u, err := url.Parse(v)
		if err != nil || u.Scheme == "" {
			return fmt.Errorf("%q is not a URL like file:///var/lib/sealbook/artifacts", v)
		}
		c.Artifacts = v
		return nil
	}},
	{"SEALBOOK_CONTACT", "whom to ask for permissions, shown with refusals", plain(func(c *Config) *string { return &c.Contact })},
	{"SEALBOOK_TRUSTED_PROXIES", "networks of the proxies whose X-Forwarded-For is\nbelieved, separated by commas (default: none)", func(c *Config, v string) (err error) {
		c.TrustedProxies, err = audit.ParseCIDRs(commaSeparated([]string{v}))
		return err
	}},
	{"SEALBOOK_STREAM_ALLOW", "networks in which receivers of streams may be, though\nnot public, separated by commas (default: none)", func(c *Config, v string) (err error) {
		c.StreamAllow, err = audit.ParseCIDRs(commaSeparated([]string{v}))
		return err
	}},
	{"SEALBOOK_BACKUP_DAYS", "how many days backups of the database are kept, which\ncertificates of erasure say", func(c *Config, v string) (err error) {
		c.BackupDays, err = strconv.Atoi(v)
		if err != nil || c.BackupDays < 0 || c.BackupDays > 36500 {
			return fmt.Errorf("it is a number of days")
		}
		return nil
	}},
	{"SEALBOOK_ASSESS_EVERY", "how often compliance is assessed, from 1h to 720h, or 0\nfor never (default 24h)", func(c *Config, v string) (err error) {
		c.AssessEvery, err = time.ParseDuration(v)
		if err != nil || c.AssessEvery != 0 && (c.AssessEvery < time.Hour || c.AssessEvery > 720*time.Hour) {
			return fmt.Errorf("%q is not 0 or a time from 1h to 720h", v)
		}
		return nil
	}},
	{"SEALBOOK_RETENTION_EVERY", "how often retention is enforced, from 1h to 720h, or 0\nfor never (default 24h)", func(c *Config, v string) (err error) {
		c.RetainEvery, err = time.ParseDuration(v)
		if err != nil || c.RetainEvery != 0 && (c.RetainEvery < workflows.MinRetainEvery || c.RetainEvery > workflows.MaxRetainEvery) {
			return fmt.Errorf("%q is not 0 or a time from 1h to 720h", v)
		}
		return nil
	}},
	{"SEALBOOK_ARCHIVE_CHECK_DAYS", fmt.Sprintf("within how many days every file of the archive is read\nagain and compared with the ledger, 0 for never (default\n%d)", defaultArchiveCheckDays), func(c *Config, v string) (err error) {
		c.ArchiveCheckDays, err = strconv.Atoi(v)
		if err != nil || c.ArchiveCheckDays < 0 || c.ArchiveCheckDays > 3650 {
			return fmt.Errorf("%q is not a number of days up to 3650", v)
		}
		return nil
	}},
	{"SEALBOOK_OIDC_ISSUER", "OpenID Connect provider whose tokens people send\n(default: none, and only API keys are taken)", func(c *Config, v string) error {
		c.Identity.Issuer = v
		return identity.CheckIssuer(v)
	}},
	{"SEALBOOK_OIDC_AUDIENCE", "audience that a token must be for", plain(func(c *Config) *string { return &c.Identity.Audience })},
	{"SEALBOOK_OIDC_ALGORITHMS", "signature algorithms, separated by commas\n(default " + strings.Join(identity.Algorithms, ",") + ")", func(c *Config, v string) error {
		c.Identity.Algorithms = commaSeparated([]string{v})
		for _, a := range c.Identity.Algorithms {
			if !slices.Contains(identity.Algorithms, a) {
				return fmt.Errorf("%q is not one of %s", a, strings.Join(identity.Algorithms, ", "))
			}
		}
		return nil
	}},
	{"SEALBOOK_OIDC_ORGANISATION_CLAIM", "claim with the organisation's id, by name or JSON\nPointer (default " + identity.DefaultOrganisationClaim + ")", plain(func(c *Config) *string { return &c.Identity.OrganisationClaim })},
	{"SEALBOOK_OIDC_ROLES_CLAIM", "claim with the roles (default " + identity.DefaultRolesClaim + ")", plain(func(c *Config) *string { return &c.Identity.RolesClaim })},
	{"SEALBOOK_OIDC_ROLES", "what roles of the provider mean here:\ntheirs=ours,… with ours one of\nviewer, analyst, auditor, investigator,\ncompliance_officer, ingest, admin", readRoles},
	{"SEALBOOK_OIDC_CLIENT_ID", "client as which browsers ask the provider for the ID\ntokens that people sign reports with (default: none do)", plain(func(c *Config) *string { return &c.Identity.ClientID })},
	{"SEALBOOK_OIDC_STEP_UP_ACR", "authentication context classes of the provider that\nare as good as a password and a one-time code,\nseparated by commas", func(c *Config, v string) error {
		c.Identity.StepUpACR = commaSeparated([]string{v})
		return nil
	}},
	{"SEALBOOK_OIDC_CONSTRAINTS_CLAIM", "claim with constraints as API keys have them\n(default: none)", plain(func(c *Config) *string { return &c.Identity.ConstraintsClaim })},
	{"SEALBOOK_RATE_LIMIT", fmt.Sprintf("requests a second that an API key may send to this\nprocess, 0 for any number (default %d)", api.DefaultRateLimit), func(c *Config, v string) error {
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil {
			return fmt.Errorf("%q is not a number of requests", v)
		}
		if c.RateLimit = int64(n); n == 0 {
			c.RateLimit = -1
		}
		return nil
	}},
	{"SEALBOOK_RATE_BURST", fmt.Sprintf("requests that it may send at once (default %d)", api.DefaultRateBurst), func(c *Config, v string) error {
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is not a number of requests from 1", v)
		}
		c.RateBurst = int64(n)
		return nil
	}},
	{"SEALBOOK_READ_FLUSH", fmt.Sprintf("how long the entry about a read may wait to be\nappended, which a crash can lose; 0: it is appended\nbefore the answer, which is slower (default %s)", api.DefaultReadFlushEvery), func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d != 0 && d < minReadFlush || d > maxReadFlush {
			return fmt.Errorf("%q is not 0 or a time like 1s, from %s to %s", v, minReadFlush, maxReadFlush)
		}
		if c.ReadFlush = d; d == 0 {
			c.ReadFlush = -1
		}
		return nil
	}},
	{"SEALBOOK_CORS_ORIGINS", "origins whose scripts may use the API, separated by\ncommas (default: none)", func(c *Config, v string) error {
		for _, o := range strings.Split(v, ",") {
			u, err := url.Parse(strings.TrimSpace(o))
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != strings.TrimSpace(o) {
				return fmt.Errorf("%q is not an origin like https://console.example.com", o)
			}
			c.CORSOrigins = append(c.CORSOrigins, strings.TrimSpace(o))
		}
		return nil
	}},
	{"SEALBOOK_LOG_LEVEL", "debug, info, warn or error (default info)", func(c *Config, v string) error {
		if err := c.LogLevel.UnmarshalText([]byte(v)); err != nil {
			return fmt.Errorf("%q is not one of debug, info, warn, error", v)
		}
		return nil
	}},
	{"SEALBOOK_TEMPORAL_UI_URL", "Temporal's Web UI, to show where an export can be\nwatched", web(func(c *Config) *string { return &c.TemporalUIURL })},
	{"SEALBOOK_TSA_URL", "time-stamp authority (RFC 3161) that the registry's\ncheckpoints are shown to", plain(func(c *Config) *string { return &c.TSAURL })},
	{"SEALBOOK_TSA_ROOTS", "file of certificates (PEM) that its tokens must lead\nto (default: the machine's)", plain(func(c *Config) *string { return &c.TSARoots })},
	{"SEALBOOK_ANCHOR_BUCKET", "bucket that checkpoints are added to and in which\nnobody can replace them: s3://name?region=… or\nfile:///mnt/worm", plain(func(c *Config) *string { return &c.AnchorBucket })},
	{"SEALBOOK_WITNESSES", "file of witnesses (C2SP tlog-policy, or a line\n<vkey> <URL> for each) that cosign checkpoints", plain(func(c *Config) *string { return &c.Witnesses })},
	{"SEALBOOK_ANCHOR_EVERY", "how often the four are done, 10s to 24h\n(default 1m)", readAnchorEvery},
	{"SEALBOOK_URL", "the API (default http://" + defaultHTTPAddr + ")", web(func(c *Config) *string { return &c.URL })},
	{"SEALBOOK_KEY", "API key (apikey create)", plain(func(c *Config) *string { return &c.Key })},
	{"SEALBOOK_TRUSTED_KEYS", "verifier keys, or files of them, separated by\ncommas", func(c *Config, v string) error {
		for _, k := range strings.Split(v, ",") {
			if k = strings.TrimSpace(k); k != "" {
				c.TrustedKeys = append(c.TrustedKeys, k)
			}
		}
		return nil
	}},
}, reportSettings)

// temporalSettings stands in a command's settings for those that Temporal's
// own library reads.
const temporalSettings = "TEMPORAL_*"

// foreign are names that belong to Sealbook but to no command: the development
// stack and the compose file read them, and a shell that has them set is fine.
var foreign = []string{
	"SEALBOOK_DATA", "SEALBOOK_TEMPORAL_PORT", "SEALBOOK_TEMPORAL_UI_PORT", "SEALBOOK_OUTBOX_PORT", "SEALBOOK_ADMIN_DATABASE_URL", "SEALBOOK_POSTGRES_BIN",
	"SEALBOOK_HTTP_PORT", "SEALBOOK_IMAGE", "SEALBOOK_OWNER_PASSWORD", "SEALBOOK_APP_PASSWORD", "SEALBOOK_TEMPORAL_PASSWORD",
	"SEALBOOK_POSTGRES_PASSWORD",
}

const testPrefix = "SEALBOOK_TEST_"

func plain(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		return nil
	}
}

// web reads an http or https URL and drops a slash at its end.
func web(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		u, err := url.Parse(v)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%q is not a URL like https://sealbook.example", v)
		}
		*field(c) = strings.TrimRight(v, "/")
		return nil
	}
}

// readConfig reads all settings. Returns a usageError for a value that is not
// valid and for a SEALBOOK_ name that nobody knows.
func readConfig(env environment) (Config, error) {
	c := Config{HTTPAddr: defaultHTTPAddr, Origin: defaultOrigin, URL: "http://" + defaultHTTPAddr, MailName: "Sealbook", SendGridURL: defaultSendGrid, AssessEvery: activities.DefaultAssessEvery, RetainEvery: workflows.RetainEvery, ArchiveCheckDays: defaultArchiveCheckDays, env: env}
	for _, s := range settings {
		if v, ok := env.LookupEnv(s.name); ok && v != "" {
			if err := s.read(&c, v); err != nil {
				return c, usagef("%s: %s", s.name, err)
			}
		}
	}
	if c.SignerState == "" && c.SignerKey != "" {
		c.SignerState = filepath.Join(filepath.Dir(c.SignerKey), stateFile)
	}
	if c.PublicURL == "" {
		host, port, _ := net.SplitHostPort(c.HTTPAddr)
		if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
			host = "localhost" // every address is none that a link could name
		}
		c.PublicURL = "http://" + net.JoinHostPort(host, port)
	}
	return c, env.refuseUnknown()
}

// require refuses settings that are not set, in one sentence.
func (c *Config) require(names ...string) error {
	var missing []string
	for _, name := range names {
		if v, _ := c.env.LookupEnv(name); v == "" {
			missing = append(missing, name)
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		help, _, _ := strings.Cut(settingHelp(missing[0]), ":")
		return usagef("%s is not set (%s)", missing[0], strings.Join(strings.Fields(help), " "))
	}
	return usagef("%s and %s are not set; --help says what they are", strings.Join(missing[:len(missing)-1], ", "), missing[len(missing)-1])
}

// temporal reads TEMPORAL_* and Temporal's own configuration file.
func (c *Config) temporal() (client.Options, error) {
	o, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: c.env})
	if err != nil {
		return o, usagef("Temporal's settings: %s", err)
	}
	return o, nil
}

// namespace is Temporal's, for links.
func (c *Config) namespace() string {
	name, _ := c.env.LookupEnv("TEMPORAL_NAMESPACE")
	return url.PathEscape(cmp.Or(name, client.DefaultNamespace))
}

func settingHelp(name string) string {
	if name == temporalSettings {
		return "Temporal: TEMPORAL_ADDRESS (default\nlocalhost:7233), TEMPORAL_NAMESPACE, TEMPORAL_API_KEY,\nTEMPORAL_TLS and the others of Temporal's own library"
	}
	for _, s := range settings {
		if s.name == name {
			return s.help
		}
	}
	panic("no setting " + name)
}
