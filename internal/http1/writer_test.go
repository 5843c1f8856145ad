package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

type pair struct{ name, value string }

func fields(all ...pair) (fields [][2]string) {
	for _, f := range all {
		fields = append(fields, [2]string{f.name, f.value})
	}
	return fields
}

var date = pair{"Date", "now"}

// What goes out, byte for byte.
func TestResponsesByteForByte(t *testing.T) {
	const head11, head10 = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"
	begin := func(status int, reason string, length int64, body string, all ...pair) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.(*Writer).Begin(status, reason, fields(append(all, date)...), length)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, test := range map[string]struct {
		request string
		handler http.HandlerFunc
		want    string
	}{
		"order, spelling and reason": {
			head11, begin(200, "Fine \xe9", 2, "ok", pair{"x-b", "1"}, pair{"X-A", "2"}, pair{"x-B", "3"}),
			"HTTP/1.1 200 Fine \xe9\r\nx-b: 1\r\nX-A: 2\r\nx-B: 3\r\nDate: now\r\nContent-Length: 2\r\n\r\nok",
		},
		"what is the connection's is left out": {
			head11, begin(200, "OK", 2, "ok", pair{"transfer-encoding", "gzip"}, pair{"keep-alive", "1"}, pair{"connection", "x"}, pair{"content-length", "7"}),
			"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 2\r\n\r\nok",
		},
		"a line end in a value": {
			head11, begin(200, "OK", 2, "ok", pair{"X", "a\r\nSet-Cookie: b"}),
			"HTTP/1.1 200 OK\r\nX: a  Set-Cookie: b\r\nDate: now\r\nContent-Length: 2\r\n\r\nok",
		},
		"no length": {
			head11, begin(200, "OK", -1, "ok"),
			"HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		},
		"no length for HTTP/1.0": {
			head10, begin(200, "OK", -1, "ok"),
			"HTTP/1.0 200 OK\r\nDate: now\r\nConnection: close\r\n\r\nok",
		},
		"HTTP/1.0 that stays": {
			"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", begin(200, "OK", 2, "ok"),
			"HTTP/1.0 200 OK\r\nDate: now\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok",
		},
		"HTTP/1.0 that would stay": {
			"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", begin(200, "OK", -1, "ok"),
			"HTTP/1.0 200 OK\r\nDate: now\r\nConnection: close\r\n\r\nok",
		},
		"HEAD": {
			"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", begin(200, "OK", 7, "gone"),
			"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 7\r\n\r\n",
		},
		"HEAD without length": {
			"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", begin(200, "OK", -1, "gone"),
			"HTTP/1.1 200 OK\r\nDate: now\r\n\r\n",
		},
		"204": {head11, begin(204, "No Content", 0, "gone"), "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"},
		"205": {head11, begin(205, "Reset Content", -1, "gone"), "HTTP/1.1 205 Reset Content\r\nDate: now\r\nContent-Length: 0\r\n\r\n"},
		"304 with a type": {
			head11, begin(304, "Not Modified", 4, "gone", pair{"Content-Type", "text/plain"}),
			"HTTP/1.1 304 Not Modified\r\nContent-Type: text/plain\r\nDate: now\r\n\r\n",
		},
		"a status of one's own": {head11, begin(799, "", 0, ""), "HTTP/1.1 799 \r\nDate: now\r\nContent-Length: 0\r\n\r\n"},
		"as net/http has it": {
			head11, func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), http.Header{"X-B": {"1", "2"}, "A": {"3"}, "Date": {"now"}, "Content-Length": {"2"}})
				w.WriteHeader(201)
				w.WriteHeader(500) // too late
				_, _ = io.WriteString(w, "ok")
			},
			"HTTP/1.1 201 Created\r\nA: 3\r\nContent-Length: 2\r\nDate: now\r\nX-B: 1\r\nX-B: 2\r\n\r\nok",
		},
		"nothing at all": {
			head11, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", "now") },
			"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n",
		},
		"Connection: close from the handler": {
			head11, begin(200, "OK", 0, "", pair{"Connection", "Close"}),
			"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		},
		"early hints": {
			head11, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "</a>")
				w.WriteHeader(103)
				w.WriteHeader(101) // is not to be had
				w.(*Writer).Begin(200, "OK", fields(date), 0)
			},
			"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n",
		},
		"no early hints for HTTP/1.0": {
			head10, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(103)
				w.(*Writer).Begin(200, "OK", fields(date), 0)
			},
			"HTTP/1.0 200 OK\r\nDate: now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		},
		"100 by hand": {
			"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
			func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(100)
				body, _ := io.ReadAll(r.Body)
				w.(*Writer).Begin(200, "OK", fields(date), int64(len(body)))
				_, _ = w.Write(body)
			},
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 2\r\n\r\nab",
		},
		"steps": {
			head11, func(w http.ResponseWriter, _ *http.Request) {
				w.(*Writer).Begin(200, "OK", fields(date), -1)
				for _, block := range []string{"a", "", "bc"} {
					_, _ = io.WriteString(w, block)
					w.(http.Flusher).Flush()
				}
			},
			"HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, settings(), test.handler)
			c := s.dial(t)
			c.send(test.request)
			c.halfClose()
			got, err := c.rest()
			if name == "as net/http has it" {
				got = sorted(got)
				test.want = sorted(test.want)
			}
			if got != test.want || err != nil {
				t.Errorf("got  %q, %v\nwant %q", got, err, test.want)
			}
		})
	}
}

// sorted puts the lines of a head in order.
func sorted(answer string) string {
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	slices.Sort(lines)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

func TestDateIsAddedIfThereIsNone(t *testing.T) {
	s := serve(t, settings(), sink)
	c := s.dial(t)
	before := time.Now().Truncate(time.Second)
	c.send(get)
	r, _ := c.answer("GET")
	if at, err := http.ParseTime(r.Header.Get("Date")); err != nil || at.Before(before) || at.After(time.Now()) {
		t.Errorf("%q, %v", r.Header["Date"], err)
	}
}

// Whatever the framing, an end that is not the handler's is seen to be none.
func TestResponseThatIsNotWholeLooksLikeNone(t *testing.T) {
	for name, request := range map[string]string{"1.1": "HTTP/1.1\r\nHost: a\r\n\r\n", "1.0": "HTTP/1.0\r\n\r\n"} {
		for what, handler := range map[string]func(w *Writer){
			"before its head": func(w *Writer) { w.Abort() },
			"after its head":  func(w *Writer) { w.Begin(200, "OK", fields(), -1); w.Abort() },
			"after some": func(w *Writer) {
				w.Begin(200, "OK", fields(), -1)
				_, _ = io.WriteString(w, "abc")
				w.Flush()
				w.Abort()
			},
			"with a length":      func(w *Writer) { w.Begin(200, "OK", fields(), 5); _, _ = io.WriteString(w, "abc"); w.Abort() },
			"a length not kept":  func(w *Writer) { w.Begin(200, "OK", fields(), 5); _, _ = io.WriteString(w, "abc") },
			"all of its length":  func(w *Writer) { w.Begin(200, "OK", fields(), 3); _, _ = io.WriteString(w, "abc"); w.Abort() },
			"by http.ErrAbort":   func(w *Writer) { w.Begin(200, "OK", fields(), -1); panic(http.ErrAbortHandler) },
			"by a panic of ours": func(w *Writer) { w.Begin(200, "OK", fields(), 5); panic("a fault") },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				s := serve(t, settings(), func(w http.ResponseWriter, _ *http.Request) { handler(w.(*Writer)) })
				c := s.dial(t)
				c.send("GET / " + request)
				answer, err := http.ReadResponse(c.r, nil)
				if err == nil {
					_, err = io.ReadAll(answer.Body)
					if err == nil {
						_, err = c.r.ReadByte()
					}
				}
				if err == nil || errors.Is(err, io.EOF) || os.IsTimeout(err) {
					t.Errorf("the response ends with %v", err)
				}
				if logged := strings.Contains(s.journal.String(), "event=request.panicked"); logged != (what == "by a panic of ours") {
					t.Errorf("the log: %s", s.journal)
				}
			})
		}
	}
}

// A process that the application forked has the socket, too: the client is to
// see the end all the same.
func TestEndIsSeenWhoeverHoldsTheSocket(t *testing.T) {
	for name, aborts := range map[string]bool{"FIN": false, "RST": true} {
		t.Run(name, func(t *testing.T) {
			var copied atomic.Int64
			s := serve(t, settings(), func(w http.ResponseWriter, _ *http.Request) {
				w.(*Writer).conn.control(func(fd int) {
					n, _ := syscall.Dup(fd)
					copied.Store(int64(n))
				})
				if aborts {
					w.(*Writer).Abort()
				}
			})
			c := s.dial(t)
			c.send("GET / HTTP/1.0\r\n\r\n")
			_, err := c.rest()
			if aborts != errors.Is(err, syscall.ECONNRESET) || !aborts && err != nil {
				t.Errorf("it ends with %v", err)
			}
			_ = syscall.Close(int(copied.Load()))
		})
	}
}

func TestBlocksInOneChunk(t *testing.T) {
	large := repeat("x", 100_000)
	for _, blocks := range [][]string{{"a"}, {"a", "b"}, {"a", large, "b"}, {large}, slices.Repeat([]string{"0123456789"}, 3000)} {
		s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
			length := -1
			if r.RequestURI == "/counted" {
				length = len(strings.Join(blocks, ""))
			}
			w.(*Writer).Begin(200, "OK", fields(), int64(length))
			var all [][]byte
			for _, b := range blocks {
				all = append(all, []byte(b))
			}
			n, err := w.(*Writer).WriteBlocks(all...)
			if err != nil || int(n) != len(strings.Join(blocks, "")) {
				t.Errorf("%d, %v", n, err)
			}
		})
		c := s.dial(t)
		for _, path := range []string{"/", "/counted", "/"} {
			c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			c.want("GET", 200, strings.Join(blocks, ""))
		}
	}
}

func TestFileIsSent(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		_, _ = file.Seek(5, io.SeekStart)
		size, length := int64(len(content)-5), int64(len(content)-5)
		switch r.RequestURI {
		case "/chunked":
			length = -1
		case "/short": // than the file
			size, length = 1000, 1000
		case "/long":
			size, length = int64(len(content)), int64(len(content))
		}
		w.(*Writer).Begin(200, "OK", fields(), length)
		n, err := io.CopyN(w, file, size)
		if r.RequestURI == "/long" {
			if n != int64(len(content)-5) || !errors.Is(err, io.EOF) {
				t.Errorf("%d bytes, %v of a file that is shorter", n, err)
			}
		} else if n != size || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
	c := s.dial(t)
	for path, size := range map[string]int{"/": len(content), "/chunked": len(content), "/short": 1005} {
		c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, body := c.answer("GET"); body != string(content[5:size]) {
			t.Errorf("%s: %d bytes that are not the file", path, len(body))
		}
	}
	c.send("GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r.Body); err == nil || len(body) != len(content)-5 {
		t.Errorf("%d bytes, %v: a file that became shorter looks whole", len(body), err)
	}
}

func TestClientThatLeavesWhileAFileIsSent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 32<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/" {
			sink(w, r)
			return
		}
		file, err := os.Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		w.(*Writer).Begin(200, "OK", nil, 32<<20)
		_, err = io.CopyN(w, file, 32<<20)
		sent <- err
	})
	for range 5 {
		c := s.dial(t)
		c.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := io.CopyN(io.Discard, c.r, 100_000); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if err := <-sent; !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%v", err)
		}
	}
	c := s.dial(t)
	c.send(get)
	c.want("GET", 200, "ok")
}

func TestExpect(t *testing.T) {
	const ask = " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		switch r.RequestURI {
		case "/never":
			sink(w, r)
		case "/late":
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write(body)
		default:
			echo(w, r)
		}
	})
	for name, test := range map[string]struct {
		head, body string
		says       bool // 100
		closes     bool
		want       string
	}{
		"that is read":          {"POST /a" + ask + "Content-Length: 2\r\n\r\n", "ab", true, false, `POST /a a "ab" <nil>`},
		"with chunks":           {"POST /a" + ask + "Transfer-Encoding: chunked\r\n\r\n", "2\r\nab\r\n0\r\n\r\n", true, false, `POST /a a "ab" <nil>`},
		"without a body":        {"POST /a" + ask + "\r\n", "", false, false, `POST /a a "" <nil>`},
		"with an empty body":    {"POST /a" + ask + "Content-Length: 0\r\n\r\n", "", false, false, `POST /a a "" <nil>`},
		"that is not read":      {"POST /never" + ask + "Content-Length: 2\r\n\r\n", "", false, true, "ok"},
		"read after the answer": {"POST /late" + ask + "Content-Length: 2\r\n\r\n", "ab", false, true, "ab"},
		"of HTTP/1.0":           {"POST /a HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", "ab", false, false, `POST /a  "ab" <nil>`},
	} {
		for _, when := range []string{"at once", "when asked"} {
			t.Run(name+", "+when, func(t *testing.T) {
				c := s.dial(t)
				if when == "at once" || !test.says {
					c.send(test.head + test.body)
				} else {
					c.send(test.head)
				}
				if test.says {
					if r, _ := c.answer("POST"); r.StatusCode != 100 {
						t.Fatalf("%d instead of 100", r.StatusCode)
					}
					if when != "at once" {
						c.send(test.body)
					}
				}
				if r := c.want("POST", 200, test.want); r.Close != test.closes {
					t.Errorf("Connection: %q", r.Header["Connection"])
				}
				if test.closes {
					_, _ = io.WriteString(c.Conn, "ab"+get)
					c.ends()
				} else {
					c.send(get)
					c.want("GET", 200, `GET / a "" <nil>`)
				}
			})
		}
	}
}

// Who reads the body and who writes the answer are two goroutines with a
// handler that streams.
func TestReadingWhileWriting(t *testing.T) {
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		pieces := make(chan []byte, 100)
		go func() {
			defer close(pieces)
			for {
				piece := make([]byte, 1000)
				n, err := r.Body.Read(piece)
				if pieces <- piece[:n]; err != nil {
					return
				}
			}
		}()
		w.(*Writer).Begin(200, "OK", fields(), -1)
		for piece := range pieces {
			_, _ = w.Write(piece)
			w.(http.Flusher).Flush()
		}
	})
	body := repeat("0123456789", 100_000)
	for _, head := range []string{
		fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
		fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
		fmt.Sprintf("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	} {
		c := s.dial(t)
		go c.send("POST / HTTP/1.1\r\nHost: a\r\n" + head)
		r, got := c.answer("POST")
		if r.StatusCode == 100 {
			_, got = c.answer("POST")
		}
		if got != body {
			t.Errorf("%d bytes came back", len(got))
		}
	}
}

// 100 Continue and early hints may be due at the same time, from two goroutines.
func TestHintsWhileTheBodyIsAskedFor(t *testing.T) {
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		over := make(chan struct{})
		go func() {
			defer close(over)
			_, _ = io.Copy(io.Discard, r.Body)
		}()
		for range 20 {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
		}
		<-over
		clear(w.Header())
		sink(w, r)
	})
	for range 20 {
		c := s.dial(t)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab")
		hints, asked := 0, 0
		for {
			r, body := c.answer("POST")
			switch r.StatusCode {
			case 103:
				hints++
				continue
			case 100:
				asked++
				continue
			}
			if r.StatusCode != 200 || body != "ok" || hints != 20 || asked != 1 {
				t.Fatalf("%d, %q after %d hints and %d times 100", r.StatusCode, body, hints, asked)
			}
			break
		}
	}
}

func TestFactsOfAConnection(t *testing.T) {
	pattern := regexp.MustCompile(`^127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+ \d \d+ \d+ (true|false)$`)
	var got []string
	done := make(chan struct{}, 2)
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		sink(w, r)
		o := w.(*Writer)
		lh, lp := o.Local()
		rh, rp := o.Remote()
		got = append(got, fmt.Sprint(lh, " ", lp, " ", rh, " ", rp, " ", o.RequestsBefore(), o.HeadSize(), o.HeadsOut(), o.Closes()))
		done <- struct{}{}
	})
	c := s.dial(t)
	for _, request := range []string{get, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"} {
		c.send(request)
		c.want("GET", 200, "ok")
		<-done
	}
	for i, want := range []string{fmt.Sprintf(" 0 %d ", len(get)), " 1 "} {
		if !pattern.MatchString(got[i]) || !strings.Contains(got[i], want) || strings.HasSuffix(got[i], "true") != (i == 1) {
			t.Errorf("request %d: %q", i, got[i])
		}
	}
}
