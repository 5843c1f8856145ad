package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestInputStreams(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "input_streams", mode, "--request-buffer", "1000", "--request-spool", "0")
		t.Run("read on after the first block went out", func(t *testing.T) {
			Parallel(t, 10, func(t testing.TB, i int) { checkFirstThenRest(t, s, 100_000+i) })
		})
		t.Run("echo a body while it comes", func(t *testing.T) {
			Parallel(t, 4, func(t testing.TB, i int) { checkEcho(t, s, 5_000_000+i) })
		})
		t.Run("iterate over a body that is not there yet", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("POST /lines HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("x", 3000) + "one\n")
			c.ReadUntil("one\n")
			c.Send("two\n" + strings.Repeat("y", 1992))
			c.ReadUntil("two\n")
			c.ReadUntil(strings.Repeat("y", 1992) + "\r\n0\r\n\r\n")
		})
		t.Run("a body that nobody reads", func(t *testing.T) { checkUnreadBody(t, s) })
		t.Run("what is left of a body is not the next request", func(t *testing.T) { checkSmuggling(t, s) })
		t.Run("the client leaves in the middle of a body that streams", func(t *testing.T) { checkBrokenUpload(t, s) })
		t.Run("the client leaves before a small body is there", func(t *testing.T) {
			key := s.Key()
			for _, leave := range []func(c *Conn){(*Conn).Reset, (*Conn).HalfClose, func(c *Conn) { c.Close() }} {
				for _, body := range []string{
					"Content-Length: 500\r\n\r\nonly this",
					"Transfer-Encoding: chunked\r\n\r\n5\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
					"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", // the last line is missing
				} {
					c := Dial(t, s.Server)
					c.Send("POST /read?id=" + key + " HTTP/1.1\r\nHost: x\r\n" + body)
					leave(c)
				}
			}
			Dial(t, s.Server).Get("/left").Want(t, 200, "not read")
			if notes := s.Notes(t, key); len(notes) > 0 {
				t.Errorf("the application was called: %q", notes)
			}
		})
		t.Run("a thread that still waits for the body when the request is over", func(t *testing.T) {
			key := s.Key()
			c := Dial(t, s.Server)
			c.Send("POST /thread?id=" + key + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("x", 2000))
			c.Response("POST").Want(t, 200, "not read")
			s.WaitNotes(t, key, "RuntimeError wsgi.input belongs to a request that has ended")
		})
	})
}

func checkFirstThenRest(t testing.TB, s Contract, size int) {
	rest := bodyOf(size)
	c := Dial(t, s.Server)
	c.Send(fmt.Sprintf("POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\na line\n%s", size+7, rest[:2000]))
	c.ReadUntil("first line: a line\n")
	c.Send(rest[2000:])
	c.ReadUntil(fmt.Sprintf("rest: %d %x\n\r\n0\r\n\r\n", size, sha256.Sum256([]byte(rest))))
	c.StaysOpen("/left")
}

func checkEcho(t testing.TB, s Contract, size int) {
	body := bodyOf(size)
	c := Dial(t, s.Server)
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.Conn, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+chunked(body, 50_000))
		sent <- err
	}()
	if response := c.Response("POST"); response.Status != 200 || response.Body != body {
		t.Errorf("status %d, %d bytes came back of %d", response.Status, len(response.Body), size)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// What is left of a body must never be taken for the next request.
func checkUnreadBody(t *testing.T, s Contract) {
	for _, size := range []int{10, 999, 5000, 200_000, 2_000_000} {
		for framing, frame := range framings {
			for path, want := range map[string]string{"/left": "not read", "/part": "GET /evil "} {
				fields, wire := frame(strings.Repeat("GET /evil HTTP/1.1\r\nHost: evil\r\nX: 12345678901\r\n\r\n", size/50+1)[:size])
				c := Dial(t, s.Server)
				go func() { // the server may hang up before it has all of it
					_, _ = io.WriteString(c.Conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\n"+fields+"\r\n"+wire+"GET /left HTTP/1.1\r\nHost: x\r\n\r\n")
				}()
				response := c.Response("POST")
				if response.Status != 200 || response.Body != want {
					t.Errorf("%s, %d bytes, %s: %+v", path, size, framing, response)
				}
				c.patience()
				if next, err := readResponse(c.r, "GET"); err == nil && (next.Status != 200 || next.Body != "not read") {
					t.Errorf("%s, %d bytes, %s: the next response is %+v", path, size, framing, next)
				} else if err != nil && size < 1000 { // larger ones may end the connection
					t.Errorf("%s, %d bytes, %s: the connection did not live on: %v", path, size, framing, err)
				}
				c.Close()
			}
		}
	}
}

// The head and the beginning of the body are exactly what is read at once; what
// follows in the body looks like a request.
func checkSmuggling(t *testing.T, s Contract) {
	for _, path := range []string{"/left", "/part"} {
		for _, offset := range []int{1000, 1024, 4096, 8192, 65536} {
			key := s.Key()
			evil := "GET /evil?id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n"
			head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, 10_000+offset)
			body := (strings.Repeat("x", max(0, offset-len(head))) + evil + strings.Repeat("x", 10_000+offset))[:10_000+offset]
			c := Dial(t, s.Server)
			_, _ = io.WriteString(c.Conn, head+body) // the server may hang up
			if response := c.Response("POST"); response.Status != 200 {
				t.Errorf("%+v", response)
			}
			c.patience()
			_, _ = io.WriteString(c.Conn, "GET /left HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			_, _ = io.ReadAll(c.r) // hangs up, or answers the request inside
			if notes := s.Notes(t, key); len(notes) > 0 {
				t.Errorf("%s: a request inside of the body, at byte %d of the connection, was carried out", path, offset)
			}
			c.Close()
		}
	}
}

func checkBrokenUpload(t *testing.T, s Contract) {
	for name, leave := range map[string]func(c *Conn){
		"reset": (*Conn).Reset, "half-close": (*Conn).HalfClose, "close": func(c *Conn) { c.Close() },
	} {
		for _, head := range []string{"Content-Length: 9000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1000\r\n"} {
			key := s.Key()
			c := Dial(t, s.Server)
			c.Send("POST /read?id=" + key + " HTTP/1.1\r\nHost: x\r\n" + head + strings.Repeat("x", 3000))
			leave(c)
			Eventually(t, name+": the application hears of it", func() bool { return len(s.Notes(t, key)) > 0 })
			if notes := s.Notes(t, key); len(notes) != 1 || !strings.HasPrefix(notes[0], "OSError ") {
				t.Errorf("%s: %q", name, notes)
			}
		}
	}
}

// The uploads are smaller than request_buffer: none of them may hold the one thread.
func TestSlowUploadHoldsNoThread(t *testing.T) {
	s := startContract(t, "input_streams", modes[1])
	var slow []*Conn
	for range 20 {
		c := Dial(t, s.Server)
		c.Send("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 50_000))
		slow = append(slow, c)
	}
	for range 5 {
		Dial(t, s.Server).Get("/left").Want(t, 200, "not read")
	}
	for _, c := range slow {
		c.Send(strings.Repeat("x", 50_000))
		c.Response("POST").Want(t, 200, "100000")
	}
}
