package static

import "strings"

// pathOf is the path of a request target in origin or absolute form (RFC 9112, 3.2);
// empty for the others.
func pathOf(target string) string {
	if !strings.HasPrefix(target, "/") {
		_, rest, found := strings.Cut(target, "://")
		at := strings.IndexByte(rest, '/')
		if !found || at < 0 {
			return ""
		}
		target = rest[at:]
	}
	path, _, _ := strings.Cut(target, "?")
	return path
}

// queryOf is the query of a target with its question mark; empty if it has none.
func queryOf(target string) string {
	if at := strings.IndexByte(target, '?'); at >= 0 {
		return target[at:]
	}
	return ""
}

// unescape decodes %XX once. What is no valid escape stays, as in PATH_INFO.
func unescape(path string) string {
	at := strings.IndexByte(path, '%')
	if at < 0 {
		return path
	}
	b := append(make([]byte, 0, len(path)), path[:at]...)
	for i := at; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			high, low := unhex(path[i+1]), unhex(path[i+2])
			if high >= 0 && low >= 0 {
				b = append(b, byte(high<<4|low))
				i += 2
				continue
			}
		}
		b = append(b, path[i])
	}
	return string(b)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// escape makes a name a segment of a reference (RFC 3986, 3.3).
func escape(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// wellKnown is the one name with a dot that is for everybody (RFC 8615).
const wellKnown = ".well-known"

// clean makes a decoded path a name below a folder: "" for the folder itself.
// isFolder: it ends with a slash. False: it names nothing that may be served, having
// dot segments, dot files or a NUL.
func clean(path string) (name string, isFolder, ok bool) {
	if strings.IndexByte(path, 0) >= 0 {
		return "", false, false
	}
	isFolder = path == "" || path[len(path)-1] == '/'
	trimmed := strings.Trim(path, "/")
	doubled := false
	for segment := range strings.SplitSeq(trimmed, "/") {
		if strings.HasPrefix(segment, ".") && segment != wellKnown {
			return "", false, false
		}
		doubled = doubled || segment == ""
	}
	if doubled && trimmed != "" {
		trimmed = strings.Join(strings.FieldsFunc(trimmed, func(c rune) bool { return c == '/' }), "/")
	}
	return trimmed, isFolder, true
}
