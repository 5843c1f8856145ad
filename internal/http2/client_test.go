package http2

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/http2/frametest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline is for what should happen at once.
const deadline = 20 * time.Second

// serve has a Server serve whoever connects, until the test ends.
func serve(t testing.TB, c Config) (s *Server, addr string) {
	t.Helper()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.MaxStreams == 0 {
		c.MaxStreams, c.Window, c.MaxFrame = 100, 256<<10, 16<<10
	}
	if c.Limits.Head == 0 {
		c.Limits = http1.Limits{Line: 4094, Field: 8190, Fields: 100, Head: 64 << 10}
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = time.Hour
	}
	s = New(c)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.Serve(conn)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		for _, c := range s.all() {
			c.Close()
		}
		eventually(t, "all connections are gone", func() bool { open, _, _ := s.Count(); return open == 0 })
	})
	return s, l.Addr().String()
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", deadline, what)
		}
	}
}

// hello is a handler.
var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })

// isServed proves that others are served.
func isServed(t testing.TB, addr string) {
	t.Helper()
	c := frametest.Dial(t, addr)
	defer c.Close()
	if a := c.Wait(c.Open(true)); a.Status != "200" || a.Body != "hello" {
		t.Errorf("another client gets %+v", a)
	}
}
