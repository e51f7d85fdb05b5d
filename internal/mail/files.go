package mail

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// fileName is a number that grows, and the delivery id.
var fileName = regexp.MustCompile(`^([0-9]{8,19})-[A-Za-z0-9_-]{1,128}\.eml$`)

// take writes the message's file. A name ends in .eml only once it is whole.
func (o *Outbox) take(from *netmail.Address, m Message, messageID string, now time.Time) error {
	data, err := eml(from, m, messageID+"@outbox.invalid", now)
	if err != nil {
		return err
	}
	number, err := o.next()
	if err != nil {
		return err
	}
	path := filepath.Join(o.Dir, fmt.Sprintf("%08d-%s.eml", number, m.DeliveryID))
	if err := os.WriteFile(path+".part", data, 0o600); err != nil {
		return fmt.Errorf("write to outbox: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("write to outbox: %w", err)
	}
	return nil
}

func (o *Outbox) next() (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == 0 {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return 0, fmt.Errorf("make outbox: %w", err)
		}
		names, err := o.names()
		if err != nil {
			return 0, err
		}
		if len(names) > 0 {
			o.last = number(names[0])
		}
	}
	o.last++
	return o.last, nil
}

func number(name string) uint64 {
	digits, _, _ := strings.Cut(name, "-")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0 // fileName lets no such name through
	}
	return n
}

// names has the newest first.
func (o *Outbox) names() ([]string, error) {
	files, err := os.ReadDir(o.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	var names []string
	for _, f := range files {
		if f.Type().IsRegular() && fileName.MatchString(f.Name()) {
			names = append(names, f.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(number(b), number(a)), strings.Compare(b, a))
	})
	return names, nil
}

// List gives the messages, the newest first.
func (o *Outbox) List() ([]Entry, error) {
	names, err := o.names()
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(names))
	for i, name := range names {
		f, err := os.Open(filepath.Join(o.Dir, name))
		if err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		entries[i], err = readEntry(name, f)
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// Open gives a message of the list as it was written, in the form of RFC 5322.
// Any other name is NotFound, whatever may be there.
func (o *Outbox) Open(name string) (io.ReadCloser, error) {
	names, err := o.names()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, name) {
		return nil, audit.Errorf(audit.NotFound, "there is no such message in the outbox")
	}
	f, err := os.Open(filepath.Join(o.Dir, name))
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return f, nil
}
