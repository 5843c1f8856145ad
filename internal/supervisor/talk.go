package supervisor

import (
	"io"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/octets"
)

// talk is the way on which a worker is told things. A worker reads them at once,
// but for one that is stopped: then the socket fills up one day, and nobody, least
// of all the supervisor's loop, may wait for it again and again. What it has not
// taken is kept, and goes out before what it is told next: half an order would
// make nonsense of all that follow.
type talk struct {
	mu     sync.Mutex
	unsent []byte
	deaf   bool // it took nothing lately
	held   bool // there is no process yet: it was ordered from a nursery
}

const (
	// talkTimeout is how long it may take to take something.
	talkTimeout = time.Second
	// deafTimeout is for one that has not lately.
	deafTimeout = time.Millisecond
	// mostUnsent is kept; what would be more is lost. A worker that is not to be
	// woken is killed one day, by whoever stopped it or at the end of a drain.
	mostUnsent = 1 << 20
)

// deadlineWriter is the socket.
type deadlineWriter interface {
	io.Writer
	SetWriteDeadline(t time.Time) error
}

// tell sends value on to. Errors are the worker's, who is dying.
func (t *talk) tell(to deadlineWriter, value any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	whole := len(t.unsent)
	if err := octets.NewEncoder((*unsent)(t)).Encode(value); err != nil || whole > 0 && len(t.unsent) > mostUnsent {
		t.unsent = t.unsent[:whole]
	}
	if !t.held {
		t.send(to)
	}
}

// begin is for when there is a process.
func (t *talk) begin(to deadlineWriter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = false
	t.send(to)
}

func (t *talk) send(to deadlineWriter) {
	patience := talkTimeout
	if t.deaf {
		patience = deafTimeout
	}
	_ = to.SetWriteDeadline(time.Now().Add(patience))
	n, err := to.Write(t.unsent)
	t.deaf = err != nil
	if t.unsent = t.unsent[n:]; len(t.unsent) == 0 {
		t.unsent = nil
	}
}

// unsent adds what is written to it.
type unsent talk

func (u *unsent) Write(p []byte) (int, error) {
	u.unsent = append(u.unsent, p...)
	return len(p), nil
}
