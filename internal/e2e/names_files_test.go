package e2e

import (
	"testing"
)

func TestFilesThatTheApplicationNames(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		root, other := folderOf(t, "a.txt", "caf\xe9.txt", "b.large"), folderOf(t, "report 1.pdf")
		f := startFilesOf(t, mode, root, "--sendfile-root", root, "--sendfile-root", "/protected="+other)
		send := "/?name=X-Sendfile&value=" + root
		for _, way := range []string{"list", "stream", "write"} {
			key := f.Key()
			r := f.ask(t, "GET", send+"/a.txt&way="+way+"&id="+key+"&field=Set-Cookie:a=b")
			if r.Status != 200 || r.Body != "a.txt" || r.Value("X-Sendfile") != "" || r.Value("X-Before") != "1" || r.Value("X-After") != "2" ||
				r.Value("Set-Cookie") != "a=b" || r.Value("Content-Type") != "text/plain; charset=utf-8" || r.Value("Content-Length") != "5" {
				t.Errorf("%s: %+v", way, r)
			}
			if way == "stream" {
				f.WaitNotes(t, key, "closed")
			}
		}
		large := f.ask(t, "GET", send+"/b.large")
		if len(large.Body) != 1<<20 {
			t.Errorf("%d bytes", len(large.Body))
		}
		for _, c := range []struct {
			method, target string
			status         int
			body           string
			fields         []string
		}{
			{"HEAD", send + "/b.large", 200, "", nil},
			{"GET", send + "/b.large", 206, "0123", []string{"Range: bytes=16-19"}},
			{"GET", send + "/b.large&field=Content-Range:bytes+0-0/1&status=206+Partial", 206, "0123", []string{"Range: bytes=16-19"}},
			{"GET", send + "/b.large", 304, "", []string{"If-None-Match: " + large.Value("ETag")}},
			{"POST", send + "/a.txt", 200, "a.txt", nil},
			{"GET", send + "/a.txt&status=404+Gone+Missing", 404, "a.txt", []string{"Range: bytes=0-0"}},
			{"GET", send + "/caf%e9.txt", 200, "caf\xe9.txt", nil},
			{"GET", "/?name=x-accel-redirect&value=/protected/report%25201.pdf", 200, "report 1.pdf", nil},
			{"GET", "/?name=X-Accel-Redirect&value=/protected/../secret", 500, "500 Internal Server Error\n", nil},
			{"GET", send + "/../secret", 500, "500 Internal Server Error\n", nil},
			{"GET", "/?name=X-Sendfile&value=/etc/passwd", 500, "500 Internal Server Error\n", nil},
			{"GET", send + "/nothing", 404, "404 Not Found\n", nil},
			{"GET", send + "/a.txt&way=raise", 500, "500 Internal Server Error\n", nil},
			{"GET", "/?name=X-Other&value=x", 200, "GET /", nil},
			{"GET", "/page", 200, "GET /page", nil},
		} {
			r := f.ask(t, c.method, c.target, c.fields...)
			if r.Status != c.status || r.Body != c.body || r.Value("X-Sendfile")+r.Value("X-Accel-Redirect") != "" {
				t.Errorf("%s %s: %d %.100q %v", c.method, c.target, r.Status, r.Body, r.Fields)
			}
		}
		f.WaitLog(t, "event=sendfile.refused")
	})
}

// Behind another server that does it, the fields are that server's.
func TestNamedFilesArePassedOnWithoutASetting(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		f := startFilesOf(t, mode, "")
		for _, field := range []string{"X-Sendfile", "X-Accel-Redirect"} {
			if r := f.ask(t, "GET", "/?name="+field+"&value=/protected/x"); r.Body != "GET /" || r.Value(field) != "/protected/x" {
				t.Errorf("%+v", r)
			}
		}
	})
}
