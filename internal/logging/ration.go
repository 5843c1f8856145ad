package logging

import (
	"log/slog"
	"sync"
	"time"
)

// Ration lets a few records of a kind through in each second and counts the
// others, so that a server in trouble does not fill its log. The zero value is
// ready.
type Ration struct {
	mu     sync.Mutex
	second time.Time
	passed int
	held   int
}

// Pass tells whether a record may be written, one of so many in a second, and
// how many before it were not.
func (r *Ration) Pass(now time.Time, each int) (held int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.second) >= time.Second {
		r.second, r.passed = now, 0
	}
	if r.passed == each {
		r.held++
		return 0, false
	}
	r.passed++
	held, r.held = r.held, 0
	return held, true
}

// Left takes the number of those that nobody has told of for a second.
func (r *Ration) Left(now time.Time) (held int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.second) >= time.Second {
		held, r.held = r.held, 0
	}
	return held
}

// Suppressed is the attribute for records that were held back; none for 0.
func Suppressed(held int) []any {
	if held == 0 {
		return nil
	}
	return []any{slog.Int("suppressed", held)}
}
