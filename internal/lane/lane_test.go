//go:build linux

package lane

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/http1"
)

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
		{"a client that lags behind is waited for", whoLagsBehindIsWaitedFor},
		{"a client that takes nothing is Go's", whoTakesNothingIsGos},
		{"a file is sent", fileIsSent},
		{"a file that a client does not take is Go's", fileThatIsNotTakenIsGos},
		{"a request that fails is Go's", failureIsGos},
		{"a failure in a round is the only one", failureIsTheOnlyOne},
		{"an end with something behind it is Go's", endWithSomethingBehindIsGos},
		{"who leaves is closed", whoLeavesIsClosed},
		{"ends are seen whoever has the socket", endsAreSeen},
		{"connections expire", connectionsExpire},
		{"those that have waited longest are spared first", longestWaitingIsSpared},
		{"the lookout wakes only for what matters", lookoutSleeps},
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
			open, _, _, _ := shared.Count()
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
