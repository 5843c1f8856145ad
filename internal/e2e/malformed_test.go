package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// malformed requests and the status that each must get; the application, which
// would answer 200, must not see them.
var malformed = []struct {
	name, request string
	status        int
}{
	{"no request", "nonsense\r\n\r\n", 400},
	{"no version", "GET /\r\n\r\n", 400},
	{"a version that is none", "GET / HTTP/one\r\n\r\n", 400},
	{"a space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"a method that is no token", "G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"a target that is none", "GET nothing HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"NUL in the target", "GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"a user in the target", "GET http://a:b@x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"a target of another scheme", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"the server, but not by OPTIONS", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"a tunnel", "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", 405},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
	{"two empty lines", "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"a Host with two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400},
	{"two Hosts in one", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
	{"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
	{"a bare LF in a head with a body", "POST / HTTP/1.1\nHost: x\r\nContent-Length: 1\r\n\r\na", 400},
	{"a bare LF in a head with chunks", "POST / HTTP/1.1\r\nHost: x\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"a blank in a field's name", "GET / HTTP/1.1\r\nHost: x\r\nX y: z\r\n\r\n", 400},
	{"a folded field", "GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n z\r\n\r\n", 400},
	{"a control character in a field", "GET / HTTP/1.1\r\nHost: x\r\nX: a\x0bb\r\n\r\n", 400},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
	{"a Host that is none", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 400},
	{"a field without colon", "GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", 400},
	{"a space before the colon", "GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n", 400},
	{"a field without name", "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400},
	{"a field name that is no token", "GET / HTTP/1.1\r\nHost: x\r\nX(y): z\r\n\r\n", 400},
	{"a folded first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
	{"NUL in a field", "GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", 400},
	{"a bare CR in a field", "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", 400},
	{"a length that is no number", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400},
	{"a negative length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
	{"a signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400},
	{"an empty length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400},
	{"a length beyond any number", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
	{"the same length twice", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
	{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
	{"two lengths in one field", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\nab", 400},
	{"a length and chunks", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"chunks and a length", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", 400},
	{"chunks and an empty length", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length:\r\n\r\n0\r\n\r\n", 400},
	{
		"a length and chunks, with a harmless copy of the request in the body",
		"POST /twin HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"20\r\nPOST /twin HTTP/1.1\r\nHost: x\r\n\r\n\r\n0\r\n\r\n", 400,
	},
	{
		"a length and chunks, with the harmless copy in a field",
		"POST /twin HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nX: POST /twin HTTP/1.1\r\n\r\n0\r\n\r\n", 400,
	},
	{
		"a length and chunks in a long head",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" + padding(1) + "Transfer-Encoding: chunked\r\n" + padding(2) + "\r\n0\r\n\r\n", 400,
	},
	{
		"a length and chunks in a very long head",
		"POST / HTTP/1.1\r\nHost: x\r\n" + padding(5) + "Content-Length: 5\r\n" + padding(20) + "Transfer-Encoding: chunked\r\n" + padding(5) + "\r\n0\r\n\r\n", 400,
	},
	{"HTTP/1.0 with chunks", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400}, // RFC 9112, 6.1
	{"HTTP/1.0 with both", "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"chunked twice", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"a coding that nobody knows", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
	{"a coding after chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400}, // RFC 9112, 6.3: nobody knows where it ends
	{"a chunk size that is none", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n", 400},
	{"a negative chunk size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n0\r\n\r\n", 400},
	{"an endless chunk size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 10_000) + "1\r\na\r\n0\r\n\r\n", 400},
	{"a chunk line with a bare LF", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400},
	{"a chunk line with a bare CR", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r;\r\na\r\n0\r\n\r\n", 400},
	{"a chunk extension with a bare LF", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"\n\"\r\na\r\n0\r\n\r\n", 400},
	{"a blank before a chunk's size", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n", 400},
	{"a signed chunk size", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", 400},
	{"0x in a chunk's size", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400},
	{"a chunk size of 17 digits", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000001\r\na\r\n0\r\n\r\n", 400},
	{"a chunk extension of 64 KB", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 64<<10) + "\r\na\r\n0\r\n\r\n", 400},
	{"a length in a trailer", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nContent-Length: 1\r\n\r\n", 400},
	{"a bare LF in a trailer", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\n\r\n", 400},
	{"a chunk that is longer than its size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", 400},
	{"an Expect that nobody knows", "POST / HTTP/1.1\r\nHost: x\r\nExpect: nonsense\r\nContent-Length: 1\r\n\r\na", 417},
	{"a version to come", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505},
	{"a line just over the limit", "GET /" + strings.Repeat("a", 4094-len("GET / HTTP/1.1")+1) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
	{"a long line", "GET /" + strings.Repeat("a", 20_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
	{"a line of 1 MB", "GET /?" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
	{"a line without end", "GET /" + strings.Repeat("a", 1<<20), 414},
	{"one field too many", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 100) + "\r\n", 431},
	{"10,000 fields", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 10_000) + "\r\n", 431},
	{"a field just over the limit", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 8191-len("X: ")) + "\r\n\r\n", 431},
	{"a field of 1 MB", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 1<<20) + "\r\n\r\n", 431},
	{"fields of 2 MB", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: "+strings.Repeat("y", 8000)+"\r\n", 260) + "\r\n", 431},
	{"fields without end", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: "+strings.Repeat("y", 8000)+"\r\n", 260), 431},
}

// padding are n header fields of about 1 KB: a head longer than the buffer that
// is read into at first.
func padding(n int) string {
	return strings.Repeat("X-Padding: "+strings.Repeat("p", 1000)+"\r\n", n)
}

func TestMalformedRequests(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "input_streams", mode)
		for _, m := range malformed {
			t.Run(m.name, func(t *testing.T) { checkMalformed(t, s, "", m.request, m.status) })
		}
		t.Run("after a good request on the connection", func(t *testing.T) {
			for _, m := range malformed {
				checkMalformed(t, s, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", m.request, m.status)
			}
		})
		t.Run("byte by byte", func(t *testing.T) {
			for _, m := range malformed {
				if len(m.request) < 1000 {
					checkMalformed(t, s, "byte by byte", m.request, m.status)
				}
			}
		})
		t.Run("all at once", func(t *testing.T) {
			Parallel(t, len(malformed), func(t testing.TB, i int) { checkMalformed(t, s, "", malformed[i].request, malformed[i].status) })
		})
		Dial(t, s.Server).Get("/left").Want(t, 200, "not read")
	})
}

// checkMalformed sends a request, after a good one if there is one, and
// wants its answer and the end of the connection.
func checkMalformed(t testing.TB, s Contract, before, request string, status int) {
	t.Helper()
	c := Dial(t, s.Server)
	c.patience()
	rest := request
	switch before {
	case "":
	case "byte by byte": // each is a packet of its own
		for i := range len(request) - 1 {
			_, _ = io.WriteString(c.Conn, request[i:i+1])
		}
		rest = request[len(request)-1:]
	default:
		c.Send(before)
		c.Response("POST").Want(t, 200, "5")
	}
	_, _ = io.WriteString(c.Conn, rest) // the server may hang up before it has all of it
	response, err := readResponse(c.r, "GET")
	if err != nil && response.Status == 0 || response.Status != status {
		t.Errorf("%.150q: status %d, %.50q, %v; want %d", request, response.Status, response.Body, err, status)
		return
	}
	if more, _ := io.ReadAll(c.r); len(more) > 0 {
		t.Errorf("%.150q: after the answer comes %.200q", request, more)
	}
}

// What looks odd and is right must pass.
func TestWellFormedRequests(t *testing.T) {
	s := startContract(t, "input_streams", modes[0])
	for name, request := range map[string]string{
		"a line at the limit":      "GET /" + strings.Repeat("a", 4094-len("GET / HTTP/1.1")) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"as many fields as may be": "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 99) + "\r\n",
		"a field at the limit":     "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 8190-len("X: ")) + "\r\n\r\n",
		"a method of its own":      "FROBNICATE / HTTP/1.1\r\nHost: x\r\n\r\n",
		"an empty Host":            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"HTTP/1.0 without Host":    "GET / HTTP/1.0\r\n\r\n",
		"chunked in capitals":      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
		"a long head, and chunks":  "POST / HTTP/1.1\r\nHost: x\r\n" + padding(30) + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a chunked body that looks like a request with a length": "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"35\r\nPOST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send(request)
			c.Response("GET").Want(t, 200, "not read")
		})
	}
	t.Run("limits of one's own", func(t *testing.T) {
		s := startContract(t, "input_streams", modes[0], "--limit-request-line", "100", "--limit-request-fields", "3", "--limit-request-field_size", "50")
		for request, status := range map[string]int{
			"GET /" + strings.Repeat("a", 80) + " HTTP/1.1\r\nHost: x\r\n\r\n":        200,
			"GET /" + strings.Repeat("a", 100) + " HTTP/1.1\r\nHost: x\r\n\r\n":       414,
			"GET / HTTP/1.1\r\nHost: x\r\nX: y\r\nX: y\r\n\r\n":                       200,
			"GET / HTTP/1.1\r\nHost: x\r\nX: y\r\nX: y\r\nX: y\r\n\r\n":               431,
			"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 60) + "\r\n\r\n": 431,
			"GET / HTTP/1.1\r\nHost: " + strings.Repeat("y", 60) + "\r\n\r\n":         431,
		} {
			c := Dial(t, s.Server)
			c.Send(request)
			if response := c.Response("GET"); response.Status != status {
				t.Errorf("%.100q: %+v, want %d", request, response, status)
			}
		}
	})
}

func TestLimitRequestBody(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "input_streams", mode, "--limit-request-body", "5000")
		streams := startContract(t, "input_streams", mode, "--limit-request-body", "5000", "--request-buffer", "1000", "--request-spool", "0")
		for framing, frame := range framings {
			t.Run(framing, func(t *testing.T) {
				for _, s := range []Contract{s, streams} {
					fields, wire := frame(strings.Repeat("x", 5000))
					c := Dial(t, s.Server)
					c.Send("POST /read HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + wire)
					c.Response("POST").Want(t, 200, "5000")
				}
				for _, size := range []int{5001, 100_000} {
					fields, wire := frame(strings.Repeat("x", size))
					c := Dial(t, s.Server)
					c.patience()
					go func() { _, _ = io.WriteString(c.Conn, "POST /read HTTP/1.1\r\nHost: x\r\n"+fields+"\r\n"+wire) }()
					if response, err := readResponse(c.r, "POST"); response.Status != 413 {
						t.Errorf("%d bytes: %+v, %v", size, response, err)
					}
				}
			})
		}
		t.Run("a chunked body that streams", func(t *testing.T) {
			key := streams.Key()
			c := Dial(t, streams.Server)
			c.patience()
			_, _ = io.WriteString(c.Conn, fmt.Sprintf("POST /read?id=%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s", key, chunked(strings.Repeat("x", 9000), 1000)))
			if response, err := readResponse(c.r, "POST"); response.Status != 413 && response.Status != 500 {
				t.Errorf("%+v, %v", response, err)
			}
			if notes := streams.Notes(t, key); len(notes) != 1 || !strings.HasPrefix(notes[0], "OSError") {
				t.Errorf("the application got %q", notes)
			}
		})
		t.Run("a client that asks first", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("POST /read HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5001\r\n\r\n")
			if response := c.Response("POST"); response.Status != 413 {
				t.Errorf("%+v", response)
			}
		})
	})
}
