package server

import (
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// shortage is what a server does about connections that it cannot accept for want
// of descriptors or memory. They wait in the kernel, for this worker or another,
// and are asked for again soon; the log says so, but not each time.
type shortage struct {
	log *slog.Logger

	mu   sync.Mutex
	said time.Time
	held int // times that were not said since
}

const (
	// shortageWait is how long nothing is accepted: next to no work for the
	// processor, and not long for a client.
	shortageWait = 50 * time.Millisecond
	// shortageSilence is how long nothing more is said.
	shortageSilence = time.Minute
)

// isShortage tells whether accepting failed for a reason that goes away by itself
// (accept(2), "Errors").
func isShortage(err error) bool {
	for _, one := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// meet says that there is a shortage, and waits.
func (s *shortage) meet(err error) {
	if held, ok := s.pass(time.Now()); ok {
		attrs := []any{"event", "listener.shortage", "error", err.Error()}
		message := "connections cannot be accepted and wait: there is not enough memory for them"
		switch {
		case errors.Is(err, syscall.EMFILE):
			message = "connections cannot be accepted and wait: this worker has as many descriptors open as it may: " +
				"raise the hard limit (LimitNOFILE of systemd, ulimit -Hn), or see whether the application leaves files open"
			var limit unix.Rlimit
			if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
				attrs = append(attrs, "limit", limit.Cur)
			}
		case errors.Is(err, syscall.ENFILE):
			message = "connections cannot be accepted and wait: the whole system has as many files open as it may: raise the sysctl fs.file-max"
		}
		s.log.Warn(message, append(attrs, suppressed(held)...)...)
	}
	time.Sleep(shortageWait)
}

func (s *shortage) pass(now time.Time) (held int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.said.IsZero() && now.Sub(s.said) < shortageSilence {
		s.held++
		return 0, false
	}
	s.said = now
	held, s.held = s.held, 0
	return held, true
}
