package e2e

import (
	"slices"
	"strings"
	"testing"
)

const (
	styleHint  = "</style.css>; rel=preload; as=style"
	scriptHint = "</script.js>; rel=preload; as=script"
)

// wantHints reads an interim response that has exactly these Link fields.
func wantHints(t testing.TB, c *Conn, method string, links ...string) {
	t.Helper()
	hints := c.Response(method)
	if hints.Status != 103 || hints.Proto != "HTTP/1.1" || !slices.Equal(hints.Values("Link"), links) {
		t.Fatalf("instead of 103 with %q: %+v", links, hints)
	}
	for _, field := range hints.Fields {
		if !slices.Contains([]string{"Link", "X-Hint"}, field.Name) {
			t.Errorf("103 has %+v", field)
		}
	}
}

func TestEarlyHints(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "early_hints", mode)
		for _, method := range []string{"GET", "HEAD", "POST"} {
			for _, query := range []string{"", "&stream"} {
				t.Run(method+query+": at once", func(t *testing.T) { checkHintsAtOnce(t, s, method, query) })
			}
		}
		t.Run("many", func(t *testing.T) {
			Parallel(t, 30, func(t testing.TB, _ int) {
				for range 10 {
					c := Dial(t, s.Server)
					c.Send("GET /iterable HTTP/1.1\r\nHost: x\r\n\r\n")
					wantHints(t, c, "GET", styleHint, scriptHint)
					c.Response("GET").Want(t, 200, "answer")
					c.StaysOpen("/answers")
				}
			})
		})
		t.Run("HTTP/1.0 gets none", func(t *testing.T) {
			if s.http2 {
				return // it is said to the translator
			}
			c := Dial(t, s.Server)
			c.Send("GET /iterable HTTP/1.0\r\n\r\n")
			c.Response("GET").Want(t, 200, "answer")
			c.Closed()
		})
		t.Run("after the first block", func(t *testing.T) {
			gate := s.Gate(t)
			c := Dial(t, s.Server)
			c.Send("GET /late?gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			c.ReadUntil("block\r\n")
			gate.Open(1)
			if rest := c.ReadUntil("0\r\n\r\n"); !strings.HasPrefix(rest, "7\r\n, block\r\n") {
				t.Errorf("%q", rest)
			}
			c.StaysOpen("/answers")
		})
		t.Run("between calls of write()", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("GET /write HTTP/1.1\r\nHost: x\r\n\r\n")
			wantHints(t, c, "GET", styleHint)
			c.Response("GET").Want(t, 200, "block")
			c.StaysOpen("/answers")
		})
		t.Run("fields that are none of its business", func(t *testing.T) {
			c := Dial(t, s.Server)
			response := c.Get("/ignored")
			response.Want(t, 200, "answer")
			c.StaysOpen("/answers")
		})
		t.Run("an iterable that raises", func(t *testing.T) {
			c := Dial(t, s.Server)
			if response := c.Get("/raises"); response.Status != 500 {
				t.Errorf("%+v", response)
			}
			c.StaysOpen("/answers")
		})
		for sin, want := range map[string]string{
			"text": "TypeError: a response header must be a tuple", "number": "TypeError: ", "none": "TypeError: ",
			"triples": "TypeError: a response header must be a tuple", "bytes": "TypeError: a response header's name must be a str",
			"crlf": "ValueError: control characters", "name": "ValueError: not a name", "unicode": "ValueError: a response header's value has characters beyond latin-1",
			"second": "ValueError: control characters",
		} {
			t.Run("breach: "+sin, func(t *testing.T) {
				c := Dial(t, s.Server)
				if response := c.Get("/bad?sin=" + sin); response.Status != 200 || !strings.HasPrefix(response.Body, want) {
					t.Errorf("%+v", response)
				}
				c.StaysOpen("/answers")
			})
		}
		t.Run("a call that outlives its request", func(t *testing.T) {
			gate, key := s.Gate(t), s.Key()
			c := Dial(t, s.Server)
			c.Get("/outlived?id="+key+"&gate="+gate.Path).Want(t, 200, "answer")
			gate.Open(1)
			s.WaitNotes(t, key, "wsgi.early_hints belongs to a request that has ended")
			c.StaysOpen("/answers")
		})
		t.Run("more than the client takes", func(t *testing.T) {
			key := s.Key()
			c := Dial(t, s.Server)
			c.Send("GET /flood?id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
			s.WaitNotes(t, key, "over") // it does not wait for the client
			response := c.Response("GET")
			for response.Status == 103 {
				if len(response.Value("X-Flood")) != 5000 {
					t.Fatalf("%+v", response)
				}
				response = c.Response("GET")
			}
			response.Want(t, 200, "answer")
			c.StaysOpen("/answers")
		})
	})
}

func checkHintsAtOnce(t *testing.T, s Contract, method, query string) {
	gate := s.Gate(t)
	c := Dial(t, s.Server)
	c.Send(method + " /gate?gate=" + gate.Path + query + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	wantHints(t, c, method, styleHint, scriptHint)
	gate.Open(1)
	wantHints(t, c, method, scriptHint)
	gate.Open(2)
	want := map[string]string{"": "answer", "&stream": "answer, and more"}[query]
	if method == "HEAD" {
		want = ""
	}
	response := c.Response(method)
	response.Want(t, 200, want)
	if links := response.Values("Link"); len(links) > 0 {
		t.Errorf("the hints are in the response: %q", links)
	}
	c.StaysOpen("/answers")
}
