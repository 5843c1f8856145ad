package embed_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/environ"
	"github.com/gowsgi/gowsgi/internal/load"
)

var app *embed.Application

func TestMain(m *testing.M) {
	runtime.LockOSThread()
	python := os.Getenv("GOWSGI_TEST_PYTHON")
	if python == "" {
		python, _ = exec.LookPath("python3")
	}
	interpreter, err := embed.Start(python, nil, record)
	if err != nil {
		panic(err)
	}
	if err := interpreter.CaptureOutput(); err != nil {
		panic(err)
	}
	failToLoad(interpreter)
	faultOnMainThread = fault()
	app, err = interpreter.Serve([]load.Target{{Spec: "testdata/app.py"}, {Mount: "/other", Spec: "testdata/other.py"}, {Mount: "/one", Spec: "testdata/other.py"}}, embed.Serving{Quotas: []int{0, 2, 1}, Threads: 4, Workers: 1, Queue: 10000, ResponseBuffer: 1 << 20})
	if err != nil {
		panic(err)
	}
	status := m.Run()
	if err := app.Close(10e9); err != nil {
		panic(err)
	}
	if err := interpreter.Stop(); err != nil {
		panic(err)
	}
	os.Exit(status)
}

// answer is what came of a request.
type answer struct {
	status int
	header map[string]string
	body   []byte
	result embed.Result
}

type header map[string]string

// ask sends a request and drains its response.
func ask(t testing.TB, target string, h header, body []byte) answer {
	t.Helper()
	req := submit(t, target, h, body)
	defer req.Release()
	return drain(req)
}

// submit sends a request.
func submit(t testing.TB, target string, h header, body []byte) *embed.Request {
	t.Helper()
	return submitAs(t, false, target, h, body)
}

// submitHead sends a HEAD request.
func submitHead(t testing.TB, target string) *embed.Request {
	t.Helper()
	return submitAs(t, true, target, header{"X-Name": "x"}, nil)
}

func submitAs(t testing.TB, isHead bool, target string, h header, body []byte) *embed.Request {
	t.Helper()
	req, err := app.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	room, err := req.Body(len(body), 0)
	if err != nil {
		t.Fatal(err)
	}
	copy(room, body)
	req.SetBody(len(body))
	b, err := req.Environ()
	if err != nil {
		t.Fatal(err)
	}
	b.Set(environ.RequestMethod, "GET")
	b.Target(target, "")
	for name, value := range h {
		b.Header(name, []string{value})
	}
	if err := req.Submit(isHead); err != nil {
		t.Fatal(err)
	}
	return req
}

// drain waits for the end of a response.
func drain(req *embed.Request) answer {
	var a answer
	for {
		batch, state := req.Wait()
		for _, block := range batch.Blocks(nil) {
			a.body = append(a.body, block...)
		}
		if state != embed.Running {
			break
		}
	}
	a.status, a.result, a.header = req.Status(), req.Result(), map[string]string{}
	for _, field := range req.Fields(nil) {
		a.header[strings.Clone(field[0])] = strings.Clone(field[1])
	}
	return a
}

func TestResponsesOfEveryKind(t *testing.T) {
	for _, c := range []struct {
		path, body, want string
		raised           string
	}{
		{"/large_list", "", strings.Repeat("x", 50_000) + "yyyyyyyyyy" + strings.Repeat("z", 50_000), ""},
		{"/iterable", "", "aaaaaaaaaa" + strings.Repeat("b", 100_000), ""},
		{"/echo", "some\nbody", "some\nbody", ""},
		{"/lines", "one\ntwo\n\nend", "one\n|two\n|\n|end", ""},
		{"/raising", "", "before", "ValueError: on purpose"},
		{
			"/odd_exc_info", "",
			"begun, ValueError: on purpose, TypeError: exc_info must hold a traceback, not 5, TypeError: exc_info must hold an exception, not 5", "",
		},
		{"/broken", "", "", "in __iter__\n    return iter(None)"},
		{"/no_iterable", "", "", "the application returned 5, which is not an iterable of byte strings"},
		{"/not_started", "", "", "did not call start_response"},
	} {
		t.Run(c.path, func(t *testing.T) {
			a := ask(t, c.path, nil, []byte(c.body))
			if string(a.body) != c.want {
				t.Errorf("body of %d bytes, want %d", len(a.body), len(c.want))
			}
			if a.result.Raised != (c.raised != "") || !strings.Contains(a.result.Error, c.raised) {
				t.Errorf("raised: %q", a.result.Error)
			}
		})
	}
}

func TestErrorStreamIsLoggedByTheLine(t *testing.T) {
	forget()
	ask(t, "/errors", nil, nil)
	if got := strings.Join(said(embed.ErrorStream), "|"); got != "line|no newline" {
		t.Errorf("logged %q", got)
	}
}

// kinds are requests of every kind, for tests that send many.
var kinds = []string{
	"/environ_dump", "/large_list", "/iterable", "/echo", "/lines", "/raising", "/not_started", "/keeper", "/errors", "/file", "/hints", "/hint_stream", "/bad_hints",
}

// sys.getallocatedblocks must not grow with the number of requests.
func TestRequestsLeaveNothingBehind(t *testing.T) {
	blocks := func() int {
		n, err := strconv.Atoi(string(ask(t, "/blocks", nil, nil).body))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, path := range kinds {
		t.Run(path, func(t *testing.T) {
			many := func(n int) {
				for range n {
					ask(t, path, header{"X-Name": "value"}, []byte("one\ntwo"))
				}
			}
			many(100)
			grown := 1 << 30
			for range 3 { // what a leak leaves, it leaves every time
				before := blocks()
				many(1000)
				grown = min(grown, blocks()-before)
			}
			if grown > 100 {
				t.Errorf("1000 requests leave %d blocks of memory", grown)
			}
		})
	}
}

func TestManyAtOnceDoNotMixUp(t *testing.T) {
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 100 {
				body := bytes.Repeat([]byte{byte(i), byte(j)}, 1+i*j)
				if got := ask(t, "/echo", nil, body).body; !bytes.Equal(got, body) {
					t.Errorf("got %d bytes, sent %d", len(got), len(body))
					return
				}
				ask(t, kinds[(i+j)%len(kinds)], nil, nil)
			}
		})
	}
	all.Wait()
}

// Whoever is late with Cancel or Abort must not hit the request's next use.
func TestLateAbortHitsNobody(t *testing.T) {
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 200 {
				req, err := app.Acquire()
				if err != nil {
					t.Error(err)
					return
				}
				req.SetBody(0)
				b, _ := req.Environ()
				b.Target("/iterable", "")
				if err := req.Submit(false); err != nil {
					t.Error(err)
					return
				}
				generation := req.Generation()
				go req.Abort(generation)
				go req.Cancel(generation)
				for {
					if _, state := req.Wait(); state != embed.Running {
						break
					}
				}
				req.Release()
				if a := ask(t, "/echo", nil, []byte("whole")); string(a.body) != "whole" {
					t.Errorf("the next request got %q", a.body)
				}
			}
		})
	}
	all.Wait()
}

func FuzzEnviron(f *testing.F) {
	f.Add("/environ_dump?a=b%20", "X-Name", "value")
	f.Add("/environ_dump?\xff", "Cookie", "\xe4\x00\x7f")
	f.Fuzz(func(t *testing.T, target, name, value string) {
		if len(name) > 1000 {
			return
		}
		target = "/environ_dump?" + target
		var b environ.Builder
		b.Header(name, []string{value})
		known := len(b.Block()) > 0
		a := ask(t, target, header{name: value}, nil)
		if a.result.Raised {
			t.Fatalf("raised %s", a.result.Error)
		}
		var got map[string]string
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Fatal(err)
		}
		if got["REQUEST_URI"] != latin1(target) {
			t.Errorf("REQUEST_URI is %q", got["REQUEST_URI"])
		}
		if !known {
			return
		}
		for _, v := range got {
			if v == latin1(value) {
				return
			}
		}
		t.Errorf("%q: %q is not in the environ: %q", name, value, got)
	})
}

func FuzzStartResponse(f *testing.F) {
	f.Add("200 OK", "X-Name", "value", uint8(0))
	f.Add("404 \r\n", "Content-Length", "-1", uint8(2))
	f.Add("99", "", "\x00", uint8(6))
	f.Fuzz(func(t *testing.T, status, name, value string, shape uint8) {
		a := ask(t, "/arguments?"+strconv.Itoa(int(shape)), header{"Status": status, "Name": name, "Value": value}, nil)
		if a.result.Raised {
			if a.result.Error == "" || len(a.body) > 0 && !a.result.HeadersSent {
				t.Errorf("raised %q with a body of %q", a.result.Error, a.body)
			}
			return
		}
		if a.status < 200 || a.status > 999 || !strings.HasPrefix(status, strconv.Itoa(a.status)+" ") {
			t.Errorf("%q became %d", status, a.status)
		}
		for n, v := range a.header {
			if n != name || v != value || strings.ContainsAny(n+v, "\r\n\x00") {
				t.Errorf("field %q: %q", n, v)
			}
		}
	})
}

// latin1 is how Python sees the bytes of s.
func latin1(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}
