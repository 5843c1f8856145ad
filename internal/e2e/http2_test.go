package e2e

import (
	"crypto/tls"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/gowsgi/gowsgi/internal/http2/frametest"
)

// startHTTP2 serves testapps/streams.py to clients that begin with HTTP/2.
func startHTTP2(t testing.TB, args ...string) Contract {
	t.Helper()
	return startContract(t, "streams", Mode{Args: append([]string{"--http2-cleartext", "prior-knowledge"}, args...)})
}

// The application gets what it would get by HTTP/1.
func TestHTTP2Environ(t *testing.T) {
	s := startHTTP2(t)
	c := frametest.Dial(t, s.Addr)
	a := c.Wait(c.Open(true, ":path", "/environ?a=%20&b", ":authority", "example.test:99", ":scheme", "https",
		"cookie", "a=1", "cookie", "b=2", "te", "trailers", "trailer", "x", "x_y", "1", "proxy", "1", "a-b", "c"))
	lines := strings.Split(a.Body, "\n")
	for _, want := range []string{
		"SERVER_PROTOCOL=HTTP/2", "HTTP_HOST=example.test:99", "HTTP_COOKIE=a=1; b=2", "HTTP_A_B=c", "REMOTE_ADDR=127.0.0.1",
		"REMOTE_PORT=" + portOf(c.LocalAddr().String()), "SERVER_PORT=" + portOf(s.Addr), "SERVER_NAME=127.0.0.1", "REQUEST_METHOD=GET",
		"PATH_INFO=/environ", "QUERY_STRING=a=%20&b", "REQUEST_URI=/environ?a=%20&b", "SCRIPT_NAME=",
		"wsgi.url_scheme=http", // whatever the client says
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no %s in %s", want, a.Body)
		}
	}
	for _, never := range []string{"HTTP_TRAILER", "HTTP_X_Y", "HTTP_PROXY", "CONTENT_LENGTH"} {
		if strings.Contains(a.Body, "\n"+never+"=") {
			t.Errorf("%s is in %s", never, a.Body)
		}
	}
	a = c.Wait(c.Open(true, ":path", "/environ", "x-forwarded-proto", "https"))
	if !strings.Contains(a.Body, "\nwsgi.url_scheme=https\n") {
		t.Errorf("a proxy that is trusted is not believed: %s", a.Body)
	}
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

func TestHTTP2Answers(t *testing.T) {
	s := startHTTP2(t)
	c := frametest.Dial(t, s.Addr)
	for _, test := range []struct {
		path, body string
		breaks     bool
		fields     map[string]string
	}{
		{"/", "hello", false, map[string]string{"content-type": "text/plain; charset=utf-8", "content-length": "5"}},
		{"/hints", "hinted", false, nil},
		{"/connects", "connected", false, map[string]string{"connection": "", "keep-alive": "", "transfer-encoding": "", "upgrade": "", "x-a": "1,2"}},
		{"/breaks", "some", true, nil},
		{"/short", "some", true, map[string]string{"content-length": "10"}},
		{"/pauses", "onetwo", false, nil},
		{"/much", strings.Repeat("x", 8<<20), false, nil},
		{"/file", strings.Repeat("\x00", 8<<20), false, map[string]string{"content-length": strconv.Itoa(8 << 20)}},
	} {
		t.Run(test.path, func(t *testing.T) {
			client := s.Client(t)
			if !test.breaks {
				if got := client.Get(test.path); got.Status != 200 || got.Body != test.body {
					t.Errorf("status %d, %d bytes %.20q", got.Status, len(got.Body), got.Body)
				}
				head := client.Do(client.Request("HEAD", test.path, nil))
				if head.Status != 200 || head.Body != "" {
					t.Errorf("HEAD: %+v", head)
				}
			}
			if len(test.body) > 1000 {
				return // more than a window
			}
			a := c.Wait(c.Open(true, ":path", test.path))
			if a.Status != "200" || a.Body != test.body || a.Broken != test.breaks {
				t.Errorf("%+v", a)
			}
			for name, want := range test.fields {
				if got := strings.Join(a.Header.Values(name), ","); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if hinted := test.path == "/hints"; hinted != (len(a.Hints) == 1) || hinted && (a.Hints[0].Get("Link") == "" || len(a.Hints[0]) != 1) {
				t.Errorf("hints: %v", a.Hints)
			}
		})
	}
	t.Run("an answer that can be none", func(t *testing.T) {
		if a := c.Wait(c.Open(true, ":path", "/interim")); a.Status != "500" || len(a.Hints) > 0 {
			t.Errorf("%+v", a)
		}
	})
}

// What takes long is no slow client, on either side.
func TestHTTP2ApplicationsThatTakeTheirTime(t *testing.T) {
	s := startHTTP2(t, "--write-timeout", "1", "--body-timeout", "1", "--min-rate", "1000000", "--request-buffer", "0", "--request-spool", "0")
	client := s.Client(t)
	if got := client.Get("/pauses"); got.Body != "onetwo" {
		t.Errorf("%+v", got)
	}
	if got := client.Post("/sips", "text/plain", strings.Repeat("x", 100_000)); got.Body != "[1000, 99000]" {
		t.Errorf("%+v", got)
	}
}

// A client that takes nothing holds no thread, and not for ever.
func TestHTTP2ClientsThatTakeNothing(t *testing.T) {
	s := startHTTP2(t, "--threads", "1", "--write-timeout", "1", "--min-rate", "1000000", "--access-logfile", "-")
	for _, path := range []string{"/much", "/file", "/"} {
		t.Run(path, func(t *testing.T) {
			c := frametest.Dial(t, s.Addr, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
			stream := c.Open(true, ":path", path)
			if got := s.Client(t).Get("/"); got.Body != "hello" {
				t.Errorf("another client: %+v", got)
			}
			if a := c.Wait(stream); a.Status != "200" || a.Body != "" || !a.Broken {
				t.Errorf("%+v", a)
			}
			if a := c.Wait(c.Open(true, ":method", "HEAD")); a.Status != "200" {
				t.Errorf("the connection's next request: %+v", a)
			}
		})
	}
}

// A client that leaves, or takes its request back, stops the application.
func TestHTTP2ClientsThatLeave(t *testing.T) {
	s := startHTTP2(t, "--threads", "1", "--access-logfile", "-", "--access-logformat", `%U %s %H`, "--request-buffer", "1000", "--request-spool", "0")
	gate := s.Gate(t)
	stops := func(how string, leave func(c *frametest.Client, stream uint32)) {
		c := frametest.Dial(t, s.Addr)
		key := s.Key()
		stream := c.Open(true, ":path", "/endless?id="+key)
		for {
			f, err := c.ReadFrame()
			c.Must(err)
			if _, ok := f.(*http2.DataFrame); ok {
				break
			}
			c.React(f)
		}
		leave(c, stream)
		s.WaitNotes(t, key, "closed")
		t.Log(how)
	}
	stops("taken back", func(c *frametest.Client, stream uint32) { c.Must(c.WriteRSTStream(stream, http2.ErrCodeCancel)) })
	stops("closed", func(c *frametest.Client, _ uint32) { c.Close() })

	// While it sends its body.
	c := frametest.Dial(t, s.Addr)
	key := s.Key()
	stream := c.Open(false, ":method", "POST", ":path", "/reads?id="+key)
	c.Must(c.WriteData(stream, false, make([]byte, 2000)))
	s.WaitNotes(t, key, "reads")
	c.Must(c.WriteRSTStream(stream, http2.ErrCodeCancel))
	Eventually(t, "the application hears of it", func() bool { return len(s.Notes(t, key)) > 1 })

	// While it waits for a thread, it is never started.
	first := c.Open(true, ":path", "/waits?id=a&gate="+gate.Path)
	other := frametest.Dial(t, s.Addr)
	late := other.Open(true, ":path", "/waits?id=b&gate="+gate.Path)
	other.Must(other.WriteRSTStream(late, http2.ErrCodeCancel))
	s.WaitOut(t, "/waits 499 HTTP/2")
	gate.Open(1)
	if a := c.Wait(first); a.Body != "waited" {
		t.Errorf("%+v", a)
	}
	if notes := s.Notes(t, "b"); len(notes) > 0 {
		t.Errorf("it was started: %q", notes)
	}
}

// With TLS it is agreed on, by clients that know it, and the environ says that there
// was TLS whatever the request says of itself.
func TestHTTP2WithTLS(t *testing.T) {
	for _, list := range []string{"h2,h1", "h1"} {
		t.Run(list, func(t *testing.T) {
			s := startContract(t, "streams", Mode{Args: append([]string{"--http-protocols", list}, certificate().args()...)})
			for _, offers := range [][]string{{"h2", "http/1.1"}, {"http/1.1"}, {"http/1.0"}, nil} {
				config := s.secure.Clone()
				config.NextProtos = offers
				conn, err := tls.Dial("tcp", s.Addr, config)
				if err != nil {
					t.Fatal(err)
				}
				want := strings.Join(offers[max(0, len(offers)-1):], "")
				if list == "h2,h1" && len(offers) == 2 {
					want = "h2"
				}
				if got := conn.ConnectionState().NegotiatedProtocol; got != want {
					t.Errorf("of %q it is %q, want %q", offers, got, want)
				}
				conn.Close()
			}
			if list == "h1" {
				return
			}
			config := s.secure.Clone()
			config.NextProtos = []string{"h2"}
			conn, err := tls.Dial("tcp", s.Addr, config)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			c := frametest.New(t, conn)
			a := c.Wait(c.Open(true, ":path", "/environ", ":scheme", "http"))
			for _, want := range []string{"HTTPS=on", "wsgi.url_scheme=https", "SERVER_PROTOCOL=HTTP/2", "SERVER_PORT=" + portOf(s.Addr)} {
				if !slices.Contains(strings.Split(a.Body, "\n"), want) {
					t.Errorf("no %s in %s", want, a.Body)
				}
			}
			s.Signal(t, syscall.SIGHUP)
			if f := c.GoAway(); f.LastStreamID != math.MaxInt32 {
				t.Errorf("%v", f)
			}
			if a := c.Wait(c.Open(true)); a.Body != "hello" {
				t.Errorf("%+v", a)
			}
			if all := c.GoAways(); len(all) != 1 || all[0].LastStreamID != 3 {
				t.Errorf("%v", all)
			}
		})
	}
}

// What is refused is refused with the same words, and the logs say so.
func TestHTTP2Refusals(t *testing.T) {
	s := startHTTP2(t, "--limit-request-body", "1000", "--body-timeout", "0.2", "--access-logfile", "-", "--access-logformat", `%m %U %s`,
		"--limit-request-line", "100", "--mount", "/app")
	c := frametest.Dial(t, s.Addr)
	status := func(want, line string, stream uint32) {
		t.Helper()
		a := c.Wait(stream)
		if a.Status != want || !strings.HasPrefix(a.Body, want+" ") || a.Header.Get("Connection") != "" {
			t.Errorf("%+v, want %s", a, want)
		}
		s.WaitOut(t, line)
	}
	status("413", "POST /app/a 413", c.Open(false, ":method", "POST", ":path", "/app/a", "content-length", "2000"))
	stream := c.Open(false, ":method", "POST", ":path", "/app/b")
	c.Must(c.WriteData(stream, false, make([]byte, 2000)))
	status("413", "POST /app/b 413", stream)
	status("408", "POST /app/c 408", c.Open(false, ":method", "POST", ":path", "/app/c"))
	stream = c.Open(false, ":method", "POST", ":path", "/app/d", "content-length", "100")
	c.Must(c.WriteData(stream, true, make([]byte, 50)))
	status("400", "POST /app/d 400", stream)
	status("404", "GET /other 404", c.Open(true, ":path", "/other"))
	status("414", " 414\n", c.Open(true, ":path", "/app/"+strings.Repeat("x", 100)))
	status("431", " 431\n", c.Open(true, ":path", "/app/", "x", strings.Repeat("x", 9000)))
	s.WaitLog(t, "event=request.malformed")
	if a := c.Wait(c.Open(true, ":path", "/app/")); a.Body != "hello" {
		t.Errorf("%+v", a)
	}
}

// Streams are many, threads are few, and the queue has its limit.
func TestHTTP2ManyStreams(t *testing.T) {
	s := startHTTP2(t, "--threads", "2", "--http2-max-concurrent-streams", "200", "--backlog-requests", "50")
	gate := s.Gate(t)
	c := frametest.Dial(t, s.Addr)
	wait := []uint32{}
	for range 100 {
		wait = append(wait, c.Open(true, ":path", "/waits?gate="+gate.Path))
	}
	got := map[string]int{}
	ended := 0
	for open := false; ended < len(wait); {
		f, err := c.ReadFrame()
		c.Must(err)
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			got[f.PseudoValue("status")]++
		case *http2.DataFrame:
			if f.StreamEnded() {
				ended++
			}
		default:
			c.React(f)
		}
		if !open && got["503"] >= 48 {
			open = true
			gate.Open(100)
		}
	}
	// The second thread may begin when the queue is full.
	if got["503"] < 48 || got["503"] > 49 || got["200"]+got["503"] != len(wait) {
		t.Errorf("statuses %v, want 2 that ran, 50 that waited, and the others too many", got)
	}
}

// A flood of requests that are taken back costs others nothing.
func TestHTTP2RequestsThatAreTakenBack(t *testing.T) {
	s := startHTTP2(t, "--threads", "2")
	Parallel(t, 4, func(t testing.TB, _ int) {
		c := frametest.Dial(t, s.Addr)
		go func() { _, _ = io.Copy(io.Discard, c.Conn) }()
		section := c.Encode(":path", "/endless")
		for {
			id := c.Next()
			err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: section, EndStream: true, EndHeaders: true})
			if err != nil || c.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
				return
			}
		}
	})
	if got := s.Client(t).Get("/"); got.Body != "hello" {
		t.Errorf("%+v", got)
	}
	// Whose requests begin before they are taken back is none of the library's floods,
	// which are requests that wait for their turn; so it may have been quicker above.
	c := frametest.Dial(t, s.Addr)
	section := c.Encode(":path", "/endless")
	for takesBack(c, section) {
	}
	s.WaitLog(t, "event=http2.flooded")
}

// takesBack sends a request and takes it back, and tells whether the connection goes on
// once the server has seen that.
func takesBack(c *frametest.Client, section []byte) bool {
	id := c.Next()
	if c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: section, EndStream: true, EndHeaders: true}) != nil ||
		c.WriteRSTStream(id, http2.ErrCodeCancel) != nil || c.WritePing(false, [8]byte{1}) != nil {
		return false
	}
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return false
		}
		if ping, ok := f.(*http2.PingFrame); ok && ping.IsAck() {
			return true
		}
		c.React(f)
	}
}

// Idle connections make room for others.
func TestHTTP2ConnectionsMakeRoom(t *testing.T) {
	s := startHTTP2(t, "--max-connections", "3")
	for range 12 {
		c := frametest.Dial(t, s.Addr)
		if a := c.Wait(c.Open(true)); a.Body != "hello" {
			t.Fatalf("%+v", a)
		}
	}
}

// Bodies: of known length and of none, small, in a file, streamed; with an expectation.
func TestHTTP2Bodies(t *testing.T) {
	s := startHTTP2(t, "--request-buffer", "100K", "--request-spool", "1M")
	client := s.Client(t)
	for _, size := range []int{0, 1, 100_000, 500_000, 3_000_000} {
		for _, known := range []bool{true, false} {
			for _, expect := range []bool{true, false} {
				var body io.Reader = strings.NewReader(strings.Repeat("x", size))
				if !known {
					body = io.MultiReader(body)
				}
				request := client.Request("POST", "/length", body)
				if expect {
					request.Header.Set("Expect", "100-continue")
				}
				if got := client.Do(request); got.Status != http.StatusOK || got.Body != strconv.Itoa(size) {
					t.Errorf("%d bytes, known %v, expect %v: %+v", size, known, expect, got)
				}
			}
		}
	}
}

// The page of an application that cannot be loaded is there as well, and a drain does
// not wait for who is idle.
func TestHTTP2StopsWhileClientsAreIdle(t *testing.T) {
	s := startHTTP2(t)
	c := frametest.Dial(t, s.Addr)
	c.Wait(c.Open(true))
	began := make(chan struct{})
	go func() { defer close(began); s.Stop(t) }()
	if all := c.GoAways(); len(all) != 2 || all[1].LastStreamID != 1 {
		t.Errorf("%v", all)
	}
	select {
	case <-began:
	case <-time.After(stopDeadline):
		t.Error("it does not stop")
	}
}
