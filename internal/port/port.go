// Package port finds TCP ports for servers that are told theirs before they
// start. A port that the kernel offers may be given to somebody's outgoing
// connection before the server binds it, so these lie below the range that
// kernels offer. The tests and the benchmarks use it; the local stack, a module
// of its own, has it again.
package port

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
)

const (
	first = 12_000
	count = 20_000 // Linux offers ports from 32768 on, and others from 49152 (RFC 6335, section 6)

	// apart keeps processes that start together from walking the same ports.
	apart = 97
)

var next atomic.Uint32

func init() { next.Store(uint32(os.Getpid()) * apart) }

// Free returns a port of ip at which nobody listens. No other call in this
// process returns it again before all others were tried.
func Free(ip string) (int, error) {
	for range count {
		n := first + int(next.Add(1)%count)
		l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(n)))
		if err == nil {
			return n, l.Close()
		}
	}
	return 0, fmt.Errorf("all ports of %s from %d to %d are taken", ip, first, first+count-1)
}
