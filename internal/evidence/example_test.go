package evidence_test

import (
	"fmt"
	"os"

	"github.com/sealbook/sealbook/internal/evidence"
)

// Verify needs the package and, to know who made it, a key from elsewhere.
func ExampleVerify() {
	f, err := os.Open("testdata/package.zip")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		fmt.Println(err)
		return
	}
	r := evidence.Verify(f, info.Size(), evidence.VerifyOptions{
		Keys: []string{"SHA256:Vkdap1RjR0wChd9dvyvKtz2mUTWIOem3dIGy6rEHcIw"},
	})
	fmt.Println(r.Integrity, r.Completeness, r.Authenticity, r.Exit())
	// Output: ok ok ok 0
}
