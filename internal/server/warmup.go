package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gowsgi/gowsgi/internal/version"
)

// Warmup asks the application for target, a path or an http URL whose host is
// sent, before anybody else can: over a connection that does not leave the
// process. An error says in one sentence what came instead of an answer below
// 400. Redirects are answers. timeout 0 is none.
func (s *Server) Warmup(target string, timeout time.Duration) error {
	where, err := url.Parse(target)
	if err != nil {
		return fmt.Errorf("--warmup %s is no URL: %w", target, err)
	}
	if where.Host == "" {
		where.Scheme, where.Host = "http", "localhost"
	}
	ours, theirs := net.Pipe()
	pipe := &single{conn: theirs, closed: make(chan struct{})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.http.Serve(&listener{Listener: pipe, limitLine: s.limitLine})
	}()
	defer func() {
		ours.Close()
		pipe.Close()
		<-served
	}()
	client := http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return ours, nil },
			DialTLSContext:    func(context.Context, string, string) (net.Conn, error) { return ours, nil },
		},
	}
	request, err := http.NewRequest(http.MethodGet, where.String(), nil)
	if err != nil {
		return fmt.Errorf("--warmup %s is no URL: %w", target, err)
	}
	request.Header.Set("User-Agent", "gowsgi/"+version.Version+" warmup")
	response, err := client.Do(request)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return fmt.Errorf("the application did not answer --warmup %s: %w", target, err)
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	switch {
	case response.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("the application answered %s to --warmup %s", response.Status, target)
	case err != nil:
		return fmt.Errorf("the application did not finish its answer to --warmup %s: %w", target, err)
	}
	return nil
}

// single is a listener that accepts one connection.
type single struct {
	conn   net.Conn
	closed chan struct{}
}

func (s *single) Accept() (net.Conn, error) {
	if conn := s.conn; conn != nil {
		s.conn = nil
		return conn, nil
	}
	<-s.closed
	return nil, net.ErrClosed
}

func (s *single) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}

func (s *single) Addr() net.Addr { return pipeAddress{} }

type pipeAddress struct{}

func (pipeAddress) Network() string { return "pipe" }
func (pipeAddress) String() string  { return "warmup" }
