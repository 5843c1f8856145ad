package e2e

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// translated is a connection to a proxy that speaks HTTP/1.1 with its client and
// HTTP/2 with the server, over a connection of its own: so tests that are written in
// HTTP/1.1 prove the contract of both. It sends what it gets as it gets it, and what
// breaks off on one side breaks off on the other.
func translated(t testing.TB, s *Server) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p := &translator{Conn: conn, r: bufio.NewReader(conn), scheme: "http", transport: &http.Transport{
		TLSClientConfig: s.secure,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, s.network, s.Addr)
		},
		DisableCompression: true, Protocols: new(http.Protocols), ExpectContinueTimeout: deadline,
	}}
	p.transport.Protocols.SetUnencryptedHTTP2(s.secure == nil)
	p.transport.Protocols.SetHTTP2(s.secure != nil)
	if s.secure != nil {
		p.scheme = "https"
	}
	go p.run()
	return client
}

type translator struct {
	net.Conn
	r         *bufio.Reader
	transport *http.Transport
	scheme    string
}

// run translates one request after the other.
func (p *translator) run() {
	defer p.transport.CloseIdleConnections()
	defer p.Close()
	for {
		request, err := http.ReadRequest(p.r)
		if err != nil || !p.pass(request) {
			return
		}
	}
}

// body says when it has been read.
type body struct {
	io.ReadCloser
	read chan struct{} // closed at its end
	over bool
}

func (b *body) Read(data []byte) (int, error) {
	n, err := b.ReadCloser.Read(data)
	if err == io.EOF && !b.over {
		b.over = true
		close(b.read)
	}
	return n, err
}

// pass passes a request on, and its answer back. False: the connection ends.
func (p *translator) pass(in *http.Request) bool {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, fields textproto.MIMEHeader) error {
		return p.head(code, http.Header(fields), "")
	}})
	out := in.Clone(ctx)
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", p.scheme, cmp.Or(in.Host, "localhost") // HTTP/1.0 may have none
	out.TransferEncoding = nil
	for _, name := range []string{"Connection", "Keep-Alive", "Upgrade"} {
		out.Header.Del(name)
	}
	if out.Header["User-Agent"] == nil {
		out.Header["User-Agent"] = nil // else it has one of its own
	}
	whole := &body{ReadCloser: in.Body, read: make(chan struct{})}
	if out.Body = whole; in.ContentLength == 0 {
		out.Body = nil
		close(whole.read)
	}
	waits := make(chan struct{})
	go func() { // whoever closes the connection waits for nothing any more
		defer close(waits)
		select {
		case <-whole.read:
		case <-ctx.Done():
			return
		}
		if _, err := p.r.Peek(1); err != nil {
			cancel()
		}
	}()
	response, err := p.transport.RoundTrip(out)
	if err != nil {
		p.breakOff()
		return false
	}
	defer response.Body.Close()
	if !p.answer(in, response) {
		return false // what there is arrives
	}
	select {
	case <-whole.read:
	default: // what is left of it would be the next request
		return false
	}
	if in.Close {
		return false
	}
	<-waits
	return true
}

func (p *translator) breakOff() {
	_ = p.Conn.(*net.TCPConn).SetLinger(0)
	p.Close()
}

func (p *translator) head(status int, fields http.Header, more string) error {
	var text strings.Builder
	fmt.Fprintf(&text, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			fmt.Fprintf(&text, "%s: %s\r\n", name, value)
		}
	}
	_, err := io.WriteString(p, text.String()+more+"\r\n")
	return err
}

func (p *translator) answer(in *http.Request, response *http.Response) bool {
	bodiless := in.Method == http.MethodHead || response.StatusCode == http.StatusNoContent || response.StatusCode == http.StatusNotModified
	chunked, more := !bodiless && response.ContentLength < 0, ""
	if chunked {
		more = "Transfer-Encoding: chunked\r\n"
	}
	if err := p.head(response.StatusCode, response.Header, more); err != nil {
		return false
	}
	block := make([]byte, 64<<10)
	for {
		n, err := response.Body.Read(block)
		text := string(block[:n])
		if chunked && n > 0 {
			text = fmt.Sprintf("%x\r\n%s\r\n", n, text)
		}
		if chunked && err == io.EOF {
			text += "0\r\n\r\n"
		}
		if _, failed := io.WriteString(p, text); failed != nil {
			return false
		}
		if err != nil {
			return err == io.EOF
		}
	}
}
