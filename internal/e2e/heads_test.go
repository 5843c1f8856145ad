package e2e

import (
	"strings"
	"testing"
)

// The response to HEAD is there at the first block, and the application is not
// kept busy for a body that nobody gets.
func TestHeadOnApplicationsThatStream(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "heads", mode)
		for _, proto := range s.Versions() {
			t.Run(proto, func(t *testing.T) { checkHeads(t, s, proto) })
		}
	})
}

func checkHeads(t *testing.T, s Contract, proto string) {
	head := func(t testing.TB, path, query string) (*Conn, RawResponse) {
		c := Dial(t, s.Server)
		c.Send("HEAD " + path + "?id=" + query + " " + proto + "\r\nHost: x\r\n\r\n")
		return c, c.Response("HEAD")
	}
	goesOn := func(t testing.TB, c *Conn) {
		if proto == "HTTP/1.1" {
			c.StaysOpen("/hello")
		} else {
			c.Closed()
		}
	}
	for path, want := range map[string][]string{
		"/lockstep":     {"went on", "stopped"},
		"/empty-blocks": {"went on", "went on", "went on", "stopped"},
		"/endless":      {"went on", "stopped"},
		"/one":          {"went on", "ended"},
		"/declared":     {"went on", "stopped"},
		"/write":        {"wrote"},
		// Its first block has gone out by write().
		"/write-iterates": {"stopped"},
	} {
		t.Run(path, func(t *testing.T) {
			gate, key := s.Gate(t), s.Key()
			if path == "/empty-blocks" {
				gate.Open(1)
			}
			c, response := head(t, path, key+"&gate="+gate.Path)
			if response.Status != 200 || response.Value("Content-Type") != "text/plain" {
				t.Errorf("%+v", response)
			}
			if length := response.Value("Content-Length"); length != map[string]string{"/declared": "10"}[path] {
				t.Errorf("Content-Length %q", length)
			}
			gate.Open(1)
			s.WaitNotes(t, key, want...)
			goesOn(t, c)
			s.WaitNotes(t, key, want...)
		})
	}
	t.Run("/raises-first", func(t *testing.T) {
		key := s.Key()
		c, response := head(t, "/raises-first", key)
		if response.Status != 500 {
			t.Errorf("%+v", response)
		}
		s.WaitRecord(t, "application.raised", "/raises-first?id="+key)
		goesOn(t, c)
	})
	for path, text := range map[string]string{
		"/raises":        "ValueError: after the first block",
		"/text":          "a block of type str",
		"/write-endless": "the response to HEAD has no body",
	} {
		t.Run(path, func(t *testing.T) {
			Parallel(t, 8, func(t testing.TB, _ int) {
				key := s.Key()
				c, response := head(t, path, key)
				if response.Status != 200 || response.Value("Content-Type") != "text/plain" {
					t.Errorf("%+v", response)
				}
				if !s.http2 { // there it is whole with its head
					c.Closed()
				}
				if record := s.WaitRecord(t, "application.raised", path+"?id="+key); !strings.Contains(record, text) {
					t.Errorf("no %q in %q", text, record)
				}
				if path == "/write-endless" {
					s.WaitNotes(t, key, "BrokenPipeError")
				}
			})
		})
	}
}

// It has the time to be slow that it would have with GET.
func TestHeadOnASlowStreamIsNoTimeout(t *testing.T) {
	s := startContract(t, "heads", modes[0], "--timeout", "1")
	gate, key := s.Gate(t), s.Key()
	c := Dial(t, s.Server)
	c.Send("HEAD /lockstep?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	if response := c.Response("HEAD"); response.Status != 200 {
		t.Errorf("%+v", response)
	}
}
