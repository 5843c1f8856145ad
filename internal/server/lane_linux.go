package server

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/accesslog"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/exchange"
	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/lane"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/static"
)

// bodyWithHead is how much of a body is looked for behind its head.
const bodyWithHead = 32 << 10

// openLane has plain requests served by the Python threads themselves, if that can
// be: what the settings want of each request may need a goroutine.
func (s *Server) openLane(app *embed.Application, c config.Settings, hooks exchange.Hooks, keepsRecords bool) error {
	if os.Getenv("GOWSGI_LANE") == "off" || s.handler.ShowsAll() {
		return nil
	}
	prefix, last := s.handler.IDs()
	table := s.handler.Mounts()
	conf := lane.Config{
		App: app, Limits: limitsOf(c), HeaderTimeout: c.HeaderTimeout, KeepAlive: c.KeepAlive, BodyRoom: min(bodyWithHead, c.RequestBuffer),
		AllowedHosts: table.Allowed(),
		Forwarded:    s.handler.Forwarded(), IDPrefix: prefix, LastID: last, IDField: c.RequestIDHeader, CountsClients: c.MaxConnectionsPerAddress > 0, OpenCount: s.share.Counter(),
		Adopt: s.adopt, Closed: s.http1.Closed, Lost: s.handler.Lost,
	}
	conf.CodedFrom = -1
	if c.Compress {
		conf.CodedFrom = c.CompressMinSize
	}
	for _, path := range []string{c.HealthPath, c.MetricsPath} {
		if path != "" {
			conf.Elsewhere = append(conf.Elsewhere, path)
		}
	}
	files := s.handler.Files()
	conf.Elsewhere = append(conf.Elsewhere, files.Prefixes()...)
	conf.Top, conf.NamesFiles = files.HasRoot(), files.HasInternal()
	conf.AddedFields, conf.RemovedFields = s.handler.Edits()
	conf.SecureField = s.handler.SecureField()
	for _, field := range conf.AddedFields {
		if strings.EqualFold(field[0], conf.SecureField[0]) {
			conf.SecureField = [2]string{} // it is there then
		}
	}
	if hooks.Board != nil {
		memory, slots, size, room := hooks.Board.Layout()
		conf.Board = lane.Board{Memory: unsafe.Pointer(unsafe.SliceData(memory)), Slots: slots, SlotSize: size, Room: room}
	}
	for _, e := range table.Entries() {
		limit, figures, prefixes, guarded := s.handler.Application(e.Number)
		conf.Mounts = append(conf.Mounts, lane.Mount{Path: e.Path, Host: e.Host, Application: e.Number, BodyLimit: limit, Figures: figures, Elsewhere: guarded})
		conf.Elsewhere = append(conf.Elsewhere, prefixes...)
	}
	if keepsRecords {
		limits := limitsOf(c)
		parser := &http1.Parser{}
		conf.Record = func(r *lane.Record) { s.record(parser, &limits, r) }
	}
	l, err := lane.New(conf)
	if errors.Is(err, lane.ErrElsewhere) {
		return nil
	}
	if err != nil {
		return err
	}
	s.lane = l
	s.http1.SetLane(l)
	if conf.Top {
		files.SetTop((*static.Top)(l.Top()))
	}
	if keepsRecords {
		s.handler.BeforeLines(func() { l.Flush() })
	}
	s.Elsewhere(s.servedInLane)
	return nil
}

// servedInLane is how many requests the lane has answered.
func (s *Server) servedInLane() int64 {
	_, _, _, served := s.lane.Count()
	return served
}

// adopt goes on with a connection that the lane hands over.
func (s *Server) adopt(h *lane.Handed) {
	if begun := h.Request; begun != nil {
		b := &exchange.Begun{
			Request: begun.Request, Number: begun.Number, Start: begun.Start, BodySize: begun.BodySize, Counted: begun.Counted,
			Answered: h.Answer.Begun, Length: h.Answer.Declared, Written: h.Answer.Written,
		}
		h.Resume = func(w *http1.Writer, r *http.Request) { s.handler.Resume(w, r, b) }
	}
	s.http1.Adopt(&h.Handed)
}

// record writes the line of the access log for a request that ended in the lane.
func (s *Server) record(parser *http1.Parser, limits *http1.Limits, r *lane.Record) {
	head := parser.Parse(r.Head, limits)
	if head == nil {
		return // it was read with the same limits
	}
	scheme := "http"
	if r.Secure {
		scheme = "https"
	}
	s.handler.Record(head, &exchange.Ended{
		Entry: accesslog.Entry{
			Time: r.Time, Took: r.Took, Client: accesslog.Address(r.Remote), Server: accesslog.Address(r.Local), Scheme: scheme,
			Status: r.Status, Fields: r.Fields, Length: r.Length, BytesIn: r.BytesIn, BytesOut: r.BytesOut,
			HeadIn: len(r.Head), HeadOut: r.HeadOut, Before: r.Before, Closes: r.Closes,
			Ran: true, Queued: r.Queued, Inside: r.Inside, GIL: r.GIL, Thread: r.Thread,
		},
		Number: r.Number, Trusted: r.Trusted, Application: r.Application,
	})
}

// AcceptDescriptor is Accept for connections that Go's poller is not to know.
func (l *listener) AcceptDescriptor() (*http1.Parked, error) {
	raw, err := l.polled()
	if err != nil {
		return nil, err
	}
	fd, from, failed := -1, unix.Sockaddr(nil), error(nil)
	if l.share.Exceeds() {
		if err = raw.Read(func(listening uintptr) bool { return isReadable(int(listening)) }); err == nil {
			l.share.Yielded(l.yield(raw))
		}
	}
	if err == nil {
		err = raw.Read(func(listening uintptr) bool {
			fd, from, failed = acceptOne(int(listening))
			return !errors.Is(failed, unix.EAGAIN)
		})
	}
	if err == nil {
		err = failed
	}
	err = l.settle(err, func() bool {
		fd, from = l.queuedDescriptor()
		return fd >= 0
	})
	if err != nil {
		return nil, err
	}
	if !l.closing.Load() { // else another worker may have the place by now
		l.share.Add(1)
	}
	return parked(fd, from), nil
}

// A worker that has more connections than its share lets the others go first: for so
// long, so many times.
const (
	yielding = time.Millisecond
	yields   = 5
)

// yield lets the others go first, and tells whether they have.
func (l *listener) yield(raw syscall.RawConn) (taken bool) {
	for range yields {
		time.Sleep(yielding)
		pending := false
		_ = raw.Control(func(listening uintptr) { pending = isReadable(int(listening)) }) // it is closed: nothing is pending
		if !pending {
			return true
		}
	}
	return false
}

func isReadable(fd int) bool {
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(polled, 0)
	return err == nil && n > 0
}

// polled is the socket once more: package net's own does not let anybody wait for it.
func (l *listener) polled() (syscall.RawConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.copied == nil {
		fd, err := -1, error(nil)
		l.control(func(own int) { fd, err = unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 3) })
		if err != nil || fd < 0 {
			return nil, os.NewSyscallError("fcntl", errors.Join(err, net.ErrClosed))
		}
		l.copied = os.NewFile(uintptr(fd), "listener")
		if l.closing.Load() {
			_ = l.copied.SetReadDeadline(longAgo)
		}
	}
	return l.copied.SyscallConn()
}

// parked is a connection that was accepted as a descriptor, which is moved if it is
// one of 0 to 2.
func parked(fd int, from unix.Sockaddr) *http1.Parked {
	if fd <= 2 {
		logging.FillStandard() // the others, so that the copy gets none of them
		if moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err == nil {
			_ = unix.Close(fd)
			fd = moved
			logging.FillStandard()
		}
	}
	own, _ := unix.Getsockname(fd) // nil is a unix socket without a name
	tune(fd, from)
	return &http1.Parked{FD: fd, Local: addressOf(own), Remote: addressOf(from)}
}

// tune sets what package net sets for a TCP connection.
func tune(fd int, from unix.Sockaddr) {
	switch from.(type) {
	case *unix.SockaddrInet4, *unix.SockaddrInet6:
	default:
		return
	}
	const seconds, probes = 15, 9 // net.KeepAliveConfig's
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, seconds)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, seconds)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, probes)
}

// addressOf is an address as text; empty for a unix socket. An IPv4 address that an
// IPv6 socket has is one of IPv4.
func addressOf(a unix.Sockaddr) http1.Address {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return http1.Address{Host: netip.AddrFrom4(a.Addr).String(), Port: strconv.Itoa(a.Port)}
	case *unix.SockaddrInet6:
		return http1.Address{Host: netip.AddrFrom16(a.Addr).Unmap().String(), Port: strconv.Itoa(a.Port)}
	default:
		return http1.Address{}
	}
}
