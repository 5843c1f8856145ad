package supervisor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What systemd is told of the service's state, in a line: what /-/ready says, and
// what is the matter.

// status is what systemctl status shows.
func (s *supervisor) status() string {
	texts := []string{fmt.Sprintf("%s, %s of %d threads", label(s.Settings), number(len(s.slots), "worker"), s.Settings.Threads)}
	if reason := s.unready(); reason != "" {
		texts = []string{"not ready: " + reason}
	}
	for _, n := range slices.Sorted(maps.Keys(s.slots)) {
		if sl := s.slots[n]; sl.early > 0 && sl.trouble != "" {
			texts = append(texts, fmt.Sprintf("worker %d waits to be started: %s", n, sl.trouble))
		}
	}
	return strings.Join(texts, "; ")
}

func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// tellReady says that the start, or a reload, is over.
func (s *supervisor) tellReady() {
	s.told = s.status()
	s.systemd.Ready(s.told)
}

// tellStatus says it when the state has changed. A stop has words of its own.
func (s *supervisor) tellStatus() {
	if !s.started || s.stopping != no || s.leaving {
		return
	}
	if status := s.status(); status != s.told {
		s.told = status
		s.systemd.Status(status)
	}
}
