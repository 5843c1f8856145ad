package embed

/*
#include "request.h"

static int64_t queued_at(const wsgi_request *req) { return __atomic_load_n(&req->task.queued_at, __ATOMIC_RELAXED); }
*/
import "C"

import (
	"encoding/binary"
	"net"
	"time"
	"unsafe"

	"github.com/gowsgi/gowsgi/environ"
)

// Description says which request it is, for logs and for who asks what goes on.
type Description struct {
	Method, URI string
	Host, Port  string // of the client
	ID          string
	Queued      time.Time // when it was submitted
	Application int       // its number
}

// Client is the client's end of the connection: host:port, empty for a unix socket.
func (d *Description) Client() string {
	if d.Port == "" {
		return d.Host
	}
	return net.JoinHostPort(d.Host, d.Port)
}

// Describe says which request it is in that use, from its environ; false if that has
// ended. From any goroutine.
func (r *Request) Describe(generation uint64) (d Description, ok bool) {
	const most = 64 << 10 // what does not fit is missing
	block := make([]byte, blockRoom)
	application := C.uint32_t(0)
	size := r.copyBlock(generation, block, &application)
	if size > len(block) {
		block = make([]byte, min(size, most))
		size = r.copyBlock(generation, block, &application)
	}
	if size == 0 {
		return d, false
	}
	d.read(block[:min(size, len(block))])
	d.Application = int(application)
	age := time.Duration(C.gowsgi_now() - C.queued_at(r.c))
	d.Queued = time.Now().Add(-age)
	return d, true
}

func (r *Request) copyBlock(generation uint64, to []byte, application *C.uint32_t) int {
	return int(C.gowsgi_request_copy_block(r.c, C.uint64_t(generation), (*C.uint8_t)(unsafe.SliceData(to)), C.size_t(len(to)), application))
}

// read takes what it needs out of a block, which may be cut short.
func (d *Description) read(block []byte) {
	places := map[environ.Key]*string{
		environ.RequestMethod: &d.Method, environ.RequestURI: &d.URI, environ.RemoteAddr: &d.Host, environ.RemotePort: &d.Port,
		environ.RequestID: &d.ID,
	}
	const sizes = 8
	for len(block) >= sizes {
		key := environ.Key(binary.LittleEndian.Uint16(block))
		name, value := int(binary.LittleEndian.Uint16(block[2:])), int(binary.LittleEndian.Uint32(block[4:]))
		if value > len(block)-sizes-name {
			return
		}
		if place := places[key]; place != nil {
			*place = string(block[sizes+name : sizes+name+value])
		}
		block = block[sizes+name+value:]
	}
}
