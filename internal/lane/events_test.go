//go:build linux

package lane

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/http1"
)

func serveUntil(t *testing.T, all *sync.WaitGroup) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		all.Wait()
		close(over)
	}()
	for done := false; !done; {
		select {
		case h := <-adopted:
			serve(t, h)
		case <-over:
			open, _, _, _ := shared.Count()
			done = open == 0 && len(adopted) == 0
		}
	}
}

func noEventIsLost(t *testing.T) {
	const clients, requests = 20, 500
	var all sync.WaitGroup
	for i := range clients {
		c := connect(t, http1.Parked{})
		all.Go(func() {
			const request = "GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n"
			random := rand.New(rand.NewPCG(1, uint64(i)))
			sent := make(chan struct{}, 3) // so far ahead of its answers is the client
			go func() {
				for range requests {
					for range random.IntN(200) { // some moment
						runtime.Gosched()
					}
					if _, err := io.WriteString(c, request); err != nil {
						t.Errorf("%d: %v", i, err)
					}
					sent <- struct{}{}
				}
			}()
			for range requests {
				<-sent
				response := make([]byte, 0, 256)
				for !strings.HasSuffix(string(response), "192.0.2.1 ") {
					b, err := c.r.ReadByte()
					if err != nil {
						t.Errorf("%d: %v after %q", i, err, response)
						return
					}
					response = append(response, b)
				}
			}
			c.Close()
		})
	}
	serveUntil(t, &all)
}

func noConnectionGetsAnothers(t *testing.T) {
	const clients, turns = 64, 100_000 / 64
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for n := range turns {
				c, fd := pair(t)
				openCount.Add(1)
				if !shared.Give(&http1.Parked{FD: fd, Requests: n % 2}) {
					t.Error("the lane does not take it")
					return
				}
				name := fmt.Sprintf("%d-%d", i, n)
				_, err := io.WriteString(c, "GET /at/echo?"+name+" HTTP/1.1\r\nHost: x\r\n\r\n")
				if n%3 == 0 { // gone while its request runs
					c.Close()
					continue
				}
				var answer strings.Builder
				for err == nil && !strings.HasSuffix(answer.String(), " /echo "+name+"  ") {
					var b byte
					if b, err = c.r.ReadByte(); err == nil {
						answer.WriteByte(b)
					}
				}
				c.Close()
				if err != nil {
					t.Errorf("%s: %v after %q", name, err, answer.String())
					return
				}
			}
		})
	}
	serveUntil(t, &all)
}

// A process that the application has forked has copies of all sockets: ends are seen
// all the same, and what comes on such a connection afterwards is nobody's.
func endsAreSeen(t *testing.T) {
	var copies []int
	copied := func(p http1.Parked) *client {
		c, fd := pair(t)
		own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		copies = append(copies, own)
		p.FD, p.Remote.Host = fd, "192.0.2.1"
		openCount.Add(1)
		if !shared.Give(&p) {
			t.Fatal("the lane does not take it")
		}
		return c
	}
	last, spared, late := copied(http1.Parked{}), copied(http1.Parked{Requests: 1}), copied(http1.Parked{Requests: 1})
	last.send("GET /at/echo HTTP/1.0\r\n\r\n")
	last.want("GET /echo  192.0.2.1 ")
	last.ended()
	shared.Spare(1)
	spared.ended()
	late.ended() // it expires
	quiet(t)
	c := connect(t, http1.Parked{}) // in the place of one of them
	for range 100 {
		for _, gone := range []*client{last, spared, late} {
			gone.send("GET /at/echo?gone HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		c.send("GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n")
		c.want("GET /echo  192.0.2.1 ")
	}
	if open, _, _, _ := shared.Count(); open != 1 {
		t.Errorf("%d are open", open)
	}
	c.Close()
	for _, fd := range copies {
		_ = unix.Close(fd)
	}
	quiet(t)
}

// While all threads are blocked it reads what comes, and closes what expires, but does
// not look for it again and again: for clients that leave while their request runs, too.
func lookoutSleeps(t *testing.T) {
	const threads = 4
	var opens []func()
	var running []taken
	for i := range threads {
		fd, open := gate(t)
		opens = append(opens, open)
		c := connect(t, http1.Parked{})
		c.send("GET /at/wait/" + fd + " HTTP/1.1\r\nHost: x\r\n\r\n")
		if i%2 == 0 {
			c.Close()
		}
	}
	for range threads {
		running = append(running, next(t)) // each is a tenth of a second old
	}
	before, same := lookoutSwitches(t), 0
	eventually(t, "it sleeps", func() bool {
		now := lookoutSwitches(t)
		if same++; now != before {
			before, same = now, 0
		}
		return same == 500
	})
	connect(t, http1.Parked{Requests: 1}).ended() // it expires
	// In two seconds.
	if n := lookoutSwitches(t) - before; n > 100 {
		t.Errorf("it woke %d times", n)
	}
	c := connect(t, http1.Parked{})
	c.send("GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n")
	h := next(t) // it is queued, and so old that it is Go's
	if h.kind != http1.Runs || h.request == nil {
		t.Fatalf("%+v", h)
	}
	for _, open := range opens {
		open()
	}
	for _, h := range append(running, h) {
		rest(t, &h)
		h.request.Request.Release()
		h.hangUp()
	}
	c.ended()
	quiet(t)
}

// lookoutSwitches is how often the lookout has gone to sleep.
func lookoutSwitches(t *testing.T) (n int) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		status, _ := os.ReadFile(task + "/status") // it may have gone
		if !strings.Contains(string(status), "gowsgi lookout\n") {
			continue
		}
		_, count, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		if _, err := fmt.Sscan(count, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatal("there is no lookout")
	return 0
}
