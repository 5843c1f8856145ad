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
type atom func(b []byte, e *entry) []byte

// lineOf makes the function that appends a line without its end.
func lineOf(format config.AccessFormat) func(b []byte, e *entry) []byte {
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
	return func(b []byte, e *entry) []byte {
		for _, a := range atoms {
			b = a(b, e)
		}
		return b
	}
}

func atomOf(part config.AccessPart, own map[string]atom) atom {
	switch {
	case part.Atom == "":
		return func(b []byte, _ *entry) []byte { return append(b, part.Text...) }
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

func nothing(b []byte, _ *entry) []byte { return append(b, '-') }

// commonAtoms mean the same to Gunicorn and Apache.
var commonAtoms = map[string]atom{
	"h": func(b []byte, e *entry) []byte { return quoted(b, e.client.host) },
	"l": nothing,
	"u": func(b []byte, e *entry) []byte {
		if e.r.Header["Authorization"] == nil {
			return append(b, '-')
		}
		user, _, _ := e.r.BasicAuth()
		return quoted(b, user)
	},
	"t": func(b []byte, e *entry) []byte { return e.log.clf.append(b, e.start) },
	"r": func(b []byte, e *entry) []byte {
		b = append(quoted(b, e.r.Method), ' ')
		b = append(quoted(b, e.r.RequestURI), ' ')
		return append(b, e.r.Proto...)
	},
	"m": func(b []byte, e *entry) []byte { return quoted(b, e.r.Method) },
	"U": func(b []byte, e *entry) []byte {
		path, _, _ := strings.Cut(e.r.RequestURI, "?")
		return quoted(b, path)
	},
	"H": func(b []byte, e *entry) []byte { return append(b, e.r.Proto...) },
	"s": func(b []byte, e *entry) []byte { return strconv.AppendInt(b, int64(e.status), 10) },
	"B": func(b []byte, e *entry) []byte { return strconv.AppendInt(b, e.written, 10) },
	"b": func(b []byte, e *entry) []byte {
		if e.written == 0 {
			return append(b, '-')
		}
		return strconv.AppendInt(b, e.written, 10)
	},
	"T": func(b []byte, e *entry) []byte { return strconv.AppendInt(b, int64(e.took/time.Second), 10) },
	"D": func(b []byte, e *entry) []byte { return strconv.AppendInt(b, e.took.Microseconds(), 10) },
}

// gunicornAtoms are those that only Gunicorn has (access_log_format).
var gunicornAtoms = map[string]atom{
	"q": func(b []byte, e *entry) []byte {
		if _, query, _ := strings.Cut(e.r.RequestURI, "?"); query != "" {
			return quoted(b, query)
		}
		return b
	},
	"f": func(b []byte, e *entry) []byte { return quoted(b, first(e.r.Header, "Referer")) },
	"a": func(b []byte, e *entry) []byte { return quoted(b, first(e.r.Header, "User-Agent")) },
	"M": func(b []byte, e *entry) []byte { return strconv.AppendInt(b, e.took.Milliseconds(), 10) },
	"L": func(b []byte, e *entry) []byte { return appendSeconds(b, e.took) },
	"p": func(b []byte, e *entry) []byte { return append(append(append(b, '<'), e.log.pid...), '>') },
}

// apacheAtoms are those that only Apache has (mod_log_config, mod_logio), or
// with a meaning of their own.
var apacheAtoms = map[string]atom{
	"a": commonAtoms["h"],
	"A": func(b []byte, e *entry) []byte { return quoted(b, e.conn.server.host) },
	"f": nothing, // no file stands behind a request
	"I": func(b []byte, e *entry) []byte { return strconv.AppendInt(b, e.bytesIn()+int64(e.conn.headSize()), 10) },
	"k": func(b []byte, e *entry) []byte { return strconv.AppendInt(b, int64(e.conn.requestsBefore()), 10) },
	"L": func(b []byte, e *entry) []byte { return quoted(b, e.requestID()) },
	"O": func(b []byte, e *entry) []byte { return strconv.AppendInt(b, e.written+e.headOut(), 10) },
	"p": func(b []byte, e *entry) []byte {
		if port := e.conn.server.port; port != "" {
			return append(b, port...)
		}
		return append(b, serverOfHost(e.r.Host, e.scheme).port...)
	},
	"P": func(b []byte, e *entry) []byte { return append(b, e.log.pid...) },
	"q": func(b []byte, e *entry) []byte {
		if _, query, found := strings.Cut(e.r.RequestURI, "?"); found {
			return quoted(append(b, '?'), query)
		}
		return b
	},
	"v": serverName,
	"V": serverName,
	"X": func(b []byte, e *entry) []byte {
		switch {
		case e.abort:
			return append(b, 'X')
		case e.closes():
			return append(b, '-')
		default:
			return append(b, '+')
		}
	},
}

func serverName(b []byte, e *entry) []byte {
	return quoted(b, serverOfHost(e.r.Host, e.scheme).host)
}

// atomWith finds an atom with an argument; nil if there is none such.
func atomWith(letter, argument string) atom {
	switch letter + argument {
	case "ac":
		return commonAtoms["h"]
	case "pcanonical":
		return apacheAtoms["p"]
	case "plocal":
		return func(b []byte, e *entry) []byte { return quoted(b, e.conn.server.port) }
	case "premote":
		return func(b []byte, e *entry) []byte { return quoted(b, e.client.port) }
	case "Ppid":
		return apacheAtoms["P"]
	case "Ptid":
		return func(b []byte, e *entry) []byte {
			if !e.ran {
				return append(b, '-')
			}
			return strconv.AppendInt(b, int64(e.req.Thread()), 10)
		}
	case "Ts":
		return commonAtoms["T"]
	case "Tms":
		return gunicornAtoms["M"]
	case "Tus":
		return commonAtoms["D"]
	case "tsec":
		return func(b []byte, e *entry) []byte { return strconv.AppendInt(b, e.start.Unix(), 10) }
	case "tmsec":
		return func(b []byte, e *entry) []byte { return strconv.AppendInt(b, e.start.UnixMilli(), 10) }
	case "tusec":
		return func(b []byte, e *entry) []byte { return strconv.AppendInt(b, e.start.UnixMicro(), 10) }
	case "tmsec_frac":
		return func(b []byte, e *entry) []byte { return appendFraction(b, e.start.Nanosecond()/1e6, 3) }
	case "tusec_frac":
		return func(b []byte, e *entry) []byte { return appendFraction(b, e.start.Nanosecond()/1e3, 6) }
	}
	switch letter {
	case "i":
		return requestHeader(argument)
	case "o":
		return func(b []byte, e *entry) []byte { return quoted(b, responseHeader(e.w.Header(), argument)) }
	case "e":
		value := os.Getenv(argument)
		return func(b []byte, _ *entry) []byte { return quoted(b, value) }
	case "C":
		return func(b []byte, e *entry) []byte {
			if cookie, err := e.r.Cookie(argument); err == nil {
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
		return func(b []byte, e *entry) []byte { return quoted(b, e.r.Host) }
	}
	return func(b []byte, e *entry) []byte { return quoted(b, strings.Join(e.r.Header[key], ",")) }
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
