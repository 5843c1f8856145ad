package http1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

var ordinary = Limits{Line: 4094, Field: 8190, Fields: 100, Head: 64 << 10}

// read reads text in pieces of that size, from memory that ends where they do,
// and leaves h as if all of it had stayed in place.
func read(h *Head, text string, piece int, limits *Limits) (size int, err error) {
	seen := 0
	for end := min(piece, len(text)); ; end = min(end+piece, len(text)) {
		behind.hold(text[:end], func(data []byte) {
			size, err = h.Read(data, seen, limits)
		})
		if size > 0 && err == nil {
			h.fill([]byte(text)) // what is behind the guard is used again
		}
		if size != 0 || err != nil || end == len(text) {
			return size, err
		}
		seen = end
	}
}

func status(err error) int {
	var refused *Refusal
	if errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}

// show is all that a head says.
func show(h *Head) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s 1.%d form=%d host=%q path=%q", h.Method, h.Target, h.Minor, h.Form, h.Host, h.Path)
	if h.HasQuery {
		fmt.Fprintf(&text, " query=%q", h.Query)
	}
	fmt.Fprintf(&text, " length=%d", h.Length)
	for i, set := range []bool{h.Chunked, h.Continue, h.KeepAlive, h.Upgrade} {
		if set {
			text.WriteString([]string{" chunked", " continue", " keep-alive", " upgrade"}[i])
		}
	}
	for _, f := range h.Fields {
		fmt.Fprintf(&text, " [%s: %s]", f.Name, f.Value)
	}
	return text.String()
}

func TestHeadSaysWhatWasSent(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{
			"GET /a%2fb?c=%&d HTTP/1.1\r\nHost: x:80\r\nX_y:\t a b \t\r\nX_y:\r\n\r\n",
			`GET /a%2fb?c=%&d 1.1 form=0 host="x:80" path="/a%2fb" query="c=%&d" length=0 keep-alive [Host: x:80] [X_y: a b] [X_y: ]`,
		},
		{"GET /? HTTP/1.0\r\n\r\n", `GET /? 1.0 form=0 host="" path="/" query="" length=0`},
		{"GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n", `GET / 1.0 form=0 host="" path="/" length=0 keep-alive [Connection: x, Keep-Alive]`},
		{"GET / HTTP/1.1\r\nHost:\r\nConnection: keep-alive,close\r\n\r\n", `GET / 1.1 form=0 host="" path="/" length=0 [Host: ] [Connection: keep-alive,close]`},
		{"\r\nGET //x HTTP/1.9\nHost: [::1]:80\n\n", `GET //x 1.1 form=0 host="[::1]:80" path="//x" length=0 keep-alive [Host: [::1]:80]`},
		{"get http://Me.x:80?q HTTP/1.1\r\nHost: you\r\n\r\n", `get http://Me.x:80?q 1.1 form=1 host="Me.x:80" path="/" query="q" length=0 keep-alive [Host: you]`},
		{"GET HTTPS://h/p?q?r HTTP/1.1\r\nHost: you\r\n\r\n", `GET HTTPS://h/p?q?r 1.1 form=1 host="h" path="/p" query="q?r" length=0 keep-alive [Host: you]`},
		{"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", `OPTIONS * 1.1 form=2 host="x" path="*" length=0 keep-alive [Host: x]`},
		{"POST / HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: 0012\r\nExpect: 100-Continue\r\n\r\n", `POST / 1.1 form=0 host="x" path="/" length=12 continue keep-alive [Host: x] [content-LENGTH: 0012] [Expect: 100-Continue]`},
		{"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: nonsense\r\n\r\n", `POST / 1.0 form=0 host="" path="/" length=1 [Content-Length: 1] [Expect: nonsense]`},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n", `POST / 1.1 form=0 host="x" path="/" length=0 keep-alive [Host: x] [Content-Length: 0] [Expect: 100-continue]`},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n", `POST / 1.1 form=0 host="x" path="/" length=9223372036854775807 keep-alive [Host: x] [Content-Length: 9223372036854775807]`},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-encoding: Chunked\r\n\r\n", `POST / 1.1 form=0 host="x" path="/" length=-1 chunked keep-alive [Host: x] [Transfer-encoding: Chunked]`},
		{"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: x\r\nA: \xe9\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n", "GET /caf\xc3\xa9 1.1 form=0 host=\"x\" path=\"/caf\xc3\xa9\" length=0 keep-alive upgrade [Host: x] [A: \xe9] [Upgrade: y] [Connection: upgrade]"},
	} {
		for piece := 1; piece <= len(c.text); piece++ {
			h := &Head{}
			size, err := read(h, c.text, piece, &ordinary)
			if err != nil || size != len(c.text) || show(h) != c.want {
				t.Errorf("%q in pieces of %d: %d of %d, %v\n %s\n %s", c.text, piece, size, len(c.text), err, show(h), c.want)
				break
			}
		}
	}
}

// Every head that is refused, with its status, whatever the pieces in which it
// comes. What follows it must not matter.
func TestHeadsThatAreRefused(t *testing.T) {
	const begin = "GET / HTTP/1.1\r\nHost: x\r\n"
	const post = "POST / HTTP/1.1\r\nHost: x\r\n"
	for head, want := range map[string]int{
		"\x16\x03\x01\x02\x00\x01":                                                         400, // TLS
		"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n":                                        400,
		" GET / HTTP/1.1\r\nHost: x\r\n\r\n":                                               400,
		"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n":                                               400,
		"GET  / HTTP/1.1\r\nHost: x\r\n\r\n":                                               400,
		"GET /  HTTP/1.1\r\nHost: x\r\n\r\n":                                               400,
		"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n":                                             400,
		"GET / HTTP/1.1 \r\nHost: x\r\n\r\n":                                               400,
		"GET /\r\n\r\n":                                                                    400,
		"GET\r\n\r\n":                                                                      400,
		"GET / http/1.1\r\nHost: x\r\n\r\n":                                                400,
		"GET / HTTP/1.10\r\nHost: x\r\n\r\n":                                               400,
		"GET / HTTP/1\r\nHost: x\r\n\r\n":                                                  400,
		"GET / HTTP/01.1\r\nHost: x\r\n\r\n":                                               400,
		"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n":                                              400,
		"G(T / HTTP/1.1\r\nHost: x\r\n\r\n":                                                400,
		"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n":                                            400,
		"GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n":                                            400,
		"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n":                                             400,
		"GET a HTTP/1.1\r\nHost: x\r\n\r\n":                                                400,
		"GET ?a HTTP/1.1\r\nHost: x\r\n\r\n":                                               400,
		"GET * HTTP/1.1\r\nHost: x\r\n\r\n":                                                400,
		"OPTIONS *? HTTP/1.1\r\nHost: x\r\n\r\n":                                           400,
		"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n":                                         400,
		"GET http:/x HTTP/1.1\r\nHost: x\r\n\r\n":                                          400,
		"GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n":                                        400,
		"GET http://u@x/ HTTP/1.1\r\nHost: x\r\n\r\n":                                      400,
		"GET http://u:p@x/ HTTP/1.1\r\nHost: x\r\n\r\n":                                    400,
		"GET http://x:y/ HTTP/1.1\r\nHost: x\r\n\r\n":                                      400,
		"GET http://x HTTP/1.1\r\n\r\n":                                                    400,
		"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n":                                        405,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                                 505,
		"GET / HTTP/3.0\r\nHost: x\r\n\r\n":                                                505,
		"GET / HTTP/0.9\r\n\r\n":                                                           505,
		"GET / HTTP/1.1\r\n\r\n":                                                           400,
		"GET / HTTP/1.1\r\n Host: x\r\n\r\n":                                               400,
		begin + " folded\r\n\r\n":                                                          400,
		begin + "A: b\r\n\tfolded\r\n\r\n":                                                 400,
		begin + "A : b\r\n\r\n":                                                            400,
		begin + "A b: c\r\n\r\n":                                                           400,
		begin + "A\r\n\r\n":                                                                400,
		begin + ": b\r\n\r\n":                                                              400,
		begin + "A\xe9: b\r\n\r\n":                                                         400,
		begin + "A: \x00\r\n\r\n":                                                          400,
		begin + "A: b\x0b\r\n\r\n":                                                         400,
		begin + "A: b\x7f\r\n\r\n":                                                         400,
		begin + "A: b\rc\r\n\r\n":                                                          400,
		begin + "A: b\r\r\n\r\n":                                                           400,
		begin + "\rA: b\r\n\r\n":                                                           400,
		begin + "Host: x\r\n\r\n":                                                          400,
		"GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n":                                            400,
		"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n":                                              400,
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n":                                              400,
		"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n":                                              400,
		"GET / HTTP/1.1\r\nHost: u@b\r\n\r\n":                                              400,
		"GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n":                                         400,
		"GET / HTTP/1.1\r\nHost: :80\r\n\r\n":                                              400,
		"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n":                                             400,
		"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n":                                           400,
		"GET / HTTP/1.1\r\nHost: []\r\n\r\n":                                               400,
		"GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n":                                             400,
		post + "Content-Length:\r\n\r\n":                                                   400,
		post + "Content-Length: -1\r\n\r\n":                                                400,
		post + "Content-Length: +1\r\n\r\n":                                                400,
		post + "Content-Length: 1 1\r\n\r\n":                                               400,
		post + "Content-Length: 0x1\r\n\r\n":                                               400,
		post + "Content-Length: 1_0\r\n\r\n":                                               400,
		post + "Content-Length: 1, 1\r\n\r\n":                                              400,
		post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n":                            400,
		post + "Content-Length: 9223372036854775808\r\n\r\n":                               400,
		post + "Content-Length: 99999999999999999999999\r\n\r\n":                           400,
		post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n":                   400,
		post + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n":                   400,
		post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n":          400,
		post + "Transfer-Encoding: chunked, chunked\r\n\r\n":                               400,
		post + "Transfer-Encoding:\r\n\r\n":                                                400,
		post + "Transfer-Encoding: \x0bchunked\r\n\r\n":                                    400,
		post + "Transfer-Encoding: \"chunked\"\r\n\r\n":                                    400,
		post + "Transfer-Encoding: chunked;a=b\r\n\r\n":                                    400,
		post + "Transfer-Encoding: gzip, chunked\r\n\r\n":                                  400,
		post + "Transfer-Encoding: gzip\r\n\r\n":                                           501,
		post + "Transfer-Encoding: xchunked\r\n\r\n":                                       501,
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n":                            400,
		"POST / HTTP/1.1\nHost: x\nContent-Length: 1\n\n":                                  400,
		"POST / HTTP/1.1\r\nHost: x\nTransfer-Encoding: chunked\r\n\r\n":                   400,
		"\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n":                        400,
		post + "Content-Length: 1\r\n\n":                                                   400,
		post + "Content-Length: 1\r\nExpect:\r\n\r\n":                                      417,
		post + "Content-Length: 1\r\nExpect: x\r\n\r\n":                                    417,
		post + "Expect: 100-continue, x\r\n\r\n":                                           417,
		post + "Content-Length: 1\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n": 417,
	} {
		for piece := 1; piece <= len(head)+1; piece++ {
			h := &Head{}
			size, err := read(h, head+"rest", piece, &ordinary)
			var refused *Refusal
			if size != 0 || status(err) != want || errors.As(err, &refused) && (refused.Why == "" || refused.At > len(head)) {
				t.Errorf("%q in pieces of %d: %d, %+v, want %d", head, piece, size, err, want)
				break
			}
		}
	}
}

// Each limit, with one byte or field less, as many, and one more; whole and in
// pieces; and without the end of the head, which need not come.
func TestLimitsOfHeads(t *testing.T) {
	limits := Limits{Line: 100, Field: 200, Fields: 3, Head: 400}
	line := func(n int) string { return "GET /" + strings.Repeat("x", n-len("GET / HTTP/1.1")) + " HTTP/1.1\r\n" }
	field := func(n int) string { return "A: " + strings.Repeat("x", n-len("A: ")) + "\r\n" }
	whole := func(n int) string {
		const rest = "GET / HTTP/1.1\r\nHost: x\r\n"
		return rest + field(190) + field(n-len(rest)-192-2-2) + "\r\n"
	}
	for _, c := range []struct {
		text string
		want int
	}{
		{line(99) + "Host: x\r\n\r\n", 0},
		{line(100) + "Host: x\r\n\r\n", 0},
		{line(101) + "Host: x\r\n\r\n", 414},
		{line(101)[:101], 414},
		{line(1000)[:500], 414},
		{line(50) + "Host: x\r\n" + field(199) + "\r\n", 0},
		{line(50) + "Host: x\r\n" + field(200) + "\r\n", 0},
		{line(50) + "Host: x\r\n" + field(201) + "\r\n", 431},
		{line(50) + "Host: x\r\n" + field(201)[:201], 431},
		{line(50) + "Host: x\r\nA:b\r\nA:b\r\n\r\n", 0},
		{line(50) + "Host: x\r\nA:b\r\nA:b\r\nA:b\r\n\r\n", 431},
		{line(50) + "Host: x\r\nA:b\r\nA:b\r\nA", 431},
		{whole(399), 0},
		{whole(400), 0},
		{whole(401), 431},
		{whole(402)[:400], 431},
	} {
		for piece := 1; piece <= len(c.text); piece++ {
			h := &Head{}
			size, err := read(h, c.text, piece, &limits)
			if status(err) != c.want || c.want == 0 && size != len(c.text) {
				t.Errorf("%d bytes %q in pieces of %d: %d, %v, want %d", len(c.text), c.text, piece, size, err, c.want)
				break
			}
		}
	}
	for _, none := range []Limits{{Fields: 3, Head: 400}, {Line: 0, Field: 0, Fields: 100, Head: 1 << 20}} {
		for size, want := range map[int]int{none.Head: 0, none.Head + 1: 414} {
			tail := " HTTP/1.1\r\nHost: x\r\n\r\n"
			text := "GET /" + strings.Repeat("x", size-5-len(tail)) + tail
			if want != 0 { // all of it is the line
				text = "GET /" + strings.Repeat("x", size)
			}
			if got, err := read(&Head{}, text, len(text), &none); status(err) != want || want == 0 && got != size {
				t.Errorf("%d bytes: %d, %v, want %d", size, got, err, want)
			}
		}
	}
}

// One reader is used for many heads; nothing of one is in the next.
func TestHeadIsUsedAgain(t *testing.T) {
	h := &Head{}
	long := "POST /long?q HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n" + strings.Repeat("A: b\r\n", 90) + "\r\n"
	for range 3 {
		for _, text := range []string{long, "GET / HTTP/1.1\r\nHost: y\r\n\r\n", "BAD\r\n"} {
			fresh := &Head{}
			want, wantErr := read(fresh, text, 10, &ordinary)
			got, err := read(h, text, 10, &ordinary)
			if got != want || status(err) != status(wantErr) || err == nil && show(h) != show(fresh) {
				t.Errorf("%q: %d, %v, %s; want %d, %v, %s", text, got, err, show(h), want, wantErr, show(fresh))
			}
		}
	}
}

func TestReadingAHeadMakesNoGarbage(t *testing.T) {
	text := []byte("GET /path?query HTTP/1.1\r\nHost: example.org\r\nUser-Agent: x\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n")
	h := &Head{}
	if n := testing.AllocsPerRun(100, func() {
		if size, err := h.Read(text, 0, &ordinary); size != len(text) || err != nil {
			t.Error(size, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// understood is a head as net/http has it, in the words of Head. ok is false for
// what it does not take, or takes for something else, for one of the reasons
// that are known and wanted:
//
//   - a percent sign in a target that means nothing: net/http refuses it, here it
//     is the application's to judge, as under Gunicorn;
//   - a higher minor version is 1.1 (RFC 9110, 2.5);
//   - Pragma gets a Cache-Control beside it, Trailer disappears.
func understood(t *testing.T, text string) (r *http.Request, rest string, ok bool) {
	t.Helper()
	text = strings.TrimPrefix(strings.TrimPrefix(text, "\r"), "\n") // the empty line that may stand before
	source := bufio.NewReader(strings.NewReader(text))
	r, err := http.ReadRequest(source)
	var bad url.EscapeError
	var host url.InvalidHostError
	var port *url.Error
	switch {
	case errors.As(err, &bad), errors.As(err, &host), errors.As(err, &port), r != nil && r.ProtoMinor > 1:
		return nil, "", false
	case err != nil:
		t.Fatalf("%q: %v", text, err)
	}
	after, _ := io.ReadAll(source)
	return r, string(after), true
}

// Whatever is accepted here, net/http's reader takes for the same request, with
// the same bytes behind it.
func FuzzHead(f *testing.F) {
	f.Add("GET /a?b HTTP/1.1\r\nHost: x\r\nCookie: a\r\ncookie: b\r\nX-y:\t1 \r\n\r\nrest", uint16(7))
	f.Add("POST //%2f HTTP/1.1\r\nhost: [::1]:80\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", uint16(1))
	f.Add("PUT http://a/b HTTP/1.1\r\nhost: x\r\nTransfer-EncodinG: chunked\r\n\r\n3;a\r\nabc\r\n0\r\nA: b\r\n\r\nx", uint16(100))
	f.Add("OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", uint16(3))
	f.Add("\nGET / HTTP/1.1\nHost: x\n\n", uint16(2))
	f.Fuzz(func(t *testing.T, text string, piece uint16) {
		h, whole := &Head{}, &Head{}
		size, err := read(h, text, int(piece)+1, &ordinary)
		wholeSize, wholeErr := read(whole, text, len(text)+1, &ordinary)
		if size != wholeSize || status(err) != status(wholeErr) || size > 0 && show(h) != show(whole) {
			t.Fatalf("%q in pieces of %d: %d, %v; whole: %d, %v", text, piece+1, size, err, wholeSize, wholeErr)
		}
		if size == 0 {
			return
		}
		want, rest, ok := understood(t, text)
		if !ok {
			return
		}
		if rest != text[size:] {
			t.Errorf("%q: the head is %d bytes, %d remain for net/http", text, size, len(rest))
		}
		if string(h.Method) != want.Method || string(h.Target) != want.RequestURI || string(h.Host) != want.Host {
			t.Errorf("%q: %s %s at %s; %s %s at %s", text, h.Method, h.Target, h.Host, want.Method, want.RequestURI, want.Host)
		}
		if h.Minor != want.ProtoMinor || h.KeepAlive == want.Close || h.Length != want.ContentLength {
			t.Errorf("%q: 1.%d, keep %v, %d; %s, close %v, %d", text, h.Minor, h.KeepAlive, h.Length, want.Proto, want.Close, want.ContentLength)
		}
		fields := http.Header{}
		for _, field := range h.Fields {
			fields.Add(string(field.Name), string(field.Value))
		}
		for _, name := range []string{"Host", "Transfer-Encoding", "Cache-Control", "Trailer"} {
			fields.Del(name)
			want.Header.Del(name)
		}
		for name := range want.Header {
			if !slices.Equal(fields[name], want.Header[name]) {
				t.Errorf("%q: %s is %q, want %q", text, name, fields[name], want.Header[name])
			}
		}
		if len(fields) != len(want.Header) {
			t.Errorf("%q: %q, want %q", text, fields, want.Header)
		}
	})
}

func BenchmarkHead(b *testing.B) {
	text := []byte("GET /path/of/a/page?query=string&x=y HTTP/1.1\r\nHost: www.example.org\r\nConnection: keep-alive\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: " + strings.Repeat("a=b; ", 40) + "\r\n\r\n")
	h := &Head{}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := h.Read(text, 0, &ordinary); err != nil {
			b.Fatal(err)
		}
	}
}
