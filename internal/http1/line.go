package http1

import (
	"strconv"
	"strings"
)

// appendStatus appends a status line. RFC 9112, 4.
func appendStatus(b []byte, minor, status int, reason string) []byte {
	b = append(append(b, protocols[minor]...), ' ')
	b = append(strconv.AppendInt(b, int64(status), 10), ' ')
	return append(append(b, reason...), "\r\n"...)
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	start := len(b)
	b = append(b, value...)
	for i := start; i < len(b); i++ {
		if b[i] == '\r' || b[i] == '\n' {
			b[i] = ' ' // a handler's mistake must not become another field
		}
	}
	return append(b, "\r\n"...)
}

// What a field of a response has to do with the message itself.
const (
	isDate = 1 + iota
	isConnection
	isFraming
)

// framing tells which of those a field is; 0: nothing to do with it.
func framing(name string) int {
	switch len(name) { // few names have to be looked at
	case len("Date"):
		if strings.EqualFold(name, "Date") {
			return isDate
		}
	case len("Connection"):
		if strings.EqualFold(name, "Connection") {
			return isConnection
		}
		if strings.EqualFold(name, "Keep-Alive") {
			return isFraming
		}
	case len("Content-Length"):
		if strings.EqualFold(name, "Content-Length") {
			return isFraming
		}
	case len("Transfer-Encoding"):
		if strings.EqualFold(name, "Transfer-Encoding") {
			return isFraming
		}
	}
	return 0
}

func asksToClose(value string) bool {
	for token := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(token), "close") {
			return true
		}
	}
	return false
}
