package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// getUnread asks for a response of the writer's, and leaves it unread until the writer
// waits for its client. The request ends when the gate opens.
func getUnread(t testing.TB, s Contract, key string) (*Conn, *Gate) {
	t.Helper()
	c, gate := Dial(t, s.Server), s.Gate(t)
	c.Send("GET /writer?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	s.WaitNotes(t, key, "the writer waits")
	return c, gate
}

const writeIsLate = "write belongs to a request that has ended"

func TestWritersThatAreLeftBehind(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "leaves_writers", mode)
		for range 3 {
			key := s.Key()
			c, gate := getUnread(t, s, key)
			gate.Open(1)
			if body := c.Response("GET").Body; strings.ReplaceAll(body, "SECRET-OF-A ", "") != "" || body == "" {
				t.Errorf("a response of %d bytes", len(body))
			}
			Parallel(t, 8, func(t testing.TB, _ int) {
				Dial(t, s.Server).Get("/blocks").Want(t, 200, "of b of b of b of b of b ")
			})
			s.WaitNotes(t, key, "the writer waits", writeIsLate)
		}
	})
}

// Neither who waits for a client nor who waits for a body keeps the server from
// ending, once its request has.
func TestStopWaitsForNobodyWhoIsLeftBehind(t *testing.T) {
	s := startContract(t, "leaves_writers", modes[0], "--request-buffer", "1000", "--request-spool", "0")
	written, read := s.Key(), s.Key()
	c, gate := getUnread(t, s, written)
	d := Dial(t, s.Server)
	d.Send("POST /reader?id=" + read + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("x", 2000))
	if response := d.Response("POST"); response.Body != "left" {
		t.Errorf("%+v", response)
	}
	s.Signal(t, syscall.SIGTERM)
	s.WaitLog(t, "stopping")
	gate.Open(1)
	s.WaitNotes(t, written, "the writer waits", writeIsLate)
	c.Reset() // it has not taken what was written
	if status := s.Wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	s.WaitNotes(t, read, "wsgi.input belongs to a request that has ended")
}
