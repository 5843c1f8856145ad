// Package accesslog writes a line for each request, in Gunicorn's format,
// Apache's, or as JSON.
package accesslog

import (
	"bytes"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/clock"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// flushInterval is how long a line of the access log may wait to be written.
const flushInterval = 100 * time.Millisecond

// Log writes a line for each request. Lines are collected and written
// together, a system call for many; each write begins and ends with a line, and
// is short enough not to be mixed with those of other workers. A worker that is
// killed loses what it had not written: flushInterval's worth at most.
//
// Every request comes by here, so nobody makes a line or writes to the file with
// the lock: whoever the kernel takes off the processor at that moment would keep
// all others waiting. They wait only if lines come faster than they are written.
type Log struct {
	file   *logging.File
	log    *slog.Logger
	line   func(b []byte, e *Entry) []byte
	room   int // bytes that one write may have
	pid    string
	worker string // the field of jsonLine

	clf  clock.Clock // the time in the common log format
	rfc  clock.Clock // the time by RFC 3339, but for what is behind the seconds
	zone clock.Clock // that

	mu     sync.Mutex
	buf    []byte // whole lines
	timer  *time.Timer
	armed  bool // the timer runs
	closed bool // nobody waits for the timer any more: lines go out at once

	writing sync.Mutex // taken with mu, so that lines stay in order, and kept for the write
	spare   []byte     // what is being written; then for the next lines
	loss    logging.Loss
	lost    func(lines int)
}

// Open opens the access log that the settings describe; nil if they ask for none.
// standard is what - stands for, worker the number of this one, log where it is
// said that lines cannot be written. The error is one sentence for the user.
func Open(s config.Settings, standard *os.File, worker int, log *slog.Logger) (*Log, error) {
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
	a := &Log{
		file: file, log: log, line: lineOf(format), room: file.Whole(), worker: `,"worker":` + strconv.Itoa(worker), pid: strconv.Itoa(os.Getpid()),
		clf: clock.Clock{Layout: "[02/Jan/2006:15:04:05 -0700]"}, rfc: clock.Clock{Layout: "2006-01-02T15:04:05"}, zone: clock.Clock{Layout: "Z07:00"},
	}
	a.timer = time.AfterFunc(time.Hour, a.flushLate)
	a.timer.Stop()
	return a, nil
}

// Lost has lines that could not be written counted. On nil it does nothing.
// Before the first request.
func (a *Log) Lost(count func(lines int)) {
	if a != nil {
		a.lost = count
	}
}

// longLine is what a spare line has at most.
const longLine = 4 << 10

// Write adds the line of a request that is over. spare is memory for the line;
// what is returned may serve the next one.
func (a *Log) Write(e *Entry, spare []byte) []byte {
	e.log = a
	line := append(a.line(spare[:0], e), '\n')
	a.add(line)
	if cap(line) > longLine {
		return nil
	}
	return line
}

func (a *Log) add(line []byte) {
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

func (a *Log) flushLate() {
	a.mu.Lock()
	a.armed = false
	lines := a.take()
	a.mu.Unlock()
	a.send(lines)
}

// take returns what is to be written, with the lock writing: send is to follow.
// Lock: held.
func (a *Log) take() []byte {
	a.writing.Lock()
	a.buf, a.spare = a.spare[:0], a.buf
	return a.spare
}

// wholeLines is about what the buffers grow to.
const wholeLines = 64 << 10

// send writes what was taken. There is nobody to return an error to: it is logged
// once a minute at most and, when it works again, how many lines are lost.
func (a *Log) send(lines []byte) {
	defer a.writing.Unlock()
	if len(lines) > 0 {
		written, err := a.file.Write(lines)
		a.account(lines[written:], err)
		if err != nil && a.lost != nil {
			a.lost(bytes.Count(lines[written:], []byte{'\n'}))
		}
	}
	if cap(a.spare) > 2*wholeLines {
		a.spare = nil // one very long line
	}
}

// account says what became of a write that left rest.
func (a *Log) account(rest []byte, err error) {
	now := time.Now()
	if err != nil {
		if a.loss.Lose(bytes.Count(rest, []byte{'\n'}), now) {
			a.log.Error("lines of the access log cannot be written", "event", "access_log.failed", "error", err.Error())
		}
	} else if lost := a.loss.Back(now); lost > 0 {
		a.log.Warn("lines of the access log can be written again, and some were lost", "event", "access_log.back", "lost", lost)
	}
}

// Reopen writes what there is and opens the file anew, for when it was moved
// away. If that fails, writing goes on to the old one; the error is one
// sentence for the user. On nil it does nothing.
func (a *Log) Reopen() error {
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
func (a *Log) Close() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.timer.Stop()
	a.send(a.take())
}
