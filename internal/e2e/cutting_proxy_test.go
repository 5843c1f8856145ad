package e2e

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// cuts has clients reach those servers that a Mode starts through a proxy which cuts
// what they send behind each byte (make cut).
var cuts = os.Getenv("GOWSGI_TEST_CUT") != ""

// fine is how many bytes a client sends singly before the next answer: heads, and
// chunks and bodies that are small. What follows goes on in pieces of some odd size.
const fine, coarse = 4 << 10, 4093

// cuttingProxy passes connections on, and how they end.
type cuttingProxy struct {
	net.Listener
	to    string
	ports sync.Map // of a client's end → of the proxy's, as the server sees it
}

func startCutting(t testing.TB, to string) *cuttingProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &cuttingProxy{Listener: l, to: to}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(client.(*net.TCPConn))
		}
	}()
	return p
}

func (p *cuttingProxy) pass(client *net.TCPConn) {
	defer client.Close()
	c, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = client.SetLinger(0)
		return
	}
	server := c.(*net.TCPConn)
	defer server.Close()
	p.ports.Store(port(client.RemoteAddr()), port(server.LocalAddr()))
	var singly atomic.Int64
	singly.Store(fine)
	var both sync.WaitGroup
	both.Go(func() {
		into := &answers{server: client, singly: &singly}
		finish(client, server, func() error { _, err := io.Copy(into, server); return err })
	})
	both.Go(func() {
		finish(server, client, func() error { return cutInto(server, client, &singly) })
	})
	both.Wait()
}

// answers is where those go; each lets the client have more bytes cut.
type answers struct {
	server io.Writer
	singly *atomic.Int64
}

func (a *answers) Write(p []byte) (int, error) {
	a.singly.Store(fine)
	return a.server.Write(p)
}

// errWriting: who gets it does not take any more.
var errWriting = errors.New("written in vain")

func cutInto(to io.Writer, from io.Reader, singly *atomic.Int64) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		for rest := buf[:n]; len(rest) > 0; {
			size := min(len(rest), coarse)
			if singly.Add(-1) >= 0 {
				size = 1
			}
			if _, err := to.Write(rest[:size]); err != nil {
				return errWriting
			}
			rest = rest[size:]
		}
		if err != nil {
			return err
		}
	}
}

// finish copies, and has the end come to `to` as it came from `from`.
func finish(to, from *net.TCPConn, copied func() error) {
	switch err := copied(); {
	case err == nil, errors.Is(err, io.EOF):
		_ = to.CloseWrite()
	case errors.Is(err, errWriting):
		_ = from.CloseRead() // the answer may still be on its way
	case errors.Is(err, syscall.ECONNRESET):
		_ = to.SetLinger(0)
		_ = to.Close()
	default:
		_ = to.CloseWrite()
		_ = from.CloseRead()
	}
}

func port(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

// dial connects to the server, or to who stands in front of it.
func (s *Server) dial() (net.Conn, error) {
	address := s.Addr
	if s.cutting != nil {
		address = s.cutting.Addr().String()
	}
	return net.DialTimeout(s.network, address, deadline)
}

// PortSeen is the connection's port as the server sees it.
func (c *Conn) PortSeen() string {
	own := port(c.LocalAddr())
	if c.server.cutting == nil {
		return own
	}
	seen, _ := c.server.cutting.ports.Load(own)
	return seen.(string) // it is there before the first byte is passed on
}
