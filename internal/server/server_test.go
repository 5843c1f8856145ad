package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/exchange"
	"github.com/gowsgi/gowsgi/internal/load"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
)

var app *embed.Application

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
	app, err = interpreter.Serve([]load.Target{{Spec: "testdata/app.py"}}, embed.Serving{Threads: 8, Workers: 1, Queue: 10000, ResponseBuffer: 1 << 20})
	if err != nil {
		panic(err)
	}
	status := m.Run()
	if err := app.Close(10e9); err != nil {
		panic(err)
	}
	if err := interpreter.Stop(); err != nil {
		panic(err)
	}
	os.Exit(status)
}

// buffer is a log that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// serve runs a server in this process until the test ends.
func serve(t *testing.T, s config.Settings, hooks exchange.Hooks) (srv *Server, url string, log *buffer) {
	t.Helper()
	log = new(buffer)
	srv, err := New(app, s, slog.New(slog.NewTextHandler(log, nil)), nil, hooks, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failed := srv.Start([]Listener{{Listener: l}})
	t.Cleanup(func() {
		if cut := srv.Drain(0, 10*time.Second, true); len(cut) > 0 {
			t.Errorf("cut off: %q", cut)
		}
		select {
		case err := <-failed:
			t.Error(err)
		default:
		}
		if t.Failed() {
			t.Log(log)
		}
	})
	return srv, "http://" + l.Addr().String(), log
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !condition(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("not within half a minute: %s", what)
		}
	}
}

// Requests of all kinds at once, most of which run into some deadline: for the
// race detector, and to see that nothing is left over.
func TestDeadlinesUnderLoad(t *testing.T) {
	s := config.Defaults()
	s.Timeout, s.TimeoutGrace = 300*time.Millisecond, 50*time.Millisecond
	s.QueueTimeout, s.SlowRequestThreshold = 400*time.Millisecond, 150*time.Millisecond
	board, err := scoreboard.New()
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	var replaced []string
	var mu sync.Mutex
	srv, url, log := serve(t, s, exchange.Hooks{Board: board, Replace: func(reason string, hopeless bool) {
		mu.Lock()
		defer mu.Unlock()
		replaced = append(replaced, fmt.Sprint(reason, hopeless))
	}})

	var all sync.WaitGroup
	count := map[string]int{}
	paths := []string{"/0/0", "/0/0.2", "/0.2/0", "/0.6/0", "/0/0.6"}
	for i := range 32 {
		all.Go(func() {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client := http.Client{Transport: transport}
			if i%4 == 0 {
				client.Timeout = 100 * time.Millisecond // leaves
			}
			for n := range 6 {
				path := paths[(i+n)%len(paths)]
				what := "broken"
				if response, err := client.Post(url+path, "text/plain", strings.NewReader("body")); err == nil {
					body, err := io.ReadAll(response.Body)
					response.Body.Close()
					if err == nil {
						what = fmt.Sprint(response.StatusCode, " ", string(body))
					}
				}
				mu.Lock()
				count[what]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	eventually(t, "nothing runs any more", func() bool { return len(srv.Running()) == 0 })
	for what := range count {
		switch what {
		case "broken", "200 begun\nended\n", "503 503 Service Unavailable\n", "504 504 Gateway Timeout\n":
		default:
			t.Errorf("an answer %q", what)
		}
	}
	for _, want := range []string{"broken", "200 begun\nended\n", "504 504 Gateway Timeout\n"} {
		if count[want] == 0 {
			t.Errorf("nobody got %q: %v", want, count)
		}
	}
	if left := board.Running(); len(left) > 0 {
		t.Errorf("left on the board: %v", left)
	}
	if n := srv.Requests(); n == 0 || n > 32*6 {
		t.Errorf("%d requests were served", n)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(replaced) != 1 || !strings.HasPrefix(replaced[0], "a request has been stuck for ") || !strings.Contains(replaced[0], " s: POST /") {
		t.Errorf("the worker was to be replaced for %q", replaced)
	}
	for _, event := range []string{"request.timeout", "request.slow", "request.stuck", "request.ended"} {
		if !strings.Contains(log.String(), "event="+event+" ") {
			t.Errorf("no %s in the log", event)
		}
	}
}

// broken is an http.ResponseWriter that fails where it can.
type broken struct{ header http.Header }

func (b broken) Header() http.Header       { return b.header }
func (b broken) Write([]byte) (int, error) { panic(http.ErrAbortHandler) }
func (b broken) WriteHeader(int)           { panic(http.ErrAbortHandler) }

// Whatever fails around it, a request is let go of, also one that still runs.
func TestNothingIsLeftOfAnExchangeThatPanics(t *testing.T) {
	log := new(buffer)
	h, err := exchange.New(exchange.Config{App: app, Settings: config.Defaults(), Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/answer/one", "/answer/several", "/answer/none"} {
		for range 20 {
			r, err := http.NewRequest("GET", path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.RequestURI, r.RemoteAddr = path, "127.0.0.1:1"
			func() {
				defer func() {
					reason := recover()
					if err, ok := reason.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
						t.Errorf("%s: %v", path, reason)
					}
				}()
				h.ServeHTTP(broken{http.Header{}}, r)
			}()
		}
	}
	eventually(t, "nothing runs", func() bool { return len(h.Watcher().Running()) == 0 })
}

func TestRunningAndLastActive(t *testing.T) {
	srv, url, _ := serve(t, config.Defaults(), exchange.Hooks{})
	before := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if response, err := http.Get(url + "/0.5/0"); err == nil {
			response.Body.Close()
		}
		http.DefaultClient.CloseIdleConnections()
	}()
	eventually(t, "the request runs", func() bool { return len(srv.Running()) == 1 })
	if text := srv.Running(); len(text) == 1 && !strings.HasPrefix(text[0], "GET /0.5/0 for 0.") {
		t.Errorf("running: %q", text)
	}
	eventually(t, "the server has been active", func() bool { return srv.LastActive().After(before) })
	<-done
	eventually(t, "the request is served", func() bool { return srv.Requests() == 1 && len(srv.Running()) == 0 })
}
