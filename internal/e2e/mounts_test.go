package e2e

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// place is where a request is sent, and what testapps/mounted.py is to say of it.
type place struct{ host, target, want string }

// ask sends a request for a place, over a connection of its own.
func (p place) ask(t testing.TB, s *Server) RawResponse {
	t.Helper()
	c := Dial(t, s)
	version, field := "1.1", "Host: "+p.host+"\r\n"
	if p.host == "" {
		version, field = "1.0", ""
	}
	c.Send("GET " + p.target + " HTTP/" + version + "\r\n" + field + "\r\n")
	return c.Response("GET")
}

// check fails the test unless the answer begins with what is wanted.
func (p place) check(t testing.TB, s *Server) {
	t.Helper()
	if got := p.ask(t, s); !strings.HasPrefix(got.Body, p.want) {
		t.Errorf("Host %q, %s: %d %q, not %q", p.host, p.target, got.Status, got.Body, p.want)
	}
}

var manyMounts = []string{
	"--mount", "/api=mounted:make('api')", "--mount", "/api/v2=mounted:make('v2')", "--mount", "/ü=mounted:make('umlaut')",
	"--mount", "shop.example=mounted:make('shop')", "--mount", "shop.example/api=mounted:make('shop api')", "--mount", ".wild.example=mounted:make('wild')",
}

// Whatever a client sends, it comes to the application that it is for, in the lane and
// on goroutines.
func TestRequestsComeToTheirMount(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContractTarget(t, "mounted:application", Options{Args: append(slices.Clone(manyMounts), mode.Args...), Env: mode.Env})
		places := []place{
			{"x", "/", "main 1 script= path=/ "},
			{"x", "/x?a=/api", "main 1 script= path=/x query=a=/api "},
			{"", "/api/x", "api 2 script=/api path=/x "},
			{"x", "/api", "api 2 script=/api path= "},
			{"x", "/api/", "api 2 script=/api path=/ "},
			{"x", "/api?q=1", "api 2 script=/api path= query=q=1 "},
			{"x", "/apix", "main 1 script= path=/apix "},
			{"x", "/api/v2/x", "v2 3 script=/api/v2 path=/x "},
			{"x", "/api/v22", "api 2 script=/api path=/v22 "},
			// The path as the application sees it: decoded once.
			{"x", "/%61pi/x", "api 2 script=/api path=/x "},
			{"x", "/api%2fx", "api 2 script=/api path=/x "},
			{"x", "/api%2Fv2", "v2 3 script=/api/v2 path= "},
			{"x", "/%2fapi", "main 1 script= path=//api "},
			{"x", "/%2561pi", "main 1 script= path=/%61pi "},
			{"x", "/%C3%BC/y", "umlaut 4 script=/\xc3\xbc path=/y "},
			{"x", "/api%", "main 1 script= path=/api% "},
			{"x", "/api%00", "main 1 script= path=/api\x00 "},
			// Slashes, dots and capitals are what they are.
			{"x", "//api/x", "main 1 script= path=//api/x "},
			{"x", "/api//x", "api 2 script=/api path=//x "},
			{"x", "/api/../admin", "api 2 script=/api path=/../admin "},
			{"x", "/api/%2e%2e/admin", "api 2 script=/api path=/../admin "},
			{"x", "/x/../api", "main 1 script= path=/x/../api "},
			{"x", "/./api", "main 1 script= path=/./api "},
			{"x", "/API", "main 1 script= path=/API "},
			{"x", "/api;v=1", "main 1 script= path=/api;v=1 "},
			// Hosts.
			{"shop.example", "/x", "shop 5 script= path=/x "},
			{"SHOP.example:8443", "/x", "shop 5 script= path=/x "},
			{"shop.example.", "/", "shop 5 script= path=/ "},
			{"shop.example", "/api/x", "shop api 6 script=/api path=/x "},
			{"shop.example", "/api/v2", "v2 3 script=/api/v2 path= "},
			{"a.wild.example", "/x", "wild 7 script= path=/x "},
			{"wild.example", "/x", "wild 7 script= path=/x "},
			{"notwild.example", "/x", "main 1 script= path=/x "},
			{"shop.example.evil", "/x", "main 1 script= path=/x "},
			{"evil-shop.example", "/x", "main 1 script= path=/x "},
			{"[::1]:80", "/x", "main 1 script= path=/x "},
			// The authority of an absolute target is the host, whatever Host says.
			{"x", "http://shop.example/x", "shop 5 script= path=/x "},
			{"shop.example", "http://x/api", "api 2 script=/api path= "},
			{"shop.example", "http://x", "main 1 script= path=/ "},
		}
		Parallel(t, 10, func(t testing.TB, i int) {
			for n := range places {
				places[(n+i*7)%len(places)].check(t, s.Server)
			}
		})
		// A second Host would be another opinion of who it is for.
		for _, head := range []string{
			"GET /x HTTP/1.1\r\nHost: shop.example\r\nHost: x\r\n\r\n", "GET /x HTTP/1.1\r\nHost: shop.example,x\r\n\r\n", "GET /x HTTP/1.1\r\nHost: shop.example@x\r\n\r\n",
			"GET /x HTTP/1.1\r\nHost : shop.example\r\nHost: x\r\n\r\n", "GET /x HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1\r\nHost: shop.ex\xe4mple\r\n\r\n",
		} {
			c := Dial(t, s.Server)
			c.Send(head)
			if r := c.Response("GET"); r.Status != 400 {
				t.Errorf("%q: %d %q", head, r.Status, r.Body)
			}
		}
		// One connection, several applications.
		c := Dial(t, s.Server)
		for _, path := range []string{"/x", "/api/x", "/api/v2/x", "/x"} {
			c.Get(path)
		}
		c.Send("GET /api HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: shop.example\r\n\r\nPOST /api/v2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
		for _, want := range []string{"api 2 ", "shop 5 ", "v2 3 "} {
			if r := c.Response("GET"); !strings.HasPrefix(r.Body, want) {
				t.Errorf("in a row: %q, not %q", r.Body, want)
			}
		}
	})
}

// Without a main application, what is for nobody is told from what is for another host.
func TestHostsThatAreNotServed(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContractTarget(t, "", Options{Args: append([]string{
			"--mount", "a.example=mounted:make('a')", "--mount", "b.example/b=mounted:make('b')", "--health-path", "/-",
		}, mode.Args...), Env: mode.Env})
		for _, p := range []place{
			{"a.example", "/x", "a 2 script= path=/x "},
			{"b.example", "/b/x", "b 3 script=/b path=/x "},
			{"b.example", "/x", "404 Not Found"},
			{"c.example", "/b/x", "421 Misdirected Request"},
			{"127.0.0.1", "/-/live", "live"},
			{"", "/", "421 Misdirected Request"},
		} {
			p.check(t, s.Server)
		}
		// A body that nobody wants is in nobody's way.
		for _, size := range []int{5, 100_000} {
			c := Dial(t, s.Server)
			body := strings.Repeat("GET /", size/5)
			c.Send(fmt.Sprintf("POST /x HTTP/1.1\r\nHost: b.example\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
			c.Response("POST").Want(t, 404, "404 Not Found\n")
			c.Send("GET /b/x HTTP/1.1\r\nHost: b.example\r\n\r\n")
			if r := c.Response("GET"); !strings.HasPrefix(r.Body, "b 3 script=/b path=/x ") {
				t.Errorf("after a 404: %+v", r)
			}
		}
		c := Dial(t, s.Server)
		c.Send("POST /x HTTP/1.1\r\nHost: evil\r\nContent-Length: 50\r\n\r\nGET /b/x HTTP/1.1\r\nHost: b.example\r\n\r\n")
		c.Response("POST").Want(t, 421, "421 Misdirected Request\n")
		c.Closed()
	})
}

func TestAllowedHosts(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContractTarget(t, "mounted:application", Options{Args: append([]string{
			"--allowed-hosts", "Main.example,.wild.example", "--mount", "b.example/b=mounted:make('b')", "--mount", "/c=mounted:make('c')",
			"--health-path", "/-", "--metrics-path", "/m", "--warmup", "/warm",
		}, mode.Args...), Env: mode.Env})
		for _, p := range []place{
			{"main.example:1", "/x", "main 1 "},
			{"a.wild.example", "/c", "c 3 "},
			{"b.example", "/b", "b 2 "},
			{"b.example", "/", "main 1 "}, // it is named
			{"evil.example", "/", "421 Misdirected Request"},
			{"evil.example", "/c", "421 Misdirected Request"},
			{"evil.example", "/b", "421 Misdirected Request"},
			{"", "/", "421 Misdirected Request"},
			{"main.example", "http://evil.example/", "421 Misdirected Request"},
			{"evil.example", "http://main.example/", "main 1 "},
			{"10.0.0.7:8000", "/-/ready", "ready"}, // whoever looks after it knows its address
			{"main.example", "/m", "# HELP"},
			{"evil.example", "/m", "421 Misdirected Request"}, // a page that has its name point here must not read them
		} {
			p.check(t, s.Server)
		}
	})
}

// Two threads of eight hang in one mount, more requests wait for them there: all
// others are answered, and the health check as well.
func TestASlowMountHoldsUpNobody(t *testing.T) {
	for _, mode := range []Mode{modes[0], allModes[3]} {
		t.Run(mode.Name, func(t *testing.T) {
			folder := t.TempDir()
			config := filepath.Join(folder, "c.toml")
			write(t, config, "backlog_requests = 20\nhealth_path = '/-'\n[[mount]]\npath = '/slow'\ntarget = \"mounted:make('slow')\"\nthreads = 2\n"+
				"[[mount]]\npath = '/single'\ntarget = \"mounted:make('single')\"\nthreads = 1\n")
			s := startContractTarget(t, "mounted:application", Options{Args: append([]string{"-c", config}, mode.Args...), Env: mode.Env})
			gate, key := s.Gate(t), s.Key()
			const waiting = 20
			var slow []*Conn
			for range 2 + waiting {
				c := Dial(t, s.Server)
				c.Send("GET /slow?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
				slow = append(slow, c)
			}
			s.WaitNotes(t, key, "called", "called")
			Eventually(t, "one more is turned away", func() bool {
				return place{"x", "/slow", ""}.ask(t, s.Server).Status == 503
			})
			Parallel(t, 6, func(t testing.TB, _ int) {
				c := Dial(t, s.Server)
				for range 50 {
					if r := c.Get("/"); !strings.HasPrefix(r.Body, "main ") {
						t.Fatalf("%+v", r)
					}
				}
			})
			place{"x", "/-/ready", "ready"}.check(t, s.Server)
			if got := (place{"x", "/single", ""}).ask(t, s.Server); !strings.Contains(got.Body, "multithread=False") {
				t.Errorf("what has one thread at a time is told %q", got.Body)
			}
			if notes := s.Notes(t, key); len(notes) != 2 {
				t.Errorf("%d requests are inside of the slow mount", len(notes))
			}
			gate.Open(2 + waiting)
			for _, c := range slow {
				if r := c.Response("GET"); !strings.HasPrefix(r.Body, "slow ") || !strings.Contains(r.Body, "multithread=True") {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

// Each mount has the limits that its table says, and the others those of all.
func TestMountsHaveLimitsOfTheirOwn(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		config := filepath.Join(t.TempDir(), "c.toml")
		write(t, config, "timeout = 0\nlimit_request_body = 1000\n[[mount]]\npath = '/little'\ntarget = \"mounted:make('little')\"\nlimit_request_body = 10\ntimeout = 0.3\n"+
			"[[mount]]\npath = '/much'\ntarget = \"mounted:make('much')\"\nlimit_request_body = '1M'\n[[mount]]\npath = '/all'\ntarget = \"mounted:make('all')\"\nlimit_request_body = 0\n")
		s := startContractTarget(t, "mounted:application", Options{Args: append([]string{"-c", config}, mode.Args...), Env: mode.Env})
		for _, c := range []struct {
			path        string
			size, state int
		}{
			{"/", 1000, 200},
			{"/", 1001, 413},
			{"/little", 10, 200},
			{"/little", 11, 413},
			{"/much", 1 << 20, 200},
			{"/much", 1<<20 + 1, 413},
			{"/all", 2 << 20, 200},
		} {
			for _, chunked := range []bool{false, true} {
				conn := Dial(t, s.Server)
				fields, body := fmt.Sprintf("Content-Length: %d", c.size), strings.Repeat("x", c.size)
				if chunked {
					fields, body = "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", c.size, body)
				}
				_, _ = conn.Write([]byte("POST " + c.path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n\r\n" + body)) // it may be hung up on
				if r := conn.Response("POST"); r.Status != c.state || r.Status == 200 && !strings.Contains(r.Body, fmt.Sprintf("body=%d ", c.size)) {
					t.Errorf("%s, %d bytes, chunked %v: %d %q", c.path, c.size, chunked, r.Status, r.Body)
				}
			}
		}
		gate := s.Gate(t)
		patient := Dial(t, s.Server)
		if mode.Threads > 1 { // else it would have the only one
			patient.Send("GET /?gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		place{"x", "/little?gate=" + gate.Path, "504 Gateway Timeout"}.check(t, s.Server)
		record := s.WaitRecord(t, "request.timeout", "/little?gate="+gate.Path)
		if !strings.Contains(record, "mount=/little ") || !strings.Contains(record, "timeout=300ms") {
			t.Errorf("the record is %q", record)
		}
		gate.Open(2)
		if mode.Threads > 1 {
			if r := patient.Response("GET"); r.Status != 200 {
				t.Errorf("the one without a timeout: %+v", r)
			}
		}
	})
}

// Who cannot be served is said at the start, with the mount's name.
func TestWhatCannotBeMounted(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a target that is not there": {[]string{"--mount", "/api=no_such_module"}, `mount /api: no module named "no_such_module"`},
		"one that raises":            {[]string{"--mount", "h.example/x=mounted:broken()"}, "mount h.example/x: calling broken() raised ValueError: this one cannot be made"},
		"one that is no application": {[]string{"--mount", "/a=mounted:count"}, "mount /a: mounted:count is not callable"},
		"a place twice":              {[]string{"--mount", "/a=mounted:make('a')", "--mount", "/a=mounted:make('b')"}, "are both at /a"},
		"two Django projects": {
			[]string{"--mount", "/1=mounted:first_project()", "--mount", "/2=mounted:second_project()"},
			"mount /2: mounted:second_project() is a Django project with the settings second.settings, and mounted:first_project() is one with first.settings: an interpreter has room for one Django project",
		},
		"two Django projects, one of which insists": {
			[]string{"--mount", "/1=mounted:first_project()", "--mount", "/3=mounted:third_project()"},
			"mount /3: mounted:third_project() is a Django project with the settings third.settings",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, args := range [][]string{nil, {"--check-config"}, {"--preload"}} {
				if slices.Contains(args, "--preload") {
					needsNursery(t)
				}
				all := slices.Concat(args, []string{"--venv", PlainVenv(t), "-b", freeAddr(t)}, c.args, []string{"mounted:application"})
				result := Run(t, Options{Dir: Testapps()}, all...)
				if result.Status == 0 || !strings.Contains(result.Errors, c.want) {
					t.Errorf("%v: status %d\n%s", args, result.Status, result.Errors)
				}
			}
		})
	}
	t.Run("two parts of one Django project", func(t *testing.T) {
		s := Start(t, Options{Target: "mounted:first_project()", Args: []string{"--mount", "/1=mounted:first_project()", "--mount", "/2=mounted:make('x')"}})
		place{"x", "/1", "first 2 "}.check(t, s) // the same target is loaded once
		place{"x", "/", "first 2 "}.check(t, s)
		place{"x", "/2", "x 3 "}.check(t, s)
	})
}

// What runs where is shown: in the plan, to whoever asks, in the figures and the logs.
func TestMountsAreNamedWhereverTheyAreSeen(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		metrics := freeAddr(t)
		args := append([]string{"--metrics", metrics, "--access-logfile", "-", "--access-logformat", "json", "--slow-request-threshold", "0.3", "--timeout", "0", "--mount", "/api=mounted:make('api')", "--mount", "shop.example=mounted:make('shop')"}, mode.Args...)
		folder := t.TempDir()
		a := startAsked(t, Options{Target: "mounted:application", Args: args, Env: append(slices.Clone(mode.Env), "JOURNAL="+filepath.Join(folder, "journal"), "DATA="+folder)})
		s := Contract{Server: a.Server, folder: folder, keys: new(atomic.Int64)}
		for range 3 {
			place{"x", "/api/x", "api "}.check(t, s.Server)
			place{"shop.example", "/y", "shop "}.check(t, s.Server)
		}
		place{"x", "/z", "main "}.check(t, s.Server)
		for _, want := range []string{`"uri":"/api/x","protocol":"HTTP/1.1","host":"x","mount":"/api"`, `"host":"shop.example","mount":"shop.example/"`, `"host":"x","mount":"/"`} {
			s.WaitOut(t, want)
		}
		got := map[string]float64{}
		want := map[string]float64{"/api": 3, "shop.example/": 3, "/": 1}
		Eventually(t, "all are counted", func() bool {
			values := scrape(t, metrics)
			for mount := range want {
				got[mount] = values[`gowsgi_requests_total{mount="`+mount+`",method="GET",status="2xx"}`]
				if values[`gowsgi_request_seconds_count{mount="`+mount+`"}`] != got[mount] {
					t.Errorf("%s: %v requests, other times", mount, got[mount])
				}
			}
			return maps.Equal(got, want)
		})
		gate := s.Gate(t)
		slow := Dial(t, s.Server)
		uri := "/api?gate=" + gate.Path
		slow.Send("GET " + uri + " HTTP/1.1\r\nHost: x\r\n\r\n")
		if record := s.WaitRecord(t, "request.slow", uri); !strings.Contains(record, "mount=/api ") {
			t.Errorf("the record is %q", record)
		}
		state := a.state(t)
		var running []string
		for _, w := range state.Workers {
			for _, r := range w.Running {
				running = append(running, r.Mount)
			}
		}
		if !slices.Equal(running, []string{"/api"}) {
			t.Errorf("what runs is of %q", running)
		}
		var mounts []string
		for _, m := range state.Mounts {
			mounts = append(mounts, m.Name+" "+m.Target)
		}
		if !slices.Equal(mounts, []string{"/ mounted:application", "/api mounted:make('api')", "shop.example/ mounted:make('shop')"}) {
			t.Errorf("mounts %q", mounts)
		}
		if text := a.ask(t, "status").Out; !strings.Contains(text, "/api: mounted:make('api')") {
			t.Errorf("gowsgi status says\n%s", text)
		}
		gate.Open(1)
		slow.Response("GET")
	})
}

func TestCheckConfigShowsMounts(t *testing.T) {
	result := check(t, nil, "--mount", "/api=mounted:make('api')", "--mount", "h.example=mounted:make('h')", "--allowed-hosts", "a.example")
	for _, want := range []string{"mounts         /api: mounted:make('api')\n               h.example/: mounted:make('h')\n", "hosts          a.example\n"} {
		if !strings.Contains(result.Out, want) {
			t.Errorf("%q is not in\n%s", want, result.Out)
		}
	}
	if result.Status != 0 {
		t.Errorf("status %d: %s", result.Status, result.Errors)
	}
}

// Files of the settings are the main application's: no other one gets them in its place.
func TestFilesAreTheMainApplications(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		folder := t.TempDir()
		for _, name := range []string{"robots.txt", "api/robots.txt"} {
			write(t, filepath.Join(folder, name), "a file\n")
		}
		s := startContractTarget(t, "mounted:application", Options{Args: append([]string{
			"--mount", "/api=mounted:make('api')", "--mount", "shop.example=mounted:make('shop')", "--static", "/static=" + folder, "--document-root", folder,
			"--allowed-hosts", "x",
		}, mode.Args...), Env: mode.Env})
		for _, p := range []place{
			{"x", "/robots.txt", "a file"},
			{"x", "/static/robots.txt", "a file"},
			{"x", "/none.txt", "main 1 "},
			{"x", "//robots.txt", "a file"},
			{"x", "//api/robots.txt", "main 1 script= path=//api/robots.txt "},
			{"x", "///api//robots.txt", "main 1 script= path=///api//robots.txt "},
			{"x", "/%2fapi/robots.txt", "main 1 script= path=//api/robots.txt "},
			{"x", "/api/robots.txt", "api 2 script=/api path=/robots.txt "},
			{"shop.example", "/robots.txt", "shop 3 script= path=/robots.txt "},
			{"shop.example", "/static/robots.txt", "shop 3 script= path=/static/robots.txt "},
			{"evil.example", "/static/robots.txt", "421 Misdirected Request"},
		} {
			p.check(t, s.Server)
		}
	})
}
