package e2e

import (
	"bytes"
	"io"
	"os"
	"sync"
	"testing"
)

// log collects what a process writes and wakes those who wait for more.
type log struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed at the next write
}

func newLog() *log { return &log{changed: make(chan struct{})} }

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// next is closed when something is written after this call.
func (l *log) next() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// follow returns a pipe into the log that stays open until the test ends,
// whichever processes come and go.
func (l *log) follow(t testing.TB) *os.File {
	t.Helper()
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(l, from) }() // ends with the pipe
	t.Cleanup(func() {
		to.Close()
		from.Close()
	})
	return to
}
