package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// exchanges of a connection, as a client sends them in one go.
var pipelines = map[string][]struct{ request, path, body string }{
	"heads": {
		{"GET /a?b HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n", "/a", ""},
		{"\r\nGET http://h/c HTTP/1.1\r\nHost: x\r\n\r\n", "/c", ""},
		{"GET /d HTTP/1.1\nHost: x\n\n", "/d", ""},
	},
	"counted bodies": {
		{"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 31\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n", "/a", "GET /evil HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "/b", ""},
		{"GET /c HTTP/1.1\r\nHost: x\r\n\r\n", "/c", ""},
	},
	"chunked bodies": {
		{"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nGET /\r\n0A\r\n0123456789\r\n0\r\nT: u\r\n\r\n", "/a", "GET /0123456789"},
		{"GET /b HTTP/1.1\r\nHost: x\r\n\r\n", "/b", ""},
		{"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "/c", ""},
	},
}

func stream(name string) (all string) {
	for _, e := range pipelines[name] {
		all += e.request
	}
	return all
}

// cutter is a proxy that cuts what a client sends in two behind so many bytes:
// the server has the first part before it gets the second. ends: it gets the end
// of the stream instead.
type cutter struct {
	net.Listener
	to   string
	at   int
	ends bool
}

func cut(t *testing.T, s *Server) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, to: s.Addr}
	t.Cleanup(func() { l.Close() })
	return c
}

// serve passes one connection on. The client has sent all of it.
func (c *cutter) serve(size int) error {
	client, err := c.Accept()
	if err != nil {
		return err
	}
	defer client.Close()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return err
	}
	defer server.Close()
	data := make([]byte, size)
	if _, err := io.ReadFull(client, data); err != nil {
		return err
	}
	if _, err := server.Write(data[:c.at]); err != nil {
		return err
	}
	if err := taken(server.(*net.TCPConn)); err != nil {
		return err
	}
	if c.ends {
		err = server.(*net.TCPConn).CloseWrite()
	} else {
		_, err = server.Write(data[c.at:])
	}
	if err != nil {
		return err
	}
	go func() { // until the client has had enough
		_, _ = io.Copy(io.Discard, client)
		server.Close()
	}()
	if _, err = io.Copy(client, server); errors.Is(err, syscall.ECONNRESET) {
		_ = client.(*net.TCPConn).SetLinger(0)
	}
	return nil
}

// taken waits until the other end's kernel has everything.
func taken(c *net.TCPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	for left := 1; left > 0 && err == nil; {
		var failed error
		err = raw.Control(func(fd uintptr) { left, failed = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
		err = errors.Join(err, failed)
	}
	return err
}

// Wherever the bytes of a connection are cut, each request is answered, with its
// own path and body, and nothing else is taken for one.
func TestStreamsCutAtEveryPosition(t *testing.T) {
	s := Start(t, Options{Target: "environ_dump"})
	for name, requests := range pipelines {
		t.Run(name, func(t *testing.T) {
			proxy, all := cut(t, s), stream(name)
			for proxy.at = 1; proxy.at < len(all); proxy.at++ {
				over := make(chan error, 1)
				go func() { over <- proxy.serve(len(all)) }()
				c := through(t, proxy, all)
				for _, want := range requests {
					response := c.Response("GET")
					d := parseDump(t, response.Status, response.Body)
					d.want(t, map[string]string{"PATH_INFO": want.path})
					if d.Body != want.body {
						t.Errorf("body %q, want %q", d.Body, want.body)
					}
				}
				c.Close()
				if err := <-over; err != nil {
					t.Fatal(err)
				}
				if t.Failed() {
					t.Fatalf("cut behind %d bytes: %q", proxy.at, all[:proxy.at])
				}
			}
		})
	}
}

// A client that leaves at any position gets the answers of the requests that were
// whole, and none of one that was not.
func TestStreamsThatEndAtEveryPosition(t *testing.T) {
	s := Start(t, Options{Target: "environ_dump", Args: []string{"--access-logfile", "-"}})
	served := 0
	for name, requests := range pipelines {
		t.Run(name, func(t *testing.T) {
			proxy, all := cut(t, s), stream(name)
			proxy.ends = true
			for proxy.at = 1; proxy.at <= len(all); proxy.at++ {
				over := make(chan error, 1)
				go func() { over <- proxy.serve(len(all)) }()
				c := through(t, proxy, all)
				end := 0
				for _, want := range requests {
					if end += len(want.request); end > proxy.at {
						break
					}
					response := c.Response("GET")
					parseDump(t, response.Status, response.Body).want(t, map[string]string{"PATH_INFO": want.path})
					served++
				}
				if response, err := readResponse(c.r, "GET"); err == nil && response.Status < 400 || os.IsTimeout(err) {
					t.Errorf("after them: %+v, %v", response, err)
				}
				c.Close()
				<-over // however it went: the client was the first to leave
				if t.Failed() {
					t.Fatalf("ended behind %d bytes: %q", proxy.at, all[:proxy.at])
				}
			}
		})
	}
	s.Stop(t)
	if n := strings.Count(s.Out(), " 200 "); n != served {
		t.Errorf("the application was called %d times for %d whole requests", n, served)
	}
}

// through dials the server by way of the proxy, and sends it all.
func through(t *testing.T, proxy *cutter, all string) *Conn {
	t.Helper()
	c := Dial(t, &Server{network: "tcp", Addr: fmt.Sprint(proxy.Addr())})
	c.Send(all)
	return c
}
