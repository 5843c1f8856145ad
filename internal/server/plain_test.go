package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
)

// send writes requests on one connection, and returns all that comes back until
// the server closes it.
func send(t *testing.T, url, requests string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, requests); err != nil {
		t.Fatal(err)
	}
	answers, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("after %d bytes: %v", len(answers), err)
	}
	return string(answers)
}

// Responses whose bytes depend on how fast the application was.
var streamed = regexp.MustCompile(`/answer/(several|large-blocks|raises-late) `)

var dateField = regexp.MustCompile(`\r\nDate: [^\r]* GMT\r\n`)

// comparable is what must not depend on who reads the requests.
func comparable(requests, answers string) string {
	if !streamed.MatchString(requests) {
		return dateField.ReplaceAllString(answers, "\r\nDate:\r\n")
	}
	var text strings.Builder
	source := bufio.NewReader(strings.NewReader(answers))
	for line := range strings.Lines(requests) {
		method, _, found := strings.Cut(line, " /")
		if !found {
			continue
		}
		response, err := http.ReadResponse(source, &http.Request{Method: method})
		if err != nil {
			fmt.Fprintln(&text, err)
			continue
		}
		for _, name := range []string{"Date", "Content-Length"} {
			response.Header.Del(name)
		}
		body, err := io.ReadAll(response.Body)
		fmt.Fprintln(&text, response.Status, response.Header, string(body), err)
	}
	return text.String()
}

// Whoever reads a request, net/http or we, the client gets the same bytes.
func TestPlainRequestsAreAnsweredAsNetHTTPWould(t *testing.T) {
	source, err := os.ReadFile("testdata/app.py")
	if err != nil {
		t.Fatal(err)
	}
	_, ours, _ := serve(t, config.Defaults(), Hooks{})
	t.Setenv("GOWSGI_PLAIN", "off")
	_, theirs, _ := serve(t, config.Defaults(), Hooks{})

	const last = "GET /answer/one HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	requests := []string{"GET /answer/asked?x=%2F&y HTTP/1.1\r\nhost: [::1]:80\r\nAccept: a\r\naccept: b \r\nCookie: c\r\ncookie: d\r\nX_y: 1\r\nProxy: p\r\nx-\xfcber: \xe9\r\n\r\n"}
	for _, size := range []int{0, 1, 3000, 5000, 100_000, 1 << 20, 1<<20 + 1} {
		requests = append(requests, fmt.Sprintf("PUT /answer/asked HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nContent-Type: a/b\r\n\r\n%s", size, strings.Repeat("x", size)))
	}
	for _, kind := range regexp.MustCompile(`(?m)^    "([a-z-]+)": `).FindAllStringSubmatch(string(source), -1) {
		for _, method := range []string{"GET", "HEAD", "DELETE"} {
			requests = append(requests, fmt.Sprintf("%s /answer/%s HTTP/1.1\r\nHost: x\r\n\r\n", method, kind[1]))
		}
	}
	if len(requests) < 50 {
		t.Fatalf("only %d requests", len(requests))
	}
	for _, request := range requests {
		for _, stream := range []string{request + last, request + request + last} {
			got, want := comparable(stream, send(t, ours, stream)), comparable(stream, send(t, theirs, stream))
			if got != want {
				t.Errorf("%.500q:\n%.500q\nwant\n%.500q", request, got, want)
			}
		}
	}
}

// Requests of both kinds on one connection, in pieces of all sizes.
func TestPlainRequestsBetweenOthers(t *testing.T) {
	_, url, _ := serve(t, config.Defaults(), Hooks{})
	const (
		plain   = "GET /answer/one HTTP/1.1\r\nHost: x\r\n\r\n"
		counted = "POST /answer/one HTTP/1.1\r\nHost: x\r\nContent-Length: 38\r\n\r\nGET /answer/none HTTP/1.1\r\nHost: x\r\n\r\n"
		chunked = "POST /answer/one HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n26\r\nGET /answer/none HTTP/1.1\r\nHost: x\r\n\r\n\r\n0\r\n\r\n"
		long    = "GET /answer/one HTTP/1.1\r\nHost: x\r\nX: " // …
		end     = "GET /answer/one HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	)
	stream := plain + plain + counted + plain + chunked + chunked + plain + long + strings.Repeat("x", 7000) + "\r\n\r\n" + plain + counted + plain + plain + end
	want := strings.Count(stream, "/answer/one")
	for _, piece := range []int{1, 7, 100, 4095, 4096, 4097, len(stream)} {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		go func() {
			for rest := stream; rest != ""; {
				n := min(piece, len(rest))
				if _, err := io.WriteString(c, rest[:n]); err != nil {
					return // the reader notices
				}
				rest = rest[n:]
			}
		}()
		answers, err := io.ReadAll(bufio.NewReader(c))
		if err != nil {
			t.Error(err)
		}
		if got := strings.Count(string(answers), "HTTP/1.1 200 OK\r\n"); got != want || strings.Count(string(answers), "hello") != want {
			t.Errorf("pieces of %d: %d answers, want %d: %q", piece, got, want, answers)
		}
		_ = c.Close()
	}
}

// The time that a client has for its next request is none that it has to stay
// for: that it leaves is noticed, however long the application takes.
func TestClientThatLeavesAPlainRequestIsNoticedAfterKeepAlive(t *testing.T) {
	s := config.Defaults()
	s.KeepAlive = 100 * time.Millisecond
	srv, url, _ := serve(t, s, Hooks{})
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /answer/one HTTP/1.1\r\nHost: x\r\n\r\nGET /4/0 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second request runs", func() bool { return len(srv.Running()) == 1 })
	srv.connections.mu.Lock()
	var conn *connection
	for conn = range srv.connections.open {
	}
	srv.connections.mu.Unlock()
	began := time.Now()
	eventually(t, "somebody listens, for longer than keep_alive", func() bool {
		conn.mu.Lock()
		defer conn.mu.Unlock()
		return conn.listening && time.Since(began) > 3*s.KeepAlive
	})
	_ = c.Close()
	eventually(t, "it was noticed, or the application has ended", func() bool { return conn.hasLeft() || len(srv.Running()) == 0 })
	if !conn.hasLeft() {
		t.Error("it was not noticed that the client has left")
	}
}

// Requests that come while somebody listens for the end of a slow one: less
// than, as much as and more than is read ahead.
func TestRequestsThatComeDuringASlowOneAreServed(t *testing.T) {
	for _, way := range []string{"", "off"} {
		t.Setenv("GOWSGI_PLAIN", way)
		srv, url, _ := serve(t, config.Defaults(), Hooks{})
		const one = "GET /answer/one HTTP/1.1\r\nHost: x\r\n\r\n"
		for _, size := range []int{len(one), len(one) + 1, aheadRoom, aheadRoom + 1, 3*aheadRoom + 7} {
			c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(30 * time.Second))
			_, _ = io.WriteString(c, "GET /0.5/0 HTTP/1.1\r\nHost: x\r\n\r\n") // an error comes again below
			eventually(t, "somebody listens, or it was not slow enough for that", func() bool {
				srv.connections.mu.Lock()
				defer srv.connections.mu.Unlock()
				for conn := range srv.connections.open {
					conn.mu.Lock()
					defer conn.mu.Unlock()
					if conn.looking != nil || conn.requests > 0 && !conn.serving {
						return true
					}
				}
				return false
			})
			stream := strings.Repeat(one, size/len(one)+2)
			for _, piece := range []string{stream[:size], stream[size:]} {
				if _, err := io.WriteString(c, piece); err != nil {
					t.Fatal(err)
				}
			}
			source := bufio.NewReader(c)
			for i := range 1 + len(stream)/len(one) {
				response, err := http.ReadResponse(source, nil)
				if err != nil {
					t.Fatalf("%d bytes: answer %d: %v", size, i, err)
				}
				if body, err := io.ReadAll(response.Body); err != nil || i > 0 && string(body) != "hello" {
					t.Errorf("%d bytes: answer %d: %q, %v", size, i, body, err)
				}
			}
			_ = c.Close()
		}
	}
}
