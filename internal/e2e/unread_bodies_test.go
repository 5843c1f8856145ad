package e2e

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// bodyRequest is a way to send a request with a body.
type bodyRequest struct {
	name, method, proto, fields string
	framing                     string // of framings
	awaits                      bool   // it asks for a 100, and does not wait for it
}

var bodyRequests = []bodyRequest{
	{name: "HTTP/1.1", method: "POST", proto: "HTTP/1.1", framing: "Content-Length"},
	{name: "HTTP/1.1, chunked", method: "POST", proto: "HTTP/1.1", framing: "chunked"},
	{name: "HTTP/1.1, expecting", method: "PUT", proto: "HTTP/1.1", fields: "Expect: 100-continue\r\n", framing: "Content-Length", awaits: true},
	{name: "HTTP/1.1, expecting, chunked", method: "POST", proto: "HTTP/1.1", fields: "Expect: 100-Continue\r\n", framing: "chunked", awaits: true},
	{name: "HTTP/1.1, expecting nothing", method: "POST", proto: "HTTP/1.1", fields: "Expect:\r\n", framing: "Content-Length"},
	{name: "HTTP/1.1, HEAD", method: "HEAD", proto: "HTTP/1.1", framing: "Content-Length"},
	{name: "HTTP/1.1, HEAD, expecting", method: "HEAD", proto: "HTTP/1.1", fields: "Expect: 100-continue\r\n", framing: "Content-Length", awaits: true},
	{name: "HTTP/1.0", method: "POST", proto: "HTTP/1.0", fields: "Connection: keep-alive\r\n", framing: "Content-Length"},
	{name: "HTTP/1.0, expecting", method: "POST", proto: "HTTP/1.0", fields: "Connection: keep-alive\r\nExpect: 100-continue\r\n", framing: "Content-Length"},
	{name: "HTTP/1.0, expecting nothing", method: "POST", proto: "HTTP/1.0", fields: "Connection: keep-alive\r\nExpect:\r\n", framing: "Content-Length"},
}

// buffer is request_buffer.
const buffer = 100_000

// leftBody is a request, and what the application does with its body.
type leftBody struct {
	bodyRequest
	spooled bool   // what is no longer than request_spool is read ahead
	answer  string // of testapps/unread_bodies.py
	take    string // parameters that say how much is read
	size    int
}

func (l leftBody) String() string {
	return fmt.Sprintf("%s, /%s?%s, %d bytes", l.name, l.answer, l.take, l.size)
}

// isReadAhead tells whether the client was asked for the body before the
// application was.
func (l leftBody) isReadAhead() bool {
	return l.spooled || l.framing == "Content-Length" && l.size <= buffer
}

// Whatever an application does with a body, nothing of it is taken for a request.
func TestWhatIsLeftOfABodyIsNoRequest(t *testing.T) {
	answers := []string{
		"list", "declared", "generator", "write", "no-content", "not-modified", "too-large", "file", "like-file", "raises", "raises-late",
	}
	late := []string{"declared", "generator", "write", "raises-late"} // go on after a block
	var all []leftBody
	for _, request := range bodyRequests {
		for _, answer := range answers {
			takes := []string{"take=0", "take=10", "take=-1"}
			if slices.Contains(late, answer) {
				takes = append(takes, "late=10")
			}
			for _, take := range takes {
				for _, size := range []int{buffer - 1, buffer, buffer + 1, 256<<10 - 1, 256 << 10, 256<<10 + 1} {
					all = append(all, leftBody{bodyRequest: request, answer: answer, take: take, size: size})
				}
			}
		}
		for _, take := range []string{"take=0", "take=10"} {
			for _, size := range []int{1<<20 - 1, 1 << 20, 1<<20 + 1, 1<<20 + 11, 4 << 20} {
				all = append(all, leftBody{bodyRequest: request, answer: "list", take: take, size: size})
			}
		}
	}
	for _, mode := range modes[:2] {
		for _, spool := range []string{"0", "1G"} {
			t.Run(mode.Name+", spool "+spool, func(t *testing.T) {
				s := startContract(t, "unread_bodies", mode, "--request-buffer", fmt.Sprint(buffer), "--request-spool", spool)
				const clients = 8
				Parallel(t, clients, func(t testing.TB, i int) {
					for ; i < len(all); i += clients {
						left := all[i]
						left.spooled = spool != "0"
						checkLeft(t, s, left)
					}
				})
			})
		}
	}
}

// checkLeft sends a request, and one more after it. The second is answered, or
// the connection has ended.
func checkLeft(t testing.TB, s Contract, l leftBody) {
	t.Helper()
	key := s.Key()
	never := "GET /never?id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n"
	fields, wire := framings[l.framing](strings.Repeat(never, l.size/len(never)+1)[:l.size])
	c := Dial(t, s.Server)
	defer c.Close()
	c.patience()
	sent := make(chan struct{})
	go func() { // the server may hang up before it has all of it
		defer close(sent)
		_, _ = io.WriteString(c.Conn, l.method+" /"+l.answer+"?"+l.take+" "+l.proto+"\r\nHost: x\r\n"+l.fields+fields+"\r\n"+wire+
			"GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	}()
	response, err := readResponse(c.r, l.method)
	if response.Status == 100 {
		response, err = readResponse(c.r, l.method)
	}
	broken := l.answer == "raises-late"
	switch closes := strings.EqualFold(response.Value("Connection"), "close"); {
	case err != nil && !broken:
		t.Errorf("%v: %v; so far: %+v", l, err, response)
	case err == nil && l.awaits && l.take == "take=0" && !closes && !l.isReadAhead():
		t.Errorf("%v: the body may come or not, and the response does not say that the connection ends: %+v", l, response)
	case err == nil && closes:
		c.Closed()
	case err == nil:
		if next, err := readResponse(c.r, "GET"); err == nil && next.Body != "next" {
			t.Errorf("%v: the next response is %+v", l, next)
		}
	}
	_, _ = io.Copy(io.Discard, c.r)
	c.Close()
	<-sent
	if notes := s.Notes(t, key); len(notes) > 0 {
		t.Errorf("%v: %d requests inside of the body were carried out", l, len(notes))
	}
}
