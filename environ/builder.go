package environ

import (
	"encoding/binary"
	"strings"
)

// Builder appends entries to a block. The zero value is ready; Reset gives it
// memory to write into. Not safe for concurrent use.
type Builder struct {
	block []byte
}

// Reset starts a block in buf's memory, from its beginning. If the block
// outgrows buf's capacity it moves to memory of its own, like append does:
// compare Block's address with buf's.
func (b *Builder) Reset(buf []byte) { b.block = buf[:0] }

// Block returns what was built. It is valid until the next Reset.
func (b *Builder) Block() []byte { return b.block }

// Set adds a variable that has a key.
func (b *Builder) Set(key Key, value string) {
	b.entry(key, 0, len(value))
	b.block = append(b.block, value...)
}

// SetBytes is Set.
func (b *Builder) SetBytes(key Key, value []byte) {
	b.entry(key, 0, len(value))
	b.block = append(b.block, value...)
}

// Variable adds a variable that has no key, under a name of its own.
func (b *Builder) Variable(name, value string) {
	b.entry(named, len(name), len(value))
	b.block = append(b.block, name...)
	b.block = append(b.block, value...)
}

// Header adds a request header field, RFC 3875 4.1.18: Content-Type and
// Content-Length as they are, everything else as HTTP_NAME. name is in
// canonical form (textproto.CanonicalMIMEHeaderKey) or at least a token.
//
// Fields sent more than once are joined with "," (RFC 9110, 5.3), Cookie with
// "; " (RFC 6265, 5.4). Two kinds never reach the application: names with an
// underscore, which could pass for another field of that spelling, and Proxy,
// which as HTTP_PROXY would redirect the application's own requests
// (CVE-2016-5385).
func (b *Builder) Header(name string, values []string) {
	if len(values) == 0 {
		return
	}
	key, known := byHeader[name]
	if !known && (strings.IndexByte(name, '_') >= 0 || strings.EqualFold(name, "Proxy")) {
		return
	}
	separator := ","
	if name == "Cookie" {
		separator = "; "
	}
	size := len(values[0])
	for _, v := range values[1:] {
		size += len(separator) + len(v)
	}
	if known {
		b.entry(key, 0, size)
	} else {
		b.named(name, size)
	}
	b.block = append(b.block, values[0]...)
	for _, v := range values[1:] {
		b.block = append(b.block, separator...)
		b.block = append(b.block, v...)
	}
}

// Target adds what the request target says: REQUEST_URI and RAW_URI as sent,
// PATH_INFO decoded, QUERY_STRING as sent. mount is the path prefix that the
// application is served under, "" or "/prefix", and becomes SCRIPT_NAME;
// Target reports false, and adds nothing, if the path lies outside of it.
//
// The path is percent-decoded once, %2F like the rest, and is otherwise what
// the client sent: // and /../ are the application's to judge.
func (b *Builder) Target(target, mount string) bool {
	path, query, _ := strings.Cut(originForm(target), "?")
	path = unescape(path)
	if mount != "" {
		rest, ok := strings.CutPrefix(path, mount)
		if !ok || rest != "" && rest[0] != '/' {
			return false
		}
		path = rest
	}
	b.Set(RequestURI, target)
	b.Set(RawURI, target)
	b.Set(ScriptName, mount)
	b.Set(PathInfo, path)
	b.Set(QueryString, query)
	return true
}

// Path is the path of a request target, as Target decodes it.
func Path(target string) string {
	path, _, _ := strings.Cut(originForm(target), "?")
	return unescape(path)
}

func (b *Builder) entry(key Key, name, value int) {
	b.block = binary.LittleEndian.AppendUint16(b.block, uint16(key))
	b.block = binary.LittleEndian.AppendUint16(b.block, uint16(name))
	b.block = binary.LittleEndian.AppendUint32(b.block, uint32(value))
}

// named starts an entry for a header field without a key: HTTP_ and the name
// in CGI spelling.
func (b *Builder) named(name string, value int) {
	const prefix = "HTTP_"
	b.entry(named, len(prefix)+len(name), value)
	b.block = append(b.block, prefix...)
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-':
			c = '_'
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		b.block = append(b.block, c)
	}
}

// originForm takes scheme and authority off a target in absolute form
// (RFC 9112, 3.2.2).
func originForm(target string) string {
	if target == "" || target[0] == '/' || target == "*" {
		return target
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		if rest[i] == '?' {
			return "/" + rest[i:]
		}
		return rest[i:]
	}
	return "/"
}

// unescape decodes %XX once. What is no valid escape stays as it is: the HTTP
// reader in front refuses it.
func unescape(s string) string {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s
	}
	out := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if high >= 0 && low >= 0 {
				out = append(out, byte(high<<4|low))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
