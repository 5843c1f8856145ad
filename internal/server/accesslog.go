package server

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// accessLog writes a line for each request, in Gunicorn's format: %(h)s and so
// on (Gunicorn, access_log_format). What an atom has nothing for is "-".
type accessLog struct {
	parts []part
	w     io.Writer // each line is one Write
}

// part of a line: text, or an atom.
type part struct {
	text string
	atom func(b []byte, x *exchange) []byte // nil: text
}

func newAccessLog(format string, w io.Writer) *accessLog {
	a := &accessLog{w: w}
	for format != "" {
		text, rest, found := strings.Cut(format, "%")
		if text != "" {
			a.parts = append(a.parts, part{text: text})
		}
		if !found {
			break
		}
		if strings.HasPrefix(rest, "%") {
			a.parts = append(a.parts, part{text: "%"})
			format = rest[1:]
			continue
		}
		name, after, ok := strings.Cut(strings.TrimPrefix(rest, "("), ")s")
		if !ok {
			a.parts = append(a.parts, part{text: "%" + rest})
			break
		}
		a.parts = append(a.parts, part{atom: atomOf(name)})
		format = after
	}
	return a
}

func (a *accessLog) write(x *exchange) {
	line := make([]byte, 0, 256)
	for _, p := range a.parts {
		if p.atom == nil {
			line = append(line, p.text...)
		} else {
			line = p.atom(line, x)
		}
	}
	_, _ = a.w.Write(append(line, '\n'))
}

// atoms are those that stand for one thing each.
var atoms = map[string]func(b []byte, x *exchange) []byte{
	"h": func(b []byte, x *exchange) []byte { return quoted(b, x.client.host) },
	"l": func(b []byte, _ *exchange) []byte { return append(b, '-') },
	"u": func(b []byte, x *exchange) []byte {
		user, _, _ := x.r.BasicAuth()
		return quoted(b, user)
	},
	"t": func(b []byte, x *exchange) []byte { return x.start.AppendFormat(b, "[02/Jan/2006:15:04:05 -0700]") },
	"r": func(b []byte, x *exchange) []byte {
		b = append(quoted(b, x.r.Method), ' ')
		b = append(quoted(b, x.r.RequestURI), ' ')
		return append(b, x.r.Proto...)
	},
	"m": func(b []byte, x *exchange) []byte { return quoted(b, x.r.Method) },
	"U": func(b []byte, x *exchange) []byte {
		path, _, _ := strings.Cut(x.r.RequestURI, "?")
		return quoted(b, path)
	},
	"q": func(b []byte, x *exchange) []byte {
		if _, query, _ := strings.Cut(x.r.RequestURI, "?"); query != "" {
			return quoted(b, query)
		}
		return b
	},
	"H": func(b []byte, x *exchange) []byte { return append(b, x.r.Proto...) },
	"s": func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, int64(x.status), 10) },
	"B": func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, x.written, 10) },
	"b": func(b []byte, x *exchange) []byte {
		if x.written == 0 {
			return append(b, '-')
		}
		return strconv.AppendInt(b, x.written, 10)
	},
	"f": func(b []byte, x *exchange) []byte { return quoted(b, x.r.Header.Get("Referer")) },
	"a": func(b []byte, x *exchange) []byte { return quoted(b, x.r.Header.Get("User-Agent")) },
	"T": func(b []byte, x *exchange) []byte {
		return strconv.AppendInt(b, int64(time.Since(x.start)/time.Second), 10)
	},
	"D": func(b []byte, x *exchange) []byte {
		return strconv.AppendInt(b, int64(time.Since(x.start)/time.Microsecond), 10)
	},
	"M": func(b []byte, x *exchange) []byte {
		return strconv.AppendInt(b, int64(time.Since(x.start)/time.Millisecond), 10)
	},
	"L": func(b []byte, x *exchange) []byte {
		return strconv.AppendFloat(b, time.Since(x.start).Seconds(), 'f', 6, 64)
	},
	"p": func(b []byte, _ *exchange) []byte {
		return append(append(append(b, '<'), strconv.Itoa(os.Getpid())...), '>')
	},
}

// atomOf finds an atom by its name: one of atoms, or {Name}i, {Name}o, {NAME}e
// for a request header, a response header, an environment variable.
func atomOf(name string) func(b []byte, x *exchange) []byte {
	if atom, ok := atoms[name]; ok {
		return atom
	}
	if strings.HasPrefix(name, "{") && len(name) > 3 && name[len(name)-2] == '}' {
		inner := name[1 : len(name)-2]
		key := http.CanonicalHeaderKey(inner)
		switch name[len(name)-1] {
		case 'i':
			return func(b []byte, x *exchange) []byte {
				if key == "Host" {
					return quoted(b, x.r.Host)
				}
				return quoted(b, strings.Join(x.r.Header[key], ","))
			}
		case 'o':
			return func(b []byte, x *exchange) []byte { return quoted(b, responseHeader(x.w.Header(), inner)) }
		case 'e':
			value := os.Getenv(inner)
			return func(b []byte, _ *exchange) []byte { return quoted(b, value) }
		}
	}
	return func(b []byte, _ *exchange) []byte { return append(b, '-') }
}

// responseHeader finds a field whatever its spelling.
func responseHeader(h http.Header, name string) string {
	for key, values := range h {
		if strings.EqualFold(key, name) {
			return strings.Join(values, ",")
		}
	}
	return ""
}

// quoted appends what a client chose so that it cannot forge a line or break
// out of quotes: control characters, quotes and backslashes as \xXX, as nginx
// does.
func quoted(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}
