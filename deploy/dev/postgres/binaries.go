package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// oldest is the first major version whose behaviour the schema relies on, and
// the oldest one that is tested.
const oldest = 15

// binaries are the programs of one Postgres version.
type binaries struct {
	dir     string
	version int
	libs    []string // where libraries lie that the system does not have
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

// env is the whole environment of a Postgres program: what the caller's shell
// says about Postgres must not redirect it.
func (b binaries) env(more ...string) []string {
	env := []string{"PATH=" + b.dir + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=GMT"}
	if len(b.libs) > 0 {
		env = append(env, "LD_LIBRARY_PATH="+strings.Join(b.libs, ":"))
	}
	return append(env, more...)
}

// provide finds the programs, or installs or fetches them. An existing cluster
// can only be opened by the version that made it.
func provide(ctx context.Context, o Options, made int) (binaries, error) {
	if o.Binaries != "" && o.Binaries != "none" {
		b, err := inspect(o.Binaries, beside(o.Binaries))
		if err != nil {
			return b, fmt.Errorf("SEALBOOK_POSTGRES_BIN: %w", err)
		}
		return b, fits(b, made)
	}
	dist := o.Dist
	dirs := installed()
	if o.Binaries == "none" {
		dirs = nil
	}
	if b, ok := best(dirs, nil, made); ok {
		return b, nil
	}
	if b, ok := best(unpacked(dist), libraries(dist), made); ok {
		return b, nil
	}
	var err error
	if os.Geteuid() == 0 {
		if err = install(ctx, o.Say); err == nil {
			if b, ok := best(installed(), nil, made); ok {
				return b, nil
			}
		}
	} else {
		if err = fetch(ctx, dist, o.Say); err == nil {
			if b, ok := best(unpacked(dist), libraries(dist), made); ok {
				return b, nil
			}
		}
	}
	return binaries{}, advice(made, err)
}

// advice is the one sentence for when nothing worked.
func advice(made int, cause error) error {
	what := fmt.Sprintf("postgres %d or newer", oldest)
	if made > 0 {
		what = fmt.Sprintf("postgres %d, which made the database that is here,", made)
	}
	text := fmt.Sprintf("%s is needed and is not on this machine: install the server package (on Debian: apt-get install postgresql), or name its folder in SEALBOOK_POSTGRES_BIN", what)
	if cause != nil {
		return fmt.Errorf("%s (%w)", text, cause)
	}
	return errors.New(text)
}

// installed lists the folders where systems put server programs, and those of
// PATH. Debian keeps them off PATH, one folder a version.
func installed() []string {
	var dirs []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		found, err := filepath.Glob(pattern)
		if err == nil {
			dirs = append(dirs, found...)
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func unpacked(dist string) []string {
	dirs, err := filepath.Glob(filepath.Join(dist, "usr/lib/postgresql/*/bin"))
	if err != nil {
		return nil
	}
	return dirs
}

// libraries lists the folders below an unpacked distribution that hold shared
// libraries: Debian has one for each architecture, and some have sub-folders.
func libraries(dist string) []string {
	var dirs []string
	for _, pattern := range []string{"usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", "usr/lib/*-linux-gnu*/*"} {
		found, err := filepath.Glob(filepath.Join(dist, pattern))
		if err != nil {
			continue
		}
		for _, dir := range found {
			if libs, err := filepath.Glob(filepath.Join(dir, "*.so*")); err == nil && len(libs) > 0 {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

// beside returns the libraries that were unpacked together with a folder of
// programs, which lies five levels below the root it was unpacked in.
func beside(bin string) []string {
	root := filepath.Join(bin, "../../../../..")
	if root == "/" {
		return nil // the system's own, which its loader knows
	}
	return libraries(root)
}

// best is the newest usable version, or the one that made the cluster.
func best(dirs, libs []string, made int) (binaries, bool) {
	var usable []binaries
	for _, dir := range dirs {
		if b, err := inspect(dir, libs); err == nil && fits(b, made) == nil {
			usable = append(usable, b)
		}
	}
	sort.SliceStable(usable, func(i, j int) bool { return usable[i].version > usable[j].version })
	if len(usable) == 0 {
		return binaries{}, false
	}
	return usable[0], true
}

func fits(b binaries, made int) error {
	if made > 0 && b.version != made {
		return fmt.Errorf("%s is Postgres %d, but the database that is here was made by %d", b.dir, b.version, made)
	}
	if b.version < oldest {
		return fmt.Errorf("%s is Postgres %d; %d or newer is needed", b.dir, b.version, oldest)
	}
	return nil
}

// inspect asks the server itself for its version: it also shows that it can be
// loaded at all.
func inspect(dir string, libs []string) (binaries, error) {
	b := binaries{dir: dir, libs: libs}
	for _, program := range []string{"postgres", "initdb", "psql"} {
		if _, err := os.Stat(b.path(program)); err != nil {
			return b, fmt.Errorf("find server programs: %w", err)
		}
	}
	cmd := exec.Command(b.path("postgres"), "--version")
	cmd.Env = b.env()
	out, err := cmd.Output()
	if err != nil {
		return b, fmt.Errorf("ask %s for its version: %w", b.path("postgres"), err)
	}
	// "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", "… 17beta1"
	_, rest, ok := strings.Cut(string(out), "(PostgreSQL) ")
	digits := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if !ok || digits <= 0 {
		return b, fmt.Errorf("ask %s for its version: it says %q", b.path("postgres"), strings.TrimSpace(string(out)))
	}
	b.version, err = strconv.Atoi(rest[:digits])
	return b, err
}
