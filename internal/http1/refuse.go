package http1

import (
	"net/http"
	"strconv"
	"time"
)

// Refused is an answer to what was no request.
type Refused struct {
	Time          time.Time // when its first byte came
	Line          []byte    // the request line as far as it came; valid during the call
	Status        int
	Why           string // in a few words
	Local, Remote Address
	Secure        bool // over TLS
	In            int  // bytes that were read of it
	Head, Body    int  // bytes of the answer
	Before        int  // requests that the connection had
	Goes          bool // the connection goes on
}

// refuse answers what was no request. The connection ends with it.
func (c *conn) refuse(status int, why string) step {
	return c.refuseWith(status, why, strconv.Itoa(status)+" "+http.StatusText(status)+"\n")
}

// refuseWith is refuse with a text of its own.
func (c *conn) refuseWith(status int, why, body string) step {
	b := appendStatus(nil, 1, status, http.StatusText(status))
	fields := [][2]string{{"Content-Type", "text/plain; charset=utf-8"}}
	switch status {
	case http.StatusMethodNotAllowed:
		fields = append(fields, [2]string{"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"})
	case http.StatusServiceUnavailable:
		fields = append(fields, [2]string{"Retry-After", "1"})
	}
	if c.server.config.Dress != nil {
		fields, body = c.server.config.Dress(status, fields, body)
	}
	b = append(c.server.date.Append(append(b, "Date: "...), time.Now().UTC()), "\r\n"...)
	for _, field := range fields {
		b = appendField(b, field[0], field[1])
	}
	b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(body)), 10), "\r\nConnection: close\r\n\r\n"...)
	head := len(b)
	if c.first.IsZero() {
		c.first = time.Now()
	}
	if c.server.config.Refused != nil { // who has the answer finds its line
		c.server.config.Refused(&Refused{
			Time: c.first, Line: Line(c.in), Status: status, Why: why, Local: c.local, Remote: c.remote, Secure: c.state != nil,
			In: len(c.in), Head: head, Body: len(body), Before: int(c.requests.Load()),
		})
	}
	_, err := c.send(append(b, body...), nil, "")
	s := situation{in: inBroken, out: outDone}
	if err != nil {
		s.out = outBroken
	}
	return after(s)
}
