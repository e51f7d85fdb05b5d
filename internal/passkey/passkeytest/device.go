// Package passkeytest is about an authenticator for tests: it makes passkeys and signs
// with them as a security key and its browser would, and does wrong what it is told to.
// The tests of passkeys and of the API use it.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// Device is an authenticator with one passkey, in a browser on a page.
type Device struct {
	Origin     string // of the page, such as "https://sealbook.example.com"
	Site       string // the relying party's id, such as "sealbook.example.com"
	Counter    uint32 // rises with each signature, unless Still
	Still      bool
	Unverified bool // it does not see who holds it
	BackedUp   bool
	ID         []byte

	t   testing.TB
	key *ecdsa.PrivateKey
}

// New makes a device.
func New(t testing.TB, origin, site string) *Device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &Device{Origin: origin, Site: site, ID: id, t: t, key: key}
}

// Flags of authenticator data (section 6.1).
const (
	userPresent    = 1 << 0
	userVerified   = 1 << 2
	backupEligible = 1 << 3
	attested       = 1 << 6
)

func (d *Device) data(flags byte, more []byte) []byte {
	site := sha256.Sum256([]byte(d.Site))
	flags |= userPresent
	if !d.Unverified {
		flags |= userVerified
	}
	if d.BackedUp {
		flags |= backupEligible
	}
	return append(binary.BigEndian.AppendUint32(append(site[:], flags), d.Counter), more...)
}

func (d *Device) client(kind, challenge string) []byte {
	return d.encode(json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.Origin, "crossOrigin": false}))
}

func (d *Device) encode(b []byte, err error) []byte {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

var text = base64.RawURLEncoding.EncodeToString

func (d *Device) answer(response map[string]any) json.RawMessage {
	d.t.Helper()
	return d.encode(json.Marshal(map[string]any{
		"id": text(d.ID), "rawId": text(d.ID), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}}))
}

// challenge is what options ask to be signed.
func (d *Device) challenge(options json.RawMessage) string {
	d.t.Helper()
	var o struct {
		Challenge string `json:"challenge"`
	}
	if err := json.Unmarshal(options, &o); err != nil || o.Challenge == "" {
		d.t.Fatalf("no challenge in %s", options)
	}
	return o.Challenge
}

// Create answers PublicKeyCredentialCreationOptions, without attestation.
func (d *Device) Create(options json.RawMessage) json.RawMessage {
	d.t.Helper()
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		d.t.Fatal(err)
	}
	public := d.encode(webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})) // COSE: EC2, ES256, P-256
	more := append(make([]byte, 16), byte(len(d.ID)>>8), byte(len(d.ID)))
	more = append(append(more, d.ID...), public...)
	object := d.encode(webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": d.data(attested, more)}))
	return d.answer(map[string]any{"clientDataJSON": text(d.client("webauthn.create", d.challenge(options))), "attestationObject": text(object)})
}

// Sign answers PublicKeyCredentialRequestOptions.
func (d *Device) Sign(options json.RawMessage) json.RawMessage {
	d.t.Helper()
	if !d.Still {
		d.Counter++
	}
	client, data := d.client("webauthn.get", d.challenge(options)), d.data(0, nil)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	signature := d.encode(ecdsa.SignASN1(rand.Reader, d.key, digest[:]))
	return d.answer(map[string]any{"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature)})
}
