package accesslog

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/environ"
	"github.com/gowsgi/gowsgi/internal/config"
)

// atom appends what it stands for: - where there is nothing.
type atom func(b []byte, e *Entry) []byte

// lineOf makes the function that appends a line without its end.
func lineOf(format config.AccessFormat) func(b []byte, e *Entry) []byte {
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
	return func(b []byte, e *Entry) []byte {
		for _, a := range atoms {
			b = a(b, e)
		}
		return b
	}
}

func atomOf(part config.AccessPart, own map[string]atom) atom {
	switch {
	case part.Atom == "":
		return func(b []byte, _ *Entry) []byte { return append(b, part.Text...) }
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

func nothing(b []byte, _ *Entry) []byte { return append(b, '-') }

// user is whose request it was. Without Asked the name is what the client says, which is
// for the application to judge; with it such a name shows only at a 401, as Apache has it.
func user(b []byte, e *Entry) []byte {
	name := e.User
	if name == "" && e.Header["Authorization"] != nil && (!e.Asked || e.Status == http.StatusUnauthorized) {
		name, _, _ = e.request().BasicAuth()
	}
	return quoted(b, name)
}

// commonAtoms mean the same to Gunicorn and Apache.
var commonAtoms = map[string]atom{
	"h": func(b []byte, e *Entry) []byte { return quoted(b, e.Client.Host) },
	"l": nothing,
	"u": user,
	"t": func(b []byte, e *Entry) []byte { return e.log.clf.Append(b, e.Time) },
	"r": func(b []byte, e *Entry) []byte {
		if e.Method == "" { // it was no request
			return quoted(b, e.Line)
		}
		b = append(quoted(b, e.Method), ' ')
		b = append(quoted(b, e.URI), ' ')
		return append(b, e.Proto...)
	},
	"m": func(b []byte, e *Entry) []byte { return quoted(b, e.Method) },
	"U": func(b []byte, e *Entry) []byte {
		path, _, _ := strings.Cut(e.URI, "?")
		return quoted(b, path)
	},
	"H": func(b []byte, e *Entry) []byte { return quoted(b, e.Proto) },
	"s": func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, int64(e.Status), 10) },
	"B": func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.BytesOut, 10) },
	"b": func(b []byte, e *Entry) []byte {
		if e.BytesOut == 0 {
			return append(b, '-')
		}
		return strconv.AppendInt(b, e.BytesOut, 10)
	},
	"T": func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, int64(e.Took/time.Second), 10) },
	"D": func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.Took.Microseconds(), 10) },
}

// gunicornAtoms are those that only Gunicorn has (access_log_format).
var gunicornAtoms = map[string]atom{
	"q": func(b []byte, e *Entry) []byte {
		if _, query, _ := strings.Cut(e.URI, "?"); query != "" {
			return quoted(b, query)
		}
		return b
	},
	"f": func(b []byte, e *Entry) []byte { return quoted(b, first(e.Header, "Referer")) },
	"a": func(b []byte, e *Entry) []byte { return quoted(b, first(e.Header, "User-Agent")) },
	"M": func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.Took.Milliseconds(), 10) },
	"L": func(b []byte, e *Entry) []byte { return appendSeconds(b, e.Took) },
	"p": func(b []byte, e *Entry) []byte { return append(append(append(b, '<'), e.log.pid...), '>') },
}

// apacheAtoms are those that only Apache has (mod_log_config, mod_logio), or
// with a meaning of their own.
var apacheAtoms = map[string]atom{
	"a": commonAtoms["h"],
	"A": func(b []byte, e *Entry) []byte { return quoted(b, e.Server.Host) },
	"f": nothing, // no file stands behind a request
	"I": func(b []byte, e *Entry) []byte {
		return strconv.AppendInt(b, e.BytesIn+int64(e.HeadIn), 10)
	},
	"k": func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, int64(e.Before), 10) },
	"L": func(b []byte, e *Entry) []byte { return e.appendID(b) },
	"O": func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.BytesOut+int64(e.HeadOut), 10) },
	"p": func(b []byte, e *Entry) []byte {
		if port := e.Server.Port; port != "" {
			return append(b, port...)
		}
		_, port := environ.ServerOf(e.Host, e.Scheme)
		return append(b, port...)
	},
	"P": func(b []byte, e *Entry) []byte { return append(b, e.log.pid...) },
	"q": func(b []byte, e *Entry) []byte {
		if _, query, found := strings.Cut(e.URI, "?"); found {
			return quoted(append(b, '?'), query)
		}
		return b
	},
	"v": serverName,
	"V": serverName,
	"X": func(b []byte, e *Entry) []byte {
		switch {
		case e.Broken:
			return append(b, 'X')
		case e.Closes:
			return append(b, '-')
		default:
			return append(b, '+')
		}
	},
}

func serverName(b []byte, e *Entry) []byte {
	name, _ := environ.ServerOf(e.Host, e.Scheme)
	return quoted(b, name)
}

// atomWith finds an atom with an argument; nil if there is none such.
func atomWith(letter, argument string) atom {
	switch letter + argument {
	case "ac":
		return commonAtoms["h"]
	case "pcanonical":
		return apacheAtoms["p"]
	case "plocal":
		return func(b []byte, e *Entry) []byte { return quoted(b, e.Server.Port) }
	case "premote":
		return func(b []byte, e *Entry) []byte { return quoted(b, e.Client.Port) }
	case "Ppid":
		return apacheAtoms["P"]
	case "Ptid":
		return func(b []byte, e *Entry) []byte {
			if !e.Ran {
				return append(b, '-')
			}
			return strconv.AppendInt(b, int64(e.Thread), 10)
		}
	case "Ts":
		return commonAtoms["T"]
	case "Tms":
		return gunicornAtoms["M"]
	case "Tus":
		return commonAtoms["D"]
	case "tsec":
		return func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.Time.Unix(), 10) }
	case "tmsec":
		return func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.Time.UnixMilli(), 10) }
	case "tusec":
		return func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.Time.UnixMicro(), 10) }
	case "tmsec_frac":
		return func(b []byte, e *Entry) []byte { return appendFraction(b, e.Time.Nanosecond()/1e6, 3) }
	case "tusec_frac":
		return func(b []byte, e *Entry) []byte { return appendFraction(b, e.Time.Nanosecond()/1e3, 6) }
	}
	switch letter {
	case "i":
		return requestHeader(argument)
	case "o":
		return func(b []byte, e *Entry) []byte { return quoted(b, e.answered(argument)) }
	case "e":
		value := os.Getenv(argument)
		return func(b []byte, _ *Entry) []byte { return quoted(b, value) }
	case "C":
		return func(b []byte, e *Entry) []byte {
			if cookie, err := e.request().Cookie(argument); err == nil {
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
		return func(b []byte, e *Entry) []byte { return quoted(b, e.Host) }
	}
	return func(b []byte, e *Entry) []byte { return quoted(b, strings.Join(e.Header[key], ",")) }
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
