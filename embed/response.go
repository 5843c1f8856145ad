package embed

/*
#include <stdlib.h>
#include "request.h"
*/
import "C"

import (
	"encoding/binary"
	"io"
	"os"
	"sync/atomic"
	"unsafe"
)

// Batch is a piece of a response body.
type Batch struct {
	c *C.wsgi_batch
}

// Size is the number of bytes in the batch.
func (b Batch) Size() int { return int(b.c.size) }

// IsEmpty tells whether there is no block in the batch. One that is not empty has
// no bytes if the request was HEAD: it says that the head may go out.
func (b Batch) IsEmpty() bool { return b.c.count == 0 }

// Blocks appends the blocks, those that lie behind one another as one. They are
// C's memory: valid until the next Wait.
func (b Batch) Blocks(to [][]byte) [][]byte {
	begun, copied := 0, 0 // what is not yet appended of the copies
	flush := func() {
		if copied > begun {
			to = append(to, unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(b.c.copies), begun)), copied-begun))
			begun = copied
		}
	}
	// SAFETY: count segments, each of size bytes, either owned or next in
	// copies, in this order (response.c, add).
	for _, s := range unsafe.Slice(b.c.segments, int(b.c.count)) {
		if s.owner == nil {
			copied += int(s.size)
			continue
		}
		flush()
		to = append(to, unsafe.Slice((*byte)(unsafe.Pointer(s.data)), int(s.size)))
	}
	flush()
	return to
}

// Status is the status code, 0 if start_response was not called. Valid once a
// batch was not empty, or the request is done; the same goes for the rest.
func (r *Request) Status() int { return int(r.c.response.head.status) }

// Reason is what stands behind the status code. It is C's memory: valid until
// Release.
func (r *Request) Reason() string {
	reason, _ := cutField(r.head())
	return reason[1]
}

// head is status and header fields as headers.c puts them down: the reason first,
// as a field without a name.
func (r *Request) head() string {
	// SAFETY: size bytes, of whole fields, which nobody changes any more.
	return unsafe.String((*byte)(r.c.response.head.fields), int(r.c.response.head.size))
}

// ContentLength is what the application declared, or its length if that is
// known; -1 otherwise.
func (r *Request) ContentLength() int64 { return int64(r.c.response.head.content_length) }

// Sent is the number of body bytes handed over so far (for HEAD: that would
// have been).
func (r *Request) Sent() int64 { return int64(r.c.response.sent) }

// Fields appends the response's header fields in order, names and values, without
// Content-Length. The strings are C's memory: valid until Release.
func (r *Request) Fields(to [][2]string) [][2]string {
	return HeadFields(to, r.head())
}

// HeadFields appends the header fields of a head as headers.c puts it down.
func HeadFields(to [][2]string, head string) [][2]string {
	_, fields := cutField(head)
	return appendFields(to, fields)
}

// appendFields appends header fields as headers.c puts them down
// (wsgi_field_append).
func appendFields(to [][2]string, text string) [][2]string {
	var field [2]string
	for text != "" {
		field, text = cutField(text)
		to = append(to, field)
	}
	return to
}

// cutField takes the first field off the text; empty if there is none.
func cutField(text string) (field [2]string, rest string) {
	if text == "" {
		return field, ""
	}
	name := int(binary.LittleEndian.Uint16([]byte(text[:2])))
	value := int(binary.LittleEndian.Uint32([]byte(text[2:6])))
	text = text[6:]
	return [2]string{text[:name], text[name : name+value]}, text[name+value:]
}

// Hints takes the early hints that the application has given since the last call:
// for each of its calls the header fields. After Wait, before anything that it
// returned is sent.
func (r *Request) Hints() [][][2]string {
	// No crossing if there are none, which is nearly always.
	if atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&r.c.response.hints))) == nil {
		return nil
	}
	size := C.size_t(0)
	data := C.gowsgi_request_hints(r.c, &size)
	defer C.free(unsafe.Pointer(data))
	// SAFETY: size bytes, ours now; each call's have their size before them.
	text := string(unsafe.Slice((*byte)(data), int(size)))
	var hints [][][2]string
	for text != "" {
		end := 4 + int(binary.LittleEndian.Uint32([]byte(text[:4])))
		hints = append(hints, appendFields(nil, text[4:end]))
		text = text[end:]
	}
	return hints
}

// Result is how the application did, once it is done.
type Result struct {
	Raised      bool   // an exception ended it
	HeadersSent bool   // before that, the response had begun
	TooLong     bool   // it produced more than it declared; the rest was cut
	Error       string // the traceback, if Raised
	CloseError  string // traceback of an exception in close()
}

// Result tells how the application did. Done.
func (r *Request) Result() Result {
	c := r.c
	return Result{
		Raised: c.result.outcome == C.WSGI_RAISED, HeadersSent: c.response.begun != 0, TooLong: c.response.too_long != 0,
		Error: C.GoStringN(c.result.error, C.int(c.result.error_size)), CloseError: C.GoStringN(c.result.close_error, C.int(c.result.close_error_size)),
	}
}

// HasFile tells whether a file is to be sent after the last batch.
func (r *Request) HasFile() bool { return r.c.response.file >= 0 }

// File takes over the file that is to be sent after the last batch: size bytes
// from where it stands. nil if there is none (any more).
func (r *Request) File() (file *os.File, size int64, err error) {
	if r.c.response.file < 0 {
		return nil, 0, nil
	}
	f := os.NewFile(uintptr(r.c.response.file), "wsgi.file_wrapper")
	r.c.response.file = -1
	if _, err := f.Seek(int64(r.c.response.file_offset), io.SeekStart); err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, int64(r.c.response.file_size), nil
}
