// Package frametest is a client of HTTP/2 for tests, which sends what frames they
// want, allowed or not.
package frametest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// deadline is for all that a client waits for.
const deadline = 30 * time.Second

// Client is one connection.
type Client struct {
	t testing.TB
	net.Conn
	*http2.Framer
	fields  bytes.Buffer
	encoder *hpack.Encoder
	stream  uint32 // the last
}

// Dial opens one, to a TCP address.
func Dial(t testing.TB, addr string, settings ...http2.Setting) *Client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, deadline)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return New(t, conn, settings...)
}

// New begins a connection that there is.
func New(t testing.TB, conn net.Conn, settings ...http2.Setting) *Client {
	t.Helper()
	c := &Client{t: t, Conn: conn, Framer: http2.NewFramer(conn, conn)}
	c.encoder = hpack.NewEncoder(&c.fields)
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.AllowIllegalWrites = true
	_ = conn.SetDeadline(time.Now().Add(deadline))
	_, err := io.WriteString(conn, http2.ClientPreface)
	c.Must(err)
	c.Must(c.WriteSettings(settings...))
	return c
}

// Must fails the test for an error.
func (c *Client) Must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// Encode is a field section: pseudo-header fields of a GET, and these pairs on top.
func (c *Client) Encode(pairs ...string) []byte {
	c.fields.Reset()
	all := append([]string{":method", "GET", ":scheme", "http", ":authority", "x", ":path", "/"}, pairs...)
	for i := 0; i < len(all); i += 2 {
		name, value := all[i], all[i+1]
		for j := len(all) - 2; j > i && name[0] == ':'; j -= 2 {
			if all[j] == name { // the last one holds
				value = all[j+1]
				break
			}
		}
		if i >= 8 && name[0] == ':' || value == "-" {
			continue
		}
		c.Must(c.encoder.WriteField(hpack.HeaderField{Name: name, Value: value}))
	}
	return bytes.Clone(c.fields.Bytes())
}

// Open sends a request and returns its stream. whole: it has no body.
func (c *Client) Open(whole bool, pairs ...string) uint32 {
	c.t.Helper()
	id := c.Next()
	c.Must(c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.Encode(pairs...), EndStream: whole, EndHeaders: true}))
	return id
}

// Next is a stream that nobody has used.
func (c *Client) Next() uint32 {
	if c.stream == 0 {
		c.stream = 1
	} else {
		c.stream += 2
	}
	return c.stream
}

// Answer is what comes on a stream, to its end.
type Answer struct {
	Status string
	Header http.Header
	Body   string
	Reset  http2.ErrCode
	Broken bool          // by Reset
	Hints  []http.Header // of 1xx
}

// Wait reads to the end of a stream. Settings and pings are answered.
func (c *Client) Wait(stream uint32) Answer {
	c.t.Helper()
	a := Answer{Header: http.Header{}}
	for {
		f, err := c.ReadFrame()
		c.Must(err)
		if f.Header().StreamID != stream {
			c.React(f)
			continue
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if a.Status != "" && a.Status[0] == '1' {
				a.Hints, a.Header = append(a.Hints, a.Header), http.Header{}
			}
			a.Status = f.PseudoValue("status")
			for _, field := range f.RegularFields() {
				a.Header.Add(field.Name, field.Value)
			}
		case *http2.DataFrame:
			a.Body += string(f.Data())
		case *http2.RSTStreamFrame:
			a.Reset, a.Broken = f.ErrCode, true
			return a
		}
		if f.Header().Flags.Has(http2.FlagDataEndStream) && f.Header().Type <= http2.FrameHeaders {
			return a
		}
	}
}

// React answers settings and pings.
func (c *Client) React(f http2.Frame) {
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			_ = c.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			_ = c.WritePing(true, f.Data)
		}
	}
}

// GoAways reads to the connection's end and returns the GOAWAY frames that came.
func (c *Client) GoAways() (frames []http2.GoAwayFrame) {
	c.t.Helper()
	for {
		f, err := c.ReadFrame()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.t.Fatalf("the connection stays open: %v", err)
			}
			return frames
		}
		if f, ok := f.(*http2.GoAwayFrame); ok {
			frames = append(frames, *f)
			continue
		}
		c.React(f)
	}
}

// GoAway reads up to a GOAWAY.
func (c *Client) GoAway() *http2.GoAwayFrame {
	c.t.Helper()
	for {
		f, err := c.ReadFrame()
		c.Must(err)
		if f, ok := f.(*http2.GoAwayFrame); ok {
			return f
		}
		c.React(f)
	}
}
