package e2e

import (
	"net/url"
	"strings"
	"testing"
)

func TestStartResponse(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "start_response_calls", mode)
		for path, want := range map[string]struct {
			status int
			body   string
		}{
			"/late": {202, "late"}, "/late-write": {202, "late write"}, "/replaced": {503, "replaced"},
			"/replaced-empty": {503, "replaced"}, "/corrected": {201, "corrected"}, "/write": {200, "one two three four"},
			"/write-only": {200, "only"}, "/write-result": {200, "text [None, None]"}, "/keyword": {200, "keyword"}, "/none": {200, "none"},
		} {
			t.Run(path, func(t *testing.T) {
				Parallel(t, 5, func(t testing.TB, _ int) {
					c := Dial(t, s.Server)
					response := c.Get(path)
					response.Want(t, want.status, want.body)
					if old := response.Values("X-Old"); len(old) > 0 {
						t.Errorf("a header of the first call: %q", old)
					}
					if strings.HasPrefix(path, "/replaced") && response.Value("X-New") != "yes" {
						t.Errorf("no header of the second call: %+v", response.Fields)
					}
					c.StaysOpen("/keyword")
				})
			})
		}
		t.Run("a second call after a block raises and ends the response", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("GET /too-late HTTP/1.1\r\nHost: x\r\n\r\n")
			if response := c.BrokenResponse("GET"); response.Status != 200 || response.Body != "a block" {
				t.Errorf("%+v", response)
			}
			record := s.WaitRecord(t, "application.raised", "/too-late")
			if !strings.Contains(record, "LookupError: the deliberate one") || !strings.Contains(record, "start_response_calls.py") {
				t.Errorf("the record is %q", record)
			}
		})
		t.Run("it raises the very exception", func(t *testing.T) {
			Dial(t, s.Server).Get("/too-late-caught").Want(t, 200, "a block, the same")
		})
		t.Run("header fields arrive as they are", func(t *testing.T) { checkResponseFields(t, s.Server) })
		t.Run("status lines", func(t *testing.T) { checkStatusLines(t, s.Server) })
	})
}

func checkResponseFields(t *testing.T, s *Server) {
	response := Dial(t, s).Get("/headers")
	response.Want(t, 200, "headers")
	var names []string
	for _, field := range response.Fields {
		names = append(names, field.Name)
	}
	for _, name := range []string{"x-lower", "X-UPPER", "Set-Cookie", "set-cookie", "X-Latin", "X!#$%&'*+-.^_`|~9", "ETag"} {
		if !s.http2 && !strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ") { // there is one spelling in HTTP/2
			t.Errorf("no field is spelled %q: %q", name, names)
		}
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain", "x-lower": "a", "X-UPPER": "b", "Set-Cookie": "a=1, b=2, c=3", "X-Latin": "caf\xe9 \xff",
		"X-Tab": "a\tb", "X-Empty": "", "Date": "Thu, 01 Jan 1970 00:00:00 GMT", "Server": "the application", "ETag": `"abc"`,
		"X!#$%&'*+-.^_`|~9": "token", "X-Long": strings.Repeat("v", 20_000), "Content-Length": "7",
	} {
		if got := response.Value(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(response.Values("X-Empty")) != 1 {
		t.Error("the empty field is not there")
	}
}

func checkStatusLines(t *testing.T, s *Server) {
	c := Dial(t, s)
	for line, want := range map[string]int{
		"200 OK": 200, "200 ": 200, "404 Not Found": 404, "299 Of Our Own": 299, "418 I'm a teapot": 418, "599 Odd": 599,
		"204 No Content": 204, "304 Not Modified": 304, "205 Reset Content": 205, "200 caf\u00e9": 200, "200 \tTab": 200,
	} {
		response := c.Get("/status?line=" + url.QueryEscape(line))
		if response.Status != want {
			t.Errorf("%q: %+v", line, response)
		}
	}
}
