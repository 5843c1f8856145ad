package reap

import (
	"bytes"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// patience is how long whoever started a process has to wait for it.
const patience = time.Second

// Start reaps orphans until stop is called, if this process gets any: as process
// 1, or as what Linux calls a subreaper. known tells whether a process is one
// that somebody here started and waits for; it is called from a goroutine of
// its own. stop returns when that has ended.
func Start(known func(pid int) bool) (stop func()) {
	if os.Getpid() != 1 && !subreaper() {
		return func() {}
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { run(ended, done, known) })
	return func() {
		signal.Stop(ended)
		close(done)
		running.Wait()
	}
}

func subreaper() bool {
	var is int32
	// SAFETY: the kernel writes an int to where the pointer says.
	err := unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&is)), 0, 0, 0)
	return err == nil && is != 0
}

// run looks when a child has ended, and again for as long as there is a zombie
// that may be an orphan.
func run(ended <-chan os.Signal, done <-chan struct{}, known func(pid int) bool) {
	seen := zombies() // at the last look
	var again <-chan time.Time
	if len(seen) > 0 {
		again = time.After(patience)
	}
	for {
		select {
		case <-ended:
			if again == nil {
				seen, again = zombies(), time.After(patience)
			}
		case <-again:
			now := zombies()
			for z := range now {
				if seen[z] && !known(z.pid) {
					_, _ = syscall.Wait4(z.pid, nil, syscall.WNOHANG, nil)
					delete(now, z)
				}
			}
			seen, again = now, nil
			if len(seen) > 0 {
				again = time.After(patience)
			}
		case <-done:
			return
		}
	}
}

// zombie is a child that has ended; started makes its number unique.
type zombie struct {
	pid     int
	started string
}

// zombies are those among this process's children.
func zombies() map[zombie]bool {
	found := map[zombie]bool{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return found
	}
	us := strconv.Itoa(os.Getpid())
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // it is gone
		}
		// proc_pid_stat(5): after the name in parentheses come state, parent, …
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		const state, parent, started = 0, 1, 19
		if len(fields) > started && string(fields[state]) == "Z" && string(fields[parent]) == us {
			found[zombie{pid, string(fields[started])}] = true
		}
	}
	return found
}
