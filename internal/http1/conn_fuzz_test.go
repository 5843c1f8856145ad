package http1

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pairOf makes a connection within this process.
func pairOf(t testing.TB) (ours, theirs *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	conns := [2]*net.UnixConn{}
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "pair")
		conn, err := net.FileConn(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = conn.(*net.UnixConn)
	}
	return conns[0], conns[1]
}

var dateLine = regexp.MustCompile(`Date: [^\r]*\r\n`)

// talk sends the pieces, and returns all that comes back.
func talk(t testing.TB, s *Server, pieces ...[]byte) string {
	t.Helper()
	ours, theirs := pairOf(t)
	defer ours.Close()
	_ = ours.SetDeadline(time.Now().Add(patient))
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.ServeConn(theirs)
	}()
	go func() {
		for _, piece := range pieces {
			if _, err := ours.Write(piece); err != nil {
				return // it was hung up on
			}
		}
		_ = ours.CloseWrite()
	}()
	answer, err := io.ReadAll(ours)
	if err != nil && !errors.Is(err, unix.ECONNRESET) {
		t.Fatalf("after %q: %v", answer, err)
	}
	ours.Close()
	<-over
	return dateLine.ReplaceAllString(string(answer), "")
}

// Whatever comes, and however it is cut, the answers are the same; each is a
// whole response, and the server lives on.
func FuzzConnection(f *testing.F) {
	for _, k := range kinds {
		f.Add([]byte(k.request+get), 3, 20)
	}
	for _, more := range []string{
		"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" + get, "GET / HTTP/1.0\r\n\r\n" + get,
		"POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + get, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n" + get + get, "GET /abort HTTP/1.1\r\nHost: x\r\n\r\n" + get, "\r\n\r\n" + get,
	} {
		f.Add([]byte(more), 10, 40)
	}
	c := settings()
	c.Log = slog.New(slog.DiscardHandler)
	c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.RequestURI, "/unread"):
			sink(w, r)
		case strings.HasPrefix(r.RequestURI, "/abort"):
			w.(*Writer).Begin(200, "OK", nil, -1)
			_, _ = io.WriteString(w, "some")
			w.(*Writer).Abort()
		default:
			echo(w, r)
		}
	})
	s := New(c)
	f.Fuzz(func(t *testing.T, data []byte, first, second int) {
		first, second = max(0, min(first, len(data))), max(0, min(second, len(data)))
		first, second = min(first, second), max(first, second)
		whole := talk(t, s, data)
		if cut := talk(t, s, data[:first], data[first:second], data[second:]); cut != whole {
			t.Errorf("%q\nin one piece: %q\nin three:     %q", data, whole, cut)
		}
		if len(data) < 200 {
			bytes := make([][]byte, len(data))
			for i := range data {
				bytes[i] = data[i : i+1]
			}
			if cut := talk(t, s, bytes...); cut != whole {
				t.Errorf("%q\nin one piece:  %q\nbyte by byte: %q", data, whole, cut)
			}
		}
		if whole != "" && !strings.HasPrefix(whole, "HTTP/1.") {
			t.Errorf("%q is answered by %q", data, whole)
		}
	})
}
