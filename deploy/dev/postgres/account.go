package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is who the server runs as. Postgres refuses to run as root, and
// should: so root hands it to an account with no rights.
type account struct {
	drop     bool // from root to uid and gid
	uid, gid uint32
}

// accountFor keeps a cluster with the account that owns its files already.
func accountFor(data string) (account, error) {
	info, err := os.Stat(located(data))
	if errors.Is(err, os.ErrNotExist) {
		return account{drop: os.Geteuid() == 0}, nil
	}
	if err != nil {
		return account{}, fmt.Errorf("look at the database folder: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return account{}, fmt.Errorf("look at the database folder: no owner for %s", located(data))
	}
	switch me := os.Geteuid(); {
	case me == 0:
		return account{drop: true, uid: owner.Uid, gid: owner.Gid}, nil
	case me != int(owner.Uid):
		return account{}, fmt.Errorf("the database in %s belongs to account %d: start as that account or as root, or choose another folder with SEALBOOK_DATA", located(data), owner.Uid)
	}
	return account{}, nil
}

// settled fills in the account for a new cluster that root starts: "postgres"
// where the system's package made one, else "nobody".
func (a account) settled() (account, error) {
	if !a.drop || a.uid != 0 {
		return a, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return a, fmt.Errorf("account %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return a, fmt.Errorf("account %s: %w", name, err)
		}
		a.uid, a.gid = uint32(uid), uint32(gid)
		return a, nil
	}
	return a, errors.New("postgres does not run as root, and this system has neither an account \"postgres\" nor \"nobody\": start as another user")
}

func (a account) credential() *syscall.Credential {
	if !a.drop {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

func (a account) own(path string) error {
	if !a.drop {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// reaches tries it: modes, groups, access lists and mount options all have a
// say, and only the kernel knows them all.
func (a account) reaches(dir string) bool {
	if !a.drop {
		return true
	}
	cmd := exec.Command("/bin/sh", "-c", `cd "$1" && : >.reach && rm .reach`, "sh", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential()}
	return cmd.Run() == nil
}

// pointer names the cluster's folder when it could not lie in the data folder.
func pointer(data string) string { return filepath.Join(data, "postgres.location") }

// located is the folder that holds the cluster of a data folder, or would.
func located(data string) string {
	if b, err := os.ReadFile(pointer(data)); err == nil {
		if path := strings.TrimSpace(string(b)); filepath.IsAbs(path) {
			return path
		}
	}
	return filepath.Join(data, "postgres")
}

// home makes the cluster's folder. The account may have no way into the data
// folder, as below /root: then the cluster goes where it has, under a name
// that cannot meet an older one, and the data folder points there.
func home(data string, acct account) (string, error) {
	dir := located(data)
	if err := makeFor(acct, dir); err != nil {
		return "", err
	}
	if acct.reaches(dir) {
		return dir, nil
	}
	if clusterVersion(data) > 0 {
		return "", fmt.Errorf("account %d can no longer reach its database in %s: check the folder's permissions", acct.uid, dir)
	}
	if err := os.Remove(dir); err != nil {
		return "", fmt.Errorf("make the database folder: %w", err)
	}
	var tried []string
	for _, parent := range []string{"/var/lib", "/var/tmp"} {
		elsewhere, err := os.MkdirTemp(parent, "sealbook-dev-")
		if err != nil {
			tried = append(tried, err.Error())
			continue
		}
		if err := makeFor(acct, elsewhere); err == nil && acct.reaches(elsewhere) {
			if err := os.WriteFile(pointer(data), []byte(elsewhere+"\n"), 0o600); err != nil {
				return "", fmt.Errorf("remember the database folder: %w", err)
			}
			return elsewhere, nil
		}
		tried = append(tried, elsewhere+" is out of reach")
		_ = os.Remove(elsewhere)
	}
	return "", fmt.Errorf("the account that runs Postgres has no way to %s: choose a folder that others may enter with SEALBOOK_DATA (%s)", dir, strings.Join(tried, "; "))
}

func makeFor(acct account, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	if err := acct.own(dir); err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	return nil
}
