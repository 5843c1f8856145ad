package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// oneTimeout waits as long as a server takes to find out that a request is
// silent: the clock of tests about time that must not count.
func oneTimeout(t testing.TB, s Contract) {
	t.Helper()
	if response := Dial(t, s.Server).Get("/ever"); response.Status != 504 {
		t.Fatalf("a request that hangs: %+v", response)
	}
}

func TestTimeout(t *testing.T) {
	s := startContract(t, "hangs", modes[0], "--timeout", "1", "--timeout-grace", "60", "--request-buffer", "1000", "--request-spool", "0")

	t.Run("the client gets a 504, others go on, the connection is good", func(t *testing.T) {
		key := s.Key()
		hanging := Dial(t, s.Server)
		hanging.Send("GET /ever?id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
		s.WaitNotes(t, key, "called")
		done := make(chan struct{})
		go func() {
			defer close(done)
			Parallel(t, 7, func(t testing.TB, _ int) {
				for c, began := Dial(t, s.Server), time.Now(); time.Since(began) < 2*time.Second; {
					c.Get("/hello").Want(t, 200, "hello")
				}
			})
		}()
		hanging.Response("GET").Want(t, 504, "504 Gateway Timeout\n")
		hanging.StaysOpen("/hello")
		<-done
		s.WaitNotes(t, key, "called", "gowsgi.RequestTimeout")
		record := s.WaitRecord(t, "request.timeout", "/ever?id="+key)
		for _, part := range []string{"level=ERROR", "method=GET", "client=127.0.0.1:", "seconds=1", "in sleep_for_ever", "hangs.py"} {
			if !strings.Contains(record, part) {
				t.Errorf("no %q in the record: %s", part, record)
			}
		}
		s.WaitRecord(t, "request.ended", "/ever?id="+key)
	})
	t.Run("a response that has begun is broken off", func(t *testing.T) {
		for _, version := range []string{"1.1", "1.0"} {
			key := s.Key()
			c := Dial(t, s.Server)
			c.Send("GET /begun?id=" + key + " HTTP/" + version + "\r\nHost: x\r\n\r\n")
			if response := c.WantBroken("GET"); response.Status != 200 || response.Body != "a block\n" {
				t.Errorf("HTTP/%s: %+v", version, response)
			}
			s.WaitNotes(t, key, "called", "gowsgi.RequestTimeout")
		}
	})
	t.Run("close() that hangs", func(t *testing.T) {
		key := s.Key()
		c := Dial(t, s.Server)
		c.Send("GET /ended?id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
		c.Response("GET").Want(t, 200, "complete")
		c.Closed()
		s.WaitNotes(t, key, "called", "gowsgi.RequestTimeout")
	})
	t.Run("each block starts the time anew", func(t *testing.T) {
		if response := Dial(t, s.Server).Get("/steps?blocks=8&pause=0.3"); response.Body != strings.Repeat("a block\n", 8) {
			t.Errorf("%+v", response)
		}
	})
	t.Run("each piece of a body starts the time anew", func(t *testing.T) {
		c := Dial(t, s.Server)
		c.Send("POST /reads?size=1000&pause=0.3 HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n" + strings.Repeat("x", 8000))
		c.Response("POST").Want(t, 200, "8000")
	})
	t.Run("waiting for a slow body does not count", func(t *testing.T) {
		c := Dial(t, s.Server)
		c.Send("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 6000\r\n\r\n" + strings.Repeat("x", 3000))
		oneTimeout(t, s)
		oneTimeout(t, s)
		c.Send(strings.Repeat("x", 3000))
		c.Response("POST").Want(t, 200, "6000")
	})
	t.Run("waiting for a slow reader does not count", func(t *testing.T) {
		key := s.Key()
		c := Dial(t, s.Server)
		c.Send("GET /endless?size=100000&id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
		c.ReadUntil("xxx")
		oneTimeout(t, s)
		oneTimeout(t, s)
		c.ReadBytes(16 << 20) // more than all buffers hold
		c.Reset()
		s.WaitNotes(t, key, "called", "closed")
	})
	t.Run("a body that was not read, or read", func(t *testing.T) {
		for _, path := range []string{"/ever", "/twice"} {
			for _, size := range []int{500, 5000, 300_000} {
				key := s.Key()
				c := Dial(t, s.Server)
				c.Send("POST " + path + "?id=" + key + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(size) + "\r\n\r\n" + strings.Repeat("x", size))
				c.Response("POST").Want(t, 504, "504 Gateway Timeout\n")
				c.StaysOpen("/hello")
				s.WaitNotes(t, key, "called", "gowsgi.RequestTimeout")
			}
		}
	})
	t.Run("a client that leaves before", func(t *testing.T) {
		key := s.Key()
		c := Dial(t, s.Server)
		c.Send("GET /ever?id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
		s.WaitNotes(t, key, "called")
		c.Reset()
		s.WaitNotes(t, key, "called", "gowsgi.RequestTimeout")
		s.WaitRecord(t, "request.timeout", "/ever?id="+key)
	})
	t.Run("all threads are free afterwards", func(t *testing.T) {
		Parallel(t, 16, func(t testing.TB, _ int) { oneTimeout(t, s) })
		Parallel(t, 16, func(t testing.TB, _ int) { Dial(t, s.Server).Get("/hello").Want(t, 200, "hello") })
	})
}

func TestRequestThatSwallowsItsTimeoutIsReportedStuck(t *testing.T) {
	s := startContract(t, "hangs", modes[0], "--timeout", "0.5", "--timeout-grace", "0.5")
	until, key := filepath.Join(t.TempDir(), "until"), s.Key()
	uri := "/swallow?id=" + key + "&until=" + until
	c := Dial(t, s.Server)
	c.Get(uri).Want(t, 504, "504 Gateway Timeout\n")
	s.WaitRecord(t, "request.stuck", uri)
	s.WaitNotes(t, key, "called", "gowsgi.RequestTimeout")
	c.StaysOpen("/hello")
	if err := os.WriteFile(until, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.WaitRecord(t, "request.ended", uri)
}

// C code, or a system call: no exception comes through, but the answer does.
func TestRequestThatCannotBeInterrupted(t *testing.T) {
	s := startContract(t, "hangs", modes[1], "--timeout", "0.5", "--timeout-grace", "0.5")
	gate, key := s.Gate(t), s.Key()
	uri := "/gate?id=" + key + "&gate=" + gate.Path
	c := Dial(t, s.Server)
	c.Get(uri).Want(t, 504, "504 Gateway Timeout\n")
	s.WaitRecord(t, "request.stuck", uri)
	gate.Open(1)
	s.WaitRecord(t, "request.ended", uri)
	c.StaysOpen("/hello")
}

func TestWithoutTimeoutARequestMayBeSilent(t *testing.T) {
	s := startContract(t, "hangs", modes[0], "--timeout", "0", "--slow-request-threshold", "0.2")
	gate := s.Gate(t)
	c := Dial(t, s.Server)
	c.Send("GET /gate?gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	s.WaitRecord(t, "request.slow", "/gate?gate="+gate.Path)
	c.Silent()
	gate.Open(1)
	c.Response("GET").Want(t, 200, "None")
}

// The log says which line of which thread keeps the GIL, although nobody can
// ask Python.
func TestGILThatIsNotGivenBack(t *testing.T) {
	s := startContract(t, "holds_gil", modes[0], "--deadlock-timeout", "1", "--timeout", "0.5")
	c := Dial(t, s.Server)
	c.Get("/hello").Want(t, 200, "hello")
	c.Send("GET /hold?seconds=6 HTTP/1.1\r\nHost: x\r\n\r\n")
	c.Response("GET").Want(t, 504, "504 Gateway Timeout\n")
	// Both wait for the same stacks, and are written at the same time.
	for event, who := range map[string]string{"request.timeout": "this request", "worker.deadlock": `GET /hold\?seconds=6`} {
		record := regexp.MustCompile(`time=.* event=` + event + ` .*\n(  .*\n)*  Thread gowsgi-\d, ` + who + `:\n    File ".*holds_gil\.py", line \d+, in application\n`)
		Eventually(t, "the stack is in the log of "+event, func() bool { return record.MatchString(s.Log()) })
	}
	// Another worker has its place.
	s.WaitLog(t, `event=worker.replacing worker=1`)
	Eventually(t, "the new worker has loaded the application", func() bool {
		return strings.Count(s.Log(), "event=application.loaded") == 2
	})
	Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
}
