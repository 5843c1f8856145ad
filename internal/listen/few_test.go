package listen

import (
	"net"
	"syscall"
	"testing"
)

// Those that are too many are closed at once, and where few files may be open
// they are too many earlier.
func TestFewLeavesFilesForOthers(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) }()
	for files, want := range map[uint64]int{before.Cur: 8, 100: 6, 15: 1} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: files, Max: before.Max}); err != nil {
			t.Fatal(err)
		}
		few := Few(l, 8)
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Fatal(err)
		}
		accepted := make(chan net.Conn, 20)
		over := make(chan struct{})
		go func() {
			defer close(over)
			for {
				c, err := few.Accept()
				if err != nil {
					return
				}
				accepted <- c
			}
		}()
		for range 10 {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		// One after the other: when the last one is closed, all were looked at.
		last, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := last.Read(make([]byte, 1)); err == nil {
			t.Error("one too many was served")
		}
		if len(accepted) != want {
			t.Errorf("of %d files %d connections may be open, want %d", files, len(accepted), want)
		}
		l.Close()
		<-over
		close(accepted)
		for c := range accepted {
			c.Close()
		}
		last.Close()
	}
}
