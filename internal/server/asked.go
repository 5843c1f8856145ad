package server

import (
	"runtime"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// What there is to tell of a server from outside. None of it needs the GIL.

// Listed describes the requests that the server has, the oldest first.
func (s *Server) Listed() []control.Request {
	if s.handler == nil {
		return nil
	}
	return s.handler.Listed()
}

// Stacks says where the Python threads are, and what those of the pool run.
// exact: nobody else could run meanwhile. It may take a second.
func (s *Server) Stacks() (threads []control.Thread, exact bool) {
	if s.handler == nil {
		return nil, true
	}
	return s.Threads()
}

// Leave has it said that no requests should be sent here any more.
func (s *Server) Leave() {
	if s.handler != nil {
		s.handler.Leave()
	}
}

// looks is how often the watcher looks in a second.
const looks = 10

// note has what the worker does written down, at every look of the watcher.
func (s *Server) note(app *embed.Application, page *tally.Page) {
	open, idle, secure, other, streams, left := 0, 0, 0, 0, 0, 0
	s.Note(func(served int64) {
		if left--; left < 0 { // each connection has a lock
			left = looks - 1
			open, idle, secure = s.http1.Count()
			more := 0
			other, more, streams = s.http2.Count()
			idle += more
		}
		if !s.http1.Draining() {
			s.share.Set(s.http1.Open())
		}
		if page == nil {
			return
		}
		pool := app.Stats()
		now := tally.Now{
			Requests: served, Threads: int64(pool.Threads), Busy: int64(pool.Threads - pool.Idle), Limit: int64(pool.Limit),
			Queued: int64(pool.Queued), Unanswered: int64(app.Unresponsive()), Probes: pool.Probes, ProbeWait: int64(pool.ProbeWait),
			Connections: int64(open), Idle: int64(idle), Secure: int64(secure), Goroutines: int64(runtime.NumGoroutine()),
			HTTP2: int64(other), Streams: int64(streams),
		}
		if s.http1.Draining() {
			now.Draining = 1
		}
		page.Write(now)
	})
}
