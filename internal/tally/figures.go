package tally

import (
	"log/slog"
	"sync/atomic"
	"time"
	"unsafe"
)

// Figures are counters. All fields are words of 64 bits, which only grow.
type Figures struct {
	Requests [len(Methods)][len(Classes)]uint64 // that got an answer of whomever

	RequestBytes, ResponseBytes uint64 // of bodies

	Total  Histogram // from a request's head to the end of its response
	Queue  Histogram // waiting for a thread
	Python Histogram // inside Python
	GIL    Histogram // of that, waiting for the GIL before it began

	Refused  [len(Refusals)]uint64
	TimedOut [len(Timeouts)]uint64

	LostLines uint64 // of the access log

	Handshakes [len(Handshakes)]uint64 // of TLS

	// Statuses are the requests once more, by status; the first are those without
	// an answer.
	Statuses [endOfStatuses - FirstStatus + 1]uint64
	Logged   [len(Levels)]uint64 // records of the log
}

// Statuses that are counted one by one.
const (
	FirstStatus   = 100
	endOfStatuses = 600
)

// Levels of records that are counted. An exception is an error with a traceback.
var Levels = [...]string{"warning", "error", "exception", "critical"}

// Places in Levels.
const (
	Warnings = iota
	Errors
	Exceptions
	Criticals
)

// Methods are those that are told apart.
var Methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}

// Classes are those of statuses. The first is for requests that had no answer.
var Classes = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Refusals are the reasons for which gowsgi answers a request itself.
var Refusals = [...]string{"queue_full", "queue_timeout", "too_large", "malformed", "outside_mount", "closing", "failed", "denied", "rate_limited", "unauthorized", "unknown_host"}

// Places in Refusals.
const (
	QueueFull = iota
	QueueTimeout
	TooLarge
	Malformed
	OutsideMount
	Closing
	Failed
	Denied
	RateLimited
	Unauthorized
	UnknownHost
)

// Timeouts are the kinds of requests that took too long.
var Timeouts = [...]string{"queue", "application", "body", "response"}

// Places in Timeouts.
const (
	InQueue = iota
	InApplication
	InBody
	InResponse
)

// Handshakes are the ways in which those of TLS go.
var Handshakes = [...]string{"full", "resumed", "failed"}

// Places in Handshakes.
const (
	FullHandshake = iota
	ResumedHandshake
	FailedHandshake
)

// Bounds are the upper ends of a histogram's buckets; the last one has none.
var Bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute,
}

// Histogram is how long something took, many times.
type Histogram struct {
	Buckets [len(Bounds) + 1]uint64 // each without those below
	Sum     uint64                  // ns
}

// Observe adds one.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(Bounds) && d > Bounds[i] {
		i++
	}
	atomic.AddUint64(&h.Buckets[i], 1)
	atomic.AddUint64(&h.Sum, uint64(d))
}

// Request adds a request that is over. status is 0 if it had no answer.
func (f *Figures) Request(method string, status int, received, sent int64) {
	atomic.AddUint64(&f.Requests[methodOf(method)][classOf(status)], 1)
	place := 0
	if status >= FirstStatus && status < endOfStatuses {
		place = status - FirstStatus + 1
	}
	atomic.AddUint64(&f.Statuses[place], 1)
	if received > 0 {
		atomic.AddUint64(&f.RequestBytes, uint64(received))
	}
	if sent > 0 {
		atomic.AddUint64(&f.ResponseBytes, uint64(sent))
	}
}

// Add adds n to a counter of f.
func Add(counter *uint64, n uint64) { atomic.AddUint64(counter, n) }

func methodOf(method string) int {
	for i, name := range Methods[:len(Methods)-1] {
		if method == name {
			return i
		}
	}
	return len(Methods) - 1
}

func classOf(status int) int {
	if class := status / 100; class > 0 && class < len(Classes) {
		return class
	}
	return 0
}

const words = unsafe.Sizeof(Figures{}) / 8

// all are f's words, in order.
func (f *Figures) all() *[words]uint64 {
	// SAFETY: all fields of Figures are words of 64 bits, so there is nothing
	// between them, and nothing else.
	return (*[words]uint64)(unsafe.Pointer(f))
}

// Fold adds other to f. other may be written to meanwhile; f may not be.
func (f *Figures) Fold(other *Figures) {
	to, from := f.all(), other.all()
	for i := range to {
		to[i] += atomic.LoadUint64(&from[i])
	}
}

// Log counts a record of the log by its level.
func (f *Figures) Log(level slog.Level, traceback bool) {
	switch {
	case level > slog.LevelError:
		atomic.AddUint64(&f.Logged[Criticals], 1)
	case level == slog.LevelError && traceback:
		atomic.AddUint64(&f.Logged[Exceptions], 1)
	case level == slog.LevelError:
		atomic.AddUint64(&f.Logged[Errors], 1)
	case level >= slog.LevelWarn:
		atomic.AddUint64(&f.Logged[Warnings], 1)
	}
}
