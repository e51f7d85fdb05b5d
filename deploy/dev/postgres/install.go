package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// createCluster is where Debian's packages ask whether to make and start a
// cluster of the system's own. Sealbook needs the programs only.
const createCluster = "/etc/postgresql-common/createcluster.conf"

// install lets the system's package manager install the server, as root.
func install(ctx context.Context, say func(string, ...any)) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("there is no apt-get here")
	}
	if _, err := os.Stat(createCluster); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(createCluster), 0o755); err != nil {
			return fmt.Errorf("install postgres: %w", err)
		}
		if err := os.WriteFile(createCluster, []byte("create_main_cluster = false\n"), 0o644); err != nil {
			return fmt.Errorf("install postgres: %w", err)
		}
	}
	say("installing postgresql with apt-get")
	get := []string{"-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "install", "postgresql"}
	if _, err := apt(ctx, "/", "apt-get", get...); err == nil {
		return nil
	}
	// The package lists are missing or old.
	if _, err := apt(ctx, "/", "apt-get", "-q", "update"); err != nil {
		return fmt.Errorf("install postgres: %w", err)
	}
	if _, err := apt(ctx, "/", "apt-get", get...); err != nil {
		return fmt.Errorf("install postgres: %w", err)
	}
	return nil
}

// fetch downloads the server's packages and unpacks them below dist. It needs
// no rights: apt keeps its lists and locks in a folder of ours, and nothing is
// installed. The packages' signatures are checked by apt as always.
func fetch(ctx context.Context, dist string, say func(string, ...any)) error {
	for _, program := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("there is no %s here", program)
		}
	}
	work := dist + ".new"
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("fetch postgres: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	archives, root := filepath.Join(work, "archives"), filepath.Join(work, "root")
	for _, dir := range []string{archives, root, filepath.Join(work, "lists/partial"), filepath.Join(work, "cache/archives/partial")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("fetch postgres: %w", err)
		}
	}
	own := []string{
		"-o", "Dir::State::lists=" + filepath.Join(work, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(work, "cache"),
		"-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=", "-q",
	}
	with := func(args ...string) []string { return append(append([]string{}, own...), args...) }

	say("downloading postgresql with apt-get; nothing is installed")
	if _, err := apt(ctx, work, "apt-get", with("update")...); err != nil {
		return fmt.Errorf("fetch postgres: %w", err)
	}
	names, err := wanted(ctx, work, with)
	if err != nil {
		return fmt.Errorf("fetch postgres: %w", err)
	}
	if _, err := apt(ctx, archives, "apt-get", with(append([]string{"download"}, names...)...)...); err != nil {
		return fmt.Errorf("fetch postgres: %w", err)
	}
	debs, err := filepath.Glob(filepath.Join(archives, "*.deb"))
	if err != nil || len(debs) == 0 {
		return fmt.Errorf("fetch postgres: nothing was downloaded of %s", strings.Join(names, ", "))
	}
	for _, deb := range debs {
		if _, err := apt(ctx, work, "dpkg-deb", "-x", deb, root); err != nil {
			return fmt.Errorf("unpack %s: %w", filepath.Base(deb), err)
		}
	}
	if err := os.RemoveAll(dist); err != nil {
		return fmt.Errorf("fetch postgres: %w", err)
	}
	if err := os.Rename(root, dist); err != nil {
		return fmt.Errorf("fetch postgres: %w", err)
	}
	return nil
}

var (
	serverPackage = regexp.MustCompile(`(?m)Depends: (postgresql-[0-9]+)$`)
	newPackage    = regexp.MustCompile(`(?m)^Inst ([^ ]+) `)
	// unneeded match libraries that only tools around the server load: Perl's,
	// and the compiler behind the JIT, which is off.
	unneeded = regexp.MustCompile(`-perl$|^libperl|^libllvm|^libgdbm`)
)

// wanted lists the packages to unpack: server and client, and the libraries
// that apt would install with them, which are those the system lacks.
func wanted(ctx context.Context, dir string, with func(...string) []string) ([]string, error) {
	out, err := apt(ctx, dir, "apt-cache", with("depends", "postgresql")...)
	if err != nil {
		return nil, err
	}
	m := serverPackage.FindStringSubmatch(out)
	if m == nil {
		return nil, errors.New("the package lists know no postgresql")
	}
	server := m[1]
	client := strings.Replace(server, "postgresql-", "postgresql-client-", 1)
	plan, err := apt(ctx, dir, "apt-get", with("--no-install-recommends", "--simulate", "install", server, client)...)
	if err != nil {
		return nil, err
	}
	names := []string{client, server}
	for _, m := range newPackage.FindAllStringSubmatch(plan, -1) {
		if strings.HasPrefix(m[1], "lib") && !unneeded.MatchString(m[1]) {
			names = append(names, m[1])
		}
	}
	sort.Strings(names)
	return names, nil
}

// apt runs a package program without questions and without the caller's
// translations, and returns what it says.
func apt(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	var out, fault bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(fault.String()), "\n")
		return "", fmt.Errorf("%s: %w: %s", program, err, lines[len(lines)-1])
	}
	return out.String(), nil
}
