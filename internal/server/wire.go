package server

import (
	"bytes"
	"net/http"
	"strings"
)

// wire follows the bytes of a connection from one request's head to the next,
// to see what net/http made of a head: pipelined requests come in any pieces.
// It believes net/http's word on the length of bodies; should the two ever
// disagree, the next head is not found where it should be, which counts as
// ambiguous.
type wire struct {
	head []byte // of the current request; until begin, perhaps more
	rest []byte // what was read of the requests after it
	body body
	left int64 // bytes of the body, or of the chunk and its line end
	line []byte
}

// body is what is expected of the current request's body.
type body int

const (
	notBegun   body = iota // still in the head
	counted                // left bytes
	chunkSize              // a chunk's size line
	chunkData              // left bytes of a chunk
	chunkTrail             // trailer lines
	ended
	lost // it cannot be followed any more
)

const (
	mostLine = 8 << 10  // of a chunk's size line or the trailer, as net/http has it
	mostRest = 64 << 10 // net/http does not read further ahead than 4 KiB
	keepWire = 4 << 10  // memory that an idle connection keeps
)

// add notes what was read.
func (w *wire) add(p []byte) {
	if w.body == notBegun {
		w.head = append(w.head, p...)
		return
	}
	p = p[w.skip(p):]
	if len(w.rest)+len(p) > mostRest {
		w.body = lost
	}
	if w.body == ended {
		w.rest = append(w.rest, p...)
	}
}

// begin takes the head apart from what was read after it. r is what net/http
// made of it.
func (w *wire) begin(r *http.Request) {
	size := headSize(w.head)
	if size < 0 {
		w.body = lost
		return
	}
	switch {
	case len(r.TransferEncoding) > 0:
		w.body = chunkSize
	case r.ContentLength > 0:
		w.body, w.left = counted, r.ContentLength
	default:
		w.body = ended
	}
	after := w.head[size:]
	w.head = w.head[:size:size]
	w.add(after)
}

// next goes on to the next request: this one is over.
func (w *wire) next() {
	if w.body != ended {
		w.body = lost
		return
	}
	w.head, w.rest = append(w.head[:0], w.rest...), w.rest[:0]
	w.body = notBegun
	if cap(w.head) > keepWire && len(w.head) == 0 {
		w.head = nil
	}
	if cap(w.rest) > keepWire {
		w.rest = nil
	}
}

// endless tells whether the first line of a head has not ended within limit.
func (w *wire) endless(limit int) bool {
	return w.body == notBegun && len(w.head) > limit && bytes.IndexByte(w.head, '\n') < 0
}

// ambiguous tells whether the head of r says more about its body's length than
// net/http lets on: both Transfer-Encoding and Content-Length, or a
// Transfer-Encoding in HTTP/1.0 (RFC 9112, 6.1). After begin.
func (w *wire) ambiguous(r *http.Request) bool {
	head := bytes.TrimLeft(w.head, "\r\n") // net/http skips them, too
	if w.body == lost || !bytes.HasPrefix(head, []byte(r.Method+" "+r.RequestURI+" "+r.Proto)) {
		return true
	}
	coding, length := false, false
	for line := range bytes.Lines(head) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		coding = coding || strings.EqualFold(string(name), "Transfer-Encoding")
		length = length || strings.EqualFold(string(name), "Content-Length")
	}
	return coding && (length || !r.ProtoAtLeast(1, 1))
}

// headSize is the size of the head that b begins with, its empty line
// included; -1 if there is no end.
func headSize(b []byte) int {
	size := len(b) - len(bytes.TrimLeft(b, "\r\n"))
	if i := bytes.Index(b[size:], []byte("\r\n\r\n")); i >= 0 && i+4 == len(b)-size {
		return len(b) // nearly always
	}
	for line := range bytes.Lines(b[size:]) {
		size += len(line)
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return size
		}
	}
	return -1
}

// skip follows the body through p and returns how much of p belongs to it.
func (w *wire) skip(p []byte) int {
	size := len(p)
	for len(p) > 0 && w.body != ended && w.body != lost {
		switch w.body {
		case counted, chunkData:
			n := min(w.left, int64(len(p)))
			p = p[n:]
			if w.left -= n; w.left > 0 {
				break
			}
			if w.body == counted {
				w.body = ended
			} else {
				w.body = chunkSize
			}
		default:
			line, after, complete := bytes.Cut(p, []byte("\n"))
			w.line = append(w.line, line...)
			p = after
			if len(w.line) > mostLine {
				w.body = lost
			}
			if complete && w.body != lost {
				w.chunkLine(bytes.TrimRight(w.line, "\r"))
				w.line = w.line[:0]
			}
		}
	}
	return size - len(p)
}

// chunkLine is a line of a chunked body (RFC 9112, 7.1).
func (w *wire) chunkLine(line []byte) {
	if w.body == chunkTrail {
		if len(line) == 0 {
			w.body = ended
		}
		return
	}
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimSpace(digits)
	w.left = 0
	for _, c := range digits {
		n := strings.IndexByte("0123456789abcdef", c|0x20)
		if n < 0 || w.left > 1<<58 {
			w.body = lost
			return
		}
		w.left = w.left<<4 | int64(n)
	}
	switch {
	case len(digits) == 0:
		w.body = lost
	case w.left == 0:
		w.body = chunkTrail
	default:
		w.left += int64(len("\r\n"))
		w.body = chunkData
	}
}
