package deadlines

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/control"
)

// Owner is who answers the request of a flight.
type Owner interface {
	// Name is the request in a few words: GET /path.
	Name() string
	// Start is when it came.
	Start() time.Time
	// ClientLeft tells whether nobody waits for the response any more. queued: no
	// thread has taken the request yet.
	ClientLeft(queued bool) bool
	// Describe is the request for who asks what goes on; stage is one of
	// control's.
	Describe(stage string) control.Request
	// LogRequest logs something about the request.
	LogRequest(level slog.Level, message, event string, attrs ...any)
}

// Flight is a request's way through Python, from Watcher.Add to Remove. Its owner
// goes on with it alone, the watcher looks at it now and then.
type Flight struct {
	// Timeout is how long the application may be silent; 0: for ever. Before Add.
	Timeout time.Duration

	next, previous *Flight
	owner          Owner
	req            *embed.Request // stays when the owner has let go of it
	generation     uint64

	// steps counts what the owner does with batches of the response. It is odd
	// while one is written.
	steps atomic.Uint32
	// silent is the verdict of the watcher, for the owner to carry out: steps + 1
	// as they were when the application had been silent for too long.
	silent atomic.Uint32
	// waitedTooLong: so the watcher takes it out of the queue.
	waitedTooLong atomic.Bool

	// timedOut: the client was told so, and the request is Python's until it is
	// done. The owner's; the watcher looks at deadAt.
	timedOut bool

	// Under Watcher.mu; but for kept the watcher's. Times are those of its looks.
	kept        bool // somebody else holds the owner: it is not used again
	aborted     bool
	slow, stuck bool      // were reported
	queued      time.Time // zero: not seen yet
	started     time.Time // inside Python
	silentSince time.Time
	lastSteps   uint32
	lastBytes   int64
	deadAt      time.Time // timed out
}

// IsSilent tells whether the application has been silent for too long, up to
// now.
func (f *Flight) IsSilent() bool { return f.silent.Load() == f.steps.Load()+1 }

// Step is called before and after each write of the response: a client that is
// slow to take it is no silence.
func (f *Flight) Step() { f.steps.Add(1) }

// WaitedTooLong tells whether the request was taken out of the queue for that.
func (f *Flight) WaitedTooLong() bool { return f.waitedTooLong.Load() }

// TimedOut tells whether Watcher.TimeOut was called.
func (f *Flight) TimedOut() bool { return f.timedOut }

// Kept tells, after Remove or TimeOut, whether the owner is still looked at, and
// must not be used for another request.
func (f *Flight) Kept() bool { return f.kept }

// listenTo finds out whether the application was silent for longer than
// Timeout, and lets the owner know. Writing to a slow client and waiting for
// its body is no silence.
func (f *Flight) listenTo(now time.Time) {
	if f.started.IsZero() {
		f.started, f.silentSince = now, now
	}
	steps := f.steps.Load()
	bytes, waits := f.req.Progress()
	if steps%2 == 1 || steps != f.lastSteps || waits || bytes != f.lastBytes {
		f.lastSteps, f.lastBytes, f.silentSince = steps, bytes, now
		return
	}
	if f.Timeout > 0 && now.Sub(f.silentSince) >= f.Timeout {
		f.silent.Store(steps + 1)
		f.req.Wake()
	}
}
