// Package share is how many connections each of the workers of a gowsgi has, in
// memory that all of them see: who has more than its share lets the others go first.
//
// The kernel wakes every worker for a connection, and the one that is quickest gets
// it; on an idle machine that is the same one again and again.
package share

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gowsgi/gowsgi/internal/shared"
)

// places are the workers there is room for; those beyond take what they can get.
const places = 512

const size = places * 8

// Shares are the counts of all workers, in the supervisor.
type Shares struct{ memory *shared.Memory }

// New makes them, without any worker.
func New() (*Shares, error) {
	memory, err := shared.New("gowsgi-share", size)
	if err != nil {
		return nil, fmt.Errorf("share: %w", err)
	}
	return &Shares{memory}, nil
}

// File is what a worker is to inherit.
func (s *Shares) File() *os.File { return s.memory.File() }

// Clear forgets a worker that is gone. A nil *Shares has none.
func (s *Shares) Clear(worker int) {
	if s == nil || worker < 1 || worker > places {
		return
	}
	atomic.StoreInt64(&counts(s.memory)[worker-1], 0)
}

// Close gives the memory back.
func (s *Shares) Close() error {
	if s == nil {
		return nil
	}
	return s.memory.Close()
}

func counts(memory *shared.Memory) *[places]int64 {
	// SAFETY: the memory begins at a page and has room for all places.
	return (*[places]int64)(unsafe.Pointer(&memory.Bytes[0]))
}

// Share is one worker's. A nil *Share never has more than its share.
type Share struct {
	counts *[places]int64 // one more than the connections; 0: there is no such worker
	own    int

	inVain int       // times that the others were let go first, and did not go
	rests  time.Time // until when that is not tried again
}

// Open opens, in the worker of that number, what it inherited as descriptor fd, which
// it closes.
func Open(fd, worker int) (*Share, error) {
	memory, err := shared.Open(fd, size)
	if err != nil {
		return nil, fmt.Errorf("share: %w", err)
	}
	if worker < 1 || worker > places {
		return nil, nil
	}
	return &Share{counts: counts(memory), own: worker - 1}, nil
}

// Set says how many connections this worker has.
func (s *Share) Set(connections int) {
	if s != nil {
		atomic.StoreInt64(&s.counts[s.own], int64(connections)+1)
	}
}

// Add says that it has n more, or fewer. Not after Leave: another worker may have the
// place by then.
func (s *Share) Add(n int) {
	if s != nil {
		atomic.AddInt64(&s.counts[s.own], int64(n))
	}
}

// Counter is the place to add to, for C; nil for nobody's.
func (s *Share) Counter() *int64 {
	if s == nil {
		return nil
	}
	return &s.counts[s.own]
}

// Leave says that this worker accepts no more.
func (s *Share) Leave() {
	if s != nil {
		atomic.StoreInt64(&s.counts[s.own], 0)
	}
}

// Others that do not take what they are left, because they hang or are stopped, are not
// waited for again and again.
const (
	mostInVain = 32
	rest       = time.Second
)

// Exceeds tells whether this worker has more than its share, so that others should go
// first. One goroutine calls it, and Yielded after it has let them.
func (s *Share) Exceeds() bool {
	if s == nil || !s.rests.IsZero() && time.Now().Before(s.rests) {
		return false
	}
	all, workers := int64(0), int64(0)
	for i := range s.counts {
		if n := atomic.LoadInt64(&s.counts[i]); n > 0 {
			all += n - 1
			workers++
		}
	}
	own := atomic.LoadInt64(&s.counts[s.own]) - 1
	const slack = 2
	return workers > 1 && own >= slack && own*workers > all+workers
}

// Yielded tells what came of letting the others go first: taken, they did.
func (s *Share) Yielded(taken bool) {
	if taken {
		s.inVain = 0
		return
	}
	if s.inVain++; s.inVain >= mostInVain {
		s.inVain, s.rests = 0, time.Now().Add(rest)
	}
}
