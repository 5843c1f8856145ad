package server

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

// follow reads requests from all with net/http's reader, in pieces, the wire
// alongside, and returns which of them it found ambiguous.
func follow(t *testing.T, all string, piece int) []bool {
	t.Helper()
	w := &wire{}
	source := bufio.NewReaderSize(tap{strings.NewReader(all), w, piece}, 4096)
	var found []bool
	for {
		r, err := http.ReadRequest(source)
		if err != nil {
			return found
		}
		w.begin(r)
		found = append(found, w.ambiguous(r))
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Fatal(err)
		}
		w.next()
	}
}

type tap struct {
	io.Reader
	w     *wire
	piece int
}

func (t tap) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p[:min(len(p), t.piece)])
	t.w.add(p[:n])
	return n, err
}

func TestWireFollowsPipelinedRequestsInAnyPieces(t *testing.T) {
	const (
		get     = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
		bare    = "GET /a HTTP/1.1\nHost: x\n\n"
		chunked = "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"
		copied  = "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n31\r\nPOST /c HTTP/1.1\r\nContent-Length: 1\r\n\r\nabcdefghij\r\n0\r\n\r\n"
		both    = "POST /d HTTP/1.1\r\nHost: x\r\nX: POST /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-length: 1\r\n\r\n0\r\n\r\n"
		old     = "POST /e HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
	)
	post := "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("GET / HTTP/1.1\r\n\r\n", 100_000)[:100_000]
	long := "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10\r\n0123456789abcdef\r\n", 10_000) + "0\r\n\r\n"
	for _, piece := range []int{1, 3, 7, 100, 4096} {
		got := follow(t, get+post+chunked+bare+copied+long+chunked+both+old, piece)
		want := []bool{false, false, false, false, false, false, false, true, true}
		if len(got) != len(want) {
			t.Fatalf("pieces of %d: %d requests, want %d", piece, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("pieces of %d: request %d is ambiguous: %v", piece, i, got[i])
			}
		}
	}
}

func FuzzWire(f *testing.F) {
	f.Add("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 5)
	f.Fuzz(func(t *testing.T, all string, piece int) {
		w := &wire{}
		source := bufio.NewReaderSize(tap{strings.NewReader(all), w, max(1, piece)}, 4096)
		for {
			r, err := http.ReadRequest(source)
			if err != nil {
				return
			}
			w.begin(r)
			ambiguous := w.ambiguous(r)
			if _, err := io.Copy(io.Discard, r.Body); err != nil || ambiguous {
				return // the connection is closed
			}
			w.next()
		}
	})
}
