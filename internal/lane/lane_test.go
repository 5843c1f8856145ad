//go:build linux

package lane

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/http1"
)

// The lane is one for all tests, and its drain is for good: they are one after the
// other, whatever the order of the tests' names.
func TestLane(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"there is no second one", thereIsNoSecondOne},
		{"plain requests are answered", plainRequestsAreAnswered},
		{"what is not plain is handed over as it came", whatIsNotPlainIsHandedOver},
		{"a pipeline is handed over where it stops being plain", pipelineIsHandedOver},
		{"a request that takes its time is Go's", slowRequestIsGos},
		{"a request of which a part is out is Go's", streamIsGos},
		{"a request that fails is Go's", failureIsGos},
		{"who leaves is closed", whoLeavesIsClosed},
		{"connections expire", connectionsExpire},
		{"those that have waited longest are spared first", longestWaitingIsSpared},
		{"no event is lost", noEventIsLost},
		{"no connection gets another's event", noConnectionGetsAnothers},
		{"records are in order", recordsAreInOrder},
		{"more requests than are in stock", moreThanInStock},
		{"all are handed over in a drain", drain},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(t)
			if t.Failed() {
				return
			}
			if n := len(adopted); n > 0 {
				t.Errorf("%d more were handed over", n)
			}
		})
		if t.Failed() {
			return // what it left behind would fail the others
		}
	}
}

func thereIsNoSecondOne(t *testing.T) {
	if l, err := New(config()); !errors.Is(err, ErrElsewhere) {
		t.Errorf("%v, %v", l, err)
	}
}

func plainRequestsAreAnswered(t *testing.T) {
	c := connect(t, http1.Parked{Requests: 3})
	for range 100 {
		c.send("GET /at/echo?a=b HTTP/1.1\r\nHost: x\r\nX-Name: n\r\n\r\n")
		if r := c.want("GET /echo a=b 192.0.2.1 "); r.Header.Get("X-Name") != "n" {
			t.Errorf("%v", r.Header)
		}
		c.send("PUT /at/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
		c.want("PUT /echo  192.0.2.1 body")
	}
	c.send("GET /at/echo HTTP/1.0\r\n\r\n")
	if r := c.want("GET /echo  192.0.2.1 "); !r.Close {
		t.Error("it says that it stays")
	}
	c.ended()
	quiet(t)
}

// What stands behind the head and body of each is none of the request's.
func whatIsNotPlainIsHandedOver(t *testing.T) {
	long := strings.Repeat("l", 200)
	for _, request := range []string{
		"G",
		"GET /at/echo HTTP/1.1\r\nHost: x\r\n",
		"\x16\x03\x01",
		"GET  /at/echo HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /at/echo HTTP/1.1\r\nHost: x\r\nX-Name: " + long + long + long + long + long + "\r\n\r\n",
		"GET /at/echo HTTP/1.1\r\n\r\n",
		"GET /at/echo HTTP/2.0\r\n\r\n",
		"GET http://x/at/echo HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /at/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /at/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody",
		"POST /at/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nbod",
		"POST /at/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n" + long,
		"GET /at/echo HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
		"GET /at/echo HTTP/1.1\r\nHost: x\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n",
		"GET /at/echo HTTP/1.1\r\nHost: x\r\nX_Name: 1\r\n\r\n",
		"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /attic HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		for _, behind := range []string{"", "GET /at/echo"} {
			c := connect(t, http1.Parked{Requests: 2, Visits: 5, Pipelined: true})
			c.send(request + behind)
			h := next(t)
			if h.kind != http1.Reads || h.in != request+behind {
				t.Errorf("%.80q: kind %d, %.100q", request, h.kind, h.in)
			}
			if p := h.parked; p.Requests != 2 || p.Visits != 5 || !p.Pipelined || p.Remote.Host != "192.0.2.1" || p.Remote.Port != "4711" {
				t.Errorf("%.80q: %+v", request, p)
			}
			h.hangUp()
		}
	}
	quiet(t)
}

func pipelineIsHandedOver(t *testing.T) {
	const plain, other = "GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n", "GET /at/echo HTTP/1.1\r\nHost: x\r\nX_Name: 1\r\n\r\n"
	for plains := range 5 {
		text := strings.Repeat(plain, plains) + other + plain
		for cut := 1; cut < len(text); cut++ {
			c := connect(t, http1.Parked{})
			c.send(text[:cut])
			// Either all plain ones of the first piece are answered, or what is cut was handed over.
			for range min(plains, cut/len(plain)) {
				c.want("GET /echo  192.0.2.1 ")
			}
			c.send(text[cut:])
			h := next(t)
			rest := readAll(t, h.parked.FD, len(text)-int(h.parked.Requests)*len(plain)-len(h.in))
			if got := h.in + rest; got != text[int(h.parked.Requests)*len(plain):] || h.parked.Requests > plains {
				t.Fatalf("cut at %d of %q: after %d requests %q", cut, text, h.parked.Requests, got)
			}
			for range h.parked.Requests - min(plains, cut/len(plain)) {
				c.want("GET /echo  192.0.2.1 ")
			}
			h.hangUp()
			c.ended()
		}
	}
	quiet(t)
}

// readAll reads what is on its way to a descriptor.
func readAll(t *testing.T, fd, size int) string {
	t.Helper()
	got := make([]byte, size)
	for at := 0; at < size; {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patient/time.Millisecond)); err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
		n, err := unix.Read(fd, got[at:])
		if err != nil && !errors.Is(err, unix.EINTR) || n == 0 {
			t.Fatalf("after %d of %d bytes: %v", at, size, err)
		}
		at += max(n, 0)
	}
	return string(got)
}

// gate is a pipe that the application waits at.
func gate(t *testing.T) (path string, open func()) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(r.Fd())) // Go's is not blocking, and its finalizer is not ours
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
		_ = unix.Close(fd)
	})
	return fmt.Sprint(fd), func() { _, _ = w.Write([]byte{1}) }
}

// rest waits until the application has done, and returns what it has produced since.
func rest(t *testing.T, h *taken) string {
	t.Helper()
	var body strings.Builder
	r := h.request.Request
	r.Wake()
	for {
		batch, state := r.Wait()
		for _, block := range batch.Blocks(nil) {
			body.Write(block)
		}
		if state != 0 { // not Running
			return body.String()
		}
	}
}

// serve answers what was handed over as Go might, and gives the connection back.
func serve(t *testing.T, h taken) {
	t.Helper()
	out, in := "", h.in
	if h.request != nil {
		out = rest(t, &h)
		if h.answer.Begun {
			out = string(h.answer.Rest) + out
		}
		h.request.Request.Release()
	}
	for in != "" {
		head, behind, whole := strings.Cut(in, "\r\n\r\n")
		if !whole {
			in += readAll(t, h.parked.FD, 1)
			continue
		}
		in = behind
		target := strings.Fields(head)[1]
		_, query, _ := strings.Cut(target, "?")
		out += "GET /echo " + query + " " + h.parked.Remote.Host + " "
	}
	if n, err := unix.Write(h.parked.FD, []byte(out)); n != len(out) && !errors.Is(err, unix.EPIPE) {
		t.Errorf("%q: %d, %v", out, n, err)
	}
	if h.parked.Visits = 0; !shared.Give(&h.parked) {
		t.Error("the lane does not take it back")
	}
}

// serveUntil serves what is handed over until all clients have done.
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
			open, _, _ := shared.Count()
			done = open == 0 && len(adopted) == 0
		}
	}
}

func slowRequestIsGos(t *testing.T) {
	fd, open := gate(t)
	request := "POST /at/wait/" + fd + "?q HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
	c := connect(t, http1.Parked{Requests: 1})
	c.send(request + "ab" + "GET /at/next")
	h := next(t)
	if h.kind != http1.Runs || h.head != request || h.in != "GET /at/next" || h.answer.Begun || h.request.BodySize != 2 || h.parked.Requests != 2 || h.request.Number == 0 {
		t.Errorf("%+v", h)
	}
	open()
	if body := rest(t, &h); body != "POST /wait/"+fd+" q 192.0.2.1 ab" {
		t.Errorf("%q", body)
	}
	h.request.Request.Release()
	h.hangUp()
	c.ended()
	quiet(t)
}

// The first block may not wait for the second (PEP 3333), and is out, or Go's to send.
func streamIsGos(t *testing.T) {
	fd, open := gate(t)
	c := connect(t, http1.Parked{})
	c.send("GET /at/pieces/" + fd + " HTTP/1.1\r\nHost: x\r\n\r\n")
	h := next(t)
	if h.kind != http1.Runs || h.request == nil {
		t.Fatalf("%+v", h)
	}
	open()
	if body := string(h.answer.Rest) + rest(t, &h); h.answer.Begun || body != "first last" {
		t.Errorf("%q of %+v", body, h.answer)
	}
	h.request.Request.Release()
	h.hangUp()
	c.ended()
	quiet(t)
}

func failureIsGos(t *testing.T) {
	c := connect(t, http1.Parked{})
	c.send("GET /at/raises HTTP/1.1\r\nHost: x\r\n\r\n")
	h := next(t)
	if h.kind != http1.Runs || h.answer.Begun {
		t.Fatalf("%+v", h)
	}
	rest(t, &h)
	if result := h.request.Request.Result(); !strings.Contains(fmt.Sprintf("%+v", result), "raised") {
		t.Errorf("%+v", result)
	}
	h.request.Request.Release()
	h.hangUp()
	quiet(t)
}

func whoLeavesIsClosed(t *testing.T) {
	before, open := closed.Load(), openCount.Load()
	const n = 100
	for i := range n {
		c := connect(t, http1.Parked{})
		if i%2 == 0 {
			c.send("GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n")
			c.want("GET /echo  192.0.2.1 ")
		}
		c.Close()
	}
	quiet(t)
	if now := closed.Load(); now != before+n {
		t.Errorf("%d were closed of %d", now-before, n)
	}
	if now := openCount.Load(); now != open {
		t.Errorf("%d are counted", now-open)
	}
}

func connectionsExpire(t *testing.T) {
	begun := time.Now()
	fresh, used := connect(t, http1.Parked{}), connect(t, http1.Parked{Requests: 1})
	fresh.ended()
	if waited := time.Since(begun); waited < headerTimeout {
		t.Errorf("closed after %v", waited)
	}
	used.ended()
	if waited := time.Since(begun); waited < keepAlive {
		t.Errorf("closed after %v", waited)
	}
	quiet(t)
}

func longestWaitingIsSpared(t *testing.T) {
	// Nobody may be read meanwhile, or what has something is no connection that waits.
	var all []*client
	for range 6 {
		all = append(all, connect(t, http1.Parked{Requests: 1}))
	}
	late := connect(t, http1.Parked{}) // its request is on its way
	if n := shared.Spare(2); n != 2 {
		t.Errorf("%d were closed", n)
	}
	all[0].ended()
	all[1].ended()
	for _, c := range all[2:] {
		c.send("GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	late.send("GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n")
	shared.Spare(10) // whoever has asked is answered
	for _, c := range append(all[2:], late) {
		c.want("GET /echo  192.0.2.1 ")
		c.Close()
	}
	quiet(t)
}

// A request may come at any moment of the one before it, whole or not: each is
// answered without another one behind it.
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

// Descriptors and slots are used again at once, while events of those before may be in
// the round that is being read: each client gets its own answer, and no end but its own.
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

func recordsAreInOrder(t *testing.T) {
	for shared.Flush() { // of the tests before
	}
	for len(records) > 0 {
		<-records
	}
	c := connect(t, http1.Parked{Requests: 7})
	const n = 300
	for i := range n {
		last := ""
		if i == n-1 {
			last = "Connection: close\r\n"
		}
		request := fmt.Sprintf("POST /at/echo?%d HTTP/1.1\r\nHost: x\r\n%sContent-Length: 3\r\n\r\n", i, last)
		c.send(request + "abc")
		c.want(fmt.Sprintf("POST /echo %d 192.0.2.1 abc", i))
		eventually(t, "the record is there", func() bool { return shared.Flush() || len(records) > 0 })
		r := <-records
		want := told{head: request, status: 200, before: 7 + i, in: 3, out: int64(len(fmt.Sprintf("POST /echo %d 192.0.2.1 abc", i))), closes: last != ""}
		if !slices.ContainsFunc(r.fields, func(f [2]string) bool { return f[0] == "X-Name" }) {
			t.Errorf("fields %q", r.fields)
		}
		if r.fields = nil; fmt.Sprint(r) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
	c.ended()
	quiet(t)
}

// There are 16 at first. What finds none is Go's, and the next time there are more.
func moreThanInStock(t *testing.T) {
	const n = 200
	var opens []func()
	for range n {
		fd, open := gate(t)
		opens = append(opens, open)
		connect(t, http1.Parked{}).send("GET /at/wait/" + fd + " HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	var running []taken
	for range n {
		h := next(t)
		switch {
		case h.kind == http1.Runs:
			running = append(running, h)
		case h.kind != http1.Reads || !strings.HasPrefix(h.in, "GET /at/wait/"):
			t.Errorf("%+v", h)
		}
		if h.kind != http1.Runs {
			h.hangUp()
		}
	}
	if len(running) < 16 {
		t.Errorf("only %d began", len(running))
	}
	for _, open := range opens {
		open()
	}
	for _, h := range running {
		rest(t, &h)
		h.request.Request.Release()
		h.hangUp()
	}
	quiet(t)
}

// Those that wait come at once, the others when they are answered, and none is lost:
// each is told that it was its connection's last, or is Go's to be told.
func drain(t *testing.T) {
	const n = 200
	var waiting []*client
	for range n {
		waiting = append(waiting, connect(t, http1.Parked{Requests: 1}))
	}
	var all sync.WaitGroup
	off := make(chan struct{})
	for i := range n {
		c := connect(t, http1.Parked{})
		all.Go(func() {
			if i == n/2 {
				close(off)
			}
			for last := false; !last; {
				if _, err := io.WriteString(c, "GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
					return // it is Go's, which has closed it here
				}
				answer := make([]byte, 0, 256)
				for !strings.HasSuffix(string(answer), "192.0.2.1 ") {
					b, err := c.r.ReadByte()
					if err != nil {
						if len(answer) > 0 {
							t.Errorf("%d: %v after %q", i, err, answer)
						}
						return
					}
					answer = append(answer, b)
				}
				last = strings.Contains(string(answer), "Connection: close\r\n")
			}
			c.ended()
		})
	}
	<-off
	shared.Drain()
	over := make(chan struct{})
	go func() {
		all.Wait()
		close(over)
	}()
	handed := 0
	for done := false; !done; {
		select {
		case h := <-adopted:
			if h.request != nil {
				rest(t, &h)
				h.request.Request.Release()
			} else if h.kind == http1.Waits {
				handed++
			}
			h.hangUp()
		case <-over:
			open, _, _ := shared.Count()
			done = open == 0 && len(adopted) == 0
		}
	}
	if handed < n {
		t.Errorf("%d of %d that wait were handed over", handed, n)
	}
	for _, c := range waiting {
		c.ended()
	}
	c, fd := pair(t)
	defer c.Close()
	if shared.Give(&http1.Parked{FD: fd}) {
		t.Error("it takes another one")
	}
	_ = unix.Close(fd)
}
