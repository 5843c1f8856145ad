package e2e

import (
	"fmt"
	"testing"
)

// Bodies that would each fit into memory do not all: those beyond request_memory are
// in files, whatever the framing, and what a burst took comes back.
func TestBodiesInMemoryHaveALimitTogether(t *testing.T) {
	s := startSpooled(t, "spooled", modes[0], "--request-memory", "20M")
	pid := s.WorkerPIDs()[0]
	body := numberedLines(1 << 20)
	want := fmt.Sprintf("%d %s", len(body), told(body))
	Parallel(t, 8, func(t testing.TB, _ int) {
		fields, wire := framings["Content-Length"](body)
		upload(t, s, "/read", fields, wire).Response("POST").Want(t, 200, want)
	})
	before := RSS(t, pid)
	var slow []*Conn
	var rest []string
	for i := range 120 {
		fields, wire := framings[[]string{"Content-Length", "chunked"}[i%2]](body)
		c := upload(t, s, "/read", fields, wire[:1_000_000])
		slow, rest = append(slow, c), append(rest, wire[1_000_000:])
	}
	Eventually(t, "what does not fit is in files", func() bool { return len(s.files(t)) >= 100 })
	if grown := RSS(t, pid) - before; grown > 60<<20 {
		t.Errorf("the worker grew by %d MiB", grown>>20)
	}
	for i, c := range slow {
		if i%3 == 0 {
			c.Reset()
			continue
		}
		c.Send(rest[i])
		c.Response("POST").Want(t, 200, want)
	}
	s.waitFiles(t, 0)
	for range 30 { // all of the memory is there again: one at a time needs no file
		fields, wire := framings["Content-Length"](body)
		c := upload(t, s, "/read", fields, wire[:1_000_000])
		if files := s.files(t); len(files) > 0 {
			t.Errorf("%d files for a body that fits", len(files))
		}
		c.Send(wire[1_000_000:])
		c.Response("POST").Want(t, 200, want)
	}
	Eventually(t, "the memory is given back", func() bool { return RSS(t, pid)-before < 30<<20 })
}

// A request that timed out gives its memory back when Python is done with it.
func TestTimeoutsGiveTheMemoryOfTheirBodiesBack(t *testing.T) {
	s := startSpooled(t, "hangs", modes[0], "--timeout", "1", "--timeout-grace", "60", "--request-memory", "1M")
	body := numberedLines(1 << 20)
	for range 2 {
		key := s.Key()
		c := upload(t, s, "/twice?id="+key, fmt.Sprintf("Content-Length: %d\r\n", len(body)), body)
		s.WaitNotes(t, key, "called", "gowsgi.RequestTimeout")
		if response := c.Response("POST"); response.Status != 504 {
			t.Errorf("%+v", response)
		}
		s.WaitRecord(t, "request.ended", "/twice?id="+key)
		if files := s.files(t); len(files) > 0 {
			t.Errorf("%d files", len(files))
		}
	}
	s.waitFiles(t, 0)
}

// Without files, what does not fit streams.
func TestBodiesBeyondTheMemoryStreamWithoutFiles(t *testing.T) {
	s := startSpooled(t, "spooled", modes[0], "--request-memory", "0", "--request-spool", "0")
	for _, size := range []int{1, 1000, 1 << 20, spooledSize} {
		body := numberedLines(size)
		for framing, frame := range framings {
			fields, wire := frame(body)
			length := "None"
			if framing == "Content-Length" {
				length = fmt.Sprint(size)
			}
			c := upload(t, s, "/read", fields, wire)
			c.Response("POST").Want(t, 200, length+" "+told(body))
			c.StaysOpen("/never")
		}
	}
}
