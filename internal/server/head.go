package server

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// What bytes of a head may be, by where they stand.
const (
	inMethod = 1 << iota // of the methods that there are
	inTarget             // RFC 9112, 3.2: visible ASCII
	inHost               // of names, addresses and ports
	inName               // RFC 9110, 5.1: a token
	inValue              // RFC 9110, 5.5: with obs-text, as latin-1
)

var charClass = func() (table [256]uint8) {
	for i := range table {
		c := byte(i)
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if 'A' <= c && c <= 'Z' {
			table[c] |= inMethod
		}
		if c > ' ' && c < 0x7f {
			table[c] |= inTarget
		}
		if letter || digit || strings.IndexByte(".-_:[]", c) >= 0 {
			table[c] |= inHost
		}
		if letter || digit || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 {
			table[c] |= inName
		}
		if c >= ' ' && c != 0x7f || c == '\t' {
			table[c] |= inValue
		}
	}
	return table
}()

func consistsOf(s string, class uint8) bool {
	for i := range len(s) {
		if charClass[s[i]]&class == 0 {
			return false
		}
	}
	return s != ""
}

// mostFields is how many fields the head of a plain request has at most.
const mostFields = 100

// parse takes apart the head that p begins with. False: it is not plain, or not
// all there. Whatever it accepts, net/http would have accepted and understood
// in the same way (FuzzPlain holds it to that).
func (pl *plain) parse(p []byte) bool {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		return false
	}
	pl.size = end + len("\r\n\r\n")
	head := string(p[:end+len("\r\n")]) // one copy, which all strings share
	line, rest, _ := strings.Cut(head, "\r\n")
	r := &pl.request
	method, line, _ := strings.Cut(line, " ")
	target, proto, _ := strings.Cut(line, " ")
	if proto != "HTTP/1.1" || !consistsOf(method, inMethod) || method == http.MethodConnect || !isPlainTarget(target) {
		return false
	}
	*r = http.Request{
		Method: method, RequestURI: target, Proto: proto, ProtoMajor: 1, ProtoMinor: 1,
		Header: pl.header, Body: http.NoBody,
	}
	clear(pl.header)
	pl.values = pl.values[:0]
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t") // OWS: RFC 9110, 5.6.3
		if !found || !consistsOf(name, inName) || value != "" && !consistsOf(value, inValue) {
			return false
		}
		if !pl.add(textproto.CanonicalMIMEHeaderKey(name), value) {
			return false
		}
	}
	return r.Host != ""
}

// isPlainTarget: a path, and a query perhaps, whose percent signs all mean
// something.
func isPlainTarget(target string) bool {
	if !consistsOf(target, inTarget) || target[0] != '/' {
		return false
	}
	for rest := target; ; {
		_, after, found := strings.Cut(rest, "%")
		if !found {
			return true
		}
		if len(after) < 2 || !isHex(after[0]) || !isHex(after[1]) {
			return false
		}
		rest = after
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// add notes a field. False: the request is not plain.
func (pl *plain) add(name, value string) bool {
	switch name {
	case "Host":
		if pl.request.Host != "" || !consistsOf(value, inHost) {
			return false
		}
		pl.request.Host = value
		return true
	case "Connection":
		if !strings.EqualFold(value, "keep-alive") {
			return false
		}
	case "Content-Length":
		length, err := strconv.ParseUint(value, 10, 50)
		if err != nil || pl.header[name] != nil {
			return false
		}
		pl.request.ContentLength = int64(length)
	case "Transfer-Encoding", "Expect", "Upgrade", "Trailer", "Pragma":
		return false
	}
	if values := pl.header[name]; values != nil {
		pl.header[name] = append(values, value)
		return true
	}
	if len(pl.values) == mostFields {
		return false
	}
	pl.values = append(pl.values, value)
	last := len(pl.values)
	pl.header[name] = pl.values[last-1 : last : last]
	return true
}
