package e2e

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// aWaitingApp tells its process first, and goes on when it is let through.
const aWaitingApp = `
import os

from contract import wait


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"[%d]" % os.getpid()
    wait(environ)
    yield b" through"
`

// Of the workers that TTIN added, those go that are idle. Those of the settings
// stay, and who is busy does.
func TestSurplusWorkersGoOnceTheyAreIdle(t *testing.T) {
	t.Parallel() // it mostly waits
	p := prepareProject(t)
	p.Write(t, "editions.py", aWaitingApp)
	p.serve(t, ProjectOptions{Settings: Settings{Workers: 1, Threads: 40, More: "surplus_timeout = 1"}})
	gate := Contract{folder: p.folder, keys: new(atomic.Int64)}.Gate(t)
	first := p.Workers(t)[0]
	more := func() {
		t.Helper()
		loaded := p.LoggedOnceMore("application.loaded")
		p.Send(t, syscall.SIGTTIN)
		Eventually(t, "another worker serves", loaded)
	}
	left := func(pid int) bool {
		return regexp.MustCompile(`event=worker\.surplus worker=\d+ pid=` + strconv.Itoa(pid) + `\n`).MatchString(p.Log())
	}

	var waiting []*Conn
	// enter has a request wait in a worker that was added, and returns which; 0 if
	// that had gone already.
	enter := func() int {
		t.Helper()
		if len(p.Workers(t)) == 1 {
			more()
		}
		if err := syscall.Kill(first, syscall.SIGSTOP); err != nil { // it would take it
			t.Fatal(err)
		}
		defer func() { _ = syscall.Kill(first, syscall.SIGCONT) }()
		Eventually(t, "the first worker stands still", func() bool { return stopped(first) })
		c := Dial(t, p.Server)
		c.Send("GET /?gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		waiting = append(waiting, c)
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		if _, err := c.r.Peek(1); err != nil {
			return 0
		}
		head := c.ReadUntil("]")
		pid, err := strconv.Atoi(strings.TrimSuffix(head[strings.LastIndexByte(head, '[')+1:], "]"))
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	var busy int
	// The one with the request may have been idle for long when that came.
	Eventually(t, "one that is idle has gone, and one that is busy has not", func() bool {
		if busy = enter(); busy == 0 {
			return false
		}
		more()
		idle := slices.DeleteFunc(p.Workers(t), func(pid int) bool { return pid == first || pid == busy })
		Eventually(t, "the idle ones have gone", func() bool {
			return !slices.ContainsFunc(idle, func(pid int) bool { return !left(pid) })
		})
		return slices.Contains(p.Workers(t), busy) && !left(busy)
	})
	gate.Open(len(waiting))
	for _, c := range waiting {
		c.ReadUntil("through")
	}
	Eventually(t, "the settings' worker is alone", func() bool { return slices.Equal(p.Workers(t), []int{first}) })
	if !left(busy) || left(first) {
		t.Errorf("the log does not say that %d has gone and %d has not", busy, first)
	}
	if p.Logged("worker.died") > 0 {
		t.Error("a worker died")
	}
}
