package server

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
)

// atom appends what it stands for: - where there is nothing.
type atom func(b []byte, x *exchange) []byte

// lineOf makes the function that appends a line without its end.
func lineOf(format config.AccessFormat) func(b []byte, x *exchange) []byte {
	if format.JSON {
		return jsonLine
	}
	own := gunicornAtoms
	if format.Apache {
		own = apacheAtoms
	}
	atoms := make([]atom, len(format.Parts))
	for i, part := range format.Parts {
		atoms[i] = atomOf(part, own)
	}
	return func(b []byte, x *exchange) []byte {
		for _, a := range atoms {
			b = a(b, x)
		}
		return b
	}
}

func atomOf(part config.AccessPart, own map[string]atom) atom {
	switch {
	case part.Atom == "":
		return func(b []byte, _ *exchange) []byte { return append(b, part.Text...) }
	case part.Argument != "":
		if a := atomWith(part.Atom, part.Argument); a != nil {
			return a
		}
	}
	if a := own[part.Atom]; a != nil && part.Argument == "" {
		return a
	}
	if a := commonAtoms[part.Atom]; a != nil && part.Argument == "" {
		return a
	}
	return nothing // Gunicorn, too, has - for an atom that it does not know
}

func nothing(b []byte, _ *exchange) []byte { return append(b, '-') }

// commonAtoms mean the same to Gunicorn and Apache.
var commonAtoms = map[string]atom{
	"h": func(b []byte, x *exchange) []byte { return quoted(b, x.client.host) },
	"l": nothing,
	"u": func(b []byte, x *exchange) []byte {
		if x.r.Header["Authorization"] == nil {
			return append(b, '-')
		}
		user, _, _ := x.r.BasicAuth()
		return quoted(b, user)
	},
	"t": func(b []byte, x *exchange) []byte { return x.h.access.clf.append(b, x.start) },
	"r": func(b []byte, x *exchange) []byte {
		b = append(quoted(b, x.r.Method), ' ')
		b = append(quoted(b, x.uri), ' ')
		return append(b, x.r.Proto...)
	},
	"m": func(b []byte, x *exchange) []byte { return quoted(b, x.r.Method) },
	"U": func(b []byte, x *exchange) []byte {
		path, _, _ := strings.Cut(x.uri, "?")
		return quoted(b, path)
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
	"T": func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, int64(x.took/time.Second), 10) },
	"D": func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, x.took.Microseconds(), 10) },
}

// gunicornAtoms are those that only Gunicorn has (access_log_format).
var gunicornAtoms = map[string]atom{
	"q": func(b []byte, x *exchange) []byte {
		if _, query, _ := strings.Cut(x.uri, "?"); query != "" {
			return quoted(b, query)
		}
		return b
	},
	"f": func(b []byte, x *exchange) []byte { return quoted(b, first(x.r.Header, "Referer")) },
	"a": func(b []byte, x *exchange) []byte { return quoted(b, first(x.r.Header, "User-Agent")) },
	"M": func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, x.took.Milliseconds(), 10) },
	"L": func(b []byte, x *exchange) []byte { return appendSeconds(b, x.took) },
	"p": func(b []byte, x *exchange) []byte { return append(append(append(b, '<'), x.h.access.pid...), '>') },
}

// apacheAtoms are those that only Apache has (mod_log_config, mod_logio), or
// with a meaning of their own.
var apacheAtoms = map[string]atom{
	"a": commonAtoms["h"],
	"A": func(b []byte, x *exchange) []byte { return quoted(b, x.conn.server.host) },
	"f": nothing, // no file stands behind a request
	"I": func(b []byte, x *exchange) []byte {
		return strconv.AppendInt(b, x.bytesIn()+int64(x.headSize()), 10)
	},
	"k": func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, int64(x.conn.requestsBefore()), 10) },
	"L": func(b []byte, x *exchange) []byte { return quoted(b, x.requestID()) },
	"O": func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, x.written+x.headOut(), 10) },
	"p": func(b []byte, x *exchange) []byte {
		if port := x.conn.server.port; port != "" {
			return append(b, port...)
		}
		return append(b, serverOfHost(x.r.Host, x.scheme).port...)
	},
	"P": func(b []byte, x *exchange) []byte { return append(b, x.h.access.pid...) },
	"q": func(b []byte, x *exchange) []byte {
		if _, query, found := strings.Cut(x.uri, "?"); found {
			return quoted(append(b, '?'), query)
		}
		return b
	},
	"v": serverName,
	"V": serverName,
	"X": func(b []byte, x *exchange) []byte {
		switch {
		case x.abort:
			return append(b, 'X')
		case x.closes():
			return append(b, '-')
		default:
			return append(b, '+')
		}
	},
}

func serverName(b []byte, x *exchange) []byte {
	return quoted(b, serverOfHost(x.r.Host, x.scheme).host)
}

// atomWith finds an atom with an argument; nil if there is none such.
func atomWith(letter, argument string) atom {
	switch letter + argument {
	case "ac":
		return commonAtoms["h"]
	case "pcanonical":
		return apacheAtoms["p"]
	case "plocal":
		return func(b []byte, x *exchange) []byte { return quoted(b, x.conn.server.port) }
	case "premote":
		return func(b []byte, x *exchange) []byte { return quoted(b, x.client.port) }
	case "Ppid":
		return apacheAtoms["P"]
	case "Ptid":
		return func(b []byte, x *exchange) []byte {
			if !x.ran {
				return append(b, '-')
			}
			return strconv.AppendInt(b, int64(x.req.Thread()), 10)
		}
	case "Ts":
		return commonAtoms["T"]
	case "Tms":
		return gunicornAtoms["M"]
	case "Tus":
		return commonAtoms["D"]
	case "tsec":
		return func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, x.start.Unix(), 10) }
	case "tmsec":
		return func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, x.start.UnixMilli(), 10) }
	case "tusec":
		return func(b []byte, x *exchange) []byte { return strconv.AppendInt(b, x.start.UnixMicro(), 10) }
	case "tmsec_frac":
		return func(b []byte, x *exchange) []byte { return appendFraction(b, x.start.Nanosecond()/1e6, 3) }
	case "tusec_frac":
		return func(b []byte, x *exchange) []byte { return appendFraction(b, x.start.Nanosecond()/1e3, 6) }
	}
	switch letter {
	case "i":
		return requestHeader(argument)
	case "o":
		return func(b []byte, x *exchange) []byte { return quoted(b, responseHeader(x.w.Header(), argument)) }
	case "e":
		value := os.Getenv(argument)
		return func(b []byte, _ *exchange) []byte { return quoted(b, value) }
	case "C":
		return func(b []byte, x *exchange) []byte {
			if cookie, err := x.r.Cookie(argument); err == nil {
				return quoted(b, cookie.Value)
			}
			return append(b, '-')
		}
	}
	return nil
}

func requestHeader(name string) atom {
	key := http.CanonicalHeaderKey(name)
	if key == "Host" { // net/http keeps it apart
		return func(b []byte, x *exchange) []byte { return quoted(b, x.r.Host) }
	}
	return func(b []byte, x *exchange) []byte { return quoted(b, strings.Join(x.r.Header[key], ",")) }
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

func appendSeconds(b []byte, d time.Duration) []byte {
	return appendFraction(append(strconv.AppendInt(b, int64(d/time.Second), 10), '.'), int(d%time.Second/time.Microsecond), 6)
}

// appendFraction appends n with zeros before it, width digits in all: at most 6.
func appendFraction(b []byte, n, width int) []byte {
	b = append(b, "000000"[:width]...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] += byte(n % 10)
		n /= 10
	}
	return b
}

// unquotable are the bytes that cannot stand for themselves within quotes.
var unquotable = func() (table [256]bool) {
	for c := range table {
		table[c] = c < ' ' || c == '"' || c == '\\' || c >= 0x7f
	}
	return table
}()

// quoted appends what a client chose so that it cannot forge a line or break
// out of quotes: control characters, quotes and backslashes as \xXX, as nginx
// does.
func quoted(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	const hex = "0123456789ABCDEF"
	plain := 0 // s[plain:i] is still to be appended
	for i := range len(s) {
		if c := s[i]; unquotable[c] {
			b = append(b, s[plain:i]...)
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
			plain = i + 1
		}
	}
	return append(b, s[plain:]...)
}
