//go:build linux

package lane

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/forwarded"
	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/load"
	"github.com/gowsgi/gowsgi/internal/proxies"
)

const patient = 30 * time.Second

// The one lane that there is, and what it tells.
var (
	app    *embed.Application
	shared *Lane

	adopted   = make(chan taken, 10_000)
	closed    atomic.Int64
	counters  = outside()      // C keeps pointers to them
	openCount = &counters.open // less one for each that the lane closes
	records   = make(chan told, 100_000)
)

type shares struct {
	open   atomic.Int64
	lastID atomic.Uint64
}

// outside makes them in memory that is not Go's.
func outside() *shares {
	page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	// SAFETY: a page of zeros is larger and aligned.
	return (*shares)(unsafe.Pointer(unsafe.SliceData(page)))
}

// taken is what the test keeps of a Handed.
type taken struct {
	kind    http1.Kind
	in      string
	head    string
	answer  http1.Answer
	parked  http1.Parked
	request *Begun
}

// told is what the test keeps of a Record.
type told struct {
	head   string
	status int
	before int
	in     int64
	out    int64
	closes bool
	fields [][2]string
}

const (
	headerTimeout = time.Second
	keepAlive     = 2 * time.Second
)

func TestMain(m *testing.M) {
	runtime.LockOSThread() // Python's main thread
	python := os.Getenv("GOWSGI_TEST_PYTHON")
	if python == "" {
		python, _ = exec.LookPath("python3")
	}
	interpreter, err := embed.Start(python, nil, func(embed.Record) {})
	if err != nil {
		panic(err)
	}
	app, err = interpreter.Serve([]load.Target{{Spec: "testdata/app.py"}}, embed.Serving{Threads: 4, Workers: 1, Queue: 1000, ResponseBuffer: 1 << 20})
	if err != nil {
		panic(err)
	}
	if shared, err = New(config()); err != nil {
		panic(err)
	}
	status := m.Run()
	if err := app.Close(patient); err != nil {
		panic(err)
	}
	if err := interpreter.Stop(); err != nil {
		panic(err)
	}
	os.Exit(status)
}

func config() Config {
	return Config{
		App: app, Limits: http1.Limits{Line: 1000, Field: 1000, Fields: 20, Head: 4000},
		HeaderTimeout: headerTimeout, KeepAlive: keepAlive, BodyRoom: 100, Mounts: []Mount{{Path: "/at"}}, Elsewhere: []string{"/healthz"},
		Forwarded: forwarded.NewReader(&proxies.Proxies{}, forwarded.For|forwarded.Proto),
		IDPrefix:  "t", LastID: &counters.lastID, CountsClients: true, CodedFrom: -1, OpenCount: (*int64)(unsafe.Pointer(openCount)), // SAFETY: it is that word

		Adopt: func(h *Handed) {
			adopted <- taken{h.Kind, string(h.In), string(h.Head), h.Answer, h.Parked, h.Request}
		},
		Closed: func(http1.Address) { closed.Add(1) },
		Record: func(r *Record) {
			t := told{head: string(r.Head), status: r.Status, before: r.Before, in: r.BytesIn, out: r.BytesOut, closes: r.Closes}
			for _, field := range r.Fields { // C's memory
				t.fields = append(t.fields, [2]string{string([]byte(field[0])), string([]byte(field[1]))})
			}
			records <- t
		},
		Lost: func(n int64) { panic(n) },
	}
}

// client is one end of a connection whose other one the lane has.
type client struct {
	testing.TB
	net.Conn
	r *bufio.Reader
}

// pair makes a connection within this process: a client's end, and a descriptor.
func pair(t testing.TB) (c *client, fd int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fds[0]), "client")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patient))
	return &client{t, conn, bufio.NewReader(conn)}, fds[1]
}

// connect gives the lane a connection.
func connect(t testing.TB, p http1.Parked) *client {
	t.Helper()
	c, fd := pair(t)
	p.FD, p.Remote = fd, http1.Address{Host: "192.0.2.1", Port: "4711"}
	openCount.Add(1)
	if !shared.Give(&p) {
		t.Fatal("the lane does not take it")
	}
	return c
}

func (c *client) send(text string) {
	c.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.Fatalf("send %.100q: %v", text, err)
	}
}

// want reads a response, which must have that body.
func (c *client) want(body string) *http.Response {
	c.Helper()
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.Fatalf("instead of %q: %v", body, err)
	}
	got, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 || string(got) != body {
		c.Fatalf("%s %q, %v; want %q", response.Status, got, err, body)
	}
	return response
}

// ended waits for the end, before which nothing may come.
func (c *client) ended() {
	c.Helper()
	rest, err := io.ReadAll(c.r)
	if len(rest) > 0 || (err != nil && !errors.Is(err, unix.ECONNRESET)) {
		c.Fatalf("%q and %v instead of the end", rest, err)
	}
}

// next is what the lane hands over next.
func next(t testing.TB) taken {
	t.Helper()
	select {
	case h := <-adopted:
		return h
	case <-time.After(patient):
		t.Fatal("nothing is handed over")
		panic("unreachable")
	}
}

// hangUp closes the descriptor that was handed over.
func (h *taken) hangUp() { _ = unix.Close(h.parked.FD) }

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patient); !condition(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patient, what)
		}
	}
}

// quiet waits until the lane has no connection. Its clients have closed theirs.
func quiet(t testing.TB) {
	t.Helper()
	eventually(t, "the lane has no connection", func() bool {
		open, idle, _, _ := shared.Count()
		return open == 0 && idle == 0
	})
}
