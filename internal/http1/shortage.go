package http1

import (
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/logging"
)

// shortage is what a server does about connections that it cannot accept for want
// of descriptors or memory: it closes idle ones. Where there are none, those that
// come wait in the kernel, for this worker or another, and are asked for again
// soon. The log says so, but not each time.
type shortage struct {
	log *slog.Logger

	mu   sync.Mutex
	said time.Time
	held int // times that were not said since
}

// A server that is short of something tries again after this long, then twice
// that, and so on: next to no work for the processor, and not long for a client.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = 200 * time.Millisecond
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

// meet says that there is a shortage. closed is how many idle connections were
// closed for it. It returns how long to wait.
func (s *shortage) meet(err error, closed int, pause time.Duration) time.Duration {
	if held, ok := s.pass(time.Now()); ok {
		attrs := []any{"event", "listener.shortage", "error", err.Error(), "closed", closed}
		message := "connections cannot be accepted, so idle ones are closed, or they wait: there is not enough memory for them"
		switch {
		case errors.Is(err, syscall.EMFILE):
			message = "connections cannot be accepted, so idle ones are closed, or they wait: this worker has as many descriptors open as it may: " +
				"raise the hard limit (LimitNOFILE of systemd, ulimit -Hn), or see whether the application leaves files open"
			var limit unix.Rlimit
			if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
				attrs = append(attrs, "limit", limit.Cur)
			}
		case errors.Is(err, syscall.ENFILE):
			message = "connections cannot be accepted, so idle ones are closed, or they wait: the whole system has as many files open as it may: " +
				"raise the sysctl fs.file-max"
		}
		s.log.Warn(message, append(attrs, logging.Suppressed(held)...)...)
	}
	if closed > 0 {
		return leastPause
	}
	return min(max(2*pause, leastPause), mostPause)
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
