package logging

import (
	"log/slog"
	"os"
	"sync"
	"time"
)

// How often it is said that something cannot be written, and that it can be again:
// on a disk that is all but full, short records fit now and then.
const (
	lossSaid = time.Minute
	backSaid = time.Second
)

// Loss counts what could not be written since it last could be. The zero value is
// ready. Safe for concurrent use.
type Loss struct {
	mu         sync.Mutex
	lost       int
	said, back time.Time // when
}

// Lose counts so many that are lost, and tells whether that is to be said.
func (l *Loss) Lose(lost int, now time.Time) (say bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost += lost
	if !l.said.IsZero() && now.Sub(l.said) < lossSaid {
		return false
	}
	l.said = now
	return true
}

// Back is called after something was written. It takes the number of those that
// were lost before, of which it is to be said now; 0 if it is not.
func (l *Loss) Back(now time.Time) (lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost == 0 || !l.back.IsZero() && now.Sub(l.back) < backSaid {
		return 0
	}
	lost, l.lost, l.back = l.lost, 0, now
	return lost
}

// loss is that of a log, and where it is said.
type loss struct {
	*Loss
	path string
	log  *slog.Logger // nil: there is nowhere left to say it
}

// newLoss has it said on standard error, if that is not where the log goes anyway.
func newLoss(o Options) *loss {
	l := &loss{Loss: o.Loss}
	if l.Loss == nil {
		l.Loss = &Loss{}
	}
	if file, ok := o.To.(*File); ok && o.Stderr != nil && !file.Standard() {
		l.path = file.path
		l.log = New(Options{To: &File{file: o.Stderr}, Format: o.Format})
	}
	return l
}

// lose counts a record that is lost.
func (l *loss) lose(err error, now time.Time) {
	if l.Lose(1, now) && l.log != nil {
		l.log.Error("records cannot be written to the log file, and are lost: make room, or let it grow",
			"event", "log.lost", "path", l.path, "error", err.Error(), "pid", os.Getpid())
	}
}
