package report_test

import (
	"bytes"
	"testing"
)

func TestEqualDocumentsGiveEqualBytes(t *testing.T) {
	t.Parallel()
	first, second := render(t, sample()), render(t, sample())
	if !bytes.Equal(first.Bytes, second.Bytes) {
		t.Error("two renderings of one document differ")
	}
}
