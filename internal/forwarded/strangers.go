package forwarded

import "sync"

// mostStrangers are remembered. Of a peer that comes when there are so many nobody
// hears.
const mostStrangers = 1000

// Strangers are peers that said for whom they passed requests on, and were not
// believed. The zero value is ready.
type Strangers struct {
	mu    sync.RWMutex
	known map[string]struct{}
}

// Know tells whether there is nothing to say of a peer any more. From any goroutine.
func (s *Strangers) Know(peer string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, known := s.known[peer]
	return known || len(s.known) >= mostStrangers
}

// Meet remembers a peer, and tells whether it is the first time.
func (s *Strangers) Meet(peer string) (first bool) {
	if s.Know(peer) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.known[peer]; known || len(s.known) >= mostStrangers {
		return false
	}
	if s.known == nil {
		s.known = map[string]struct{}{}
	}
	s.known[peer] = struct{}{}
	return true
}
