package http1

import (
	"strings"
	"testing"
)

// What each byte may be, in the words of the RFCs, as a head with that byte shows it.
func TestClassesOfBytes(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const digits = "0123456789"
	visible := ""
	for c := byte(0x21); c < 0x7f; c++ {
		visible += string(rune(c))
	}
	high := ""
	for c := 0x80; c < 0x100; c++ {
		high += string([]byte{byte(c)})
	}
	for _, c := range []struct{ name, before, after, allowed string }{
		{"tchar, RFC 9110 5.6.2, in a method", "X", " / HTTP/1.1\r\nHost: x\r\n\r\n", letters + digits + "!#$%&'*+-.^_`|~"},
		{"tchar in a name", "GET / HTTP/1.1\r\nHost: x\r\nX", "Y: z\r\n\r\n", letters + digits + "!#$%&'*+-.^_`|~" + ":"},
		{"field-vchar, RFC 9110 5.5, and blanks", "GET / HTTP/1.1\r\nHost: x\r\nX: y", "z\r\n\r\n", visible + high + " \t"},
		{"a target: visible but #, and what should be encoded", "GET /x", "y HTTP/1.1\r\nHost: x\r\n\r\n", strings.ReplaceAll(visible, "#", "") + high},
		{"reg-name, RFC 3986 3.2.2, without the comma", "GET / HTTP/1.1\r\nHost: x", "y\r\n\r\n", letters + digits + "-._~%!$&'()*+;="},
		{"IP-literal", "GET / HTTP/1.1\r\nHost: [1", "1]\r\n\r\n", digits + "abcdefABCDEF:."},
		{"port", "GET / HTTP/1.1\r\nHost: x:8", "0\r\n\r\n", digits},
	} {
		for i := range 256 {
			b := byte(i)
			text := c.before + string([]byte{b}) + c.after
			size, err := (&Head{}).Read([]byte(text), 0, &ordinary)
			if allowed := strings.IndexByte(c.allowed, b) >= 0; allowed != (err == nil && size == len(text)) {
				t.Errorf("%s: %#x is allowed: %v; got %d, %v", c.name, b, allowed, size, err)
			}
		}
	}
}
