package e2e

import (
	"strings"
	"testing"
)

// breachTexts is what the log must say of some breaches; of all others, that
// the application raised.
var breachTexts = map[string]string{
	"status-bytes":            "the status must be a str, not bytes",
	"status-int":              "the status must be a str, not int",
	"status-without-reason":   "three digits",
	"status-interim":          "three digits",
	"status-crlf":             "three digits",
	"status-unicode":          "latin-1",
	"headers-none":            "must be a list, not NoneType",
	"headers-dict":            "must be a list, not dict",
	"headers-of-lists":        "must be a tuple (name, value)",
	"headers-of-triples":      "must be a tuple (name, value)",
	"name-bytes":              "name must be a str, not bytes",
	"name-colon":              "not a name for a response header",
	"name-crlf":               "not a name for a response header",
	"name-latin1":             "not a name for a response header",
	"name-unicode":            "latin-1",
	"value-int":               "value must be a str, not int",
	"value-crlf":              "control characters in the value",
	"value-nul":               "control characters in the value",
	"value-unicode":           "latin-1",
	"length-text":             "Content-Length",
	"length-two":              "Content-Length",
	"called-twice":            "second time without exc_info",
	"called-without-headers":  "start_response takes",
	"exc-info-text":           "exc_info must be a tuple",
	"never-called":            "start_response",
	"never-called-empty":      "did not call start_response",
	"called-after-output":     "before it called start_response",
	"returns-none":            "not an iterable",
	"returns-none-silent":     "None",
	"returns-int":             "not an iterable",
	"returns-str":             "must be bytes",
	"returns-bytes":           "must be bytes",
	"returns-broken-iterable": "no iterator from this one",
	"list-of-str":             "a block of type str",
	"list-of-bytearray":       "a block of type bytearray",
	"list-bytes-then-str":     "a block of type str",
	"yields-none":             "a block of type NoneType",
	"write-str":               "a block of type str",
	"write-nothing":           "write takes one byte string",
}

func TestBreachesOfTheContract(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "breaches", mode)
		sins := strings.Fields(s.Client(t).Get("/").Body)
		if len(sins) < 80 {
			t.Fatalf("only %d breaches", len(sins))
		}
		t.Run("each is a 500", func(t *testing.T) {
			Parallel(t, len(sins), func(t testing.TB, i int) {
				c := Dial(t, s.Server)
				for range 3 {
					response := c.Get("/" + sins[i])
					if response.Status != 500 || strings.Contains(response.Body, "must not be seen") || len(response.Values("X-Injected")) > 0 {
						t.Errorf("%s: %+v", sins[i], response)
					}
				}
				c.StaysOpen("/")
			})
		})
		t.Run("each is logged once, with its name and the request", func(t *testing.T) {
			for _, sin := range sins {
				var records []string
				Eventually(t, "three records of "+sin, func() bool {
					records = s.Records("application.raised", "/"+sin)
					return len(records) >= 3
				})
				if len(records) != 3 {
					t.Errorf("%s: %d records of 3 requests", sin, len(records))
				}
				if text := breachTexts[sin]; !strings.Contains(records[0], text) || !strings.Contains(records[0], "method=GET") {
					t.Errorf("%s: no %q in %q", sin, text, records[0])
				}
			}
		})
	})
}

func TestHoarder(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "hoarder", mode)
		c := Dial(t, s.Server) // one connection is one worker
		for _, body := range []string{"body", "body of more than four bytes", strings.Repeat("x", 3<<20)} {
			go c.Send("POST /keep HTTP/1.1\r\nHost: x\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body)
			c.Response("POST").Want(t, 200, "kept "+body[:4])
			if len(body) > 1<<20 {
				c = nil // so much of a body is not waited for
				break
			}
			checkExpired(t, c)
		}
		if mode.Workers == 1 {
			checkExpired(t, Dial(t, s.Server))
		}
		Parallel(t, 50, func(t testing.TB, i int) {
			c := Dial(t, s.Server)
			c.Send("POST /keep HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nbody" + itoa(i%10))
			c.Response("POST").Want(t, 200, "kept body")
			response := c.Get("/use")
			if response.Status != 200 || strings.Contains(response.Body, "late") {
				t.Errorf("%+v", response)
			}
		})
		if strings.Contains(s.Log(), "late") {
			t.Error("a late write to wsgi.errors is in the log")
		}
	})
}

// checkExpired: everything that was kept of an earlier request is of no use.
func checkExpired(t testing.TB, c *Conn) {
	t.Helper()
	response := c.Get("/use")
	if response.Status != 200 {
		t.Fatalf("%+v", response)
	}
	for line := range strings.Lines(response.Body) {
		if !strings.Contains(line, "RuntimeError: ") || !strings.Contains(line, "belongs to a request that has ended") {
			t.Errorf("an expired object: %q", line)
		}
	}
}
