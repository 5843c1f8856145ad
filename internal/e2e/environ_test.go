package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
)

// dump is what testapps/environ_dump.py says of its environ.
type dump struct {
	Environ map[string][2]any // type and value
	Type    string
	Names   []string
	Body    string
}

// parseDump reads it and checks what must hold of every environ.
func parseDump(t testing.TB, status int, body string) dump {
	t.Helper()
	var d dump
	if err := json.Unmarshal([]byte(body), &d); status != 200 || err != nil {
		t.Fatalf("status %d, %v: %.500q", status, err, body)
	}
	if d.Type != "dict" || !slices.Equal(d.Names, []string{"str"}) {
		t.Errorf("environ is a %s with names of type %q", d.Type, d.Names)
	}
	for name, value := range d.Environ {
		if !strings.Contains(name, ".") && value[0] != "str" {
			t.Errorf("%s is of type %v", name, value[0])
		}
	}
	if d.Environ["leaked"] != [2]any{} {
		t.Error("an earlier request's change of its environ is still there")
	}
	return d
}

// bytesOf gives back the bytes that a latin-1 str stands for.
func bytesOf(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r > 0xff {
			return "not latin-1: " + text
		}
		b.WriteByte(byte(r))
	}
	return b.String()
}

// variables are the str values, as bytes.
func (d dump) variables() map[string]string {
	variables := map[string]string{}
	for name, value := range d.Environ {
		if text, ok := value[1].(string); ok {
			variables[name] = bytesOf(text)
		}
	}
	return variables
}

func (d dump) want(t testing.TB, want map[string]string) {
	t.Helper()
	got := d.variables()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s is %q, want %q", name, got[name], want[name])
		}
	}
}

// absent fails the test if one of these is there.
func (d dump) absent(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if value, ok := d.Environ[name]; ok {
			t.Errorf("%s is there: %v", name, value)
		}
	}
}

// exchangeDump sends a request, which must have no body beyond what it says.
func exchangeDump(t testing.TB, s *Server, request string) dump {
	t.Helper()
	c := Dial(t, s)
	c.Send(request)
	response := c.Response("GET")
	return parseDump(t, response.Status, response.Body)
}

func TestEnviron(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "environ_dump", mode)
		t.Run("holds everything that PEP 3333 asks for and nothing else", func(t *testing.T) {
			checkWholeEnviron(t, s.Server, mode)
		})
		t.Run("paths are decoded once and not cleaned", func(t *testing.T) { checkPaths(t, s.Server) })
		t.Run("header fields become variables", func(t *testing.T) { checkFields(t, s.Server) })
		t.Run("HTTP/1.0 without Host", func(t *testing.T) {
			d := exchangeDump(t, s.Server, "GET /old HTTP/1.0\r\n\r\n")
			d.want(t, map[string]string{"SERVER_PROTOCOL": "HTTP/1.0", "PATH_INFO": "/old", "SERVER_NAME": "127.0.0.1"})
			d.absent(t, "HTTP_HOST")
		})
		t.Run("absolute-form of the target", func(t *testing.T) {
			d := exchangeDump(t, s.Server, "GET http://other.test:99/p%20q?a=b HTTP/1.1\r\nHost: ignored.test\r\n\r\n")
			d.want(t, map[string]string{
				"PATH_INFO": "/p q", "QUERY_STRING": "a=b", "HTTP_HOST": "other.test:99", // RFC 9112, 3.2.2
				"REQUEST_URI": "http://other.test:99/p%20q?a=b", "RAW_URI": "http://other.test:99/p%20q?a=b",
			})
			exchangeDump(t, s.Server, "GET http://other.test HTTP/1.1\r\nHost: x\r\n\r\n").
				want(t, map[string]string{"PATH_INFO": "/", "QUERY_STRING": ""})
		})
		t.Run("50 clients get their own", func(t *testing.T) {
			Parallel(t, 50, func(t testing.TB, i int) {
				c := s.Client(t)
				for n := range 4 {
					checkOwnEnviron(t, c, i*10+n)
				}
			})
		})
	})
}

func checkWholeEnviron(t *testing.T, s *Server, mode Mode) {
	c := Dial(t, s)
	_, serverPort, _ := net.SplitHostPort(s.Addr)
	c.Send("POST /a%20b/c?q=%20&r HTTP/1.1\r\nHost: example.test:1234\r\nContent-Type: text/x\r\n" +
		"Content-Length: 4\r\nX-One: 1\r\n\r\nbody")
	response := c.Response("POST")
	d := parseDump(t, response.Status, response.Body)
	port := c.PortSeen()
	want := map[string][2]any{
		"REQUEST_METHOD": {"str", "POST"}, "SCRIPT_NAME": {"str", ""}, "PATH_INFO": {"str", "/a b/c"},
		"QUERY_STRING": {"str", "q=%20&r"}, "REQUEST_URI": {"str", "/a%20b/c?q=%20&r"},
		"RAW_URI": {"str", "/a%20b/c?q=%20&r"}, "CONTENT_TYPE": {"str", "text/x"}, "CONTENT_LENGTH": {"str", "4"},
		"SERVER_NAME": {"str", "127.0.0.1"}, "SERVER_PORT": {"str", serverPort}, "SERVER_PROTOCOL": {"str", "HTTP/1.1"},
		"REMOTE_ADDR": {"str", "127.0.0.1"}, "REMOTE_PORT": {"str", port},
		"HTTP_HOST": {"str", "example.test:1234"}, "HTTP_X_ONE": {"str", "1"},
		"wsgi.url_scheme": {"str", s.scheme()}, "wsgi.multithread": {"bool", mode.Threads > 1},
		"wsgi.multiprocess": {"bool", mode.Workers > 1}, "wsgi.run_once": {"bool", false},
		"wsgi.input_terminated": {"bool", true},
	}
	for name, value := range want {
		if d.Environ[name] != value {
			t.Errorf("%s is %q, want %q", name, d.Environ[name], value)
		}
	}
	others := []string{"wsgi.version", "wsgi.input", "wsgi.errors", "wsgi.file_wrapper", "wsgi.early_hints", "SERVER_SOFTWARE", "gowsgi.request_id", "gowsgi.queue_time"}
	if s.secure != nil { // TestTheEnvironSaysHowTLSIsSpoken
		others = append(others, "HTTPS", "SSL_PROTOCOL", "SSL_CIPHER", "SSL_TLS_SNI", "SSL_CLIENT_VERIFY")
	}
	for name := range d.Environ {
		if _, ok := want[name]; !ok && !slices.Contains(others, name) {
			t.Errorf("%s is there, too: %v", name, d.Environ[name])
		}
	}
	if !strings.HasPrefix(fmt.Sprint(d.Environ["SERVER_SOFTWARE"][1]), "gowsgi/") {
		t.Errorf("SERVER_SOFTWARE is %v", d.Environ["SERVER_SOFTWARE"])
	}
	for _, name := range others[1:5] {
		if kind := d.Environ[name][0]; kind == nil || kind == "NoneType" {
			t.Errorf("%s is of type %v", name, kind)
		}
	}
	if d.Body != "body" {
		t.Errorf("body %q", d.Body)
	}
}

func checkPaths(t *testing.T, s *Server) {
	for target, want := range map[string][2]string{ // PATH_INFO, QUERY_STRING
		"/":                               {"/", ""},
		"/?":                              {"/", ""},
		"/a%2Fb%2fc":                      {"/a/b/c", ""},
		"//a///b//":                       {"//a///b//", ""},
		"/a/../../b/./c/..":               {"/a/../../b/./c/..", ""},
		"/%2e%2e/%2E":                     {"/../.", ""},
		"/a%2520b":                        {"/a%20b", ""},
		"/caf%C3%A9/%E4%00%ff":            {"/caf\xc3\xa9/\xe4\x00\xff", ""},
		"/raw\xc3\xa9\xe4":                {"/raw\xc3\xa9\xe4", ""},
		"/a+b;c=d,e":                      {"/a+b;c=d,e", ""},
		"/?a=%2F+%20&b=?/&c;d":            {"/", "a=%2F+%20&b=?/&c;d"},
		"/q?caf\xe9":                      {"/q", "caf\xe9"},
		"/%3Fno-query":                    {"/?no-query", ""},
		"/a:b@c":                          {"/a:b@c", ""},
		"/http://other.test/":             {"/http://other.test/", ""},
		"//other.test/x":                  {"//other.test/x", ""},
		"/" + strings.Repeat("%41", 1000): {"/" + strings.Repeat("A", 1000), ""},
	} {
		d := exchangeDump(t, s, "GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n")
		d.want(t, map[string]string{
			"PATH_INFO": want[0], "QUERY_STRING": want[1], "REQUEST_URI": target, "RAW_URI": target, "SCRIPT_NAME": "",
		})
	}
}

func checkFields(t *testing.T, s *Server) {
	d := exchangeDump(t, s, "GET / HTTP/1.1\r\nhOsT: x\r\nUser-Agent: me\r\nX-Two: a\r\nx-two:b \r\nX-TWO:\r\n"+
		"Cookie: a=1\r\ncookie: b=2\r\nX-Latin: caf\xe9 \xff\r\nX-Tab: a\tb\r\nX-Empty:\r\nX-9!#$%&'*+.^`|~: token\r\n"+
		"X_Under: dropped\r\nX_Two: dropped\r\nContent_Length: 9\r\nProxy: http://evil\r\nproxy: http://evil\r\n"+
		"Accept: a, b\r\nAccept: c\r\nAuthorization: Basic eDp5\r\nContent-Type: text/y\r\nContent-Length: 0\r\n"+
		"If-None-Match: \"x\"\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n")
	d.want(t, map[string]string{
		"HTTP_HOST": "x", "HTTP_USER_AGENT": "me", "HTTP_X_TWO": "a,b,", "HTTP_COOKIE": "a=1; b=2",
		"HTTP_X_LATIN": "caf\xe9 \xff", "HTTP_X_TAB": "a\tb", "HTTP_X_EMPTY": "", "HTTP_X_9!#$%&'*+.^`|~": "token",
		"HTTP_ACCEPT": "a, b,c", "HTTP_AUTHORIZATION": "Basic eDp5", "CONTENT_TYPE": "text/y", "CONTENT_LENGTH": "0",
		"HTTP_IF_NONE_MATCH": `"x"`, "HTTP_X_FORWARDED_FOR": "1.2.3.4", "REMOTE_ADDR": "1.2.3.4",
	})
	if _, ok := d.Environ["HTTP_X_EMPTY"]; !ok {
		t.Error("an empty field is not there")
	}
	d.absent(t, "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_X_UNDER", "HTTP_PROXY")
	// A request without a body says nothing about one.
	d = exchangeDump(t, s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, name := range []string{"CONTENT_TYPE", "CONTENT_LENGTH"} {
		if value := d.variables()[name]; value != "" {
			t.Errorf("%s is %q", name, value)
		}
	}
}

func checkOwnEnviron(t testing.TB, c *Client, n int) {
	t.Helper()
	request := c.Request("PUT", fmt.Sprintf("/path%d?query%d", n, n), strings.NewReader(fmt.Sprintf("body%d", n)))
	request.Header.Set("X-Number", fmt.Sprint(n))
	request.Header.Set("Content-Type", fmt.Sprintf("text/x%d", n))
	response := c.Do(request)
	d := parseDump(t, response.Status, response.Body)
	d.want(t, map[string]string{
		"PATH_INFO": fmt.Sprintf("/path%d", n), "QUERY_STRING": fmt.Sprintf("query%d", n), "REQUEST_METHOD": "PUT",
		"HTTP_X_NUMBER": fmt.Sprint(n), "CONTENT_TYPE": fmt.Sprintf("text/x%d", n),
	})
	if want := fmt.Sprintf("body%d", n); d.Body != want {
		t.Errorf("body %q, want %q", d.Body, want)
	}
}
