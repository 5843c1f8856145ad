package exchange

import "strings"

// endToEnd leaves the hop-by-hop fields out.
//
// They are the server's (PEP 3333, "Other HTTP Features"; RFC 9110, 7.6.1), and
// applications set them all the same: recipes for server-sent events have
// Connection: keep-alive. They are left out, as under Gunicorn, but for what
// Connection: close asks for. Proxy-Authenticate is no such field of a response
// (RFC 9110, 11.7.1).
func (x *exchange) endToEnd(fields [][2]string) [][2]string {
	kept := fields[:0]
	for _, field := range fields {
		known := hopByHop(field[0])
		if known == "" || known == "Connection" && hasToken(field[1], "close") {
			kept = append(kept, field)
			continue
		}
		x.adviseHopByHop(known)
	}
	return kept
}

// hopByHop is the canonical name of a field that belongs to the connection;
// empty for all others.
func hopByHop(name string) string {
	for _, known := range [...]string{
		"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer", "Trailers", "Transfer-Encoding", "Upgrade",
	} {
		if len(known) == len(name) && strings.EqualFold(known, name) {
			return known
		}
	}
	return ""
}

// isForHints tells whether a field may stand in an interim response: the framing
// of the response to come is none of its business either.
func isForHints(name string) bool {
	return hopByHop(name) == "" && !strings.EqualFold(name, "Content-Length")
}

func (x *exchange) adviseHopByHop(field string) {
	x.advise("response.hop_by_hop", field,
		"a response header of the application's is left out, because it is the server's to set: have the application not send it")
}

// hasToken tells whether a list (RFC 9110, 5.6.1) has that element, in any case.
func hasToken(list, token string) bool {
	for element := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(element, " \t"), token) {
			return true
		}
	}
	return false
}
