package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// session is an HTTP/2 connection that some clients share, each with one stream at a
// time. When the server says that it will end, the next request goes over another.
type session struct {
	transport *http.Transport // makes connections, and does nothing else: it would repeat requests
	scheme    string

	mu      sync.Mutex
	current *http.ClientConn
	all     []*http.ClientConn
}

func newSession(l *Load) *session {
	s := &session{scheme: "http", transport: &http.Transport{
		TLSClientConfig: l.secure, DisableCompression: true, Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, l.network, l.address)
		},
	}}
	if l.secure != nil {
		s.scheme = "https"
	}
	s.transport.Protocols.SetUnencryptedHTTP2(l.secure == nil)
	s.transport.Protocols.SetHTTP2(l.secure != nil)
	return s
}

// take is a connection that takes one more request. made: it was made for it.
func (s *session) take(ctx context.Context) (conn *http.ClientConn, made bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.Reserve() == nil {
		return s.current, false, nil
	}
	conn, err = s.transport.NewClientConn(ctx, s.scheme, "localhost:0")
	if err != nil {
		return nil, false, err
	}
	s.current, s.all = conn, append(s.all, conn)
	return conn, true, conn.Reserve()
}

func (s *session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.all {
		_ = conn.Close()
	}
}

// requestByStream is request over the session.
func (c *client) requestByStream() (answer, *Failure) {
	c.count++
	id := fmt.Sprintf("%d-%d", c.number, c.count)
	fail := func(kind Kind, format string, args ...any) (answer, *Failure) {
		return answer{}, &Failure{
			Kind: kind, Traffic: c.traffic.Name, Worker: c.worker,
			Text: fmt.Sprintf("client %d, request %d: ", c.number, c.count) + fmt.Sprintf(format, args...),
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.traffic.Patience)
	defer cancel()
	for {
		conn, made, err := c.session.take(ctx)
		if err != nil {
			return fail(Refused, "%v", err)
		}
		if made {
			c.tally(func(w *Window) { w.Connections++ })
		}
		response, err := conn.RoundTrip(c.stream(ctx, id))
		if isUnsent(err) {
			continue
		}
		if err != nil {
			return fail(unheard(err), "before an answer: %v", err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return fail(Timeout, "after %d bytes of an answer: %v", len(body), err)
		case err != nil:
			return fail(Broken, "after %d bytes of an answer: %v", len(body), err)
		case response.StatusCode != http.StatusOK:
			return fail(Status, "%s: %.200q", response.Status, body)
		}
		got, err := c.check(id, string(body))
		if err != nil {
			return fail(Wrong, "%v", err)
		}
		c.worker = got.worker
		return got, nil
	}
}

// stream is the request.
func (c *client) stream(ctx context.Context, id string) *http.Request {
	method := http.MethodGet
	var body io.Reader = http.NoBody
	if len(c.body) > 0 {
		method, body = http.MethodPost, bytes.NewReader(c.body)
	}
	url := fmt.Sprintf(c.session.scheme+"://localhost:0/lossless?id=%s&blocks=%d&pause=%g", id, c.traffic.Blocks, c.traffic.Pause.Seconds())
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		panic(err) // it is always the same
	}
	return request
}

// isUnsent tells whether nothing of a request was sent, since the connection had
// heard by then that it will end.
func isUnsent(err error) bool {
	return err != nil && strings.Contains(err.Error(), "client conn not usable")
}

// unheard is the kind of an error without an answer. Of a request that came after the
// last one that the server looked at, it is known that it may be sent again; but it
// is not, here.
func unheard(err error) Kind {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case strings.Contains(err.Error(), "GOAWAY"), strings.Contains(err.Error(), "REFUSED_STREAM"):
		return Raced
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Closed
	}
	return Reset
}
