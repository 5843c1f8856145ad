package http1

/*
#cgo CFLAGS: -std=c11 -Wall -Wextra
#include "head.h"

#cgo noescape gowsgi_head_read
#cgo nocallback gowsgi_head_read
#cgo noescape gowsgi_chunks_read
#cgo nocallback gowsgi_chunks_read
*/
import "C"

import "unsafe"

// Limits say how large a head may be: bytes of the request line and of each
// field line without their ends, number of fields, bytes of the whole head.
// 0 of Line and Field is no limit but the head's; Fields and Head must be set.
// The trailers of a chunked body have those of Field, Fields and Head once more.
type Limits struct{ Line, Field, Fields, Head int }

func (l *Limits) c() C.gowsgi_head_limits {
	return C.gowsgi_head_limits{
		line: C.uint32_t(l.Line), field: C.uint32_t(l.Field), fields: C.uint32_t(l.Fields), head: C.uint32_t(l.Head),
	}
}

// Form of a request's target: RFC 9112, 3.2.
type Form uint8

// CONNECT's form is always refused.
const (
	Origin   Form = C.GOWSGI_ORIGIN
	Absolute Form = C.GOWSGI_ABSOLUTE
	Asterisk Form = C.GOWSGI_ASTERISK
)

// Field is a field line: the name as it was sent, the value without the blanks
// around it.
type Field struct{ Name, Value []byte }

// Head is a request's head. Its slices are parts of the bytes that it was read
// from, and Fields is made anew by the next Read.
type Head struct {
	Method, Target []byte // as sent
	Path, Query    []byte // of the target, as sent; Query without the question mark
	HasQuery       bool
	Host           []byte // of an absolute target, else of the field Host; may be empty
	Form           Form
	Minor          int // of the version, HTTP/1.Minor: 0 or 1
	Fields         []Field
	Length         int64 // of the body; 0: none; -1: chunked
	Chunked        bool
	Continue       bool // the client waits for 100 Continue (RFC 9110, 10.1.1)
	KeepAlive      bool // as far as the client is concerned
	Upgrade        bool // Connection and Upgrade ask for another protocol

	state C.gowsgi_head
	table []C.gowsgi_field
}

// Refusal is a head or a chunked body that is not served: the connection ends
// with an answer of that status, if one can still be given.
type Refusal struct {
	Status int    // 400, 405, 414, 417, 431, 501 or 505
	Why    string // in a few words, for the operator
	At     int    // the byte, from the beginning of what was read
}

func (r *Refusal) Error() string { return r.Why }

func refusal(status, why C.int32_t, at C.uint32_t) error {
	return &Refusal{Status: int(status), Why: C.GoString(C.gowsgi_http1_why(why)), At: int(at)}
}

var slash = []byte("/")

// Read reads a head at the start of data, of which `seen` bytes were there at
// the call before; 0 begins a new one. It returns the head's size, with an empty
// line that may stand before it; 0 as long as more is needed; or a *Refusal.
// Each byte is looked at once or twice, in however many pieces they come.
func (h *Head) Read(data []byte, seen int, limits *Limits) (size int, err error) {
	if seen == 0 {
		h.state = C.gowsgi_head{}
	}
	if len(h.table) < limits.Fields {
		table := make([]C.gowsgi_field, limits.Fields)
		copy(table, h.table)
		h.table = table
	}
	l := limits.c()
	// SAFETY: C keeps none of the pointers; data and table are as long as it is
	// told, and none of the three has Go pointers in it.
	n := C.gowsgi_head_read(&h.state, unsafe.SliceData(h.table), (*C.uint8_t)(unsafe.SliceData(data)), C.uint32_t(len(data)), &l)
	switch {
	case n == 0:
		return 0, nil
	case n < 0:
		return 0, refusal(h.state.status, h.state.why, h.state.error_at)
	}
	h.fill(data)
	return int(n), nil
}

func (h *Head) fill(data []byte) {
	s := &h.state
	h.Method, h.Target = cut(data, s.method), cut(data, s.target)
	h.Path, h.Query, h.HasQuery = cut(data, s.path), cut(data, s.query), bool(s.has_query)
	if len(h.Path) == 0 {
		h.Path = slash
	}
	h.Host, h.Form, h.Minor = cut(data, s.host), Form(s.form), int(s.minor)
	h.Length, h.Chunked, h.Continue = int64(s.length), bool(s.chunked), bool(s.awaits_continue)
	if h.Chunked {
		h.Length = -1
	}
	h.KeepAlive, h.Upgrade = bool(s.keep_alive), bool(s.upgrade)
	h.Fields = h.Fields[:0]
	for _, field := range h.table[:s.count] {
		h.Fields = append(h.Fields, Field{cut(data, field.name), cut(data, field.value)})
	}
}

// cut is what span names of data; appending to it touches nothing else.
func cut(data []byte, span C.gowsgi_span) []byte {
	at, end := span.at, span.at+span.size
	return data[at:end:end]
}

// Line is the request line of a head that was refused or is not whole, as far as
// it has come: for the log. data is what was read.
func Line(data []byte) []byte {
	for i, c := range data {
		if c != '\r' && c != '\n' {
			data = data[i:]
			break
		}
	}
	for i, c := range data {
		if c == '\r' || c == '\n' {
			return data[:i]
		}
	}
	return data
}
