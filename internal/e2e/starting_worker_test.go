package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Gowsgi kills a worker that starts if it is no longer wanted, since it serves
// nobody. So it must not take a request before gowsgi knows that it is ready.
func TestWorkerTakesNoRequestBeforeGowsgiKnowsOfIt(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "service.py"), aService)
	gate := Contract{folder: folder, keys: new(atomic.Int64)}.Gate(t)
	gate.Open(1)
	s := Start(t, Options{
		Target: "service", Dir: folder, Env: []string{"GATE=" + gate.Path},
		Args: []string{eachLoads, "--pythonpath", Testapps(), "--log-level", "debug"},
	})
	send := func(pid int, signal syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(pid, signal); err != nil {
			t.Fatal(err)
		}
	}
	old := s.WorkerPIDs()
	s.Signal(t, syscall.SIGHUP)
	Eventually(t, "a new worker starts", func() bool { return strings.Count(s.Log(), "event=worker.started") == 2 })
	both := []int{s.PID(), old[0]}
	for _, pid := range both {
		send(pid, syscall.SIGSTOP)
	}
	t.Cleanup(func() { // if the test fails before
		for _, pid := range both {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	})
	Eventually(t, "gowsgi and the old worker stand still", func() bool {
		return !slices.ContainsFunc(both, func(pid int) bool { return !stopped(pid) })
	})
	c := Dial(t, s)
	c.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	gate.Open(1) // and the new one is loaded
	_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if _, err := c.r.Peek(1); err == nil {
		t.Error("a worker that gowsgi does not know of has answered")
	}
	send(s.PID(), syscall.SIGTERM)
	for _, pid := range both {
		send(pid, syscall.SIGCONT)
	}
	if response := c.Response("GET"); response.Status != 200 {
		t.Errorf("%+v", response)
	}
	if status := s.Wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
