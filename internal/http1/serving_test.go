package http1

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a log, and what was refused, that may be read while it is written.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	refused []Refused
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) refuse(r *Refused) {
	j.mu.Lock()
	defer j.mu.Unlock()
	kept := *r
	kept.Line = bytes.Clone(r.Line)
	j.refused = append(j.refused, kept)
}

func (j *journal) refusals() []Refused {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.refused
}

// settings are those of a server that no test waits for by accident.
func settings() Config {
	return Config{
		Limits:        Limits{Line: 4094, Field: 8190, Fields: 100, Head: 64 << 10},
		HeaderTimeout: time.Minute, KeepAlive: time.Minute, WriteTimeout: time.Minute, MinRate: 500,
	}
}

// serving is a server on a port of its own while a test runs.
type serving struct {
	*Server
	address string
	journal *journal
	unix    bool
	secure  *tls.Config // clients' own; nil: in plain text
}

// overTLS: all that is served is served over TLS. Every test here holds for that as
// well (Makefile, unit); those of what comes before TLS have none.
var overTLS = os.Getenv("GOWSGI_TEST_TLS") != ""

// certified are a server and clients that believe each other.
var certified = sync.OnceValues(func() (server, clients *tls.Config) {
	made := httptest.NewUnstartedServer(nil) // has a certificate
	made.StartTLS()
	defer made.Close()
	server = &tls.Config{Certificates: made.TLS.Certificates, NextProtos: []string{"http/1.1"}}
	return server, &tls.Config{InsecureSkipVerify: true}
})

func serve(t testing.TB, c Config, handler http.HandlerFunc) *serving {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, c, l, handler)
}

func serveOn(t testing.TB, c Config, l net.Listener, handler http.HandlerFunc) *serving {
	t.Helper()
	return serveAs(t, c, l, handler, overTLS)
}

// serveAs is serveOn, over TLS or not.
func serveAs(t testing.TB, c Config, l net.Listener, handler http.HandlerFunc, secure bool) *serving {
	t.Helper()
	s := &serving{address: l.Addr().String(), journal: new(journal), unix: l.Addr().Network() == "unix"}
	c.Handler, c.Refused, c.Log = handler, s.journal.refuse, slog.New(slog.NewTextHandler(s.journal, nil))
	s.Server = New(c)
	over, door := make(chan error, 1), Door{}
	if secure {
		own, clients := certified()
		s.secure, door.TLS = clients, func() *tls.Config { return own }
	}
	go func() { over <- s.ServeDoor(l, door) }()
	t.Cleanup(func() {
		l.Close()
		<-over
		s.Close()
		eventually(t, "all connections have ended", func() bool { return s.count() == 0 })
		if t.Failed() {
			t.Log(s.journal)
		}
	})
	return s
}

// client is the other end of a connection.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

const patient = 20 * time.Second

func (s *serving) dial(t testing.TB) *client {
	t.Helper()
	c, err := s.connect(t)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// connect is dial by a client that may be turned away.
func (s *serving) connect(t testing.TB) (*client, error) {
	t.Helper()
	network := "tcp"
	if s.unix {
		network = "unix"
	}
	c, err := net.Dial(network, s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patient))
	if s.secure != nil {
		secure := tls.Client(c, s.secure)
		if err := secure.Handshake(); err != nil {
			return nil, err
		}
		c = secure
	}
	return &client{Conn: c, t: t, r: bufio.NewReader(c)}, nil
}

// turnedAway wants one more client not to be let in, and to be told so where that can
// be had without a handshake.
func (s *serving) turnedAway(t testing.TB) {
	t.Helper()
	c, err := s.connect(t)
	switch {
	case s.secure != nil && err == nil:
		t.Error("a client with TLS has been let in")
	case s.secure != nil:
	case err != nil:
		t.Error(err)
	default:
		_, _ = io.WriteString(c.Conn, get)
		if r := c.want("GET", 503, "503 Service Unavailable\n"); r.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		c.ends()
		c.Close()
	}
}

// below is the socket itself.
func (c *client) below() net.Conn {
	if secure, ok := c.Conn.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return c.Conn
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// answer reads an answer to a request of that method, and its body.
func (c *client) answer(method string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("answer: %v", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatalf("answer's body: %q, %v", body, err)
	}
	return r, string(body)
}

func (c *client) want(method string, status int, body string) *http.Response {
	c.t.Helper()
	r, got := c.answer(method)
	if r.StatusCode != status || got != body {
		c.t.Errorf("%d, %.200q; want %d, %.200q", r.StatusCode, got, status, body)
	}
	return r
}

// rest is all that comes until the connection ends, and how it ended.
func (c *client) rest() (string, error) {
	rest, err := io.ReadAll(c.r)
	return string(rest), err
}

// ends wants a clean end, and nothing before it.
func (c *client) ends() {
	c.t.Helper()
	if rest, err := c.rest(); rest != "" || err != nil {
		c.t.Errorf("%.200q, %v instead of the end", rest, err)
	}
}

func (c *client) halfClose() {
	_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
	_ = c.below().(interface{ CloseWrite() error }).CloseWrite()
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patient); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patient, what)
		}
	}
}

// echo answers with what it got.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	text := fmt.Sprintf("%s %s %s %q %v", r.Method, r.RequestURI, r.Host, body, err)
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	_, _ = io.WriteString(w, text)
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// sink takes a request and reads none of it.
func sink(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "2")
	_, _ = io.WriteString(w, "ok")
}

func repeat(text string, n int) string { return strings.Repeat(text, n) }
