package forwarded

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// readPlace reads what the client asked for: host, port, and the beginning of the
// path that the proxy has cut off. Of several values the last counts, which is the
// nearest proxy's.
func (r *Reader) readPlace(said *Said, h http.Header) (why string) {
	if host := last(h[xHost]); host != "" && r.fields&Host != 0 {
		if !isAuthority(host) {
			return "X-Forwarded-Host is no host: have the proxy set it, or leave host out of forwarded_fields"
		}
		said.Host = host
	}
	if port := last(h[xPort]); port != "" && r.fields&Port != 0 {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
			return "X-Forwarded-Port is no port: have the proxy set it, or leave port out of forwarded_fields"
		}
		said.Port = port
	}
	if prefix := last(h[xPrefix]); prefix != "" && r.fields&Prefix != 0 {
		path, ok := readPrefix(prefix)
		if !ok {
			return "X-Forwarded-Prefix is no path: have the proxy set it, or leave prefix out of forwarded_fields"
		}
		said.Prefix = path
	}
	return ""
}

// last is the last element of all lines; empty if there is none.
func last(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		rest, more := lines[i], true
		for more {
			var value string
			if rest, value, more = cutLast(rest); value != "" {
				return value
			}
		}
	}
	return ""
}

// isAuthority tells whether text is a host, perhaps with a port, as Host may have it
// (internal/http1, target.c).
func isAuthority(text string) bool {
	port := ""
	if literal, ok := strings.CutPrefix(text, "["); ok {
		inside, rest, closed := strings.Cut(literal, "]")
		if !closed || len(inside) < 2 || !consists(inside, isLiteral) {
			return false
		}
		port = rest
	} else {
		name := text
		if at := strings.IndexByte(text, ':'); at >= 0 {
			name, port = text[:at], text[at:]
		}
		if name == "" || !consists(name, isName) {
			return false
		}
	}
	return port == "" || port[0] == ':' && len(port) <= len(":65535") && consists(port[1:], isDigit)
}

func consists(text string, of func(c byte) bool) bool {
	for i := range len(text) {
		if !of(text[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlphanumeric(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

// isName: RFC 3986, 3.2.2, reg-name without the comma, which joins several.
func isName(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("!$%&'()*+-.;=_~", c) >= 0 }

// isLiteral: an IPv6 address in brackets.
func isLiteral(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' || c == ':' || c == '.'
}

// readPrefix reads a path that comes in front of all of the application's. It gets
// into links and redirections, so it must be nothing that a browser takes for another
// host (//host, /\host).
func readPrefix(text string) (path string, ok bool) {
	path, err := url.PathUnescape(text)
	if err != nil || path[0] != '/' || strings.Contains(path, "//") || strings.ContainsAny(path, "?#\\") {
		return "", false
	}
	if !consists(path, func(c byte) bool { return c >= ' ' && c != 0x7f }) {
		return "", false
	}
	return strings.TrimSuffix(path, "/"), true
}
