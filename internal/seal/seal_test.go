package seal_test

import (
	"bytes"
	"testing"

	"github.com/sealbook/sealbook/internal/seal"
)

func TestSealer(t *testing.T) {
	t.Parallel()
	s, err := seal.New([]byte("pepper"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal([]byte("secret"), "user_1")
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatal(sealed, err)
	}
	again, err := s.Seal([]byte("secret"), "user_1")
	if err != nil || bytes.Equal(sealed, again) {
		t.Error("the same secret is sealed alike twice", err)
	}
	if got, err := s.Open(sealed, "user_1"); err != nil || string(got) != "secret" {
		t.Error(string(got), err)
	}
	other, err := seal.New([]byte("another"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(sealed, "user_1"); err == nil {
		t.Error("another pepper opens it")
	}
	if _, err := s.Open(sealed, "user_2"); err == nil {
		t.Error("another owner's row opens it")
	}
	if _, err := s.Open(sealed[:5], "user_1"); err == nil {
		t.Error("a piece of it opens")
	}
	if !bytes.Equal(s.MAC("token"), s.MAC("token")) || bytes.Equal(s.MAC("token"), other.MAC("token")) || bytes.Equal(s.MAC("token"), s.MAC("tokem")) {
		t.Error("a MAC is not of its text and pepper alone")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := s.Open(sealed, "user_1"); err == nil {
		t.Error("it opens although a bit is another")
	}
}
