package gate

import (
	"fmt"
	"net/netip"
	"slices"
)

// Addresses are those from which requests may come. A nil *Addresses lets everybody
// in.
//
// Of all networks that an address is in, the smallest decides; of two that are the
// same, the one that keeps out. An address in none may come in unless some may.
type Addresses struct {
	rules []rule // the smallest networks first
	rest  bool   // addresses in none may come in
	local verdict
}

type rule struct {
	network netip.Prefix
	enters  bool
}

type verdict int

const (
	unsaid verdict = iota
	enters
	staysOut
)

// Words for what has no network.
const (
	Everybody = "*"
	Local     = "unix" // clients on a unix socket
)

// NewAddresses makes them of addresses, networks, Local and Everybody. nil if there
// are none of either.
func NewAddresses(allow, deny []string) (*Addresses, error) {
	if len(allow)+len(deny) == 0 {
		return nil, nil
	}
	a := &Addresses{rest: len(allow) == 0}
	for _, list := range []struct {
		items  []string
		enters bool
	}{{allow, true}, {deny, false}} { // deny later: it is stronger
		for _, item := range list.items {
			if err := a.add(item, list.enters); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(a.rules, func(one, other rule) int {
		if one.network.Bits() != other.network.Bits() {
			return other.network.Bits() - one.network.Bits()
		}
		return order(one.enters) - order(other.enters)
	})
	return a, nil
}

// order has those that keep out first.
func order(enters bool) int {
	if enters {
		return 1
	}
	return 0
}

func (a *Addresses) add(item string, may bool) error {
	switch item {
	case Everybody:
		a.rest = may
		return nil
	case Local:
		a.local = map[bool]verdict{true: enters, false: staysOut}[may]
		return nil
	}
	network, err := netip.ParsePrefix(item)
	if err != nil {
		addr, addrErr := netip.ParseAddr(item)
		if addrErr != nil {
			return fmt.Errorf("allow, deny: %q is no address, network, unix or *", item)
		}
		network = netip.PrefixFrom(addr, addr.BitLen())
	}
	if mapped := network.Addr(); mapped.Is4In6() && network.Bits() >= 96 { // ::ffff:192.0.2.0/120
		network = netip.PrefixFrom(mapped.Unmap(), network.Bits()-96)
	}
	a.rules = append(a.rules, rule{network.Masked(), may})
	return nil
}

// Enters tells whether a client may come in; its address, empty for a unix socket.
func (a *Addresses) Enters(client string) bool {
	if a == nil {
		return true
	}
	if client == "" && a.local != unsaid {
		return a.local == enters
	}
	if addr, err := netip.ParseAddr(client); err == nil {
		addr = addr.Unmap().WithZone("")
		for _, rule := range a.rules {
			if rule.network.Contains(addr) {
				return rule.enters
			}
		}
	}
	return a.rest
}
