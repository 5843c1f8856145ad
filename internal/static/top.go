package static

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Top is what there may be at the top of the document root: a set of names, as bits,
// so that whoever serves requests of the application tells them from files without
// asking the kernel. A name that is there is in it, within a second; a few others are
// as well. It is memory that is read from anywhere while it is written.
type Top [topWords]uint64

const topWords = 1024

// Place is a name's place in a Top: a word and a bit of it. C has the same function
// (internal/lane, plain.c): FNV-1a, 32 bits.
func Place(name string) (word int, bit uint64) {
	hash := uint32(2166136261)
	for i := range len(name) {
		hash = (hash ^ uint32(name[i])) * 16777619
	}
	hash ^= hash >> 16
	return int(hash / 64 % topWords), 1 << (hash % 64)
}

// has tells whether a name may be there.
func (t *Top) has(name string) bool {
	word, bit := Place(name)
	return atomic.LoadUint64(&t[word])&bit != 0
}

// firstOf is the first segment of a decoded path; empty for the root.
func firstOf(path string) string {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	return first
}

// Watch keeps the Top what it is to be, until done is closed. It looks once a second
// whether the folder has changed, and reads it if so.
func (s *Site) Watch(done <-chan struct{}) {
	if !s.HasRoot() {
		return
	}
	tick := time.NewTicker(validity / 2)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			s.renewTop(now)
		}
	}
}

// renewTop reads the top of the document root if it has changed.
func (s *Site) renewTop(now time.Time) {
	s.root.look(now)
	h, err := s.root.open(".")
	if err != nil {
		s.setTop(nil, identity{})
		return
	}
	defer h.close()
	var stat unix.Stat_t
	if unix.Fstat(int(h), &stat) != nil {
		return
	}
	id := identityOf(&stat)
	rests := now.Sub(time.Unix(0, id.changed)) >= settled
	if id == s.topID && rests {
		return
	}
	if !rests {
		id = identity{} // it may change again at the same time
	}
	names, err := readNames(h, mostAtTop+1)
	if err != nil || len(names) > mostAtTop {
		s.topID = id
		fill(s.top) // everything may be there
		return
	}
	s.setTop(names, id)
}

// mostAtTop is how many names a Top is made of: with more it would tell little.
const mostAtTop = 10_000

func (s *Site) setTop(names []string, id identity) {
	s.topID = id
	var fresh Top
	for _, name := range names {
		word, bit := Place(name)
		fresh[word] |= bit
		for _, index := range s.index {
			if name == index { // the root's own
				word, bit := Place("")
				fresh[word] |= bit
			}
		}
	}
	for i := range fresh {
		atomic.StoreUint64(&s.top[i], fresh[i])
	}
}

func fill(t *Top) {
	for i := range t {
		atomic.StoreUint64(&t[i], ^uint64(0))
	}
}

// readNames lists up to most names in a folder, which stays the caller's.
func readNames(h handle, most int) ([]string, error) {
	fd, err := unix.FcntlInt(uintptr(h), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	dir := handle(fd).file("folder")
	defer dir.Close()
	names, err := dir.Readdirnames(most)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return names, err
}
