// Package scoreboard is where a worker notes the requests that it has given to
// Python, in memory that outlives it: when the worker crashes or is killed, its
// supervisor reads what it was doing.
//
// The supervisor makes a board for each worker ([New]) and lets it inherit the
// file; the worker opens it ([Open]). A note is plain stores into a slot of its
// own, no system call and no lock, so it costs next to nothing. Behind the notes
// there is room for a last report, of a crash.
package scoreboard

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	slots    = 1024
	slotSize = 256
	textSize = slotSize - 16
	// longestMethod is what a method may take of a slot's text.
	longestMethod = 32
)

// slot is a request's place in the shared memory.
type slot struct {
	running atomic.Uint32 // 1: the rest is valid
	method  uint8         // bytes of text that are the method
	_       uint8
	uri     uint16 // and those after it that are the URI
	started int64  // Unix time, ns
	text    [textSize]byte
}

// Board is a scoreboard in one process. A nil *Board takes notes, too, and
// forgets them.
type Board struct {
	file   *os.File // nil in the worker
	memory []byte
	slots  *[slots]slot
}

// New makes an empty board. Close gives its memory back.
func New() (*Board, error) {
	file, err := anonymousFile()
	if err != nil {
		return nil, fmt.Errorf("scoreboard: %w", err)
	}
	if err := file.Truncate(slots * slotSize); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("scoreboard: %w", err)
	}
	b, err := open(int(file.Fd()))
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	b.file = file
	return b, nil
}

// Open opens, in a worker, the board that it inherited as descriptor fd, which
// it closes.
func Open(fd int) (*Board, error) {
	defer unix.Close(fd) // the mapping stays
	return open(fd)
}

func open(fd int) (*Board, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, fmt.Errorf("scoreboard: descriptor %d: %w", fd, err)
	}
	if stat.Size < slots*slotSize { // reading past its end would be a SIGBUS
		return nil, fmt.Errorf("scoreboard: descriptor %d has %d bytes, fewer than %d", fd, stat.Size, slots*slotSize)
	}
	memory, err := unix.Mmap(fd, 0, slots*slotSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("scoreboard: map descriptor %d: %w", fd, err)
	}
	// SAFETY: a page boundary is aligned for any slot, the mapping has room for
	// all of them, and slot has no pointers.
	return &Board{memory: memory, slots: (*[slots]slot)(unsafe.Pointer(&memory[0]))}, nil
}

// File is what a worker is to inherit.
func (b *Board) File() *os.File { return b.file }

// Close gives the memory back. Nobody uses the board any more.
func (b *Board) Close() error {
	if b == nil {
		return nil
	}
	err := unix.Munmap(b.memory)
	b.memory, b.slots = nil, nil
	if b.file != nil {
		_ = b.file.Close()
	}
	return err
}

// Layout is the memory with the slots, how many they are, their size, and how much a
// method may take, all in bytes: for C that takes notes as Begin does.
func (b *Board) Layout() (memory []byte, count, size, method int) {
	return b.memory, slots, slotSize, longestMethod
}

// Begin notes that the request of that slot, which nobody else writes to, is on
// its way into Python. Slots are numbered from 0; there is no room for the note
// if too many requests are.
func (b *Board) Begin(n int, method, uri string) {
	if b == nil || n >= slots {
		return
	}
	s := &b.slots[n]
	size := copy(s.text[:longestMethod], method)
	s.method = uint8(size)
	s.uri = uint16(copy(s.text[size:], uri))
	s.started = time.Now().UnixNano()
	s.running.Store(1)
}

// End takes the note back.
func (b *Board) End(n int) {
	if b != nil && n < slots {
		b.slots[n].running.Store(0)
	}
}

// longestReport is what is read of a report.
const longestReport = 1 << 20

// OpenReport makes fd, which is that of a board and is not opened yet, a place for
// a last report: what is written there comes behind the notes.
func OpenReport(fd int) error {
	if _, err := unix.Seek(fd, slots*slotSize, io.SeekStart); err != nil {
		return fmt.Errorf("scoreboard: descriptor %d: %w", fd, err)
	}
	return nil
}

// Report is what the worker has written to the place for its last report.
func (b *Board) Report() string {
	if b == nil || b.file == nil {
		return ""
	}
	text, _ := io.ReadAll(io.NewSectionReader(b.file, slots*slotSize, longestReport)) // what can be read is better than nothing
	return string(text)
}

// Entry is a request that was begun and not ended.
type Entry struct {
	Method, URI string // cut to fit, control characters spelled out
	Started     time.Time
}

// String is the entry as a log has it: GET /path.
func (e Entry) String() string { return e.Method + " " + e.URI }

// Running lists them, the oldest first. The queue in front of Python is first
// in, first out, so with n threads only the first n can have been inside; the
// rest waited.
//
// It may be called at any time: what a worker writes at that moment can come
// out torn, but not as anything that a log must not hold.
func (b *Board) Running() []Entry {
	if b == nil {
		return nil
	}
	var entries []Entry
	for i := range b.slots {
		s := &b.slots[i]
		if s.running.Load() != 1 {
			continue
		}
		method := min(int(s.method), longestMethod)
		uri := min(int(s.uri), textSize-method)
		entries = append(entries, Entry{
			Method: Printable(string(s.text[:method])), URI: Printable(string(s.text[method : method+uri])),
			Started: time.Unix(0, s.started),
		})
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Started.UnixNano(), b.Started.UnixNano()) })
	return entries
}

// Latest is when the last request was begun; zero if none was. Like Running it
// may be called at any time.
func (b *Board) Latest() (latest time.Time) {
	if b == nil {
		return latest
	}
	for i := range b.slots { // End leaves it
		if started := b.slots[i].started; started != 0 && time.Unix(0, started).After(latest) {
			latest = time.Unix(0, started)
		}
	}
	return latest
}

// Printable spells out what could forge a line or move a cursor.
func Printable(s string) string {
	var b strings.Builder
	for i, char := range s {
		switch {
		case char == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !unicode.IsPrint(char):
			quoted := strconv.QuoteRune(char)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(char)
		}
	}
	return b.String()
}
