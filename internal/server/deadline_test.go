package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
)

// listening runs handle behind our connections, and dials it.
func listening(t *testing.T, s config.Settings, handle func(w http.ResponseWriter, c *connection)) (client *net.TCPConn, answers *bufio.Reader) {
	t.Helper()
	srv := newServer(s, slog.New(slog.DiscardHandler))
	srv.http.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, c)
	}
	srv.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := connectionOf(r)
		c.begin(r)
		handle(w, c)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv.Start([]Listener{{Listener: l}})
	t.Cleanup(func() { _ = srv.http.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c.(*net.TCPConn), bufio.NewReader(c)
}

// declines waits until net/http has asked for the byte ahead in vain.
func declines(c *connection) {
	for declined := false; !declined; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		declined = c.declined
		c.mu.Unlock()
	}
}

func wantAnswer(t *testing.T, answers *bufio.Reader, want string) {
	t.Helper()
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != want {
		t.Errorf("%q, %v instead of %q", body, err, want)
	}
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func TestClientThatLeavesIsNoticedOnceSomebodyListens(t *testing.T) {
	noticed := make(chan bool, 2)
	client, _ := listening(t, config.Defaults(), func(_ http.ResponseWriter, c *connection) {
		declines(c)
		for range 3 {
			c.listen() // more than once: it is the same byte
		}
		noticed <- c.hasLeft()
		for range 30_000 {
			if c.hasLeft() {
				break
			}
			time.Sleep(time.Millisecond)
		}
		noticed <- c.hasLeft()
	})
	_, _ = io.WriteString(client, get)
	if <-noticed {
		t.Error("it had not left yet")
	}
	_ = client.Close()
	if !<-noticed {
		t.Error("nobody noticed")
	}
}

// What was read ahead belongs to the next request, however it arrives.
func TestByteAheadBelongsToTheNextRequest(t *testing.T) {
	const requests = 5
	for _, piece := range []int{1, 7, len(get), len(get) + 1, 3 * len(get)} {
		t.Run(fmt.Sprint(piece), func(t *testing.T) {
			n := 0
			client, answers := listening(t, config.Defaults(), func(w http.ResponseWriter, c *connection) {
				n++
				c.listen()
				time.Sleep(5 * time.Millisecond)
				if c.hasLeft() {
					t.Error("it has not left")
				}
				fmt.Fprint(w, n)
			})
			go func() {
				for all := strings.Repeat(get, requests); all != ""; {
					size := min(piece, len(all))
					_, _ = io.WriteString(client, all[:size])
					all = all[size:]
					time.Sleep(time.Millisecond)
				}
			}()
			for i := range requests {
				wantAnswer(t, answers, fmt.Sprint(i+1))
			}
		})
	}
}

func TestConnectionWithAByteAheadIsNotIdle(t *testing.T) {
	seen := make(chan *connection, 1)
	client, answers := listening(t, config.Defaults(), func(_ http.ResponseWriter, c *connection) {
		declines(c)
		c.listen()
		seen <- c
	})
	_, _ = io.WriteString(client, get)
	c := <-seen
	wantAnswer(t, answers, "")
	eventually(t, "the connection is idle", func() bool { _, idle := c.idle(); return idle })
	_, _ = io.WriteString(client, get[:1])
	eventually(t, "it is not idle any more", func() bool { _, idle := c.idle(); return !idle })
	_, _ = io.WriteString(client, get[1:])
	<-seen
	wantAnswer(t, answers, "")
}

// The byte ahead is still waited for when the keep-alive time begins.
func TestIdleConnectionWithSomebodyListeningIsClosedInTime(t *testing.T) {
	s := config.Defaults()
	s.KeepAlive = 50 * time.Millisecond
	client, answers := listening(t, s, func(_ http.ResponseWriter, c *connection) {
		declines(c)
		c.listen()
	})
	_, _ = io.WriteString(client, get)
	wantAnswer(t, answers, "")
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
