package server

import (
	"net/http"
	"strings"
)

// nameOf is the name under which a header field of the application's goes out:
// its own spelling, but for those that net/http looks for. Empty: it does not.
//
// Hop-by-hop fields are the server's (PEP 3333, "Other HTTP Features"; RFC 9110,
// 7.6.1), and applications set them all the same: recipes for server-sent events
// have Connection: keep-alive. They are left out, as under Gunicorn, but for what
// Connection: close asks for. Proxy-Authenticate is no such field of a response
// (RFC 9110, 11.7.1).
func (x *exchange) nameOf(name, value string) string {
	known := http.CanonicalHeaderKey(name)
	switch {
	case known == "Content-Type" || known == "Content-Encoding" || known == "Date":
		return known
	case !isHopByHop(known):
		return name
	case known == "Connection" && hasToken(value, "close"):
		x.w.Header()["Connection"] = []string{"close"}
	default:
		x.adviseHopByHop(known)
	}
	return ""
}

// isHopByHop tells whether a field, in its canonical spelling, is the server's.
func isHopByHop(known string) bool {
	switch known {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer", "Trailers", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// isForHints tells whether a field may stand in an interim response: the framing
// of the response to come is none of its business either.
func isForHints(name string) bool {
	known := http.CanonicalHeaderKey(name)
	return !isHopByHop(known) && known != "Content-Length"
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
