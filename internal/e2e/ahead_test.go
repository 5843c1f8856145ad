package e2e

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
)

// aheadSize is more than all buffers on the way hold.
const aheadSize = 20_000_000

// askSlowly asks for a path, and takes nothing but the head.
func askSlowly(t testing.TB, s Spooled, path, proto string) *Conn {
	t.Helper()
	c := dialSlowly(t, s.Server)
	c.Send("GET " + path + " " + proto + "\r\nHost: x\r\n\r\n")
	return c
}

// wantAll takes the whole response.
func wantAll(t testing.TB, c *Conn, body string) {
	t.Helper()
	if response := c.Response("GET"); response.Status != 200 || response.Body != body {
		t.Errorf("status %d, %d bytes, as they were: %v", response.Status, len(response.Body), strings.HasPrefix(body, response.Body))
	}
}

var aheadBody = numberedLines(aheadSize)

func TestApplicationsDoNotWaitForTheirClients(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startSpooled(t, "ahead", mode)
		for _, way := range []string{"blocks", "small", "list", "block", "large", "write"} {
			for _, declared := range []string{"", "&declared"} {
				for _, proto := range []string{"HTTP/1.1", "HTTP/1.0"} {
					t.Run(way+declared+" "+proto, func(t *testing.T) {
						Parallel(t, 3, func(t testing.TB, _ int) {
							key := s.Key()
							c := askSlowly(t, s, fmt.Sprintf("/%s?size=%d&id=%s%s", way, aheadSize, key, declared), proto)
							s.WaitNotes(t, key, "closed")
							Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
							wantAll(t, c, aheadBody)
							if proto == "HTTP/1.1" {
								c.StaysOpen("/hello")
							}
						})
					})
				}
			}
		}
		s.waitFiles(t, 0)
	})
}

// What waits for slow clients is on the disk, and not in memory.
func TestSlowClientsCostNoMemory(t *testing.T) {
	s := startSpooled(t, "ahead", modes[0])
	pid := s.WorkerPIDs()[0]
	Dial(t, s.Server).Get("/list?size=3000000&id=" + s.Key())
	before := RSS(t, pid)
	var slow []*Conn
	for i := range 30 {
		key := s.Key()
		path := fmt.Sprintf("/%s?size=%d&id=%s", []string{"list", "blocks", "block"}[i%3], aheadSize, key)
		c := askSlowly(t, s, path, "HTTP/1.1")
		s.WaitNotes(t, key, "closed")
		c.ReadUntil("\r\n\r\n")
		slow = append(slow, c)
	}
	s.waitFiles(t, len(slow))
	for _, c := range slow { // so that what was under way when they turned out to be slow is out
		c.ReadBytes(8_000_000)
	}
	Eventually(t, "the memory is given back", func() bool { return RSS(t, pid)-before < 60<<20 })
	for _, c := range slow {
		c.Reset()
	}
	s.waitFiles(t, 0)
}

// Beyond response_spool, and where there is no room, the application waits, and
// nothing is lost.
func TestApplicationsWaitWhereThereIsNoRoom(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) Spooled{
		"response_spool":    func(t *testing.T) Spooled { return startSpooled(t, "ahead", modes[0], "--response-spool", "1M") },
		"no response_spool": func(t *testing.T) Spooled { return startSpooled(t, "ahead", modes[0], "--response-spool", "0") },
		"spool_limit":       func(t *testing.T) Spooled { return startSpooled(t, "ahead", modes[0], "--spool-limit", "3M") },
		"a disk": func(t *testing.T) Spooled {
			return startSpooledIn(t, tinyDisk(t, 3<<20), "ahead", modes[0], Options{})
		},
		"a limit of the process": func(t *testing.T) Spooled {
			return startSpooledIn(t, t.TempDir(), "ahead", modes[0], Options{Wrap: underLimit("-f 2900")})
		},
		"no folder": func(t *testing.T) Spooled {
			s := startSpooledIn(t, t.TempDir(), "ahead", modes[0], Options{})
			if err := os.Remove(s.tmp); err != nil {
				t.Fatal(err)
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			Parallel(t, 4, func(t testing.TB, i int) {
				key := s.Key()
				c := askSlowly(t, s, fmt.Sprintf("/%s?size=%d&id=%s", []string{"blocks", "large"}[i%2], aheadSize, key), "HTTP/1.1")
				for range 3 {
					Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
				}
				if notes := s.Notes(t, key); len(notes) > 0 {
					t.Errorf("it did not wait: %q", notes)
				}
				wantAll(t, c, aheadBody)
				s.WaitNotes(t, key, "closed")
				c.StaysOpen("/hello")
			})
			s.waitFiles(t, 0)
		})
	}
}

func TestWhatHappensWhileAClientIsBehind(t *testing.T) {
	path := func(what, key string) string { return fmt.Sprintf("/%s?size=%d&id=%s", what, aheadSize, key) }
	t.Run("it catches up, and gets what comes at once", func(t *testing.T) {
		s := startSpooled(t, "ahead", modes[1])
		key, gate := s.Key(), s.Gate(t)
		c := askSlowly(t, s, path("after", key)+"&declared&gate="+gate.Path, "HTTP/1.1")
		s.WaitNotes(t, key, "closed")
		wantAll(t, c, aheadBody) // while the application waits
		s.waitFiles(t, 0)
		gate.Open(1)
		c.StaysOpen("/hello")
	})
	t.Run("the application raises", func(t *testing.T) {
		s := startSpooled(t, "ahead", modes[1])
		key, gate := s.Key(), s.Gate(t)
		gate.Open(1)
		c := askSlowly(t, s, path("after", key)+"&raise&gate="+gate.Path, "HTTP/1.1")
		s.WaitNotes(t, key, "closed")
		c.WantBroken("GET")
		s.waitFiles(t, 0)
	})
	t.Run("the application falls silent", func(t *testing.T) {
		s := startSpooled(t, "ahead", modes[1], "--timeout", "1", "--timeout-grace", "60")
		key := s.Key()
		c := askSlowly(t, s, path("silent", key), "HTTP/1.1")
		s.WaitNotes(t, key, "closed", "RequestTimeout") // its client has taken nothing yet
		Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
		c.WantBroken("GET")
		s.waitFiles(t, 0)
	})
	t.Run("the application says little, but is not silent", func(t *testing.T) {
		s := startSpooled(t, "ahead", modes[1], "--timeout", "1")
		key := s.Key()
		c := askSlowly(t, s, path("drips", key)+"&drips=15", "HTTP/1.1")
		s.WaitNotes(t, key, "closed", "dripped")
		wantAll(t, c, aheadBody+strings.Repeat("drip\n", 15))
		c.StaysOpen("/hello")
	})
	t.Run("the client leaves", func(t *testing.T) {
		s := startSpooled(t, "ahead", modes[1])
		for _, leave := range []func(c *Conn){(*Conn).Reset, func(c *Conn) { c.Close() }} {
			for _, way := range []string{"blocks", "list"} {
				key := s.Key()
				c := askSlowly(t, s, path(way, key), "HTTP/1.1")
				s.WaitNotes(t, key, "closed")
				s.waitFiles(t, 1)
				leave(c)
				s.waitFiles(t, 0)
			}
			key, gate := s.Key(), s.Gate(t)
			c := askSlowly(t, s, path("after", key)+"&gate="+gate.Path, "HTTP/1.1") // the application is still there
			s.WaitNotes(t, key, "closed")
			leave(c)
			s.waitFiles(t, 0)
			gate.Open(1)
			Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
		}
	})
	t.Run("the file of its body goes when the application is done", func(t *testing.T) {
		s := startSpooled(t, "ahead", modes[1])
		key := s.Key()
		c := dialSlowly(t, s.Server)
		body := numberedLines(spooledSize)
		c.Send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path("body", key), len(body), body))
		s.WaitNotes(t, key, "closed")
		c.ReadUntil("\r\n\r\n")
		c.ReadBytes(8_000_000)
		s.waitFiles(t, 1)
		if _, err := io.CopyN(io.Discard, c.r, aheadSize-8_000_000); err != nil {
			t.Error(err)
		}
		s.waitFiles(t, 0)
	})
	t.Run("the server stops", func(t *testing.T) {
		s := startSpooled(t, "ahead", modes[1])
		key := s.Key()
		c := askSlowly(t, s, path("blocks", key), "HTTP/1.1")
		s.WaitNotes(t, key, "closed")
		s.Signal(t, syscall.SIGTERM)
		s.WaitLog(t, "event=gowsgi.stopping")
		wantAll(t, c, aheadBody)
		if status := s.Wait(t); status != 0 {
			t.Errorf("status %d", status)
		}
	})
}

// bench/slow.py has the same with more bytes, and measures.
func TestHundredsOfSlowClientsHoldNoThread(t *testing.T) {
	s := startSpooled(t, "ahead", modes[0]) // 8 threads
	const each, size = 200, 10_000_000
	body := numberedLines(spooledSize)
	key := s.Key()
	for range each {
		c := dialSlowly(t, s.Server)
		c.Send(fmt.Sprintf("POST /body?size=100 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:2_000_000]))
		askSlowly(t, s, fmt.Sprintf("/blocks?size=%d&id=%s", size, key), "HTTP/1.1")
	}
	Eventually(t, "all responses have been produced", func() bool { return len(s.Notes(t, key)) == each })
	gate, inside := s.Gate(t), s.Key()
	var all []*Conn
	for range 8 {
		c := Dial(t, s.Server)
		c.Send("GET /after?size=0&id=" + inside + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		all = append(all, c)
	}
	Eventually(t, "all threads are to be had", func() bool { return len(s.Notes(t, inside)) == 8 })
	gate.Open(8)
	for _, c := range all {
		c.Response("GET").Want(t, 200, "")
	}
	s.waitFiles(t, 2*each)
}
