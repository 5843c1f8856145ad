package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// RFC 9112: what a head may be, and what it is understood as.
func TestHeadsAreUnderstood(t *testing.T) {
	s := Start(t, Options{Target: "environ_dump"})
	for name, test := range map[string]struct {
		request string
		want    map[string]string
	}{
		"a bare LF, without a body":    {"GET /a HTTP/1.1\nHost: x\n\n", map[string]string{"PATH_INFO": "/a", "HTTP_HOST": "x"}},
		"an empty line before":         {"\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n", map[string]string{"PATH_INFO": "/a"}},
		"an absolute target":           {"GET http://y:81/a?b HTTP/1.1\r\nHost: x\r\n\r\n", map[string]string{"PATH_INFO": "/a", "HTTP_HOST": "y:81", "QUERY_STRING": "b", "REQUEST_URI": "http://y:81/a?b"}},
		"an absolute target, no path":  {"GET http://y?b HTTP/1.1\r\nHost: x\r\n\r\n", map[string]string{"PATH_INFO": "/", "HTTP_HOST": "y", "QUERY_STRING": "b"}},
		"a stray percent sign":         {"GET /100%/%zz%2f?% HTTP/1.1\r\nHost: x\r\n\r\n", map[string]string{"PATH_INFO": "/100%/%zz/", "QUERY_STRING": "%", "REQUEST_URI": "/100%/%zz%2f?%"}},
		"another method":               {"FROB! /a HTTP/1.1\r\nHost: x\r\n\r\n", map[string]string{"REQUEST_METHOD": "FROB!"}},
		"HTTP/1.0 without Host":        {"GET /a HTTP/1.0\r\n\r\n", map[string]string{"SERVER_PROTOCOL": "HTTP/1.0"}},
		"a later minor version":        {"GET /a HTTP/1.9\r\nHost: x\r\n\r\n", map[string]string{"SERVER_PROTOCOL": "HTTP/1.1"}},
		"a field sent twice":           {"GET /a HTTP/1.1\r\nHost: x\r\nX-y: 1\r\nx-Y:\t2 \r\n\r\n", map[string]string{"HTTP_X_Y": "1,2"}},
		"Pragma, which net/http reads": {"GET /a HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\n\r\n", map[string]string{"HTTP_PRAGMA": "no-cache"}},
		"latin-1 in a field":           {"GET /a HTTP/1.1\r\nHost: x\r\nX: \xe9\r\n\r\n", map[string]string{"HTTP_X": "\xe9"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := Dial(t, s)
			c.Send(test.request)
			response := c.Response("GET")
			d := parseDump(t, response.Status, response.Body)
			d.want(t, test.want)
			if name == "Pragma, which net/http reads" && d.Environ["HTTP_CACHE_CONTROL"] != [2]any{} {
				t.Error("Cache-Control was made up")
			}
		})
	}
	t.Run("an empty line after a body", func(t *testing.T) {
		c := Dial(t, s)
		c.Send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
		for _, path := range []string{"/a", "/b"} {
			response := c.Response("GET")
			parseDump(t, response.Status, response.Body).want(t, map[string]string{"PATH_INFO": path})
		}
	})
	t.Run("an empty Host", func(t *testing.T) {
		c := Dial(t, s)
		c.Send("GET /a HTTP/1.1\r\nHost:\r\n\r\n")
		if response := c.Response("GET"); response.Status != 200 {
			t.Errorf("%+v", response)
		}
	})
}

// The server as a whole is asked, not the application.
func TestOptionsForTheServer(t *testing.T) {
	s := startContract(t, "input_streams", modes[0], "--access-logfile", "-")
	c := Dial(t, s.Server)
	c.Send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
	c.Response("OPTIONS").Want(t, 200, "")
	c.StaysOpen("/left")
	s.WaitOut(t, `"OPTIONS * HTTP/1.1" 200 -`)
}

// Whatever goes out has its line, also what was no request; and one record a
// second says why.
func TestRefusalsAreLogged(t *testing.T) {
	s := startContract(t, "input_streams", modes[0], "--access-logfile", "-", "--access-logformat", "json", "--header-timeout", "1",
		"--limit-request-head", "4096")
	for _, test := range []struct {
		request string
		status  int
		line    string
	}{
		{"GET /400 HTTP/1.1\r\nHost: a:b:c\r\n\r\n", 400, "GET /400 HTTP/1.1"},
		{"GET /408 HTTP/1.1\r\nHost: x\r\n", 408, "GET /408 HTTP/1.1"},
		{"GET /408 HT", 408, "GET /408 HT"},
		{"GET /" + strings.Repeat("a", 5000), 414, "GET /" + strings.Repeat("a", 100)},
		{"GET /431 HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 8000) + "\r\n\r\n", 431, "GET /431 HTTP/1.1"},
		{"POST /417 HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\n", 417, "POST /417 HTTP/1.1"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "PRI * HTTP/2.0"},
		{"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", 405, "CONNECT x:1 HTTP/1.1"},
		{"POST /501 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "POST /501 HTTP/1.1"},
		{"\x16\x03\x01\x02\r\n\r\n", 400, "\x16\x03\x01\x02"},
	} {
		c := Dial(t, s.Server)
		c.Send(test.request)
		response := c.Response("GET")
		if response.Status != test.status || response.Value("Connection") != "close" {
			t.Errorf("%.50q: %+v, want %d", test.request, response, test.status)
		}
		c.Closed()
		var line struct {
			Line, Client string
			Status       int
			BytesOut     int `json:"bytes_out"`
		}
		Eventually(t, fmt.Sprintf("a line for %.50q", test.request), func() bool {
			for text := range strings.Lines(s.Out()) {
				if err := json.Unmarshal([]byte(text), &line); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				if strings.HasPrefix(line.Line, test.line) && line.Status == test.status {
					return true
				}
			}
			return false
		})
		if line.Client != "127.0.0.1" || line.BytesOut != len(response.Body) {
			t.Errorf("%+v", line)
		}
	}
	records := 0
	for text := range strings.Lines(s.Log()) {
		if strings.Contains(text, "event=request.malformed") {
			records++
			if !strings.Contains(text, "level=INFO") || !strings.Contains(text, "reason=") || !strings.Contains(text, "status=") {
				t.Errorf("%s", text)
			}
		}
	}
	if records == 0 || records > 10 {
		t.Errorf("%d records", records)
	}
}

// What the application says is what goes out.
func TestResponsesAsTheApplicationHasThem(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "answers", mode)
		c := Dial(t, s.Server)
		names := func(r RawResponse) (names []string) {
			for _, field := range r.Fields {
				names = append(names, field.Name)
			}
			return names
		}
		worded := c.Get("/worded")
		worded.Want(t, 200, "ok")
		if want := []string{"x-b", "X-A", "x-B", "content-type", "Date", "Content-Length"}; worded.Reason != "Very Wéll" || !slices.Equal(names(worded), want) {
			t.Errorf("%q, fields %q", worded.Reason, names(worded))
		}
		silent := c.Get("/silent")
		silent.Want(t, 299, "ok")
		if silent.Reason != "" {
			t.Errorf("%q", silent.Reason)
		}
		if unmodified := c.Get("/304"); unmodified.Status != 304 || unmodified.Value("Content-Type") != "text/html" || unmodified.Value("ETag") != `"x"` {
			t.Errorf("%+v", unmodified)
		}
		reset := c.Get("/205")
		reset.Want(t, 205, "")
		if reset.Value("Content-Length") != "0" || reset.Value("Content-Type") != "text/html" {
			t.Errorf("%+v", reset)
		}
		if dated := c.Get("/dated"); dated.Value("Date") != "Thu, 01 Jan 1970 00:00:00 GMT" {
			t.Errorf("%+v", dated)
		}
		nothing := c.Get("/nothing")
		nothing.Want(t, 200, "")
		if want := []string{"Date", "Content-Length"}; !slices.Equal(names(nothing), want) {
			t.Errorf("fields %q", names(nothing))
		}
	})
}

// A response that ends early must not look whole, however it would have ended.
func TestResponsesThatEndEarly(t *testing.T) {
	s := startContract(t, "answers", modes[0])
	for _, path := range []string{"/raises", "/short"} {
		for _, version := range []string{"HTTP/1.1\r\nHost: x\r\n", "HTTP/1.0\r\n", "HTTP/1.0\r\nConnection: keep-alive\r\n"} {
			t.Run(path+" "+version[:8], func(t *testing.T) {
				c := Dial(t, s.Server)
				c.Send("GET " + path + " " + version + "\r\n")
				c.WantBroken("GET")
			})
		}
	}
	t.Run("before anything of it went out", func(t *testing.T) {
		c := Dial(t, s.Server)
		c.Get("/early").Want(t, 500, "500 Internal Server Error\n")
		c.StaysOpen("/")
	})
}

// A client that has said all it has to say still wants its answer.
func TestClientThatHalfClosesGetsTheWholeAnswer(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "pool_threads", mode, "--slow-request-threshold", "0.5")
		streams := startContract(t, "input_streams", mode, "--request-buffer", "1000", "--request-spool", "0")
		gate := s.Gate(t)
		uri := "/wait?gate=" + gate.Path
		c := Dial(t, s.Server)
		c.Send("GET " + uri + " HTTP/1.1\r\nHost: x\r\n\r\n")
		c.HalfClose()
		s.WaitRecord(t, "request.slow", uri) // whoever looks after clients has looked
		c.Silent()
		gate.Open(1)
		if response := c.Response("GET"); response.Status != 200 {
			t.Errorf("%+v", response)
		}
		c.Closed()
		body := bodyOf(300_000)
		for _, frame := range framings {
			fields, wire := frame(body)
			c := Dial(t, streams.Server)
			go func() {
				c.Send("POST /echo HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + wire)
				c.HalfClose()
			}()
			c.Response("POST").Want(t, 200, body)
			c.Closed()
		}
	})
}

// In the queue, a client that ends its direction has nearly always left: it is
// given up, by an end that is an error.
func TestClientThatLeavesTheQueueIsInTheAccessLog(t *testing.T) {
	s := startContract(t, "pool_threads", modes[1], "--access-logfile", "-")
	gate, key := s.Gate(t), s.Key()
	running := Dial(t, s.Server)
	running.Send("GET /wait?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	s.WaitNotes(t, key, "called")
	for name, leave := range map[string]func(c *Conn){"reset": (*Conn).Reset, "half-close": (*Conn).HalfClose, "close": func(c *Conn) { c.Close() }} {
		key := s.Key()
		c := Dial(t, s.Server)
		c.Send("GET /wait?" + name + "&id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
		leave(c)
		s.WaitOut(t, `"GET /wait?`+name+`&id=`+key+` HTTP/1.1" 499 -`)
		if name == "half-close" {
			if rest, err := io.ReadAll(c.r); len(rest) > 0 || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%q, %v instead of a reset", rest, err)
			}
		}
		if notes := s.Notes(t, key); len(notes) > 0 {
			t.Errorf("the application was called: %q", notes)
		}
	}
	gate.Open(1)
	if response := running.Response("GET"); response.Status != 200 {
		t.Errorf("%+v", response)
	}
}

func TestTenThousandRequestsInOneWriteAreAnsweredInOrder(t *testing.T) {
	s := startContract(t, "environ_dump", modes[0])
	for name, kinds := range map[string][]string{
		"plain": {"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"},
		"mixed": {
			"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", "POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /",
			"PUT /%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n", "GET http://x/%d HTTP/1.1\r\nHost: y\r\n\r\n",
			"GET /%d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := Dial(t, s.Server)
			var all strings.Builder
			for i := range 10_000 {
				fmt.Fprintf(&all, kinds[i%len(kinds)], i)
			}
			go func() { _, _ = io.WriteString(c.Conn, all.String()) }()
			for i := range 10_000 {
				response := c.Response("GET")
				d := parseDump(t, response.Status, response.Body)
				if d.want(t, map[string]string{"PATH_INFO": fmt.Sprintf("/%d", i)}); t.Failed() {
					t.FailNow()
				}
			}
		})
	}
}

// A body that stalls is cut though much of it came early, and no thread is held.
func TestBodyThatStallsIsCut(t *testing.T) {
	s := startContract(t, "input_streams", modes[1], "--body-timeout", "1", "--min-rate", "1", "--request-buffer", "100000", "--request-spool", "0")
	for _, size := range []int{90_000, 3_000_000} {
		for range 4 {
			c := Dial(t, s.Server)
			c.Send(fmt.Sprintf("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", 80_000)))
			c.Response("POST").Want(t, 408, "408 Request Timeout\n")
			c.Closed()
		}
	}
	Dial(t, s.Server).Get("/left").Want(t, 200, "not read")
}

// 300 clients that never finish their heads, and are not many megabytes.
func TestUnfinishedHeadsHoldLittleMemory(t *testing.T) {
	s := startContract(t, "input_streams", modes[0], "--header-timeout", "20")
	Dial(t, s.Server).Get("/left").Want(t, 200, "not read")
	check := watchMemory(t, s.Server, 64<<20)
	Parallel(t, 300, func(t testing.TB, _ int) {
		c := Dial(t, s.Server)
		c.patience()
		head := "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: "+strings.Repeat("y", 8000)+"\r\n", 97)
		_, _ = io.WriteString(c.Conn, head) // 780 KB; it is hung up on before
		if response, err := readResponse(c.r, "GET"); response.Status != 431 {
			t.Errorf("%+v, %v", response, err)
		}
	})
	check()
}

func TestMaxConnections(t *testing.T) {
	s := startContract(t, "pool_threads", modes[0], "--max-connections", "10", "--access-logfile", "-")
	// Idle ones make room, the oldest first.
	var all []*Conn
	for range 40 {
		c := Dial(t, s.Server)
		c.Get("/hello").Want(t, 200, "hello")
		all = append(all, c)
	}
	all[0].Closed()
	all[39].StaysOpen("/hello")
	// Nobody is idle: more are told so.
	gate := s.Gate(t)
	var busy []*Conn
	for range 10 {
		c := Dial(t, s.Server)
		key := s.Key()
		c.Send("GET /wait?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		busy = append(busy, c)
		if len(busy) <= 8 { // threads
			s.WaitNotes(t, key, "called")
		}
	}
	Eventually(t, "one more is turned away", func() bool {
		c := Dial(t, s.Server)
		defer c.Close()
		_, _ = io.WriteString(c.Conn, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
		c.patience()
		response, err := readResponse(c.r, "GET")
		return err == nil && response.Status == 503
	})
	s.WaitLog(t, "event=connections.full")
	s.WaitOut(t, `"-" 503`)
	gate.Open(10)
	for _, c := range busy {
		if response := c.Response("GET"); response.Status != 200 {
			t.Errorf("%+v", response)
		}
	}
	Eventually(t, "there is room again", func() bool {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(deadline))
		_, _ = io.WriteString(c, "GET /hello HTTP/1.0\r\n\r\n")
		answer, _ := io.ReadAll(c)
		return strings.HasPrefix(string(answer), "HTTP/1.0 200 ")
	})
}

func TestMaxConnectionsPerAddress(t *testing.T) {
	s := startContract(t, "pool_threads", modes[0], "--max-connections-per-address", "3")
	for range 3 {
		dialFrom(t, s.Server, "127.0.0.2").Get("/hello").Want(t, 200, "hello")
	}
	c := dialFrom(t, s.Server, "127.0.0.2")
	c.patience()
	if response, err := readResponse(c.r, "GET"); response.Status != 503 {
		t.Errorf("%+v, %v", response, err)
	}
	s.WaitLog(t, "event=connections.crowded")
	for range 5 { // a proxy that is believed is no client
		Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
	}
}
