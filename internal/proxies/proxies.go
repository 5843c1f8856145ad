// Package proxies is whom to believe what they say of somebody else: peers, by
// their addresses.
package proxies

import (
	"fmt"
	"net/netip"
	"slices"
)

// Everybody and Unix are the words of a list that are no addresses.
const (
	Everybody = "*"
	Unix      = "unix" // whoever may open one of our unix sockets
)

// Proxies are the peers that are believed.
type Proxies struct {
	all, unix bool
	networks  []netip.Prefix
}

// Parse makes them of a list: addresses, networks, unix, or * for all.
func Parse(list []string) (*Proxies, error) {
	p := &Proxies{}
	for _, item := range list {
		switch item {
		case Everybody:
			p.all = true
			continue
		case Unix:
			p.unix = true
			continue
		}
		network, err := netip.ParsePrefix(item)
		if err != nil {
			addr, addrErr := netip.ParseAddr(item)
			if addrErr != nil {
				return nil, fmt.Errorf("proxies: %q is no address, network, unix or *", item)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		p.networks = append(p.networks, unmapped(network.Masked()))
	}
	return p, nil
}

// unmapped is a network of IPv4 addresses as one, if it is written in IPv6: a
// peer's address is never in that form.
func unmapped(network netip.Prefix) netip.Prefix {
	const before = 96 // bits in front of the IPv4 address
	if addr := network.Addr(); addr.Is4In6() && network.Bits() >= before {
		return netip.PrefixFrom(addr.Unmap(), network.Bits()-before)
	}
	return network
}

// Trusts tells whether peer, the address of a client or "" for a unix socket,
// is such a proxy.
func (p *Proxies) Trusts(peer string) bool {
	switch {
	case p.all:
		return true
	case peer == "":
		return p.unix
	}
	addr, err := netip.ParseAddr(peer)
	return err == nil && p.Contains(addr.Unmap().WithZone(""))
}

// Contains tells whether one of the networks has the address, which is no IPv4
// address in IPv6's form and has no zone.
func (p *Proxies) Contains(addr netip.Addr) bool {
	return slices.ContainsFunc(p.networks, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// Everybody tells whether every peer is.
func (p *Proxies) Everybody() bool { return p.all }

// Unix tells whether peers on unix sockets are.
func (p *Proxies) Unix() bool { return p.all || p.unix }

// Networks are those that were named; an address is one of a single address.
func (p *Proxies) Networks() []netip.Prefix { return p.networks }
