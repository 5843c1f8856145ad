package http1

import (
	"log/slog"
	"sync"
	"time"
)

// ration lets one record a second through, so that a server in trouble does not
// fill its log, and counts the others.
type ration struct {
	mu     sync.Mutex
	second time.Time
	held   int
}

// pass tells whether a record may be written, and how many before it were not.
func (r *ration) pass(now time.Time) (held int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.second) < time.Second {
		r.held++
		return 0, false
	}
	r.second = now
	held, r.held = r.held, 0
	return held, true
}

// with adds to the attributes how many records were held back.
func with(held int, attrs ...slog.Attr) []slog.Attr {
	if held > 0 {
		attrs = append(attrs, slog.Int("suppressed", held))
	}
	return attrs
}
