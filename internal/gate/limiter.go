package gate

import (
	"net/netip"
	"time"

	"github.com/gowsgi/gowsgi/internal/rates"
)

// Limiter is how many requests a client may send.
type Limiter struct {
	Table *rates.Table
	Limit rates.Limit
}

// Take takes a request of a client's, who is known by a name that is its own, or by
// its address. wait is 0, or for how long it has to wait until it may send one. Who
// has neither is not counted. crowded: so many clients came that one was forgotten.
func (l *Limiter) Take(name, address string) (wait time.Duration, crowded bool) {
	key := ""
	switch {
	case name != "":
		key = clientOf(name, "name ")
	case address != "":
		key = clientOf(address, "")
	default:
		return 0, false
	}
	return l.Table.Take(key, l.Limit)
}

// clientOf is what a client is counted under: its address, of IPv6 the part that a
// network gives to one customer; what is none with prefix before it.
func clientOf(text, prefix string) string {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return prefix + text
	}
	addr = addr.Unmap().WithZone("")
	const customer = 64
	if addr.Is6() {
		network, _ := addr.Prefix(customer) // it has that many bits
		addr = network.Addr()
	}
	bytes := addr.AsSlice()
	return string(bytes)
}
