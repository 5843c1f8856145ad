package http1

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// kinds of requests: what is sent, and what echo answers.
var kinds = []struct{ name, method, request, answer string }{
	{"GET", "GET", "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", `GET /a?b x "" <nil>`},
	{"counted", "POST", "POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /", `POST /c x "GET /" <nil>`},
	{"chunked", "PUT", "PUT /d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nGET\r\nA\r\n /evil HTT\r\n0\r\nT: u\r\n\r\n", `PUT /d x "GET /evil HTT" <nil>`},
	{"absolute", "GET", "GET http://h:1/e HTTP/1.1\r\nHost: x\r\n\r\n", `GET http://h:1/e h:1 "" <nil>`},
	{"after an empty line", "GET", "\r\nGET /f HTTP/1.1\r\nHost: x\r\n\r\n", `GET /f x "" <nil>`},
	{"bare LF", "GET", "GET /g HTTP/1.1\nHost: x\n\n", `GET /g x "" <nil>`},
	{"HTTP/1.0", "GET", "GET /h HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", `GET /h  "" <nil>`},
	{"HEAD", "HEAD", "HEAD /i HTTP/1.1\r\nHost: x\r\n\r\n", ""},
	{"a stray percent sign", "GET", "GET /%zz% HTTP/1.1\r\nHost: x\r\n\r\n", `GET /%zz% x "" <nil>`},
}

func TestRequestsOfAllKindsOneAfterTheOther(t *testing.T) {
	s := serve(t, settings(), echo)
	c := s.dial(t)
	for range 3 {
		for _, k := range kinds {
			c.send(k.request)
			c.want(k.method, 200, k.answer)
		}
	}
}

// Every place at which the bytes of three requests can be cut in two, and each
// byte by itself: nothing may get lost, or wait for a fourth.
func TestPipelinesCutAnywhere(t *testing.T) {
	s := serve(t, settings(), echo)
	for _, first := range kinds {
		for _, second := range kinds {
			all := first.request + second.request + kinds[1].request
			for at := 1; at < len(all); at++ {
				c := s.dial(t)
				c.send(all[:at])
				c.send(all[at:])
				c.want(first.method, 200, first.answer)
				c.want(second.method, 200, second.answer)
				c.want(kinds[1].method, 200, kinds[1].answer)
				c.Close()
			}
		}
	}
	for _, k := range kinds {
		c := s.dial(t)
		_ = c.below().(*net.TCPConn).SetNoDelay(true)
		for range 2 {
			for i := range k.request {
				c.send(k.request[i : i+1])
			}
			c.want(k.method, 200, k.answer)
		}
	}
}

func TestTenThousandRequestsInOneWrite(t *testing.T) {
	for name, which := range map[string][]int{"plain": {0}, "others": {2}, "mixed": {0, 1, 2, 3, 4, 5, 6, 7}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, number, _ := strings.Cut(r.RequestURI, "-")
				w.Header().Set("Content-Length", fmt.Sprint(len(number)))
				_, _ = io.WriteString(w, number)
			})
			c := s.dial(t)
			var all strings.Builder
			for i := range 10_000 {
				// The number stands behind the target.
				line, rest, _ := strings.Cut(kinds[which[i%len(which)]].request, " HTTP/")
				fmt.Fprintf(&all, "%s-%d HTTP/%s", line, i, rest)
			}
			go c.send(all.String())
			for i := range 10_000 {
				k, want := kinds[which[i%len(which)]], fmt.Sprint(i)
				if k.method == "HEAD" {
					want = ""
				}
				if c.want(k.method, 200, want); t.Failed() {
					t.Fatalf("request %d", i)
				}
			}
		})
	}
}

// What stands behind a request that is the last one, or broken, is never
// carried out, and the answer is read whole.
func TestNothingRunsOnAfterTheEnd(t *testing.T) {
	for name, test := range map[string]struct {
		request string
		status  int
	}{
		"Connection: close":      {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200},
		"HTTP/1.0":               {"GET / HTTP/1.0\r\n\r\n", 200},
		"no request":             {"nonsense\r\n\r\n", 400},
		"a bad chunk":            {"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 200},
		"a long line":            {"GET /" + repeat("a", 5000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
		"a large field":          {"GET / HTTP/1.1\r\nX: " + repeat("a", 9000) + "\r\n\r\n", 431},
		"expected in vain":       {"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n", 200},
		"too much left":          {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n", 200},
		"another expectation":    {"GET / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n", 417},
		"another version":        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		"a tunnel":               {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405},
		"an unknown coding":      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		"both framings":          {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		"a chunk that is longer": {"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 200},
	} {
		t.Run(name, func(t *testing.T) {
			var never atomic.Int32
			s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
				switch r.RequestURI {
				case "/never":
					never.Add(1)
				case "/read":
					if _, err := io.ReadAll(r.Body); !IsMalformed(err) {
						t.Errorf("the body is read with %v", err)
					}
				}
				_ = r.Body.Close() // nobody wants the rest: the answer can say so
				sink(w, r)
			})
			for range 20 {
				c := s.dial(t)
				c.send(get + test.request + "GET /never HTTP/1.1\r\nHost: x\r\n\r\n" + repeat("x", 100_000))
				c.want("GET", 200, "ok")
				r, _ := c.answer("GET")
				if r.StatusCode != test.status || !r.Close {
					t.Errorf("%d, Connection %q; want %d, close", r.StatusCode, r.Header["Connection"], test.status)
				}
				c.ends()
			}
			if n := never.Load(); n > 0 {
				t.Errorf("what came behind was carried out, %d times", n)
			}
		})
	}
}

// Bytes that follow a body are the next request, and nothing of a body is.
func TestRestOfABodyIsNeverARequest(t *testing.T) {
	const evil = "GET /never HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, size := range []int{0, 1, len(evil), 4095, 4096, 4097, 70_000, mostRest, mostRest + 1, mostRest + 100} {
		for _, reads := range []int{0, 1, len(evil), 1 << 30} {
			for _, isChunked := range []bool{false, true} {
				for _, early := range []bool{false, true} {
					name := fmt.Sprintf("%d bytes, %d read, chunked %v, answer first %v", size, reads, isChunked, early)
					t.Run(name, func(t *testing.T) { checkRest(t, evil, size, reads, isChunked, early) })
				}
			}
		}
	}
}

func checkRest(t *testing.T, evil string, size, reads int, isChunked, early bool) {
	var seen atomic.Int32
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/never" {
			seen.Add(1)
		}
		if early {
			sink(w, r)
			w.(http.Flusher).Flush()
		}
		n, err := io.CopyN(io.Discard, r.Body, int64(reads))
		if want := min(reads, size); r.Method == "POST" && (n != int64(want) || err != nil && !errors.Is(err, io.EOF)) {
			t.Errorf("%d bytes, %v; want %d", n, err, want)
		}
		if !early {
			sink(w, r)
		}
	})
	body := repeat(evil, size/len(evil)+1)[:size]
	request := fmt.Sprintf("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, body)
	if isChunked {
		request = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		for rest := body; rest != ""; {
			n := min(len(rest), 10_000)
			request += fmt.Sprintf("%x\r\n%s\r\n", n, rest[:n])
			rest = rest[n:]
		}
		request += "0\r\n\r\n"
	}
	c := s.dial(t)
	go func() { _, _ = io.WriteString(c.Conn, request+get) }() // it may be hung up on
	c.want("POST", 200, "ok")
	if size-reads <= mostRest {
		c.want("GET", 200, "ok")
	} else {
		c.ends()
	}
	if n := seen.Load(); n > 0 {
		t.Errorf("a part of the body was carried out, %d times", n)
	}
}

// A body whose client leaves is broken off, not whole.
func TestBodyOfAClientThatLeavesIsAnError(t *testing.T) {
	for name, request := range map[string]string{
		"counted":                "Content-Length: 5\r\n\r\nabc",
		"within a chunk":         "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
		"between chunks":         "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"before the last line":   "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
		"within a trailer":       "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n",
		"within a chunk's size":  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0",
		"before the line's LF":   "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r",
		"before the body begins": "Content-Length: 5\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 1)
			s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				failed <- err
				w.(*Writer).Abort()
			})
			c := s.dial(t)
			c.send("POST / HTTP/1.1\r\nHost: x\r\n" + request)
			c.halfClose()
			if err := <-failed; !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v", err)
			}
			if rest, err := c.rest(); rest != "" || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%q, %v instead of a reset", rest, err)
			}
		})
	}
}

func TestClientThatHalfClosesGetsItsAnswer(t *testing.T) {
	s := serve(t, settings(), echo)
	for _, k := range kinds {
		c := s.dial(t)
		c.send(k.request)
		c.halfClose()
		c.want(k.method, 200, k.answer)
		c.ends()
	}
}

func TestUnixSocket(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := serveOn(t, settings(), l, func(w http.ResponseWriter, r *http.Request) {
		if host, port := w.(*Writer).Remote(); host+port != "" {
			t.Errorf("the client is %q, %q", host, port)
		}
		echo(w, r)
	})
	c := s.dial(t)
	for _, k := range kinds {
		c.send(k.request)
		c.want(k.method, 200, k.answer)
	}
}

// What is not a socket, as a pipe in memory or TLS, is served the same way.
func TestConnectionWithoutADescriptor(t *testing.T) {
	s := serve(t, settings(), echo)
	ours, theirs := net.Pipe()
	go s.ServeConn(theirs)
	c := &client{Conn: ours, t: t, r: bufio.NewReader(ours)}
	_ = ours.SetDeadline(time.Now().Add(patient))
	defer ours.Close()
	for range 2 {
		for _, k := range kinds {
			go c.send(k.request)
			c.want(k.method, 200, k.answer)
		}
	}
}

// TLS above a socket is read and written by its own means, and ends by the
// socket's.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(nil) // has a certificate
	server.StartTLS()
	defer server.Close()
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		switch r.RequestURI {
		case "/broken":
			w.(*Writer).Abort()
		case "/left":
			eventually(t, "it is noticed", func() bool { gone, _ := w.(*Writer).Presence(); return gone })
			w.(*Writer).Abort()
		default:
			echo(w, r)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var served sync.WaitGroup
	defer served.Wait()
	dial := func() (*client, net.Conn) {
		below, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		served.Go(func() { s.ServeConn(tls.Server(accepted, &tls.Config{Certificates: server.TLS.Certificates})) })
		_ = below.SetDeadline(time.Now().Add(patient))
		c := tls.Client(below, &tls.Config{InsecureSkipVerify: true})
		t.Cleanup(func() { c.Close() })
		return &client{Conn: c, t: t, r: bufio.NewReader(c)}, below
	}
	c, _ := dial()
	for range 2 {
		for _, k := range kinds {
			c.send(k.request)
			c.want(k.method, 200, k.answer)
		}
	}
	c.Close()
	c, _ = dial()
	c.send("GET /broken HTTP/1.0\r\n\r\n")
	if _, err := c.rest(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a broken response ends with %v", err)
	}
	c, below := dial()
	c.send("GET /left HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = below.(*net.TCPConn).SetLinger(0)
	below.Close()
}
