package accesslog

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Entry is what there is to tell of a request that is over, or of what was
// answered although it was none.
type Entry struct {
	Time  time.Time     // when it came
	Took  time.Duration // until its answer was out
	ID    string        // its name, if a proxy that is trusted gave it one
	Named Named         // has a name of our own for it; nil: there is none

	Client, Server Address
	Line           string // the request line of what was no request; Method, URI and Proto are empty then
	Method         string
	URI            string
	Proto          string
	Host           string
	Scheme         string
	Mount          string      // the application, where there are several
	Header         http.Header // of the request
	Asked          bool        // gowsgi asks for passwords
	User           string      // who had the right one; empty: nobody

	Status   int
	Fields   [][2]string // of the response, as the application has them
	Length   int64       // of the response, as it says; -1: it does not
	BytesIn  int64       // of the request's body, as far as it was read
	BytesOut int64       // of the response's body
	HeadIn   int         // bytes
	HeadOut  int
	Before   int  // requests that the connection had
	Closes   bool // it ends with this one
	Broken   bool // the response is not whole

	Ran                 bool // the application did: what follows is known
	Queued, Inside, GIL time.Duration
	Thread              int

	log *Log
}

// Address is one end of a connection; empty if it is a unix socket.
type Address struct{ Host, Port string }

// Named has a name for the request, unique among all workers.
type Named interface{ AppendID(b []byte) []byte }

// answered is a field of the response whatever its spelling.
func (e *Entry) answered(name string) string {
	if strings.EqualFold(name, "Content-Length") && e.Length >= 0 {
		return strconv.FormatInt(e.Length, 10)
	}
	var values []string
	for _, field := range e.Fields {
		if strings.EqualFold(field[0], name) {
			values = append(values, field[1])
		}
	}
	return strings.Join(values, ",")
}

// request is the request as package net/http takes its fields apart.
func (e *Entry) request() *http.Request { return &http.Request{Header: e.Header} }

// appendID appends the request's name; - for none.
func (e *Entry) appendID(b []byte) []byte {
	switch {
	case e.ID != "":
		return quoted(b, e.ID)
	case e.Named != nil:
		return e.Named.AppendID(b)
	default:
		return append(b, '-')
	}
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return strings.TrimSpace(v[0])
	}
	return ""
}
