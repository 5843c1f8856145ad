package logging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"log/syslog"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

const (
	syslogTag = "gowsgi"
	// More records than this do not wait for a slow daemon.
	syslogQueue = 1024
	// A line is cut here: a datagram has its limits.
	syslogLine = 32 << 10
	// After this time another attempt is made at a daemon that is away.
	syslogRetry = time.Second
	// Connect waits this long, Close that long.
	syslogConnect = 5 * time.Second
	syslogClose   = time.Second
)

// Syslog is a syslog daemon. log/syslog does the talking, in the form of RFC
// 3164 that all daemons read; but it can wait for a connection or for a slow
// daemon without end, so a goroutine of ours calls it. What cannot be sent goes
// where the log would go without syslog.
type Syslog struct {
	url               string
	networks          []string // to try, in order
	address           string
	facility          syslog.Priority
	queue             chan finished
	closed            atomic.Bool
	closing, finished chan struct{}
	down              atomic.Bool // a record could not be sent, and none since

	// The goroutine's own.
	writer *syslog.Writer // nil: not connected
	tried  time.Time      // to connect
}

// NewSyslog returns the daemon at an address unix://PATH, udp://HOST:PORT or
// tcp://HOST:PORT. It is connected to when there is something to send, or by
// Connect. An unknown facility is user.
func NewSyslog(url, facility string) *Syslog {
	network, address, _ := strings.Cut(url, "://")
	s := &Syslog{
		url: url, networks: []string{network}, address: address, facility: facilityOf(facility),
		queue: make(chan finished, syslogQueue), closing: make(chan struct{}), finished: make(chan struct{}),
	}
	if network == "unix" {
		s.networks = []string{"unixgram", "unix"}
	}
	go s.run()
	return s
}

// facilityOf is a facility's number (RFC 5424, 6.2.1), in its place in a
// priority.
func facilityOf(name string) syslog.Priority {
	for i, known := range []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"", "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	} {
		if known == name && name != "" {
			return syslog.Priority(i << 3)
		}
	}
	return syslog.LOG_USER
}

// Connect finds out whether the daemon can be reached. The error is one
// sentence for the user. (Nobody can tell of a UDP address; only that there is
// such a host.)
func (s *Syslog) Connect() error {
	result := make(chan error, 1)
	go func() {
		writer, err := s.dial()
		if err == nil {
			err = writer.Close()
		}
		result <- err
	}()
	var err error
	select {
	case err = <-result:
	case <-time.After(syslogConnect):
		err = fmt.Errorf("no answer within %s", syslogConnect)
	}
	if err == nil {
		return nil
	}
	var cause *net.OpError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	return fmt.Errorf("syslog at %s cannot be reached: %w: start its daemon, or name another address with --log-syslog-to", s.url, err)
}

func (s *Syslog) dial() (writer *syslog.Writer, err error) {
	for _, network := range s.networks {
		if writer, err = syslog.Dial(network, s.address, s.facility|syslog.LOG_INFO, syslogTag); err == nil {
			return writer, nil
		}
	}
	return nil, err
}

// emit hands a record to the goroutine, or writes it elsewhere if too many wait
// already. It does not wait.
func (s *Syslog) emit(message finished) error {
	message.text = bytes.Clone(message.text)
	select {
	case <-s.closing: // the last words, such as why it ends
		return message.local.Handle(context.Background(), message.record)
	default:
	}
	select {
	case s.queue <- message:
	default:
		s.elsewhere(message, errors.New("it takes records more slowly than they come"))
	}
	return nil
}

// elsewhere writes a record that cannot be sent where the log would otherwise
// go, with a note before the first.
func (s *Syslog) elsewhere(message finished, err error) {
	if s.down.CompareAndSwap(false, true) {
		slog.New(message.local).Warn("syslog cannot be reached: the log goes here until it can", "event", "syslog.lost", "address", s.url, "error", err.Error())
	}
	_ = message.local.Handle(context.Background(), message.record)
}

func (s *Syslog) run() {
	defer close(s.finished)
	for {
		select {
		case message := <-s.queue:
			s.handle(message)
		case <-s.closing:
			for {
				select {
				case message := <-s.queue:
					s.handle(message)
				default:
					if s.writer != nil {
						_ = s.writer.Close()
					}
					return
				}
			}
		}
	}
}

func (s *Syslog) handle(message finished) {
	if err := s.send(message); err != nil {
		s.elsewhere(message, err)
		return
	}
	if len(s.queue) < syslogQueue/2 && s.down.CompareAndSwap(true, false) {
		slog.New(message.local).Info("syslog can be reached again: the log goes there", "event", "syslog.back", "address", s.url)
	}
}

// send sends each line of a record as a message of its own: over TCP, lines are
// how messages are told apart, and most daemons take no long ones.
func (s *Syslog) send(message finished) error {
	if s.writer == nil {
		if time.Since(s.tried) < syslogRetry {
			return errSyslogAway
		}
		s.tried = time.Now()
		writer, err := s.dial()
		if err != nil {
			return err
		}
		s.writer = writer
	}
	for line := range bytes.Lines(message.text) {
		if len(line) > syslogLine {
			line = line[:syslogLine]
		}
		if err := s.write(message.record.Level, string(bytes.TrimRight(line, "\n"))); err != nil {
			_ = s.writer.Close()
			s.writer, s.tried = nil, time.Now()
			return err
		}
	}
	return nil
}

var errSyslogAway = errors.New("it was not there a moment ago")

// write connects anew if need be, once.
func (s *Syslog) write(level slog.Level, line string) error {
	switch severity(level) {
	case severityCritical:
		return s.writer.Crit(line)
	case severityError:
		return s.writer.Err(line)
	case severityWarning:
		return s.writer.Warning(line)
	case severityInfo:
		return s.writer.Info(line)
	default:
		return s.writer.Debug(line)
	}
}

// Close sends what waits, as far as that can be done quickly; the rest is
// written elsewhere, and so is what is logged later. On nil, or a second time,
// it does nothing.
func (s *Syslog) Close() {
	if s == nil || !s.closed.CompareAndSwap(false, true) {
		return
	}
	close(s.closing)
	select {
	case <-s.finished:
		return
	case <-time.After(syslogClose):
	}
	for {
		select {
		case message := <-s.queue:
			s.elsewhere(message, errors.New("it does not take records"))
		default:
			return
		}
	}
}
