package http2

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/gowsgi/gowsgi/internal/http2/frametest"
)

// Wherever the library's bytes are cut, ours go out between two of its frames.
func TestFramesAreFollowedHoweverTheyAreCut(t *testing.T) {
	var all bytes.Buffer
	f := http2.NewFramer(&all, nil)
	f.AllowIllegalWrites = true
	ends := map[int]bool{}
	note := func(may bool, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if may {
			ends[all.Len()] = true
		}
	}
	note(true, f.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20}))
	note(false, f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("abc")}))
	note(false, f.WriteContinuation(1, false, []byte("defg")))
	note(true, f.WriteContinuation(1, true, nil))
	note(true, f.WriteData(1, false, make([]byte, 300)))
	note(true, f.WriteData(1, true, nil))
	note(true, f.WriteHeaders(http2.HeadersFrameParam{StreamID: 7, BlockFragment: []byte("abc"), EndHeaders: true, EndStream: true}))
	note(true, f.WriteRSTStream(3, http2.ErrCodeNo))
	b := all.Bytes()
	for at := 0; at <= len(b); at++ {
		for step := 1; step < 12; step += 5 {
			var f frames
			for i := 0; i < at; i += step {
				f.pass(b[i:min(i+step, at)])
			}
			if f.between() != ends[at] {
				t.Fatalf("after %d bytes, %d at a time: between two frames: %v", at, step, f.between())
			}
			if at == len(b) && f.last != 7 {
				t.Errorf("the last stream is %d", f.last)
			}
		}
	}
}

// A drain says that there will be an end, answers what comes meanwhile, and then says
// which request was the last.
func TestDrainTellsBeforeItEnds(t *testing.T) {
	s, addr := serve(t, Config{Handler: hello})
	c := frametest.Dial(t, addr)
	c.Wait(c.Open(true))
	s.Drain()
	f := c.GoAway()
	if f.LastStreamID != math.MaxInt32 || f.ErrCode != http2.ErrCodeNo {
		t.Errorf("at first: %v", f)
	}
	last := c.Open(true)
	if a := c.Wait(last); a.Body != "hello" {
		t.Errorf("a request that crosses it: %+v", a)
	}
	s.Sweep(time.Hour)
	last = c.Open(true)
	if a := c.Wait(last); a.Body != "hello" {
		t.Errorf("a request before the end: %+v", a)
	}
	s.Sweep(0)
	if all := c.GoAways(); len(all) != 1 || all[0].LastStreamID != last || all[0].ErrCode != http2.ErrCodeNo {
		t.Errorf("at last: %v, want one that names %d", all, last)
	}
	late := frametest.Dial(t, addr) // it comes when the drain has begun
	if f := late.GoAway(); f.LastStreamID != math.MaxInt32 {
		t.Errorf("one that is late: %v", f)
	}
	if a := late.Wait(late.Open(true)); a.Body != "hello" {
		t.Errorf("its request: %+v", a)
	}
	eventually(t, "all are gone", func() bool {
		s.Sweep(0)
		open, _, _ := s.Count()
		return open == 0
	})
}

// Requests that run when a drain begins are answered to their ends.
func TestDrainWaitsForWhatRuns(t *testing.T) {
	gate := make(chan struct{})
	s, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-gate
		hello(w, r)
	})})
	c := frametest.Dial(t, addr)
	one, two := c.Open(true), c.Open(true)
	eventually(t, "both run", func() bool { _, _, streams := s.Count(); return streams == 2 })
	s.Drain()
	c.GoAway()
	s.Sweep(0)
	if f := c.GoAway(); f.LastStreamID != two {
		t.Errorf("%v", f)
	}
	three := c.Open(true) // a client that does not listen: it is told that this one was not looked at
	close(gate)
	answers := map[uint32]string{}
	for {
		f, err := c.ReadFrame()
		if err != nil {
			break
		}
		if f, ok := f.(*http2.DataFrame); ok {
			answers[f.StreamID] += string(f.Data())
		}
	}
	if answers[one] != "hello" || answers[two] != "hello" || answers[three] != "" {
		t.Errorf("answers: %v", answers)
	}
}

// Many write while they are told.
func TestGoAwayNeverStandsInAFrame(t *testing.T) {
	s, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X", strings.Repeat("y", 40_000)) // with continuations
		_, _ = w.Write(make([]byte, 100_000))
	})})
	var all sync.WaitGroup
	for range 8 {
		c := frametest.Dial(t, addr, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
		c.Must(c.WriteWindowUpdate(0, 1<<30))
		c.MaxHeaderListSize = 1 << 20
		var last uint32
		for range 20 {
			last = c.Open(true)
		}
		all.Go(func() {
			told := 0
			for ended := false; !ended; {
				f, err := c.ReadFrame()
				if err != nil {
					t.Errorf("%v", err)
					return
				}
				switch f := f.(type) {
				case *http2.GoAwayFrame:
					told++
				case *http2.DataFrame:
					ended = f.StreamEnded() && f.StreamID == last
				}
			}
			if told > 1 {
				t.Errorf("told %d times", told)
			}
		})
	}
	s.Drain()
	all.Wait()
}

// A connection without a request ends: the first has header_timeout, others keep_alive.
func TestIdleConnectionsEnd(t *testing.T) {
	t.Run("before the first request", func(t *testing.T) {
		_, addr := serve(t, Config{Handler: hello, HeaderTimeout: 50 * time.Millisecond})
		c := frametest.Dial(t, addr)
		if all := c.GoAways(); len(all) != 2 || all[0].LastStreamID != math.MaxInt32 || all[1].LastStreamID != 0 {
			t.Errorf("%v", all)
		}
	})
	t.Run("after a request", func(t *testing.T) {
		_, addr := serve(t, Config{Handler: hello, KeepAlive: 50 * time.Millisecond})
		c := frametest.Dial(t, addr)
		c.Wait(c.Open(true))
		f := c.GoAway()
		if f.LastStreamID != math.MaxInt32 {
			t.Errorf("%v", f)
		}
		last := c.Open(true) // just now
		if a := c.Wait(last); a.Body != "hello" {
			t.Errorf("%+v", a)
		}
		if all := c.GoAways(); len(all) != 1 || all[0].LastStreamID != last {
			t.Errorf("%v", all)
		}
	})
	t.Run("never said hello", func(t *testing.T) {
		_, addr := serve(t, Config{Handler: hello, HeaderTimeout: 50 * time.Millisecond})
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(deadline))
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Error(err)
		}
	})
}

// Where a place is wanted, those make room that have been idle longest, and no other.
func TestSpare(t *testing.T) {
	gate := make(chan struct{})
	s, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/waits" {
			<-gate
		}
		hello(w, r)
	})})
	busy := frametest.Dial(t, addr)
	waiting := busy.Open(true, ":path", "/waits")
	var idle []*frametest.Client
	for i := range 3 {
		c := frametest.Dial(t, addr)
		c.Wait(c.Open(true))
		idle = append(idle, c)
		eventually(t, "one more is idle", func() bool { _, idle, _ := s.Count(); return idle == i+1 })
	}
	eventually(t, "the request runs", func() bool { _, _, streams := s.Count(); return streams == 1 })
	if closed := s.Spare(2); closed != 2 {
		t.Errorf("%d were closed", closed)
	}
	for i, c := range idle[:2] {
		if all := c.GoAways(); len(all) != 1 || all[0].LastStreamID != 1 {
			t.Errorf("%d: %v", i, all)
		}
	}
	if a := idle[2].Wait(idle[2].Open(true)); a.Body != "hello" {
		t.Errorf("the one that is left: %+v", a)
	}
	close(gate)
	if a := busy.Wait(waiting); a.Body != "hello" {
		t.Errorf("the one that was busy: %+v", a)
	}
}

// Faults of a handler's end its stream, and nothing else.
func TestHandlersThatFail(t *testing.T) {
	_, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/aborts":
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		case "/fails":
			panic(fmt.Sprintf("%p", w))
		}
		hello(w, r)
	})})
	c := frametest.Dial(t, addr)
	for _, path := range []string{"/aborts", "/fails"} {
		if a := c.Wait(c.Open(true, ":path", path)); !a.Broken {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if a := c.Wait(c.Open(true)); a.Body != "hello" {
		t.Errorf("%+v", a)
	}
}
