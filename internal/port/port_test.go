package port

import (
	"net"
	"strconv"
	"testing"
)

func TestNoPortIsGivenTwiceOrWhileTaken(t *testing.T) {
	next.Store(count - 3) // the walk goes on at the start
	taken, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(first)))
	if err != nil {
		t.Logf("port %d is somebody's already, which is as good: %v", first, err)
	} else {
		defer taken.Close()
	}
	seen := map[int]bool{}
	for range 200 {
		n, err := Free("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		if n == first || n < first || n >= first+count || seen[n] {
			t.Fatalf("port %d: taken, out of range or given before", n)
		}
		seen[n] = true
	}
	if _, err := Free("192.0.2.1"); err == nil { // RFC 5737: an address that no machine has
		t.Error("a port was found at an address that is not this machine's")
	}
}
