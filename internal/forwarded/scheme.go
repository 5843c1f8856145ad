package forwarded

import (
	"net/http"
	"slices"
	"strings"
)

// schemes are the fields that proxies use for the scheme, and what each says for
// https (Gunicorn's secure_scheme_headers).
var schemes = [...]struct{ field, https string }{
	{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Protocol", "ssl"}, {"X-Forwarded-Ssl", "on"},
}

// schemeOf is what a trusted proxy says of the scheme, else that of the connection.
// A proxy that sets one of the fields passes the others on from its client, who must
// not choose: if two of them, or two copies of one, contradict each other, that is
// refused, as under Gunicorn.
func schemeOf(scheme string, h http.Header) (said string, spoken bool, why string) {
	http, https := false, false
	for i := range schemes {
		for _, value := range h[schemes[i].field] {
			if strings.EqualFold(strings.TrimSpace(value), schemes[i].https) {
				https = true
			} else {
				http = true
			}
		}
	}
	switch {
	case https && http:
		return scheme, true, "X-Forwarded-Proto, -Protocol and -Ssl contradict each other: have the proxy set one and drop the others"
	case https:
		return "https", true, ""
	case http:
		return "http", true, ""
	}
	return scheme, false, ""
}

// inOrder are the fields of a request that speak of whom it was passed on for: those
// of the scheme first.
func inOrder(h http.Header) (names []string) {
	for i := range schemes {
		if name := schemes[i].field; h[name] != nil {
			names = append(names, name)
		}
	}
	var others []string
	for name := range h {
		if IsField(name) && !slices.Contains(names, name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return append(names, others...)
}
