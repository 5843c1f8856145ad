package accesslog

import "strings"

// Target is a request's target without what may be a password. Only one
// that has an authority can hold it (RFC 9112, 3.2.2, http://user:password@host/);
// the application gets the target as it came.
func Target(target string) string {
	if strings.HasPrefix(target, "/") || strings.IndexByte(target, '@') < 0 {
		return target
	}
	start := 0
	if i := strings.Index(target, "://"); i >= 0 {
		start = i + len("://")
	}
	end := len(target)
	if i := strings.IndexAny(target[start:], "/?#"); i >= 0 {
		end = start + i
	}
	at := strings.LastIndexByte(target[start:end], '@')
	if at < 0 {
		return target
	}
	return target[:start] + "***" + target[start+at:]
}

// RequestLine is a request line without what may be a password.
func RequestLine(line string) string {
	method, rest, _ := strings.Cut(line, " ")
	target, after, found := strings.Cut(rest, " ")
	if logged := Target(target); logged != target {
		line = method + " " + logged
		if found {
			line += " " + after
		}
	}
	return line
}
