//go:build linux

package lane

/*
#cgo pkg-config: python3
#cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
#include <stdlib.h>
#include <errno.h>
#include "lane.h"

#cgo noescape gowsgi_lane_give
#cgo nocallback gowsgi_lane_give
#cgo noescape gowsgi_lane_handed
#cgo nocallback gowsgi_lane_handed
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/environ"
	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/forwarded"
	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// ErrElsewhere: the application has put greenlets in the place of threads, and those
// wait in hubs of their own.
var ErrElsewhere = errors.New("lane: the pool's threads wait elsewhere")

// Config is what a lane needs to know.
type Config struct {
	App                      *embed.Application
	Limits                   http1.Limits
	HeaderTimeout, KeepAlive time.Duration
	BodyRoom                 int      // bytes of a body that comes with its head; longer ones are Go's
	Mounts                   []Mount  // the first that fits has a request
	AllowedHosts             []string // patterns of package mounts; none: all hosts are served
	Elsewhere                []string // beginnings of paths, with what %XX says, whose requests are Go's
	Top                      bool     // there is a document root: see Lane.Top
	NamesFiles               bool     // responses with X-Sendfile and X-Accel-Redirect are Go's
	Forwarded                *forwarded.Reader
	IDPrefix                 string // of the names of requests
	LastID                   *atomic.Uint64
	IDField                  string      // of the response that has the name; empty: none
	CodedFrom                int64       // bodies of so many bytes, or of unknown length, Go may encode; -1: none
	AddedFields              [][2]string // that a response gets if it has none of the name
	RemovedFields            []string    // names of those that it loses before
	SecureField              [2]string   // that a response over TLS gets if it has none of the name; empty: none
	Board                    Board
	CountsClients            bool   // Closed is called
	OpenCount                *int64 // less one for each connection that the lane closes; nil: none

	// Adopt is called for each connection that becomes Go's. Its memory, and the lane's,
	// are only there during the call.
	Adopt func(*Handed)
	// Closed is called for each connection that the lane has closed, if CountsClients.
	Closed func(remote http1.Address)
	// Record is called for each request that ended in the lane; nil: nobody wants to
	// know. lost: that many could not be kept.
	Record func(*Record)
	Lost   func(n int64)
}

// Mount is a place that an application has: package mounts' Entry.
type Mount struct {
	Path, Host  string
	Application int            // its number
	BodyLimit   int64          // bytes; 0: none
	Figures     *tally.Figures // nil: nobody counts
	Elsewhere   bool           // its requests are Go's
}

// Board is where requests that are with the application are noted: package
// scoreboard's slots.
type Board struct {
	Memory                unsafe.Pointer // nil: none
	Slots, SlotSize, Room int            // Room: bytes of a method
}

// Lane is a lane that runs. It stays until the process ends.
type Lane struct {
	c      *C.gowsgi_lane
	top    *C.uint64_t
	config Config
	handed *os.File // tells that there is something to be adopted
	ended  *os.File // and this that there are records

	secure atomic.Int64 // connections that speak TLS

	flushing sync.Mutex
	flushed  Record // memory for it
}

// New makes a lane without connections. ErrElsewhere if there can be none.
func New(config Config) (*Lane, error) {
	// C's ends stay open for good: a thread may ring when all is over, and must not write
	// to whoever has the number then.
	handed, tell, err := gil.EventPipe()
	if err != nil {
		return nil, fmt.Errorf("lane: event descriptor: %w", err)
	}
	ended, note, err := gil.EventPipe()
	if err != nil {
		_ = handed.Close()
		_ = unix.Close(tell)
		return nil, fmt.Errorf("lane: event descriptor: %w", err)
	}
	l := &Lane{config: config, handed: handed, ended: ended}
	names, count := cStrings(environ.Names())
	c := C.gowsgi_lane_config{
		pool: (*C.gowsgi_pool)(config.App.Pool()),
		limits: C.gowsgi_head_limits{
			line: C.uint32_t(config.Limits.Line), field: C.uint32_t(config.Limits.Field),
			fields: C.uint32_t(config.Limits.Fields), head: C.uint32_t(config.Limits.Head),
		},
		header_timeout: C.int64_t(config.HeaderTimeout), keep_alive: C.int64_t(config.KeepAlive),
		most_visits: C.int(http1.MostVisits), long_request: C.int64_t(longRequest()), body_room: C.uint64_t(config.BodyRoom), names: names, name_count: count, keys: keys(),
		id_prefix: C.CString(config.IDPrefix), last_id: (*C.uint64_t)(unsafe.Pointer(config.LastID)),
		board: (*C.uint8_t)(config.Board.Memory), board_slots: C.uint32_t(config.Board.Slots),
		board_slot_size: C.uint32_t(config.Board.SlotSize), board_method_room: C.uint32_t(config.Board.Room),
		coded_from: C.int64_t(config.CodedFrom), open_count: (*C.int64_t)(config.OpenCount),
		keeps_records: config.Record != nil, tells_closed: C.bool(config.CountsClients), event_fd: C.int(tell), record_fd: C.int(note),
	}
	c.elsewhere, c.elsewhere_count = cStrings(config.Elsewhere)
	c.names_files = C.bool(config.NamesFiles)
	if config.Top {
		c.top = (*C.uint64_t)(C.calloc(topWords, 8))
	}
	believe(&c, config.Forwarded)
	c.removed, c.removed_count = cStrings(config.RemovedFields)
	var added, lines []string
	for _, field := range config.AddedFields {
		added, lines = append(added, field[0]), append(lines, field[0]+": "+field[1]+"\r\n")
	}
	c.added, c.added_count = cStrings(added)
	c.added_lines, _ = cStrings(lines)
	if config.IDField != "" {
		c.id_field = C.CString(config.IDField)
	}
	if name := config.SecureField[0]; name != "" {
		c.secure, c.secure_line = C.CString(name), C.CString(name+": "+config.SecureField[1]+"\r\n")
	}
	c.mounts, c.mount_count = mountsFor(config.Mounts)
	c.allowed, c.allowed_count = patterns(config.AllowedHosts)
	c.bounds, c.bound_count = bounds()
	wanted := C.int(0)
	l.c, err = C.gowsgi_lane_new(&c, &wanted)
	if l.c == nil {
		_ = handed.Close()
		_ = ended.Close()
		_ = unix.Close(tell)
		_ = unix.Close(note)
		if errors.Is(err, unix.ENOTSUP) {
			return nil, ErrElsewhere
		}
		return nil, fmt.Errorf("lane: %w", err)
	}
	l.top = c.top
	l.stock(int(wanted))
	go l.adopt()
	if config.Record != nil {
		go l.record()
	}
	return l, nil
}

// cStrings are texts for C, for good.
func cStrings(texts []string) (**C.char, C.int) {
	// SAFETY: the memory has room for len(texts) pointers.
	list := (**C.char)(C.malloc(C.size_t(len(texts)) * C.size_t(unsafe.Sizeof((*C.char)(nil)))))
	for i, text := range texts {
		unsafe.Slice(list, len(texts))[i] = C.CString(text)
	}
	return list, C.int(len(texts))
}

func keys() C.gowsgi_lane_keys {
	return C.gowsgi_lane_keys{
		request_method: C.uint16_t(environ.RequestMethod), script_name: C.uint16_t(environ.ScriptName),
		path_info: C.uint16_t(environ.PathInfo), query_string: C.uint16_t(environ.QueryString),
		request_uri: C.uint16_t(environ.RequestURI), raw_uri: C.uint16_t(environ.RawURI),
		server_protocol: C.uint16_t(environ.ServerProtocol), server_name: C.uint16_t(environ.ServerName),
		server_port: C.uint16_t(environ.ServerPort), remote_addr: C.uint16_t(environ.RemoteAddr),
		remote_port: C.uint16_t(environ.RemotePort), url_scheme: C.uint16_t(environ.URLScheme),
		content_type: C.uint16_t(environ.ContentType), content_length: C.uint16_t(environ.ContentLength),
		request_id: C.uint16_t(environ.RequestID),
	}
}

// made is memory of C's for n of a kind, all zero, for good.
func made[T any](n int) []T {
	var one T
	// SAFETY: the memory has room for n of them; it is never freed.
	return unsafe.Slice((*T)(C.calloc(C.size_t(max(n, 1)), C.size_t(unsafe.Sizeof(one)))), max(n, 1))
}

func pattern(text string) C.gowsgi_lane_pattern {
	return C.gowsgi_lane_pattern{text: C.CString(text), size: C.size_t(len(text))}
}

func patterns(texts []string) (*C.gowsgi_lane_pattern, C.int) {
	all := made[C.gowsgi_lane_pattern](len(texts))
	for i, text := range texts {
		all[i] = pattern(text)
	}
	return &all[0], C.int(len(texts))
}

func mountsFor(mounts []Mount) (*C.gowsgi_lane_mount, C.int) {
	all := made[C.gowsgi_lane_mount](len(mounts))
	for i, m := range mounts {
		all[i] = C.gowsgi_lane_mount{
			path: pattern(m.Path), host: pattern(m.Host), application: C.uint32_t(m.Application), body_limit: C.uint64_t(m.BodyLimit), figures: figures(m.Figures),
			elsewhere: C.bool(m.Elsewhere),
		}
	}
	return &all[0], C.int(len(mounts))
}

// figures are the places of what C counts. f is not in Go's memory.
func figures(f *tally.Figures) C.gowsgi_lane_figures {
	if f == nil {
		return C.gowsgi_lane_figures{}
	}
	word := func(p *uint64) *C.uint64_t { return (*C.uint64_t)(unsafe.Pointer(p)) }
	return C.gowsgi_lane_figures{
		requests: word(&f.Requests[0][0]), request_bytes: word(&f.RequestBytes), response_bytes: word(&f.ResponseBytes),
		total: word(&f.Total.Buckets[0]), queue: word(&f.Queue.Buckets[0]), python: word(&f.Python.Buckets[0]), gil: word(&f.GIL.Buckets[0]),
		statuses: word(&f.Statuses[0]),
	}
}

// bounds are those of tally's histograms.
func bounds() (*C.int64_t, C.int) {
	all := made[C.int64_t](len(tally.Bounds))
	for i, bound := range tally.Bounds {
		all[i] = C.int64_t(bound)
	}
	return &all[0], C.int(len(all))
}

// topWords is GOWSGI_LANE_TOP.
const topWords = C.GOWSGI_LANE_TOP

// Top is the set of names that there may be at the top of the document root, as
// package static makes it: a GET or HEAD of one of them is Go's. It may be written at
// any time, a word at a time. nil unless Config.Top.
func (l *Lane) Top() *[topWords]uint64 { return (*[topWords]uint64)(unsafe.Pointer(l.top)) }

// stock gives the lane n requests to use.
func (l *Lane) stock(n int) {
	for range n {
		r, err := l.config.App.Acquire()
		if err != nil {
			return // it makes do with those it has: others go through Go
		}
		r.Lend(l.restock)
	}
}

// restock gives a request back to the lane that Go has done with.
func (l *Lane) restock(request unsafe.Pointer) { C.gowsgi_lane_stock(l.c, (*C.wsgi_request)(request)) }

// Count is how many connections are open, how many of those wait for a request of
// which nothing has come, and how many speak TLS; and how many requests have ended here.
func (l *Lane) Count() (open, idle, secure int, served int64) {
	var o, i C.int
	var s C.int64_t
	C.gowsgi_lane_count(l.c, &o, &i, &s)
	return int(o), int(i), int(l.secure.Load()), int64(s)
}

// Spare closes up to most of the connections that have waited longest, and tells how
// many.
func (l *Lane) Spare(most int) int { return int(C.gowsgi_lane_spare(l.c, C.int(most))) }

// Drain has all connections become Go's, for good: those that wait at once, the others
// when their request is over, or in the middle of it.
func (l *Lane) Drain() { C.gowsgi_lane_drain(l.c) }

// Give hands a connection to the lane that waits for a request. False: it does not
// take it.
func (l *Lane) Give(p *http1.Parked) bool {
	like := C.gowsgi_connection{
		fresh: C.uint8_t(truth(p.Requests == 0)), pipelined: C.uint8_t(truth(p.Pipelined)), trusted: C.uint8_t(truth(p.Trusted)), heard: C.uint8_t(truth(p.Heard)),
		visits: C.uint8_t(p.Visits), requests: C.uint32_t(p.Requests),
	}
	if !setAddress(&like.local, p.Local) || !setAddress(&like.remote, p.Remote) {
		return false
	}
	l.take(&like, p.TLS)
	if C.gowsgi_lane_give(l.c, C.int(p.FD), &like) == 0 {
		return true
	}
	l.release(&like)
	C.free(unsafe.Pointer(like.variables))
	return false
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// setAddress is false if the address is longer than one can be.
func setAddress(to *C.gowsgi_address, from http1.Address) bool {
	if len(from.Host) > len(to.host) || len(from.Port) > len(to.port) {
		return false
	}
	for i := range len(from.Host) {
		to.host[i] = C.char(from.Host[i])
	}
	for i := range len(from.Port) {
		to.port[i] = C.char(from.Port[i])
	}
	to.host_size, to.port_size = C.uint8_t(len(from.Host)), C.uint8_t(len(from.Port))
	return true
}

func address(a *C.gowsgi_address) http1.Address {
	return http1.Address{Host: C.GoStringN(&a.host[0], C.int(a.host_size)), Port: C.GoStringN(&a.port[0], C.int(a.port_size))}
}
