package http2

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/gowsgi/gowsgi/internal/http2/frametest"
)

// memory is what Go holds.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// bounded fails the test if there is much more memory than before. What a client may
// have on one connection is what settings allow it: windows, heads, streams.
func bounded(t *testing.T, before int64) {
	t.Helper()
	const much = 16 << 20
	if more := memory() - before; more > much {
		t.Errorf("%d MiB more than before", more>>20)
	}
}

// flood sends until the server has had enough, or all is sent; what is sent may not
// have been looked at then.
func flood(c *frametest.Client, times int, send func(i int) error) (err error) {
	go func() { _, _ = io.Copy(io.Discard, c.Conn) }()
	for i := 0; i < times && err == nil; i++ {
		err = send(i)
	}
	return err
}

// CVE-2023-44487
func TestRequestsThatAreTakenBack(t *testing.T) {
	var running, most, all atomic.Int64
	gate := make(chan struct{})
	t.Cleanup(func() { close(gate) })
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			_, _ = io.WriteString(w, "hello")
			return
		}
		all.Add(1)
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer running.Add(-1)
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	})
	s, addr := serve(t, Config{Handler: handler})
	before := memory()
	c := frametest.Dial(t, addr)
	section := c.Encode(":path", "/waits")
	_ = flood(c, 20_000, func(int) error {
		id := c.Next()
		if err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: section, EndStream: true, EndHeaders: true}); err != nil {
			return err
		}
		return c.WriteRSTStream(id, http2.ErrCodeCancel)
	})
	eventually(t, "the connection ends", func() bool { open, _, _ := s.Count(); return open == 0 })
	if most.Load() > 100 || all.Load() > 1000 {
		t.Errorf("%d handlers at once, %d in all", most.Load(), all.Load())
	}
	bounded(t, before)
	isServed(t, addr)
}

// Those that a browser takes back, because somebody goes from page to page, are no flood.
func TestRequestsThatAreTakenBackNowAndThen(t *testing.T) {
	_, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/waits" {
			<-r.Context().Done()
		}
		_, _ = io.WriteString(w, "hello")
	})})
	c := frametest.Dial(t, addr)
	for range 150 {
		c.Must(c.WriteRSTStream(c.Open(true, ":path", "/waits"), http2.ErrCodeCancel))
	}
	if a := c.Wait(c.Open(true)); a.Status != "200" {
		t.Errorf("after that: %+v", a)
	}
}

// CVE-2024-27316
func TestFieldSectionsThatNeverEnd(t *testing.T) {
	s, addr := serve(t, Config{Handler: hello})
	before := memory()
	c := frametest.Dial(t, addr)
	c.Must(c.WriteHeaders(http2.HeadersFrameParam{StreamID: c.Next(), BlockFragment: c.Encode(), EndStream: true}))
	piece := []byte(strings.Repeat("\x40\x01a\x7f\x81\x07"+strings.Repeat("b", 262), 60)) // a field of 1 byte: 262
	_ = flood(c, 20_000, func(int) error { return c.WriteContinuation(1, false, piece) })
	eventually(t, "the connection ends", func() bool { open, _, _ := s.Count(); return open == 0 })
	bounded(t, before)
	isServed(t, addr)
}

// CVE-2016-1546 and others: a few bytes that unpack to many.
func TestFieldSectionsThatUnpack(t *testing.T) {
	var all atomic.Int64
	_, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["X"] != nil {
			all.Add(1)
		}
		hello(w, r)
	})})
	before := memory()
	c := frametest.Dial(t, addr)
	first := c.Open(true, "x", strings.Repeat("y", 3900)) // goes into the table
	if a := c.Wait(first); a.Status != "200" {
		t.Fatalf("%+v", a)
	}
	pairs := []string{}
	for range 4000 {
		pairs = append(pairs, "x", strings.Repeat("y", 3900)) // 15 MB
	}
	for range 20 {
		if a := c.Wait(c.Open(true, pairs...)); a.Status != "431" {
			t.Fatalf("%+v", a)
		}
	}
	if all.Load() != 1 {
		t.Errorf("%d of them came through", all.Load()-1)
	}
	bounded(t, before)
	isServed(t, addr)
}

// CVE-2019-9512 and 9515: answers that nobody reads.
func TestAnswersThatNobodyReads(t *testing.T) {
	for name, send := range map[string]func(*frametest.Client) error{
		"pings": func(c *frametest.Client) error { return c.WritePing(false, [8]byte{1}) },
		"settings": func(c *frametest.Client) error {
			return c.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20})
		},
		"resets": func(c *frametest.Client) error { return c.WriteData(c.Next(), true, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := serve(t, Config{Handler: hello, WriteTimeout: time.Second})
			before := memory()
			c := frametest.Dial(t, addr)
			for range 200_000 {
				if send(c) != nil {
					break // it has had enough; or the kernel has, since nobody reads
				}
			}
			bounded(t, before)
			isServed(t, addr)
		})
	}
}

// CVE-2019-9518, 9513 and 9511: frames that cost much and say nothing.
func TestFramesThatSayNothing(t *testing.T) {
	for name, send := range map[string]func(c *frametest.Client, stream uint32) error{
		"empty data": func(c *frametest.Client, stream uint32) error { return c.WriteData(stream, false, nil) },
		"padding": func(c *frametest.Client, stream uint32) error {
			return c.WriteDataPadded(stream, false, nil, make([]byte, 200))
		},
		"priorities": func(c *frametest.Client, stream uint32) error {
			return c.WritePriority(stream+2, http2.PriorityParam{StreamDep: 1, Weight: 7})
		},
		"windows": func(c *frametest.Client, stream uint32) error { return c.WriteWindowUpdate(stream, 1) },
		"unknown": func(c *frametest.Client, _ uint32) error { return c.WriteRawFrame(0xfa, 0, 0, make([]byte, 100)) },
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				hello(w, r)
			})})
			before := memory()
			c := frametest.Dial(t, addr)
			stream := c.Open(false, ":method", "POST")
			if err := flood(c, 50_000, func(int) error { return send(c, stream) }); err != nil && name != "windows" {
				t.Errorf("it has had enough: %v", err)
			}
			bounded(t, before)
			isServed(t, addr)
		})
	}
}

// CVE-2019-9517: a client that asks for much and takes nothing holds its own stream,
// until it has been too slow.
func TestWindowsThatStayClosed(t *testing.T) {
	var running atomic.Int64
	_, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			hello(w, r)
			return
		}
		running.Add(1)
		defer running.Add(-1)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(50 * time.Millisecond)) // as the exchange does
		_, _ = w.Write(make([]byte, 1<<20))
	})})
	before := memory()
	c := frametest.Dial(t, addr, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	var last uint32
	for range 100 {
		last = c.Open(true, ":path", "/much")
	}
	isServed(t, addr)
	if a := c.Wait(last); a.Status != "200" || !a.Broken {
		t.Errorf("what takes nothing gets %+v", a)
	}
	eventually(t, "no handler waits for the client", func() bool { return running.Load() == 0 })
	bounded(t, before)
}

// Bodies that nobody reads are limited by their windows.
func TestBodiesThatNobodyReads(t *testing.T) {
	gate := make(chan struct{})
	_, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			<-gate
		}
		hello(w, r)
	})})
	defer close(gate)
	before := memory()
	for range 4 {
		c := frametest.Dial(t, addr)
		block := make([]byte, 16<<10)
		for range 90 {
			stream := c.Open(false, ":method", "POST")
			for range 4 {
				_ = c.WriteData(stream, false, block)
			}
		}
		bounded(t, before)
	}
	isServed(t, addr)
}
