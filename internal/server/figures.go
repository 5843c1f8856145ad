package server

import (
	"fmt"
	"time"
)

// Requests is how many requests the application is done with.
func (s *Server) Requests() int64 {
	f := s.handler.flights
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.served
}

// LastActive is when the application last had a request, to a tenth of a
// second; if it never had one, when the server started. Zero before that.
func (s *Server) LastActive() time.Time {
	f := s.handler.flights
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.active
}

// Running describes the requests that wait for the application, are with it or
// go out to their clients, the youngest first: "GET /path for 1.5 s".
func (s *Server) Running() []string {
	if s.handler == nil {
		return nil
	}
	f := s.handler.flights
	f.mu.Lock()
	defer f.mu.Unlock()
	var running []string
	for x := f.first; x != nil; x = x.flight.next {
		text := fmt.Sprintf("%s for %.1f s", x.name(), time.Since(x.start).Seconds())
		if !x.flight.deadAt.IsZero() {
			text += ", timed out"
		}
		running = append(running, text)
	}
	return running
}
