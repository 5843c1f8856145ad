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
		where.Scheme, where.Host = "http", s.handler.Mounts().Local(where.Path)
	}
	s.handler.WarmUp(true)
	defer s.handler.WarmUp(false)
	ours, theirs := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.http1.ServeConn(theirs)
	}()
	defer func() {
		ours.Close()
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
