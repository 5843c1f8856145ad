package server

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// fields are n header fields of different names.
func fields(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "X-%d: y\r\n", i)
	}
	return text.String()
}

func TestPlainRequests(t *testing.T) {
	const begin = "GET /a?b=c%20d HTTP/1.1\r\nHost: x:80\r\n"
	for _, head := range []string{
		begin + "\r\n",
		begin + "\r\nGET / HTTP/1.1\r\n",
		begin + "Accept:\t*/* \r\naccept: text/html\r\nX_y: \xe9\r\nEmpty:\r\nconnection: Keep-Alive\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0012345678901\r\n\r\nbody",
		begin + fields(mostFields) + "\r\n",
		"DELETE // HTTP/1.1\r\nhost: [::1]\r\n\r\n",
	} {
		if !plains.Get().(*plain).parse([]byte(head)) {
			t.Errorf("not plain: %q", head)
		}
	}
	for _, head := range []string{
		"", begin, begin + "\r", begin + "A: b\n\r\n", begin + "A: b\r\n c\r\n\r\n", begin + "A: b\rc\r\n\r\n",
		begin + "A : b\r\n\r\n", begin + ": b\r\n\r\n", begin + "A\r\n\r\n", begin + "A: \x00\r\n\r\n", begin + "A: b\x7f\r\n\r\n", begin + "A: b\n\r\n\r\n",
		begin + "Host: y\r\n\r\n", begin + "Connection: close\r\n\r\n", begin + "Connection: keep-alive, x\r\n\r\n",
		begin + "Content-Length: -1\r\n\r\n", begin + "Content-Length: +1\r\n\r\n", begin + "Content-Length: 1,1\r\n\r\n", begin + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", begin + "Content-Length:\r\n\r\n", begin + "Content-Length: 9999999999999999999\r\n\r\n", begin + "transfer-encoding: chunked\r\n\r\n", begin + "Expect: 100-continue\r\n\r\n",
		begin + "Upgrade: h2c\r\n\r\n", begin + "Trailer: x\r\n\r\n", begin + "Pragma: no-cache\r\n\r\n",
		begin + fields(mostFields+1) + "\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: x\r\n\r\n", "GET / HTTP/1.10\r\nHost: x\r\n\r\n", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "GET /  HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /%2 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%xy HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"get / HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT /x HTTP/1.1\r\nHost: x\r\n\r\n",
		"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", " / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
	} {
		if plains.Get().(*plain).parse([]byte(head)) {
			t.Errorf("plain: %q", head)
		}
	}
}

// What is plain, net/http takes for the same request.
func FuzzPlain(f *testing.F) {
	f.Add("GET /a?b HTTP/1.1\r\nHost: x\r\nCookie: a\r\ncookie: b\r\nX-y:\t1 \r\n\r\nrest")
	f.Add("POST //%2f HTTP/1.1\r\nhost: [::1]:80\r\nConnection: keep-alive\r\n\r\n")
	f.Add("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\nTransfer-EncodinG: chunked\r\n\r\n")
	f.Fuzz(func(t *testing.T, bytes string) {
		pl := plains.New().(*plain)
		if !pl.parse([]byte(bytes)) {
			return
		}
		source := bufio.NewReader(strings.NewReader(bytes))
		want, err := http.ReadRequest(source)
		if err != nil {
			t.Fatalf("%q: %v", bytes, err)
		}
		got := &pl.request
		if got.Method != want.Method || got.RequestURI != want.RequestURI || got.Proto != want.Proto || got.Host != want.Host {
			t.Errorf("%q: %q %q %q %q", bytes, got.Method, got.RequestURI, got.Proto, got.Host)
		}
		delete(want.Header, "Host")
		if !maps.EqualFunc(got.Header, want.Header, slices.Equal) {
			t.Errorf("%q: %q, want %q", bytes, got.Header, want.Header)
		}
		if got.ContentLength != want.ContentLength || want.TransferEncoding != nil || want.Close {
			t.Errorf("%q: length %d, coding %q, close %v", bytes, want.ContentLength, want.TransferEncoding, want.Close)
		}
		if rest, _ := io.ReadAll(source); string(rest) != bytes[pl.size:] {
			t.Errorf("%q: the head is %d bytes, %q remain", bytes, pl.size, rest)
		}
	})
}
