package static

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"
)

func TestFilesThatTheApplicationNames(t *testing.T) {
	root, media := tree(t, "a.txt", "report"), tree(t, "b c.pdf", ".key")
	if err := os.Symlink("../secret", filepath.Join(root, "out")); err != nil {
		t.Fatal(err)
	}
	s := New(Config{Internal: []Mapping{{"", root}, {"/protected", media}}}, time.Now())
	defer s.Close()
	for _, c := range []struct {
		field, value string
		want         string
		err          error
	}{
		{sendfileField, root + "/a.txt", "a.txt", nil},
		{sendfileField, root + "/../www/a.txt", "a.txt", nil},
		{sendfileField, root + "/nothing", "", ErrAbsent},
		{sendfileField, root, "", ErrAbsent},
		{sendfileField, root + "/out", "", ErrOutside},
		{sendfileField, root + "/../secret", "", ErrOutside},
		{sendfileField, root + "x/a.txt", "", ErrOutside},
		{sendfileField, "a.txt", "", ErrOutside},
		{sendfileField, "", "", ErrOutside},
		{sendfileField, media + "/b c.pdf", "", ErrOutside},
		{sendfileField, root + "/a.txt\x00", "", ErrOutside},
		{sendfileField, "/etc/passwd", "", ErrOutside},
		{accelField, "/protected/b%20c.pdf", "b c.pdf", nil},
		{accelField, "/protected/b c.pdf?x=1", "b c.pdf", nil},
		{accelField, "/protected/.key", ".key", nil},
		{accelField, "/protected/../b%20c.pdf", "", ErrOutside},
		{accelField, "/protected/%2e%2e/secret", "", ErrOutside},
		{accelField, "/protected/", "", ErrOutside},
		{accelField, "/protected/x", "", ErrAbsent},
		{accelField, "/other/b", "", ErrOutside},
		{accelField, root + "/a.txt", "", ErrOutside},
		{accelField, "@named", "", ErrOutside},
	} {
		fields := [][2]string{{"Content-Type", "text/x"}, {"ETag", `"own"`}, {"x-sendfile", "x"}, {"Set-Cookie", "a=b"}, {"Content-Length", "5"}, {"Content-Encoding", "gzip"}}
		r := &http.Request{Method: "GET", Header: http.Header{"Range": {"bytes=0-0"}}}
		a, err := s.Internal(c.field, c.value, 200, fields, r, time.Now())
		if !errors.Is(err, c.err) {
			t.Errorf("%s %s: %v", c.field, c.value, err)
		}
		if err != nil {
			continue
		}
		g := taken(t, a)
		if g.status != 206 || g.body != c.want[:1] || g.fields.Get("Content-Type") != "text/x" || g.fields.Get("Set-Cookie") != "a=b" ||
			g.fields.Get("ETag") == `"own"` || g.fields["X-Sendfile"] != nil || g.fields["Content-Length"] != nil || g.fields["Content-Encoding"] != nil {
			t.Errorf("%s: %+v", c.value, g)
		}
		posted := &http.Request{Method: "POST", Header: http.Header{"If-None-Match": {"*"}, "Range": {"bytes=0-0"}}}
		if a, err = s.Internal(c.field, c.value, 200, fields, posted, time.Now()); err != nil {
			t.Error(err)
		} else if g := taken(t, a); g.status != 200 || g.body != c.want {
			t.Errorf("POST %s: %+v", c.value, g)
		}
		a, err = s.Internal(c.field, c.value, 404, fields, r, time.Now())
		if err != nil {
			t.Error(err)
		} else if g := taken(t, a); g.status != 404 || g.body != c.want {
			t.Errorf("%s: %+v", c.value, g)
		}
	}
	if field, value := s.Named([][2]string{{"A", "b"}, {"x-accel-redirect", "/x"}}); field != accelField || value != "/x" {
		t.Errorf("%s %s", field, value)
	}
	if field, _ := (*Site)(nil).Named([][2]string{{"X-Sendfile", "/x"}}); field != "" {
		t.Error("nobody asked for it")
	}
}

// What the application has named is in memory that is the next request's soon, and the
// path of a request is a piece of its head, which is large if the client likes.
func TestNamesOfFilesAreCopied(t *testing.T) {
	root := tree(t, "a.txt", "b.css")
	get := &http.Request{Method: "GET"}
	for field, below := range map[string]string{sendfileField: root, accelField: "/protected", "": "/static"} {
		internal := "/protected"
		if field == sendfileField {
			internal = ""
		}
		s := New(Config{Internal: []Mapping{{internal, root}}, Prefixes: []Mapping{{"/static", root}}}, time.Now())
		defer s.Close()
		now := time.Now()
		memory := make([]byte, len(below+"/a.txt"))
		value := unsafe.String(&memory[0], len(memory))
		for range 3 {
			for name, want := range map[string]string{"a.txt": "text/plain; charset=utf-8", "b.css": "text/css; charset=utf-8"} {
				copy(memory, below+"/"+name)
				a := s.Answer(&http.Request{Method: "GET", RequestURI: value}, now)
				if field != "" {
					var err error
					if a, err = s.Internal(field, value, 200, nil, get, now); err != nil {
						t.Fatal(err)
					}
				}
				clear(memory)
				if g := taken(t, a); g.body != name || g.fields.Get("Content-Type") != want {
					t.Errorf("%s %s: %+v", field, name, g)
				}
			}
		}
		if n := len(s.cache.names); n != 2 {
			t.Errorf("%s: of two files %d are known", field, n)
		}
		for k := range s.cache.names {
			if k.name != "a.txt" && k.name != "b.css" {
				t.Errorf("%s: %q is known", field, k.name)
			}
		}
	}
}
