package http1

import (
	"net/http"
	"net/textproto"
	"sync"
	"unsafe"
)

// turn is a request and what answers it: the memory of both, which serves
// another request afterwards, of any connection.
type turn struct {
	head    Head
	request http.Request
	header  http.Header
	values  []string // of all fields: memory for the slices in header
	body    body
	writer  Writer
	size    int  // of the head
	kept    bool // see Writer.Keep
}

var turns = sync.Pool{New: func() any {
	return &turn{header: http.Header{}, writer: Writer{header: http.Header{}}}
}}

// Memory beyond this is not kept for the next request.
const (
	keptFields = 100
	keptAnswer = 8 * collected
)

// release gives the turn back, unless somebody has it or it has grown large.
func (t *turn) release() {
	if t.kept || len(t.header) > keptFields || len(t.writer.header) > keptFields || len(t.head.table) > 2*keptFields || cap(t.writer.buf) > keptAnswer {
		return
	}
	t.request = http.Request{}
	t.body = body{}
	clear(t.header)
	clear(t.values)
	t.values = t.values[:0]
	t.writer.release()
	turns.Put(t)
}

var protocols = [...]string{"HTTP/1.0", "HTTP/1.1"}

var chunkedOnly = []string{"chunked"}

// fill makes the request of a head. data is what it was read from: one copy of
// it is made, which all strings share.
func (t *turn) fill(c *conn, data []byte) {
	h := &t.head
	all := text{data, string(data)}
	t.size = len(data)
	r := &t.request
	*r = http.Request{
		Method: all.of(h.Method), RequestURI: all.of(h.Target), Host: all.of(h.Host), RemoteAddr: c.name,
		Proto: protocols[h.Minor], ProtoMajor: 1, ProtoMinor: h.Minor, Close: !h.KeepAlive,
		Header: t.header, Body: http.NoBody, ContentLength: h.Length, TLS: c.state,
	}
	if cap(t.values) < len(h.Fields) {
		t.values = make([]string, 0, len(h.Fields))
	}
	for _, field := range h.Fields {
		t.add(textproto.CanonicalMIMEHeaderKey(all.of(field.Name)), all.of(field.Value))
	}
	if h.Chunked {
		r.TransferEncoding = chunkedOnly
	}
	t.body.begin(c, t)
	if t.body.state != inDone {
		r.Body = &t.body
	}
}

// add notes a field. Host and Transfer-Encoding are known already, as with
// net/http.
func (t *turn) add(name, value string) {
	if name == "Host" || name == "Transfer-Encoding" {
		return
	}
	if values := t.header[name]; values != nil {
		t.header[name] = append(values, value)
		return
	}
	t.values = append(t.values, value)
	last := len(t.values)
	t.header[name] = t.values[last-1 : last : last]
}

// text is a head, and the string with the same bytes.
type text struct {
	bytes  []byte
	string string
}

// of is a piece of the bytes as a piece of the string.
func (t text) of(piece []byte) string {
	if len(piece) == 0 {
		return ""
	}
	// SAFETY: no pointer is made of these numbers; piece is a part of bytes.
	at := uintptr(unsafe.Pointer(&piece[0])) - uintptr(unsafe.Pointer(&t.bytes[0]))
	return t.string[at : int(at)+len(piece)]
}
