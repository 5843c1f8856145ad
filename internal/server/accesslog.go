package server

import (
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// flushInterval is how long a line of the access log may wait to be written.
const flushInterval = 100 * time.Millisecond

// AccessLog writes a line for each request. Lines are collected and written
// together, a system call for many; each write begins and ends with a line, and
// is short enough not to be mixed with those of other workers. A worker that is
// killed loses what it had not written: flushInterval's worth at most.
//
// Every request comes by here, so nobody makes a line or writes to the file with
// the lock: whoever the kernel takes off the processor at that moment would keep
// all others waiting. They wait only if lines come faster than they are written.
type AccessLog struct {
	file   *logging.File
	log    *slog.Logger
	line   func(b []byte, x *exchange) []byte
	room   int // bytes that one write may have
	pid    string
	worker string // the field of jsonLine

	clf  clock // the time in the common log format
	rfc  clock // the time by RFC 3339, but for what is behind the seconds
	zone clock // that

	mu     sync.Mutex
	buf    []byte // whole lines
	timer  *time.Timer
	armed  bool // the timer runs
	closed bool // nobody waits for the timer any more: lines go out at once

	writing sync.Mutex // taken with mu, so that lines stay in order, and kept for the write
	spare   []byte     // what is being written; then for the next lines
	failed  bool       // the last write did
}

// OpenAccessLog opens the access log that the settings describe; nil if they
// ask for none. standard is what - stands for, worker the number of this one,
// log where it is said that lines cannot be written. Lines reach Server through
// New. The error is one sentence for the user.
func OpenAccessLog(s config.Settings, standard *os.File, worker int, log *slog.Logger) (*AccessLog, error) {
	if s.AccessLogfile == "" {
		return nil, nil
	}
	format, err := config.ParseAccessFormat(s.AccessLogformat)
	if err != nil {
		return nil, err
	}
	file, err := logging.Open(s.AccessLogfile, standard)
	if err != nil {
		return nil, err
	}
	a := &AccessLog{
		file: file, log: log, line: lineOf(format), room: file.Whole(), worker: `,"worker":` + strconv.Itoa(worker), pid: strconv.Itoa(os.Getpid()),
		clf: clock{layout: "[02/Jan/2006:15:04:05 -0700]"}, rfc: clock{layout: "2006-01-02T15:04:05"}, zone: clock{layout: "Z07:00"},
	}
	a.timer = time.AfterFunc(time.Hour, a.flushLate)
	a.timer.Stop()
	return a, nil
}

// longLine is what an exchange keeps at most.
const longLine = 4 << 10

// write adds the line of a request that is over.
func (a *AccessLog) write(x *exchange) {
	x.took = time.Since(x.start)
	x.line = append(a.line(x.line[:0], x), '\n')
	a.add(x.line)
	if cap(x.line) > longLine {
		x.line = nil
	}
}

func (a *AccessLog) add(line []byte) {
	a.mu.Lock()
	var full []byte
	if len(a.buf) > 0 && len(a.buf)+len(line) > a.room {
		full = a.take()
	}
	a.buf = append(a.buf, line...)
	switch {
	case a.closed:
		full = a.take() // there was nothing before it
	case !a.armed:
		a.armed = true
		a.timer.Reset(flushInterval)
	}
	a.mu.Unlock()
	if full != nil {
		a.send(full)
	}
}

func (a *AccessLog) flushLate() {
	a.mu.Lock()
	a.armed = false
	lines := a.take()
	a.mu.Unlock()
	a.send(lines)
}

// take returns what is to be written, with the lock writing: send is to follow.
// Lock: held.
func (a *AccessLog) take() []byte {
	a.writing.Lock()
	a.buf, a.spare = a.spare[:0], a.buf
	return a.spare
}

// wholeLines is about what the buffers grow to.
const wholeLines = 64 << 10

// send writes what was taken. There is nobody to return an error to: it is logged
// once, until it works again.
func (a *AccessLog) send(lines []byte) {
	defer a.writing.Unlock()
	if len(lines) > 0 {
		_, err := a.file.Write(lines)
		if err != nil && !a.failed {
			a.log.Error("lines of the access log cannot be written", "event", "access_log.failed", "error", err.Error())
		}
		a.failed = err != nil
	}
	if cap(a.spare) > 2*wholeLines {
		a.spare = nil // one very long line
	}
}

// Reopen writes what there is and opens the file anew, for when it was moved
// away. If that fails, writing goes on to the old one; the error is one
// sentence for the user. On nil it does nothing.
func (a *AccessLog) Reopen() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.send(a.take())
	return a.file.Reopen()
}

// Close writes what there is; lines that come later are written at once. On nil
// it does nothing.
func (a *AccessLog) Close() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.timer.Stop()
	a.send(a.take())
}

// clock formats a time in full seconds, and keeps the text for that second. Safe
// for concurrent use.
type clock struct {
	layout string
	last   atomic.Pointer[tick]
}

type tick struct {
	second int64
	text   string
}

func (c *clock) append(b []byte, t time.Time) []byte {
	now := c.last.Load()
	if second := t.Unix(); now == nil || now.second != second {
		now = &tick{second, t.Format(c.layout)}
		c.last.Store(now)
	}
	return append(b, now.text...)
}
