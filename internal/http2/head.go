package http2

import (
	"bytes"
	"errors"
	"net/http"
	"sync"

	"github.com/gowsgi/gowsgi/internal/http1"
)

// listSize is the largest list of fields that the library is to read. Larger ones it
// answers by itself, unseen by anybody, so it is twice what passes; in HTTP/2 a field
// counts for 32 bytes more than it has, and a cookie may be in many of them.
func listSize(l *http1.Limits) int {
	const perField, cookies = 32, 200
	return 2*l.Head + perField*(l.Fields+cookies)
}

// text is a head as HTTP/1.1 has it, and what it was read into.
type text struct {
	bytes []byte
	head  http1.Head
}

// Memory beyond this is not kept for the next head.
const keptText = 16 << 10

var texts = sync.Pool{New: func() any { return new(text) }}

func (t *text) release() {
	if cap(t.bytes) <= keptText {
		texts.Put(t)
	}
}

// write writes the head out. The library has seen to it that no value has a line end
// or NUL in it.
func (t *text) write(r *http.Request) {
	b := append(append(t.bytes[:0], r.Method...), ' ')
	b = append(append(b, r.RequestURI...), " HTTP/1.1\r\n"...)
	if r.Host != "" {
		b = append(append(append(b, "Host: "...), r.Host...), "\r\n"...)
	}
	for name, values := range r.Header {
		if name == "Host" {
			continue
		}
		for _, value := range values {
			b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
		}
	}
	t.bytes = append(b, "\r\n"...)
}

// errOther is a head that would be another one in HTTP/1.1.
var errOther = &http1.Refusal{Status: http.StatusBadRequest, Why: "the head could be understood in another way"}

// errLength is one of which the end of the body has come with it.
var errLength = &http1.Refusal{Status: http.StatusBadRequest, Why: "Content-Length is not the length of the body"}

// errHosts: RFC 9113, 8.3.1.
var errHosts = &http1.Refusal{Status: http.StatusBadRequest, Why: "Host is not what :authority says"}

// check reads the head. nil: it is one.
func (t *text) check(r *http.Request, limits *http1.Limits) *http1.Refusal {
	for _, host := range r.Header["Host"] {
		if host != r.Host {
			return errHosts
		}
	}
	t.write(r)
	h := &t.head
	size, err := h.Read(t.bytes, 0, limits)
	if refusal, ok := errors.AsType[*http1.Refusal](err); ok {
		return refusal
	}
	switch {
	case size != len(t.bytes) || string(h.Method) != r.Method || string(h.Target) != r.RequestURI:
		return errOther
	case r.ContentLength >= 0 && h.Length != r.ContentLength:
		return errLength
	}
	return nil
}

// line is the request line, for the log.
func (t *text) line(r *http.Request) []byte {
	if line, _, ok := bytes.Cut(t.bytes, []byte(" HTTP/1.1\r\n")); ok {
		return append(line[:len(line):len(line)], " HTTP/2"...)
	}
	return []byte(r.Method + " " + r.RequestURI + " HTTP/2")
}
