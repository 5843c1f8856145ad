package e2e

import (
	"io"
	"strings"
	"testing"
)

func TestResponseBodies(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "response_bodies", mode)
		t.Run("a body whose length is known has a Content-Length", func(t *testing.T) {
			Parallel(t, 20, func(t testing.TB, _ int) {
				c := Dial(t, s.Server)
				for path, body := range map[string]string{
					"/list": "one two three", "/tuple": "one two", "/empty": "", "/one": "one", "/subclass": "subclass", "/declared": "declared",
				} {
					response := c.Get(path)
					response.Want(t, 200, body)
					if got := response.Value("Content-Length"); got != itoa(len(body)) {
						t.Errorf("%s: Content-Length %q", path, got)
					}
				}
			})
		})
		t.Run("other bodies arrive whole", func(t *testing.T) {
			Parallel(t, 20, func(t testing.TB, i int) {
				proto := []string{"HTTP/1.1", "HTTP/1.0"}[i%2]
				for path, body := range map[string]string{
					"/generator": "generator", "/iterator": "iterator", "/getitem": "getitem", "/empty-blocks": "ab", "/empty-generator": "",
				} {
					c := Dial(t, s.Server)
					c.Send("GET " + path + " " + proto + "\r\nHost: x\r\n\r\n")
					c.Response("GET").Want(t, 200, body)
				}
			})
		})
		t.Run("many small blocks", func(t *testing.T) { checkManyBlocks(t, s) })
		for _, path := range []string{"/lockstep", "/lockstep-write"} {
			for _, proto := range s.Versions() {
				t.Run("each block goes out before the next: "+path+" "+proto, func(t *testing.T) { checkLockstep(t, s, path, proto) })
			}
		}
		t.Run("several at once, each in its own step", func(t *testing.T) {
			Parallel(t, mode.Threads, func(t testing.TB, i int) { checkLockstep(t, s, "/lockstep", "HTTP/1.1") })
		})
		t.Run("no body where none may be", func(t *testing.T) { checkBodiless(t, s.Server) })
	})
}

// checkLockstep: the first block arrives while the application waits, so there
// can be no Content-Length.
func checkLockstep(t testing.TB, s Contract, path, proto string) {
	t.Helper()
	gate := s.Gate(t)
	c := Dial(t, s.Server)
	c.Send("GET " + path + "?gate=" + gate.Path + " " + proto + "\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
	head := c.ReadUntil("\r\n\r\n")
	chunks := strings.Contains(head, "Transfer-Encoding: chunked\r\n")
	if chunks != (proto == "HTTP/1.1") || strings.Contains(head, "Content-Length") {
		t.Errorf("framing: %q", head)
	}
	for _, block := range []string{"block 0\n", "block 1\n", "block 2\n"} {
		if chunks {
			block = "8\r\n" + block + "\r\n"
		}
		if got := c.ReadUntil(block); got != block {
			t.Fatalf("%q, want %q", got, block)
		}
		gate.Open(1)
	}
	if !chunks {
		c.Closed()
		return
	}
	c.ReadUntil("0\r\n\r\n")
	c.StaysOpen("/one")
}

func checkManyBlocks(t *testing.T, s Contract) {
	var want strings.Builder
	for i := range 50_000 {
		want.WriteString(itoa(i) + "\n")
	}
	Parallel(t, 8, func(t testing.TB, _ int) {
		c := Dial(t, s.Server)
		if response := c.Get("/many?n=50000"); response.Status != 200 || response.Body != want.String() {
			t.Errorf("status %d, %d bytes", response.Status, len(response.Body))
		}
		c.StaysOpen("/one")
	})
}

func checkBodiless(t *testing.T, s *Server) {
	c := Dial(t, s)
	for _, path := range []string{"/no-content", "/no-content?body=", "/not-modified", "/not-modified?body="} {
		response := c.Get(path)
		want := 204
		if strings.HasPrefix(path, "/not") {
			want = 304
		}
		if response.Status != want || response.Value("ETag") != `"tag"` {
			t.Errorf("%s: %+v", path, response)
		}
	}
	for path, length := range map[string]string{
		"/list": "13", "/one": "3", "/declared": "8", "/generator": "", "/iterator": "", "/empty-blocks": "", "/empty-generator": "", "/many?n=100000": "",
	} {
		c.Send("HEAD " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		response := c.Response("HEAD")
		if got := response.Value("Content-Length"); response.Status != 200 || got != length {
			t.Errorf("HEAD %s: Content-Length %q, want %q: %+v", path, got, length, response)
		}
	}
	c.StaysOpen("/one")
	for _, path := range []string{"/list", "/generator", "/no-content?body=", "/not-modified?body="} {
		c := Dial(t, s)
		c.Send("HEAD " + path + " HTTP/1.0\r\n\r\n")
		c.ReadUntil("\r\n\r\n")
		if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
			t.Errorf("HEAD %s, HTTP/1.0: %q", path, rest)
		}
	}
}
