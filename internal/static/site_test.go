package static

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// memory is a Sink.
type memory struct{ bytes.Buffer }

func (m *memory) WriteBlocks(blocks ...[]byte) (n int64, err error) {
	for _, block := range blocks {
		m.Write(block)
		n += int64(len(block))
	}
	return n, nil
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

// tree is a folder with files, whose content is their name, beside a secret.
func tree(t testing.TB, names ...string) string {
	t.Helper()
	top := t.TempDir()
	write(t, filepath.Join(top, "secret"), "SECRET")
	for _, name := range names {
		write(t, filepath.Join(top, "www", name), name)
	}
	return filepath.Join(top, "www")
}

// Close lets go of all folders, which a worker does by ending.
func (s *Site) Close() {
	if s == nil {
		return
	}
	all := append(append([]mapped{}, s.prefixes...), s.internal...)
	if s.root != nil {
		all = append(all, mapped{folder: s.root})
	}
	for _, m := range all {
		m.folder.mu.Lock()
		m.folder.close()
		m.folder.mu.Unlock()
	}
}

// got is a response.
type got struct {
	status int
	body   string
	fields http.Header
}

// ask asks a site; status 0: it is the application's.
func ask(t testing.TB, s *Site, method, target string, fields ...string) got {
	t.Helper()
	r := &http.Request{Method: method, RequestURI: target, Header: http.Header{}}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	a := s.Answer(r, time.Now())
	if a == nil {
		return got{}
	}
	return taken(t, a)
}

func taken(t testing.TB, a *Answer) got {
	t.Helper()
	defer a.Close()
	g := got{status: a.Status, fields: http.Header{}}
	for _, f := range a.Fields {
		g.fields.Add(f[0], f[1])
	}
	var m memory
	n, err := a.Send(&m)
	if err != nil || n != int64(m.Len()) || m.Len() > 0 && n != a.Length {
		t.Errorf("%d of %d sent, %v", n, a.Length, err)
	}
	g.body = m.String()
	return g
}

func TestWhatIsOursAndHowItIsAsked(t *testing.T) {
	root := tree(t, "app.css", "index.html", "static/inner.css", "docs/page.html")
	other := tree(t, "deep.css")
	s := New(Config{
		Prefixes: []Mapping{{"/static", root}, {"/static/deep", other}, {"/a b", root}}, Root: root, Index: []string{"index.html"}, MaxAge: time.Hour, Immutable: true,
	}, time.Now())
	defer s.Close()
	for _, c := range []struct {
		method, target string
		status         int
		body           string
	}{
		{"GET", "/static/app.css", 200, "app.css"},
		{"GET", "/%73tatic/app.css", 200, "app.css"},
		{"GET", "http://x/static/app.css", 200, "app.css"},
		{"GET", "/a%20b/app.css", 200, "app.css"},
		{"GET", "/static/deep/deep.css", 200, "deep.css"},
		{"GET", "/static/deep/app.css", 404, ""},
		{"GET", "/static/deepx", 404, ""},
		{"GET", "/staticx/app.css", 0, ""},
		{"GET", "/Static/app.css", 0, ""},
		{"GET", "/app.css", 200, "app.css"},
		{"GET", "/", 200, "index.html"},
		{"GET", "//", 200, "index.html"},
		{"GET", "", 0, ""},
		{"GET", "*", 0, ""},
		{"OPTIONS", "*", 0, ""},
		{"CONNECT", "x:443", 0, ""},
		{"GET", "/docs/", 0, ""},
		{"GET", "/docs", 0, ""},
		{"GET", "/docs/page.html", 200, "docs/page.html"},
		{"GET", "/unknown", 0, ""},
		{"POST", "/app.css", 0, ""},
		{"POST", "/static/app.css", 405, ""},
		{"DELETE", "/static/nothing", 405, ""},
		{"OPTIONS", "/static/", 405, ""},
		{"get", "/static/app.css", 405, ""},
	} {
		g := ask(t, s, c.method, c.target)
		if g.status != c.status || c.body != "" && g.body != c.body {
			t.Errorf("%s %s: %+v", c.method, c.target, g)
		}
		if c.status == 405 && g.fields.Get("Allow") != "GET, HEAD" {
			t.Errorf("%+v", g.fields)
		}
	}
	g := ask(t, s, "HEAD", "/static/app.css")
	if g.status != 200 || g.body != "" || g.fields.Get("Content-Type") != "text/css; charset=utf-8" || g.fields.Get("Cache-Control") != "max-age=3600" {
		t.Errorf("%+v", g)
	}
	if g := ask(t, s, "GET", "/"); g.fields.Get("Cache-Control") != "no-cache" || g.fields.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%+v", g.fields)
	}
}

func TestSiblingsAreServedToWhoCanReadThem(t *testing.T) {
	root := tree(t, "app.js", "app.js.br", "app.js.gz", "old.js", "old.js.gz", "plain.js", "only.js.gz")
	early := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(root, "old.js.gz"), early, early); err != nil {
		t.Fatal(err)
	}
	s := New(Config{Prefixes: []Mapping{{"/s", root}}}, time.Now())
	defer s.Close()
	tags := map[string]bool{}
	for _, c := range []struct{ name, accept, body, coding, vary string }{
		{"app.js", "gzip, br", "app.js.br", "br", "Accept-Encoding"},
		{"app.js", "gzip", "app.js.gz", "gzip", "Accept-Encoding"},
		{"app.js", "zstd", "app.js", "", "Accept-Encoding"},
		{"app.js", "", "app.js", "", "Accept-Encoding"},
		{"old.js", "gzip", "old.js", "", ""},
		{"plain.js", "gzip", "plain.js", "", ""},
		{"app.js.gz", "gzip", "app.js.gz", "", ""},
	} {
		g := ask(t, s, "GET", "/s/"+c.name, "Accept-Encoding", c.accept)
		if g.body != c.body || g.fields.Get("Content-Encoding") != c.coding || g.fields.Get("Vary") != c.vary {
			t.Errorf("%+v: %+v", c, g)
		}
		tag := g.fields.Get("ETag")
		tags[tag] = true
		again := ask(t, s, "GET", "/s/"+c.name, "Accept-Encoding", c.accept, "If-None-Match", tag)
		if again.status != 304 || again.fields.Get("ETag") != tag || again.fields.Get("Vary") != c.vary || again.fields.Get("Content-Type") != "" {
			t.Errorf("%+v: %+v", c, again)
		}
		part := ask(t, s, "GET", "/s/"+c.name, "Accept-Encoding", c.accept, "Range", "bytes=1-2")
		if part.status != 206 || part.body != c.body[1:3] || part.fields.Get("Content-Encoding") != c.coding {
			t.Errorf("%+v: %+v", c, part)
		}
	}
	if len(tags) < 5 {
		t.Errorf("%v", tags)
	}
	if g := ask(t, s, "GET", "/s/only.js", "Accept-Encoding", "gzip"); g.status != 404 {
		t.Errorf("%+v", g)
	}
}

func TestPartsOfFiles(t *testing.T) {
	root := tree(t)
	for name, size := range map[string]int{"small": 1000, "large": mostKeptSize + 1000} {
		write(t, filepath.Join(root, name), strings.Repeat("0123456789", size/10))
	}
	s := New(Config{Prefixes: []Mapping{{"/s", root}}}, time.Now())
	defer s.Close()
	for _, name := range []string{"small", "large"} {
		whole := ask(t, s, "GET", "/s/"+name)
		size := len(whole.body)
		one := ask(t, s, "GET", "/s/"+name, "Range", "bytes=5-9")
		if one.status != 206 || one.body != "56789" || one.fields.Get("Content-Range") != fmt.Sprintf("bytes 5-9/%d", size) || one.fields.Get("ETag") != whole.fields.Get("ETag") {
			t.Errorf("%+v", one)
		}
		several := ask(t, s, "GET", "/s/"+name, "Range", "bytes=0-1,-3")
		mediaType := several.fields.Get("Content-Type")
		boundary, ok := strings.CutPrefix(mediaType, "multipart/byteranges; boundary=")
		want := fmt.Sprintf("--%[1]s\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 0-1/%[2]d\r\n\r\n01\r\n--%[1]s\r\n"+
			"Content-Type: application/octet-stream\r\nContent-Range: bytes %[3]d-%[4]d/%[2]d\r\n\r\n789\r\n--%[1]s--\r\n", boundary, size, size-3, size-1)
		if several.status != 206 || !ok || several.body != want || several.fields.Get("Content-Range") != "" {
			t.Errorf("%+v\nwant %q", several, want)
		}
		if g := ask(t, s, "GET", "/s/"+name, "Range", "bytes=999999-"); g.status != 416 || g.fields.Get("Content-Range") != fmt.Sprintf("bytes */%d", size) {
			t.Errorf("%+v", g)
		}
		if g := ask(t, s, "HEAD", "/s/"+name, "Range", "bytes=5-9"); g.status != 200 || g.fields.Get("Content-Range") != "" {
			t.Errorf("%+v", g)
		}
		if g := ask(t, s, "GET", "/s/"+name, "Range", "bytes=5-9", "If-Range", `"other"`); g.status != 200 || g.body != whole.body {
			t.Errorf("%+v", g.status)
		}
		if g := ask(t, s, "GET", "/s/"+name, "Range", "bytes=5-9", "If-None-Match", whole.fields.Get("ETag")); g.status != 304 {
			t.Errorf("%+v", g.status)
		}
	}
}

func TestListings(t *testing.T) {
	root := tree(t, "a&b.txt", "sub/x", ".hidden", "javascript:alert(1)")
	s := New(Config{Prefixes: []Mapping{{"/s", root}}, Root: root, Listing: true}, time.Now())
	defer s.Close()
	g := ask(t, s, "GET", "/s/")
	if g.status != 200 || strings.Contains(g.body, "hidden") || !strings.Contains(g.body, `<a href="./a%26b.txt">a&amp;b.txt</a>`) ||
		!strings.Contains(g.body, `<a href="./sub/">sub/</a>`) || !strings.Contains(g.body, `"./javascript%3Aalert%281%29"`) {
		t.Errorf("%+v", g)
	}
	if g := ask(t, s, "GET", "/s/sub"); g.status != 301 || g.fields.Get("Location") != "./sub/" {
		t.Errorf("%+v", g)
	}
	for _, target := range []string{"/s/.hidden/", "/s/sub/x/", "/s/nothing/"} {
		if g := ask(t, s, "GET", target); g.status != 404 {
			t.Errorf("%s: %+v", target, g)
		}
	}
	if g := ask(t, s, "GET", "/"); g.status != 0 {
		t.Errorf("the application's page: %+v", g)
	}
}

func TestFoldersThatHoldAPlace(t *testing.T) {
	root := tree(t, "app/settings.py", "..odd/x")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		folder, place string
		want          bool
	}{
		{root, root, true},
		{root, root + "/app", true},
		{"/", root, true},
		{link, root + "/app", true},
		{root, link + "/app", true},
		{root, root + "/..odd", true},
		{root + "/app", root, false},
		{root + "/ap", root + "/app", false},
		{root + "/nothing", root, false},
		{root, root + "/nothing", false},
	} {
		if Holds(c.folder, c.place) != c.want {
			t.Errorf("%s, %s", c.folder, c.place)
		}
	}
}
