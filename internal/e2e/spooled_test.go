package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Spooled is a server whose temporary files are in a folder of their own.
type Spooled struct {
	Contract
	tmp string
}

// startSpooled serves testapps/<module>.py.
func startSpooled(t testing.TB, module string, mode Mode, args ...string) Spooled {
	t.Helper()
	return startSpooledIn(t, t.TempDir(), module, mode, Options{}, args...)
}

func startSpooledIn(t testing.TB, tmp, module string, mode Mode, o Options, args ...string) Spooled {
	t.Helper()
	o.Args = append(append(append([]string{}, mode.Args...), "--worker-tmp-dir", tmp), args...)
	o.Env, o.Cut = mode.Env, mode.Cut
	return Spooled{startContractTarget(t, module+":application", o), tmp}
}

// files are the temporary files that the workers have open.
func (s Spooled) files(t testing.TB) (open []string) {
	t.Helper()
	for _, pid := range s.WorkerPIDs() {
		folder := fmt.Sprintf("/proc/%d/fd", pid)
		names, err := os.ReadDir(folder)
		if err != nil {
			t.Skip(err)
		}
		for _, name := range names {
			if path, err := os.Readlink(filepath.Join(folder, name.Name())); err == nil && strings.HasPrefix(path, s.tmp+"/") {
				open = append(open, path)
			}
		}
	}
	return open
}

// waitFiles waits until there are so many.
func (s Spooled) waitFiles(t testing.TB, n int) {
	t.Helper()
	Eventually(t, fmt.Sprintf("%d temporary files", n), func() bool { return len(s.files(t)) == n })
}

func told(body string) string { return fmt.Sprintf("%d %x", len(body), sha256.Sum256([]byte(body))) }

// numberedLines is a body no two lines of which are the same.
func numberedLines(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%08d%s\n", i, strings.Repeat("x", 91))
	}
	return b.String()[:size]
}

const spooledSize = 3_000_000

func TestLargeBodiesAreWholeBeforeTheApplicationIsCalled(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startSpooled(t, "spooled", mode)
		body := numberedLines(spooledSize)
		half, sum := body[len(body)/2:], 0
		for _, b := range []byte(body) {
			sum += int(b)
		}
		for framing, frame := range framings {
			for path, want := range map[string]string{
				"/read":    fmt.Sprintf("%d %s", len(body), told(body)),
				"/twice":   told(half) + " " + told(body),
				"/part":    body[:10],
				"/never":   "did not read",
				"/fork":    told(body[:len(body)/2]) + " " + told(half),
				"/program": "",
				"/threads": fmt.Sprintf("%d %d", len(body), sum),
			} {
				t.Run(path[1:]+", "+framing, func(t *testing.T) {
					Parallel(t, 2, func(t testing.TB, _ int) {
						fields, wire := frame(body)
						c := Dial(t, s.Server)
						go func() { _, _ = io.WriteString(c.Conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\n"+fields+"\r\n"+wire) }()
						c.Response("POST").Want(t, 200, want)
						c.StaysOpen("/never")
					})
				})
			}
			t.Run("a thread that reads when the request is over, "+framing, func(t *testing.T) {
				Parallel(t, 4, func(t testing.TB, _ int) {
					key := s.Key()
					fields, wire := frame(body)
					c := Dial(t, s.Server)
					go func() {
						_, _ = io.WriteString(c.Conn, "POST /stay?id="+key+" HTTP/1.1\r\nHost: x\r\n"+fields+"\r\n"+wire)
					}()
					c.Response("POST").Want(t, 200, "stays")
					s.WaitNotes(t, key, "RuntimeError")
				})
			})
		}
		s.waitFiles(t, 0)
		if left, _ := os.ReadDir(s.tmp); len(left) > 0 {
			t.Errorf("files with names are left: %v", left)
		}
	})
}

// Whatever the framing, and whether it asked first.
func TestSlowLargeUploadsHoldNoThread(t *testing.T) {
	s := startSpooled(t, "spooled", modes[1])
	body := numberedLines(spooledSize)
	key := s.Key()
	var slow []*Conn
	var rest []string
	for i := range 24 {
		fields, wire := framings[[]string{"Content-Length", "chunked"}[i%2]](body)
		if i%3 == 0 {
			fields += "Expect: 100-continue\r\n"
		}
		c := Dial(t, s.Server)
		c.Send("POST /read?id=" + key + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n")
		if i%3 == 0 {
			if response := c.Response("POST"); response.Status != 100 {
				t.Fatalf("%+v", response)
			}
		}
		c.Send(wire[:len(wire)/2])
		slow, rest = append(slow, c), append(rest, wire[len(wire)/2:])
	}
	for range 5 {
		Dial(t, s.Server).Get("/never").Want(t, 200, "did not read")
	}
	s.waitFiles(t, 24)
	if notes := s.Notes(t, key); len(notes) > 0 {
		t.Errorf("the application was called: %q", notes)
	}
	t.Run("and leave nothing behind if they leave", func(t *testing.T) {
		for i, leave := range []func(c *Conn){(*Conn).Reset, (*Conn).HalfClose, func(c *Conn) { c.Close() }} {
			for _, c := range slow[12+4*i : 16+4*i] {
				leave(c)
			}
		}
		s.waitFiles(t, 12)
	})
	for i, c := range slow[:12] {
		c.Send(rest[i])
		c.Response("POST").Want(t, 200, fmt.Sprintf("%d %s", len(body), told(body)))
	}
	s.waitFiles(t, 0)
}

// What a request that timed out leaves behind goes when Python is done with it.
func TestTimeoutWithALargeBodyLeavesNoFile(t *testing.T) {
	s := startSpooled(t, "hangs", modes[1], "--timeout", "1", "--timeout-grace", "60")
	key := s.Key()
	body := numberedLines(spooledSize)
	c := Dial(t, s.Server)
	c.Send(fmt.Sprintf("POST /twice?id=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", key, len(body), body))
	if response := c.Response("POST"); response.Status != 504 {
		t.Errorf("%+v", response)
	}
	s.WaitNotes(t, key, "called", "gowsgi.RequestTimeout")
	s.waitFiles(t, 0)
	c.StaysOpen("/hello")
}

// Those that are under way when the server stops are served to their end.
func TestLargeBodiesAreServedWhenTheServerStops(t *testing.T) {
	s := startSpooled(t, "spooled", modes[0])
	body := numberedLines(spooledSize)
	c := Dial(t, s.Server)
	c.Send(fmt.Sprintf("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:2_000_000]))
	s.waitFiles(t, 1)
	s.Signal(t, os.Interrupt)
	s.WaitLog(t, "event=gowsgi.stopping")
	c.Send(body[2_000_000:])
	c.Response("POST").Want(t, 200, fmt.Sprintf("%d %s", len(body), told(body)))
	if status := s.Wait(t); status != 0 {
		t.Errorf("status %d", status)
	}
}
