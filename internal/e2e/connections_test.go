package e2e

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestConnections(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "pool_threads", mode)
		t.Run("HTTP/1.1 stays open", func(t *testing.T) {
			c := Dial(t, s.Server)
			for range 100 {
				c.StaysOpen("/hello")
			}
			c.Send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			c.Response("GET").Want(t, 200, "hello")
			c.Closed()
		})
		t.Run("HTTP/1.0 closes", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("GET /hello HTTP/1.0\r\n\r\n")
			c.Response("GET").Want(t, 200, "hello")
			c.Closed()
		})
		t.Run("HTTP/1.0 stays open if asked to", func(t *testing.T) {
			c := Dial(t, s.Server)
			for range 10 {
				c.Send("GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
				response := c.Response("GET")
				response.Want(t, 200, "hello")
				if !strings.EqualFold(response.Value("Connection"), "keep-alive") {
					t.Errorf("%+v", response)
				}
			}
		})
		t.Run("a client that closes its sending side gets its answer", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
			c.HalfClose()
			c.Response("GET").Want(t, 200, "hello")
			c.Closed()
		})
		t.Run("50 connections, each kept", func(t *testing.T) {
			Parallel(t, 50, func(t testing.TB, _ int) {
				c := Dial(t, s.Server)
				for range 20 {
					c.StaysOpen("/hello")
				}
			})
		})
		t.Run("a slow client gets its head in piece by piece", func(t *testing.T) {
			c := Dial(t, s.Server)
			for _, b := range "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n" {
				c.Send(string(b))
			}
			c.Response("GET").Want(t, 200, "hello")
		})
	})
}

func TestPipelining(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "environ_dump", mode)
		Parallel(t, 10, func(t testing.TB, client int) {
			c := Dial(t, s.Server)
			var requests strings.Builder
			for i := range 50 {
				switch i % 4 {
				case 0:
					fmt.Fprintf(&requests, "GET /%d-%d HTTP/1.1\r\nHost: x\r\n\r\n", client, i)
				case 1:
					fmt.Fprintf(&requests, "POST /%d-%d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nbody%d", client, i, i%10)
				case 2:
					fmt.Fprintf(&requests, "POST /%d-%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbody%d\r\n0\r\n\r\n", client, i, i%10)
				case 3:
					fmt.Fprintf(&requests, "HEAD /%d-%d HTTP/1.1\r\nHost: x\r\n\r\n", client, i)
				}
			}
			go c.Send(requests.String())
			for i := range 50 {
				method := []string{"GET", "POST", "POST", "HEAD"}[i%4]
				response := c.Response(method)
				if method == "HEAD" {
					if response.Status != 200 {
						t.Errorf("%d: %+v", i, response)
					}
					continue
				}
				d := parseDump(t, response.Status, response.Body)
				d.want(t, map[string]string{"PATH_INFO": fmt.Sprintf("/%d-%d", client, i), "REQUEST_METHOD": method})
				if want := fmt.Sprintf("body%d", i%10); method == "POST" && d.Body != want {
					t.Errorf("%d: body %q, want %q", i, d.Body, want)
				}
			}
		})
	})
}

func TestKeepAliveOfZeroClosesEachConnection(t *testing.T) {
	s := startContract(t, "pool_threads", modes[0], "--keep-alive", "0")
	c := Dial(t, s.Server)
	response := c.Get("/hello")
	response.Want(t, 200, "hello")
	if !strings.EqualFold(response.Value("Connection"), "close") {
		t.Errorf("%+v", response)
	}
	c.Closed()
}

func TestHeaderTimeoutEndsSlowClients(t *testing.T) {
	s := startContract(t, "pool_threads", modes[0], "--header-timeout", "0.2", "--keep-alive", "0.2")
	for _, start := range []string{"", "GET /hello HTTP/1.1\r\nHo"} {
		c := Dial(t, s.Server)
		c.Send(start)
		c.patience()
		if rest, err := io.ReadAll(c.r); err != nil || strings.Contains(string(rest), "200 OK") {
			t.Errorf("%q: %q, %v", start, rest, err)
		}
	}
	c := Dial(t, s.Server)
	c.StaysOpen("/hello")
	c.Closed()
}

// A client that leaves while its request runs must not disturb others, and the
// thread must be free afterwards.
func TestClientsThatLeave(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "pool_threads", mode)
		for name, leave := range map[string]func(c *Conn){"reset": (*Conn).Reset, "close": func(c *Conn) { c.Close() }} {
			t.Run(name+" while the application runs", func(t *testing.T) {
				gate := s.Gate(t)
				var keys []string
				for range mode.Threads * mode.Workers {
					key := s.Key()
					keys = append(keys, key)
					c := Dial(t, s.Server)
					c.Send("GET /wait?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
					if mode.Workers == 1 {
						s.WaitNotes(t, key, "called")
					}
					leave(c)
				}
				gate.Open(1000)
				for range 20 {
					Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
				}
				if mode.Workers == 1 {
					for _, key := range keys {
						if notes := s.Notes(t, key); !slices.Equal(notes, []string{"called"}) {
							t.Errorf("%s: %q", key, notes)
						}
					}
				}
			})
		}
		t.Run("200 clients that leave at once", func(t *testing.T) {
			Parallel(t, 200, func(t testing.TB, i int) {
				c := Dial(t, s.Server)
				c.Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"[:10+i%23])
				if i%2 == 0 {
					c.Reset()
				} else {
					c.Close()
				}
			})
			Parallel(t, 20, func(t testing.TB, _ int) { Dial(t, s.Server).Get("/hello").Want(t, 200, "hello") })
		})
	})
}
