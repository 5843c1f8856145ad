package e2e

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Requests that wait too long are turned away without entering Python, whatever
// holds its threads.
func TestQueueTimeout(t *testing.T) {
	s := startContract(t, "hangs", modes[1], "--timeout", "0", "--queue-timeout", "1")
	gate, first := s.Gate(t), s.Key()
	holder := Dial(t, s.Server)
	holder.Send("GET /gate?id=" + first + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	s.WaitNotes(t, first, "called")

	const waiting = 30
	key := s.Key()
	Parallel(t, waiting, func(t testing.TB, i int) {
		c := Dial(t, s.Server)
		if i%2 == 0 {
			c.Send("GET /ever?id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
		} else {
			c.Send("POST /ever?id=" + key + " HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789")
		}
		response := c.Response("GET")
		response.Want(t, 503, "503 Service Unavailable\n")
		if after := response.Values("Retry-After"); len(after) != 1 {
			t.Errorf("Retry-After: %q", after)
		}
	})
	if notes := s.Notes(t, key); len(notes) > 0 {
		t.Errorf("the application was called: %q", notes)
	}
	Eventually(t, "the log knows of all of them, in few lines", func() bool {
		lines, told := 0, 0
		for line := range strings.Lines(s.Log()) {
			if strings.Contains(line, "event=request.queue_timeout") {
				lines++
				if strings.Contains(line, "uri=") {
					told++
				}
				if held := regexp.MustCompile(`suppressed=(\d+)`).FindStringSubmatch(line); held != nil {
					n, _ := strconv.Atoi(held[1])
					told += n
				}
			}
		}
		if lines > waiting/3 {
			t.Fatalf("%d lines for %d requests", lines, waiting)
		}
		return told == waiting
	})
	gate.Open(1)
	holder.Response("GET").Want(t, 200, "None")
	holder.StaysOpen("/hello")
}
