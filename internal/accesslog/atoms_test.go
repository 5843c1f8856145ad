package accesslog

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// lineFor is the line of an exchange in a format.
func lineFor(t *testing.T, format string, change func(e *Entry)) string {
	t.Helper()
	a := open(t, filepath.Join(t.TempDir(), "access.log"), format, nil, nil)
	e := entryFor("/a/b?c=d&e")
	e.Host = "example.org:81"
	e.Header = http.Header{
		"User-Agent": {"curl/8.0"}, "Referer": {"http://there/"}, "X-Twice": {"1", "2"}, "Cookie": {"a=b; c=d"},
		"Authorization": {"Basic YWxpY2U6c2VjcmV0"},
	}
	if change != nil {
		change(e)
	}
	e.Took, e.log = 1*time.Second+2003*time.Microsecond, a
	return string(a.line(nil, e))
}

func TestAtomsOfGunicorn(t *testing.T) {
	t.Setenv("ACCESS_TEST", "from outside")
	for format, want := range map[string]string{
		"%(h)s %(l)s %(u)s": "127.0.0.1 - alice", "%(t)s": "[21/Nov/2026:12:17:14 -0100]",
		"%(r)s": "GET /a/b?c=d&e HTTP/1.1", "%(m)s %(U)s %(q)s %(H)s": "GET /a/b c=d&e HTTP/1.1",
		"%(s)s %(b)s %(B)s": "200 12 12", "%(f)s %(a)s": "http://there/ curl/8.0",
		"%(T)s %(D)s %(M)s %(L)s": "1 1002003 1002 1.002003", "%(p)s": "<" + strconv.Itoa(os.Getpid()) + ">",
		"%({x-twice}i)s %({HOST}i)s %({X-None}i)s": "1,2 example.org:81 -", "%({X-Answer}o)s": "42",
		"%({ACCESS_TEST}e)s": "from outside", "%(nonsense)s": "-", "100%%": "100%",
	} {
		if got := lineFor(t, format, nil); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

// Who is somebody is for gowsgi to say where it asks for passwords.
func TestTheUserIsWhoHadThePassword(t *testing.T) {
	for _, c := range []struct {
		asked  bool
		user   string
		status int
		want   string
	}{
		{false, "", 200, "alice"},
		{false, "", 401, "alice"},
		{true, "alice", 200, "alice"},
		{true, "alice", 401, "alice"},
		{true, "", 401, "alice"}, // a claim, as in Apache
		{true, "", 403, "-"},
		{true, "", 429, "-"},
		{true, "", 308, "-"},
		{true, "", 200, "-"},
	} {
		for _, format := range []string{"%u", "%(u)s"} {
			got := lineFor(t, format, func(e *Entry) { e.Asked, e.User, e.Status = c.asked, c.user, c.status })
			if got != c.want {
				t.Errorf("%+v: %q", c, got)
			}
		}
	}
}

func TestAtomsOfApache(t *testing.T) {
	t.Setenv("ACCESS_TEST", "from outside")
	pid := strconv.Itoa(os.Getpid())
	for format, want := range map[string]string{
		"common":                `127.0.0.1 - alice [21/Nov/2026:12:17:14 -0100] "GET /a/b?c=d&e HTTP/1.1" 200 12`,
		"combined":              `127.0.0.1 - alice [21/Nov/2026:12:17:14 -0100] "GET /a/b?c=d&e HTTP/1.1" 200 12 "http://there/" "curl/8.0"`,
		"%a %{c}a %A %p %P":     "127.0.0.1 127.0.0.1 127.0.0.2 8000 " + pid,
		"%v %V":                 "example.org example.org",
		"%m %U %q %H %f":        "GET /a/b ?c=d&e HTTP/1.1 -",
		"%D %T %{s}T %{ms}T":    "1002003 1 1 1002",
		"%{us}T":                "1002003",
		"%k %X":                 "2 +",
		"%{X-Twice}i %{none}i":  "1,2 -",
		"%{X-Answer}o":          "42",
		"%{c}C %{x}C":           "d -",
		"%{ACCESS_TEST}e":       "from outside",
		"%{sec}t %{msec}t":      "1795267034 1795267034007",
		"%{usec}t":              "1795267034007008",
		"%{msec_frac}t":         "007",
		"%{usec_frac}t":         "007008",
		"%{canonical}p %{pid}P": "8000 " + pid,
		"%{local}p %{remote}p":  "8000 4711",
		"%{tid}P":               "-",
		"%s %>s %<s %b %B":      "200 200 200 12 12",
		"%r":                    "GET /a/b?c=d&e HTTP/1.1",
		"%h %l %u":              "127.0.0.1 - alice",
		"%t":                    "[21/Nov/2026:12:17:14 -0100]",
		"%% of %h":              "% of 127.0.0.1",
	} {
		if got := lineFor(t, format, nil); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

func TestAtomsOfWhatIsNotThere(t *testing.T) {
	empty := func(e *Entry) {
		e.Header, e.Client, e.Server, e.BytesOut, e.URI = http.Header{}, Address{}, Address{}, 0, "/"
	}
	for format, want := range map[string]string{
		"%h %u %b %B": "- - - 0", "%A %p": "- 81", "%q|%{local}p": "|-", "%(f)s %(a)s %(q)s|": "- - |",
	} {
		if got := lineFor(t, format, empty); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
	for want, change := range map[string]func(*Entry){
		"X": func(e *Entry) { e.Broken = true },
		"-": func(e *Entry) { e.Closes = true },
		"+": func(*Entry) {},
	} {
		if got := lineFor(t, "%X", change); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSizesCountTheHeads(t *testing.T) {
	if line := lineFor(t, "%I %O", func(e *Entry) { e.HeadIn, e.BytesIn, e.HeadOut = 80, 20, 100 }); line != "100 112" {
		t.Errorf("%q", line)
	}
}

func TestLineOfWhatWasNoRequest(t *testing.T) {
	nothing := func(e *Entry) {
		*e = Entry{Time: e.Time, Client: e.Client, Line: "\x16\x03 \"", Status: 400, BytesOut: 16, Length: 16, Closes: true}
	}
	for format, want := range map[string]string{
		"common":                  `127.0.0.1 - - [21/Nov/2026:12:17:14 -0100] "\x16\x03 \x22" 400 16`,
		"%(r)s|%(m)s|%(U)s|%(H)s": `\x16\x03 \x22|-|-|-`,
		"%{c}C %{X}i %u %L":       "- - - -",
	} {
		if got := lineFor(t, format, nothing); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
	var got map[string]any
	line := lineFor(t, "json", nothing)
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	want := map[string]any{
		"time": "2026-11-21T12:17:14.007-01:00", "client": "127.0.0.1", "line": "\x16\x03 \"",
		"status": 400.0, "bytes_in": 0.0, "bytes_out": 16.0, "duration": 1.002003, "worker": 3.0,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestNobodyForgesALine(t *testing.T) {
	evil := "\"\n\x00\\ é\x7f"
	for _, format := range []string{"%({Evil}i)s", "%{Evil}i"} {
		got := lineFor(t, format, func(e *Entry) { e.Header["Evil"] = []string{evil} })
		if want := `\x22\x0A\x00\x5C \xC3\xA9\x7F`; got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

func TestJSONLineIsAnObject(t *testing.T) {
	var got map[string]any
	line := lineFor(t, "json", func(e *Entry) { e.ID, e.BytesIn = "abc-1", 7 })
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	want := map[string]any{
		"time": "2026-11-21T12:17:14.007-01:00", "client": "127.0.0.1", "method": "GET", "uri": "/a/b?c=d&e", "protocol": "HTTP/1.1",
		"host": "example.org:81", "status": 200.0, "bytes_in": 7.0, "bytes_out": 12.0, "duration": 1.002003, "worker": 3.0,
		"request_id": "abc-1", "referer": "http://there/", "user_agent": "curl/8.0",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestJSONLineHoldsWhateverIsSent(t *testing.T) {
	for sent, want := range map[string]string{
		"\"\\\n\x00": "\"\\\n\x00", "é": "é", "<&>": "<&>", "\xe9": "\ufffd", "x\u2028y": "x\u2028y",
	} {
		line := lineFor(t, "json", func(e *Entry) { e.Header["User-Agent"] = []string{sent} })
		var got struct {
			Agent string `json:"user_agent"`
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Agent != want || strings.ContainsAny(line, "\n\x00") {
			t.Errorf("%q: %q, %v", sent, got.Agent, err)
		}
	}
}
