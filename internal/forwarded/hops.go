package forwarded

import (
	"net/netip"
	"strconv"
	"strings"
)

// client is the client of a request with these lines of X-Forwarded-For: false if
// they name none, and it is the peer.
func (r *Reader) client(peer Address, lines []string) (client Address, named bool) {
	var furthest hop
	for i := len(lines) - 1; i >= 0; i-- {
		rest, more := lines[i], true
		for more {
			var node string
			rest, node, more = cutLast(rest)
			if node == "" {
				continue // RFC 9110, 5.6.1: an empty element is none
			}
			h, ok := readNode(node)
			if ok {
				furthest, named = h, true
			}
			if !ok || !r.passes(h) { // whom nobody knows is whoever has named him
				return furthest.client(peer, named), named
			}
		}
	}
	return furthest.client(peer, named), named
}

// cutLast takes the last element off a list.
func cutLast(list string) (rest, last string, more bool) {
	if at := strings.LastIndexByte(list, ','); at >= 0 {
		rest, list, more = list[:at], list[at+1:], true
	}
	return rest, strings.Trim(list, " \t"), more
}

// hop is whom a proxy has a request from.
type hop struct {
	ip   netip.Addr // invalid: a unix socket
	port uint16     // 0: it is not known
}

// client is the hop as the client, or the peer if there was none.
func (h hop) client(peer Address, named bool) (client Address) {
	if !named {
		return peer
	}
	if h.ip.IsValid() {
		client.Host = h.ip.String()
	}
	if h.port > 0 {
		client.Port = strconv.Itoa(int(h.port))
	}
	return client
}

// passes tells whether what the hop itself has said counts: it is a proxy of ours.
func (r *Reader) passes(h hop) bool {
	switch {
	case r.peers.Everybody():
		return false
	case h.ip.IsValid():
		return r.peers.Contains(h.ip)
	default:
		return r.peers.Unix()
	}
}

// nginxUnix is what nginx has for a client on a unix socket.
const nginxUnix = "unix:"

// readNode reads an address: alone, with a port, or in brackets. Everything else
// (RFC 7239, 6: unknown, _hidden) is false.
func readNode(node string) (h hop, ok bool) {
	if node == nginxUnix {
		return hop{}, true
	}
	host, port := node, ""
	switch {
	case strings.HasPrefix(node, "["):
		var rest string
		if host, rest, ok = strings.Cut(node[1:], "]"); !ok || rest != "" && rest[0] != ':' || !strings.Contains(host, ":") {
			return h, false
		}
		port = strings.TrimPrefix(rest, ":")
	case strings.Count(node, ":") == 1:
		host, port, _ = strings.Cut(node, ":")
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return h, false
	}
	h.ip = ip.Unmap()
	if n, err := strconv.ParseUint(port, 10, 16); err == nil { // else it is hidden, or nonsense
		h.port = uint16(n)
	}
	return h, true
}
