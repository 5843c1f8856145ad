// Package rates is how many requests each client has had lately, in memory that all
// workers of a gowsgi see, so that a limit holds for all of them together.
//
// It is the generic cell rate algorithm: of a client no more is known than until when
// its requests are paid for, one interval each. One that is paid for too far ahead has
// to wait. So a client has 16 bytes, a request costs one exchange of a word, and
// nobody has to take anything back in time.
//
// # The table
//
// A client's place is found by a hash of its name under a secret of the table's: who
// may choose his name cannot choose whose place he takes. The place is one of sixteen; a
// new client takes one that is empty or whose client has nothing to wait for any more,
// and if there is none, that of the client who would be free first, who is forgotten.
// There are 65,536, so that happens only if so many have had a request in the time
// that a burst takes to be paid for.
//
// There is no lock: a worker may be killed, or stopped, at any instruction. What it may
// leave half-done is a place with a new name and the old time, which is the past or is
// taken for no more than a full burst. What two workers do at once to one client may
// cost the limit a request.
//
// Times are CLOCK_MONOTONIC's, which all processes share and nobody sets.
package rates

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/shared"
)

const (
	ways   = 16
	groups = 4096
)

// place is a client's.
type place struct {
	name uint64 // hash of it; 0: the place is free
	paid int64  // its requests are paid for until then
}

type layout struct {
	secret [16]byte
	places [groups][ways]place
}

const size = int(unsafe.Sizeof(layout{}))

// Table is that memory in one process.
type Table struct {
	*layout
	memory *shared.Memory
	now    func() int64 // ns
}

// New makes an empty table. Close gives its memory back.
func New() (*Table, error) {
	memory, err := shared.New("gowsgi-rates", size)
	if err != nil {
		return nil, fmt.Errorf("rates: %w", err)
	}
	t := onto(memory)
	_, _ = rand.Read(t.secret[:]) // never fails
	return t, nil
}

// Open opens, in a worker, the table that it inherited as descriptor fd, which it
// closes.
func Open(fd int) (*Table, error) {
	memory, err := shared.Open(fd, size)
	if err != nil {
		return nil, fmt.Errorf("rates: %w", err)
	}
	return onto(memory), nil
}

func onto(memory *shared.Memory) *Table {
	// SAFETY: memory begins at a page and has room for a layout, which has no pointers.
	return &Table{layout: (*layout)(unsafe.Pointer(&memory.Bytes[0])), memory: memory, now: clock()}
}

// clock is a monotonic time that is the same in all processes.
func clock() func() int64 {
	var now unix.Timespec
	start := time.Now()
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		now = unix.NsecToTimespec(start.UnixNano())
	}
	base := now.Nano()
	return func() int64 { return base + int64(time.Since(start)) }
}

// Close gives the memory back. Nobody uses it any more.
func (t *Table) Close() error { return t.memory.Close() }

// Keeper is the supervisor's table, which is made when it is first asked for. A nil
// *Keeper has none.
type Keeper struct {
	once  sync.Once
	table *Table
	err   error
}

// File is what a worker is to inherit; nil for nothing.
func (k *Keeper) File() (*os.File, error) {
	if k == nil {
		return nil, nil
	}
	k.once.Do(func() { k.table, k.err = New() })
	if k.err != nil {
		return nil, k.err
	}
	return k.table.memory.File(), nil
}

// Close gives the memory back.
func (k *Keeper) Close() error {
	if k == nil || k.table == nil {
		return nil
	}
	return k.table.Close()
}

// Limit is how many requests a client may have: one in each interval, and so many at
// once.
type Limit struct {
	Interval time.Duration
	Burst    int
}

// Take takes a request of a client's. wait is 0, or for how long it has to wait until
// it may have one. crowded: somebody was forgotten for it who was to be remembered.
func (t *Table) Take(client string, limit Limit) (wait time.Duration, crowded bool) {
	name, group := t.hash(client)
	now := t.now()
	p, crowded := t.find(name, &t.places[group], now)
	most := now + int64(limit.Burst)*int64(limit.Interval)
	for {
		paid := atomic.LoadInt64(&p.paid)
		next := min(max(paid, now), most) + int64(limit.Interval)
		if next > most {
			return time.Duration(next - most), crowded
		}
		if atomic.CompareAndSwapInt64(&p.paid, paid, next) {
			return 0, crowded
		}
	}
}

// hash is a client's name in the table, and its group of places.
func (t *Table) hash(client string) (name uint64, group int) {
	var room [128]byte
	sum := sha256.Sum256(append(append(room[:0], t.secret[:]...), client...))
	return binary.LittleEndian.Uint64(sum[:8]) | 1, int(binary.LittleEndian.Uint64(sum[8:16]) % groups)
}

// find finds the place of a client, or takes one.
func (t *Table) find(name uint64, group *[ways]place, now int64) (p *place, crowded bool) {
	for {
		p = &group[0]
		old, paid := uint64(0), int64(0)
		for i := range group {
			other := &group[i]
			otherName, otherPaid := atomic.LoadUint64(&other.name), atomic.LoadInt64(&other.paid)
			switch otherName {
			case name:
				return other, false
			case 0:
				otherPaid = 0
			}
			if i == 0 || otherPaid < paid {
				p, old, paid = other, otherName, otherPaid
			}
		}
		if !atomic.CompareAndSwapUint64(&p.name, old, name) {
			continue // somebody else was quicker
		}
		last := atomic.LoadInt64(&p.paid)
		atomic.CompareAndSwapInt64(&p.paid, last, 0) // else it is somebody's who came to the same place
		return p, old != 0 && paid > now
	}
}
