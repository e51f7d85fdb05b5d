//go:build pkcs11 && cgo

package hsm

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"

	"github.com/sealbook/sealbook/audit"
)

// module is a loaded PKCS #11 module. Its state belongs to the process, and starting
// it again ends every session: all calls are made under mu, one at a time.
type module struct {
	mu  sync.Mutex
	ctx *pkcs11.Ctx
	// life counts starts and ends. Handles of an earlier one are gone, and their
	// numbers may stand for something else by now.
	life int
}

// The modules by file: loading one twice gives the same state in two hands.
var modules = struct {
	sync.Mutex
	byPath map[string]*module
}{byPath: map[string]*module{}}

func load(path string) (*module, error) {
	modules.Lock()
	defer modules.Unlock()
	if m := modules.byPath[path]; m != nil {
		return m, nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil, audit.Errorf(audit.InvalidParameter, "the PKCS #11 module is not there: %w", err)
	}
	ctx := pkcs11.New(path)
	if ctx == nil {
		return nil, audit.Errorf(audit.InvalidParameter, "%s cannot be loaded: it is no PKCS #11 module for this machine, or lacks a library", path)
	}
	m := &module{ctx: ctx}
	modules.byPath[path] = m
	return m, nil
}

// start starts the module unless it runs already, whoever did it.
func (m *module) start() error {
	err := m.ctx.Initialize()
	if is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) && m.life > 0 {
		return nil
	}
	if err != nil && !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		return audit.Errorf(audit.Unavailable, "the PKCS #11 module does not start: %w", err)
	}
	m.life++
	return nil
}

// stop ends a module in which something failed. Modules that lost their device, or
// the connection to it, often find it again after a new start only.
func (m *module) stop() {
	m.life++
	m.ctx.Finalize() //nolint:errcheck // it may be over already
}

// slot finds the token. It is Unavailable when there is none: it may be plugged in
// again, or its server be up again.
func (m *module) slot(u URI) (uint, pkcs11.TokenInfo, error) {
	slots, err := m.ctx.GetSlotList(true)
	if err != nil {
		return 0, pkcs11.TokenInfo{}, audit.Errorf(audit.Unavailable, "the PKCS #11 module lists no tokens: %w", err)
	}
	var found []uint
	var info pkcs11.TokenInfo
	for _, s := range slots {
		i, err := m.ctx.GetTokenInfo(s)
		if err == nil && u.fits(s, i) {
			found, info = append(found, s), i
		}
	}
	switch {
	case len(found) == 0:
		return 0, info, audit.Errorf(audit.Unavailable, "no token is there that %s names", u)
	case len(found) > 1:
		return 0, info, audit.Errorf(audit.InvalidParameter, "%d tokens are there that %s names: add serial=…", len(found), u)
	}
	return found[0], info, nil
}

func (u URI) fits(slot uint, i pkcs11.TokenInfo) bool {
	same := func(wanted, has string) bool { return wanted == "" || wanted == strings.TrimRight(has, " \x00") }
	return i.Flags&pkcs11.CKF_TOKEN_INITIALIZED != 0 && same(u.Slot, strconv.FormatUint(uint64(slot), 10)) && same(u.Token, i.Label) &&
		same(u.Serial, i.SerialNumber) && same(u.Manufacturer, i.ManufacturerID) && same(u.Model, i.Model)
}

// objects are the handles of all objects that fit.
func (m *module) objects(session pkcs11.SessionHandle, template ...*pkcs11.Attribute) (found []pkcs11.ObjectHandle, err error) {
	if err := m.ctx.FindObjectsInit(session, template); err != nil {
		return nil, unavailable("look for objects", err)
	}
	for {
		some, _, err := m.ctx.FindObjects(session, 100)
		if err != nil {
			m.ctx.FindObjectsFinal(session) //nolint:errcheck // the first error says it
			return nil, unavailable("look for objects", err)
		}
		if len(some) == 0 {
			break
		}
		found = append(found, some...)
	}
	if err := m.ctx.FindObjectsFinal(session); err != nil {
		return nil, unavailable("look for objects", err)
	}
	return found, nil
}

// values are those of an object's attributes, in the order of the kinds.
func (m *module) values(session pkcs11.SessionHandle, object pkcs11.ObjectHandle, kinds ...uint) ([][]byte, error) {
	var template []*pkcs11.Attribute
	for _, k := range kinds {
		template = append(template, pkcs11.NewAttribute(k, nil))
	}
	got, err := m.ctx.GetAttributeValue(session, object, template)
	if err != nil {
		return nil, unavailable("read attributes", err)
	}
	values := make([][]byte, len(kinds))
	for _, a := range got {
		if i := slices.Index(kinds, a.Type); i >= 0 {
			values[i] = a.Value
		}
	}
	return values, nil
}

func is(err error, codes ...pkcs11.Error) bool {
	var e pkcs11.Error
	return errors.As(err, &e) && slices.Contains(codes, e)
}

// unavailable is what became of a call: nearly all that a module answers may be
// over when the token is back.
func unavailable(doing string, err error) error {
	return audit.Errorf(audit.Unavailable, "the security module does not %s: %w", doing, err)
}
