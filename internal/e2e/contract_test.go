package e2e

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Contract is a server with one of the applications that prove the WSGI
// contract, and the journal that the application writes (testapps/contract.py).
type Contract struct {
	*Server
	folder string
	keys   *atomic.Int64
}

// startContract serves testapps/<module>.py.
func startContract(t testing.TB, module string, mode Mode, args ...string) Contract {
	t.Helper()
	return startContractTarget(t, module+":application", Options{Args: append(slices.Clone(mode.Args), args...), Env: mode.Env, Cut: mode.Cut})
}

func startContractTarget(t testing.TB, target string, o Options) Contract {
	t.Helper()
	c := Contract{folder: t.TempDir(), keys: new(atomic.Int64)}
	o.Target = target
	o.Env = append(slices.Clone(o.Env), "JOURNAL="+c.journal(), "DATA="+c.folder)
	c.Server = Start(t, o)
	return c
}

func (c Contract) journal() string { return filepath.Join(c.folder, "journal") }

// Key is an id that no other request has.
func (c Contract) Key() string { return fmt.Sprintf("r%04d", c.keys.Add(1)) }

// Notes are what the application has noted for the request with that id.
func (c Contract) Notes(t testing.TB, key string) []string {
	t.Helper()
	text, err := os.ReadFile(c.journal())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var notes []string
	for line := range strings.Lines(string(text)) {
		if id, note, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); id == key {
			notes = append(notes, note)
		}
	}
	return notes
}

// WaitNotes waits until there are as many notes for that request as are
// wanted; they must be these.
func (c Contract) WaitNotes(t testing.TB, key string, want ...string) {
	t.Helper()
	var notes []string
	Eventually(t, fmt.Sprintf("%d notes for %s", len(want), key), func() bool {
		notes = c.Notes(t, key)
		return len(notes) >= len(want)
	})
	if !slices.Equal(notes, want) {
		t.Errorf("the journal of %s has %q, want %q", key, notes, want)
	}
}

// Gate is a place where an application waits until the test lets it through.
type Gate struct {
	Path string
	t    testing.TB
	pipe *os.File
}

// Gate makes one, closed. At the test's end it lets everybody through.
func (c Contract) Gate(t testing.TB) *Gate {
	t.Helper()
	path := filepath.Join(c.folder, "gate-"+c.Key())
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	// For reading too: what is written stays until somebody takes it.
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pipe.Close() })
	return &Gate{Path: path, t: t, pipe: pipe}
}

// Open lets n through, now or when they come.
func (g *Gate) Open(n int) {
	g.t.Helper()
	if _, err := g.pipe.Write(make([]byte, n)); err != nil {
		g.t.Fatal(err)
	}
}

// ReadUntil reads until text has come, and returns everything up to its end.
func (c *Conn) ReadUntil(text string) string {
	c.t.Helper()
	c.patience()
	var got []byte
	for !strings.HasSuffix(string(got), text) {
		b, err := c.r.ReadByte()
		if err != nil {
			c.t.Fatalf("%q instead of %q: %v", got, text, err)
		}
		got = append(got, b)
	}
	return string(got)
}

// Silent fails the test if the server has sent something. The caller has made
// sure that it would be there by now.
func (c *Conn) Silent() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if b, err := c.r.Peek(1); err == nil {
		rest, _ := c.r.Peek(c.r.Buffered())
		c.t.Errorf("the server has sent %q%q, too early", b, rest[1:])
	}
}

// Get sends a GET request over HTTP/1.1 and reads the response.
func (c *Conn) Get(path string) RawResponse {
	c.t.Helper()
	c.Send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n")
	return c.Response("GET")
}

// Want fails the test unless status and body are exactly these.
func (r RawResponse) Want(t testing.TB, status int, body string) {
	t.Helper()
	if r.Status != status || r.Body != body {
		t.Errorf("status %d, body %.500q; want %d, %.500q", r.Status, r.Body, status, body)
	}
}

// Records are the records of an event in the log that are about that URI, each
// with the block of text before it.
func (s *Server) Records(event, uri string) []string {
	var records []string
	wanted := false // the record that the lines belong to
	for line := range strings.Lines(s.Log()) {
		if strings.HasPrefix(line, "  ") {
			if wanted {
				records[len(records)-1] += line
			}
			continue
		}
		if wanted = strings.HasPrefix(line, "time=") && strings.Contains(line, "event="+event+" ") && mentions(line, uri); wanted {
			records = append(records, line)
		}
	}
	return records
}

func mentions(line, uri string) bool {
	if strings.ContainsAny(uri, `="`) {
		uri = fmt.Sprintf("%q", uri)
	}
	return strings.Contains(line, "uri="+uri+" ")
}

// WaitRecord waits for the one record of an event about that URI.
func (s *Server) WaitRecord(t testing.TB, event, uri string) string {
	t.Helper()
	var records []string
	Eventually(t, "a record "+event+" about "+uri, func() bool {
		before := records
		records = s.Records(event, uri)
		return len(records) > 0 && slices.Equal(records, before) // and the lines below it
	})
	if len(records) > 1 {
		t.Errorf("%d records %s about %s: %q", len(records), event, uri, records)
	}
	return records[0]
}

// WantBroken reads a response that the server has to break off, and returns
// what came until then. Stricter than BrokenResponse: where only the end of the
// connection delimits the body, it must have ended with an error.
func (c *Conn) WantBroken(method string) RawResponse {
	c.t.Helper()
	c.patience()
	response, err := readResponse(c.r, method)
	var impatient net.Error
	switch {
	case err == nil:
		c.t.Errorf("the response looks complete: %+v", response)
	case errors.As(err, &impatient) && impatient.Timeout():
		c.t.Errorf("the response was not broken off within %v; so far: %+v", deadline, response)
	}
	return response
}

// ReadBytes reads exactly n bytes.
func (c *Conn) ReadBytes(n int) []byte {
	c.t.Helper()
	c.patience()
	b := make([]byte, n)
	if _, err := io.ReadFull(c.r, b); err != nil {
		c.t.Fatalf("%d bytes: %v", n, err)
	}
	return b
}
