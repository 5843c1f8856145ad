package http2

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"github.com/gowsgi/gowsgi/internal/http2/frametest"
)

// counted counts what is written at once.
type counted struct {
	net.Conn
	writes atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// Each has a head and a body, and comes when the one before is about to go out. To write
// each by itself took up to half as many writes as there are.
func TestAnswersGoOutTogether(t *testing.T) {
	const together, rounds = 100, 10
	turns := make(chan chan struct{}, together) // of those that wait for the one before
	s, _ := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		turn := make(chan struct{})
		turns <- turn
		<-turn
		_, _ = io.WriteString(w, "hello")
		select {
		case next := <-turns:
			close(next)
		default:
		}
	})})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := frametest.Dial(t, l.Addr().String())
	defer c.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server := &counted{Conn: accepted}
	go s.Serve(server)
	writes := int64(0)
	for range rounds {
		for range together {
			c.Open(true)
		}
		eventually(t, "all requests run", func() bool { return len(turns) == together })
		before := server.writes.Load()
		close(<-turns)
		for answered := 0; answered < together; {
			f, err := c.ReadFrame()
			c.Must(err)
			if data, ok := f.(*http2.DataFrame); ok && data.StreamEnded() {
				answered++
			}
			c.React(f)
		}
		writes += server.writes.Load() - before
	}
	t.Logf("%d answers in %d writes", rounds*together, writes)
	if writes > rounds*together/5 {
		t.Error("too many")
	}
}
