package server

import (
	"log/slog"
	"os"
	"strconv"
	"sync"
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
type AccessLog struct {
	file   *logging.File
	log    *slog.Logger
	line   func(b []byte, e *entry) []byte
	room   int // bytes that one write may have
	pid    string
	worker string // the field of jsonLine

	mu     sync.Mutex
	buf    []byte // whole lines
	entry  entry  // of the line that is being made
	clf    clock  // the time in the common log format
	rfc    clock  // the time by RFC 3339, but for what is behind the seconds
	zone   clock  // that
	timer  *time.Timer
	armed  bool // the timer runs
	closed bool // nobody waits for the timer any more: lines go out at once
	failed bool // the last write did
}

// entry is what a line is made from.
type entry struct {
	*exchange
	log  *AccessLog
	took time.Duration
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

// write adds the line of a request that is over.
func (a *AccessLog) write(x *exchange) {
	took := time.Since(x.start)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entry = entry{exchange: x, log: a, took: took}
	start := len(a.buf)
	a.buf = append(a.line(a.buf, &a.entry), '\n')
	a.entry.exchange = nil
	if start > 0 && len(a.buf) > a.room {
		a.send(a.buf[:start])
		a.buf = append(a.buf[:0], a.buf[start:]...)
	}
	switch {
	case a.closed || len(a.buf) >= a.room:
		a.flush()
	case !a.armed:
		a.armed = true
		a.timer.Reset(flushInterval)
	}
}

func (a *AccessLog) flushLate() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = false
	a.flush()
}

// flush writes what there is. Lock: held.
func (a *AccessLog) flush() {
	if len(a.buf) > 0 {
		a.send(a.buf)
		a.buf = a.buf[:0]
	}
	if cap(a.buf) > 2*wholeLines {
		a.buf = nil // one very long line
	}
}

// wholeLines is about what the buffer grows to.
const wholeLines = 64 << 10

// send writes lines. There is nobody to return an error to: it is logged once,
// until it works again. Lock: held.
func (a *AccessLog) send(lines []byte) {
	_, err := a.file.Write(lines)
	if err != nil && !a.failed {
		a.log.Error("lines of the access log cannot be written", "event", "access_log.failed", "error", err.Error())
	}
	a.failed = err != nil
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
	a.flush()
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
	a.flush()
}

// clock formats a time in full seconds, and keeps the text for that second.
type clock struct {
	layout string
	second int64
	text   []byte
}

func (c *clock) append(b []byte, t time.Time) []byte {
	if second := t.Unix(); c.text == nil || second != c.second {
		c.second, c.text = second, t.AppendFormat(c.text[:0], c.layout)
	}
	return append(b, c.text...)
}
