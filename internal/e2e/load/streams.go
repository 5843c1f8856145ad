package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// session is an HTTP/2 connection that some clients share, each with one stream at a
// time. When the server says that it will end, the next request goes over another.
type session struct {
	load *Load

	mu      sync.Mutex
	current *http2.ClientConn
	all     []net.Conn
}

// take is a connection that takes one more request. made: it was made for it.
func (s *session) take(patience time.Duration) (conn *http2.ClientConn, made bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.ReserveNewRequest() {
		return s.current, false, nil
	}
	nc, err := net.DialTimeout(s.load.network, s.load.address, patience)
	if err != nil {
		return nil, false, err
	}
	s.all = append(s.all, nc)
	if s.load.secure != nil {
		config := s.load.secure.Clone()
		config.NextProtos = []string{"h2"}
		secure := tls.Client(nc, config)
		if err := secure.Handshake(); err != nil {
			return nil, false, err
		}
		nc = secure
	}
	s.current, err = (&http2.Transport{AllowHTTP: true, DisableCompression: true}).NewClientConn(nc)
	if err != nil {
		return nil, false, err
	}
	s.current.ReserveNewRequest()
	return s.current, true, nil
}

func (s *session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, nc := range s.all {
		nc.Close()
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
		conn, made, err := c.session.take(c.traffic.Patience)
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
	url := fmt.Sprintf("http://localhost/lossless?id=%s&blocks=%d&pause=%g", id, c.traffic.Blocks, c.traffic.Pause.Seconds())
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		panic(err) // it is always the same
	}
	return request
}

// isUnsent tells whether nothing of a request was sent, since the connection had
// heard by then that it will end.
func isUnsent(err error) bool { return err != nil && err.Error() == "http2: client conn not usable" }

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
