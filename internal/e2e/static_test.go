package e2e

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// files is a server with files beside names_files.py.
type files struct {
	Contract
	root string
}

// folderOf makes a folder of files that have rested. A name that ends in .large has
// a megabyte.
func folderOf(t testing.TB, names ...string) string {
	t.Helper()
	top := t.TempDir()
	if err := os.WriteFile(filepath.Join(top, "secret"), []byte("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(top, "www")
	for _, name := range names {
		putFile(t, filepath.Join(root, name), name)
	}
	return root
}

func putFile(t testing.TB, path, content string) {
	t.Helper()
	if strings.HasSuffix(path, ".large") {
		content = strings.Repeat("0123456789abcdef", 1<<16)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func startFilesOf(t testing.TB, mode Mode, root string, args ...string) files {
	t.Helper()
	return files{startContract(t, "names_files", mode, args...), root}
}

// ask sends one request on a connection of its own.
func (f files) ask(t testing.TB, method, target string, fields ...string) RawResponse {
	t.Helper()
	c := Dial(t, f.Server)
	defer c.Close()
	c.Send(method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n")
	return c.Response(method)
}

func TestFilesAndTheApplicationShareASite(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		root := folderOf(t, "app.css", "app.css.gz", "favicon.ico", "index.html", "docs/index.html", "docs/b.large", "main.8ec1b8d3.js", "caf\xe9.txt")
		f := startFilesOf(t, mode, root, "--static", "/static="+root, "--document-root", root, "--access-logfile", "-", "--request-id-header", "X-Request-ID")
		for _, c := range []struct {
			method, target string
			status         int
			body           string
		}{
			{"GET", "/static/app.css", 200, "app.css"},
			{"GET", "/%73tatic//app.css?x", 200, "app.css"},
			{"GET", "http://x/static/app.css", 200, "app.css"},
			{"GET", "/static/caf%e9.txt", 200, "caf\xe9.txt"},
			{"HEAD", "/static/app.css", 200, ""},
			{"GET", "/static/nothing", 404, "404 Not Found\n"},
			{"GET", "/static/", 200, "index.html"},
			{"GET", "/static/docs", 301, "301 Moved Permanently\n"},
			{"POST", "/static/app.css", 405, "405 Method Not Allowed\n"},
			{"GET", "/", 200, "index.html"},
			{"GET", "/favicon.ico", 200, "favicon.ico"},
			{"GET", "//favicon.ico", 200, "favicon.ico"},
			{"GET", "/docs/", 200, "docs/index.html"},
			{"GET", "/docs/nothing", 200, "GET /docs/nothing"},
			{"GET", "/page", 200, "GET /page"},
			{"GET", "/staticx", 200, "GET /staticx"},
			{"POST", "/favicon.ico", 200, "POST /favicon.ico"},
			{"POST", "/", 200, "POST /"},
			{"GET", "/../secret", 200, "GET /../secret"},
			{"GET", "/docs/%2e%2e/%2e%2e/secret", 200, "GET /docs/../../secret"},
		} {
			r := f.ask(t, c.method, c.target)
			if r.Status != c.status || r.Body != c.body {
				t.Errorf("%s %s: %d %q", c.method, c.target, r.Status, r.Body)
			}
			if r.Value("X-Request-Id") == "" {
				t.Errorf("%s %s has no name: %+v", c.method, c.target, r.Fields)
			}
		}
		f.WaitOut(t, `"HEAD /static/app.css HTTP/1.1" 200 `)
		f.WaitOut(t, `"GET /static/docs HTTP/1.1" 301`)

		t.Run("on one connection, in any order", func(t *testing.T) {
			Parallel(t, 8, func(t testing.TB, i int) {
				c := Dial(t, f.Server)
				for range 12 {
					c.Send("GET /static/app.css HTTP/1.1\r\nHost: x\r\n\r\nGET /page HTTP/1.1\r\nHost: x\r\n\r\n" +
						"POST /static/app.css HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + "HEAD /docs/b.large HTTP/1.1\r\nHost: x\r\n\r\n")
					first, second, third := c.Response("GET"), c.Response("GET"), c.Response("POST")
					if first.Body != "app.css" || second.Body != "GET /page" || third.Status != 405 || third.Value("Allow") != "GET, HEAD" {
						t.Errorf("%+v %+v %+v", first, second, third)
					}
					if third.Value("Connection") == "close" {
						c = Dial(t, f.Server)
					} else if head := c.Response("HEAD"); head.Value("Content-Length") != "1048576" {
						t.Errorf("%+v", head)
					}
					large := "GET /docs/b.large HTTP/1.1\r\nHost: x\r\n\r\n"
					c.Send(large + large)
					for range 2 {
						if r := c.Response("GET"); len(r.Body) != 1<<20 || !strings.HasPrefix(r.Body, "0123456789abcdef0") {
							t.Errorf("%d bytes", len(r.Body))
						}
					}
				}
			})
		})
		t.Run("HTTP/1.0", func(t *testing.T) {
			c := Dial(t, f.Server)
			c.Send("GET /docs/b.large HTTP/1.0\r\n\r\n")
			if r := c.Response("GET"); len(r.Body) != 1<<20 {
				t.Errorf("%d bytes", len(r.Body))
			}
		})
		t.Run("validators", func(t *testing.T) {
			r := f.ask(t, "GET", "/static/app.css", "Accept-Encoding: gzip")
			tag := r.Value("ETag")
			if r.Body != "app.css.gz" || r.Value("Content-Encoding") != "gzip" || r.Value("Vary") != "Accept-Encoding" || !strings.HasPrefix(tag, `"`) {
				t.Errorf("%+v", r)
			}
			again := f.ask(t, "GET", "/static/app.css", "Accept-Encoding: gzip", "If-None-Match: "+tag)
			if again.Status != 304 || again.Value("ETag") != tag || again.Value("Vary") != "Accept-Encoding" || again.Values("Content-Length") != nil {
				t.Errorf("%+v", again)
			}
			part := f.ask(t, "GET", "/docs/b.large", "Range: bytes=16-31")
			if part.Status != 206 || part.Body != "0123456789abcdef" || part.Value("Content-Range") != "bytes 16-31/1048576" {
				t.Errorf("%+v", part)
			}
			parts := f.ask(t, "GET", "/docs/b.large", "Range: bytes=0-0,-1")
			if parts.Status != 206 || strings.Count(parts.Body, "Content-Range:") != 2 || !strings.Contains(parts.Body, "\r\n\r\nf\r\n--") {
				t.Errorf("%+v", parts)
			}
			if r := f.ask(t, "GET", "/static/main.8ec1b8d3.js"); !strings.Contains(r.Value("Cache-Control"), "immutable") {
				t.Errorf("%+v", r.Fields)
			}
			if r := f.ask(t, "GET", "/"); r.Value("Cache-Control") != "no-cache" {
				t.Errorf("%+v", r.Fields)
			}
		})
		t.Run("a name that comes and goes", func(t *testing.T) {
			c := Dial(t, f.Server)
			if r := c.Get("/robots.txt"); r.Body != "GET /robots.txt" {
				t.Errorf("%+v", r)
			}
			putFile(t, filepath.Join(root, "robots.txt"), "robots")
			Eventually(t, "a new file is served", func() bool { return c.Get("/robots.txt").Body == "robots" })
			if err := os.Remove(filepath.Join(root, "robots.txt")); err != nil {
				t.Fatal(err)
			}
			Eventually(t, "the application has its path again", func() bool { return c.Get("/robots.txt").Body == "GET /robots.txt" })
		})
	})
}

func TestNothingBesideTheFilesGetsOut(t *testing.T) {
	root := folderOf(t, "app.css", ".env", ".git/config", "dir/a.txt")
	for _, link := range [][2]string{{"../secret", "out"}, {"..", "up"}, {"/", "root"}, {"/proc/self/environ", "environ"}} {
		if err := os.Symlink(link[0], filepath.Join(root, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := startFilesOf(t, modes[0], root, "--static", "/static="+root, "--limit-request-line", "8190")
	targets := []string{
		"/static/../secret", "/static/..%2fsecret", "/static/%2e%2e/secret", "/static/%2e%2e%2fsecret", "/static/dir/../../secret",
		"/static//../secret", "/static/./../secret", "/static/..;/secret", "/static/..\\secret", "/static/..%5csecret", "/static/%252e%252e/secret",
		"/static/%c0%ae%c0%ae/secret", "/static/.%00./secret", "/static/app.css%00.txt", "/static/.env", "/static/%2eenv", "/static/.git/config", "/static/out",
		"/static/up/secret", "/static/root/etc/passwd", "/static/environ", "/static/fifo", "/static/dir/", "/static/dir", "/static//etc/passwd",
		"/static/app.css/", "/static/app.css/..", "/static/" + strings.Repeat("../", 2000) + "etc/passwd", "/static/" + strings.Repeat("a", 8000),
		"http://x/static/../secret", "/static/%2fetc%2fpasswd", "/static/file:///etc/passwd",
	}
	for _, target := range targets {
		r := f.ask(t, "GET", target)
		if r.Status != 404 || r.Body != "404 Not Found\n" {
			t.Errorf("%.100s: %d %.200q", target, r.Status, r.Body)
		}
	}
	f.WaitLog(t, "event=static.link")
	for _, raw := range []string{"GET /static/\x00 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /static/a b HTTP/1.1\r\nHost: x\r\n\r\n"} {
		c := Dial(t, f.Server)
		c.Send(raw)
		if r := c.Response("GET"); r.Status != 400 {
			t.Errorf("%q: %+v", raw, r)
		}
	}
	many := "Range: bytes=" + strings.TrimSuffix(strings.Repeat("0-0,", 1500), ",")
	if r := f.ask(t, "GET", "/static/app.css", many); r.Status != 200 || r.Body != "app.css" {
		t.Errorf("many ranges: %d, %d bytes", r.Status, len(r.Body))
	}
}

func TestAFileThatShrinksWhileItIsSent(t *testing.T) {
	root := folderOf(t)
	path := filepath.Join(root, "huge")
	putFile(t, path, "x")
	if err := os.Truncate(path, 64<<20); err != nil {
		t.Fatal(err)
	}
	f := startFilesOf(t, modes[0], root, "--static", "/static="+root)
	c := Dial(t, f.Server)
	c.Send("GET /static/huge HTTP/1.1\r\nHost: x\r\n\r\n")
	first := make([]byte, 1000) // the response has begun, and more than fits into the sockets is left
	if _, err := io.ReadFull(c.Conn, first); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<20); err != nil {
		t.Fatal(err)
	}
	n, _ := io.Copy(io.Discard, c.Conn)
	if n >= 64<<20-1000 {
		t.Errorf("%d bytes of a file that has one megabyte", n)
	}
	f.WaitRecord(t, "response.short", "/static/huge")
	if r := f.ask(t, "GET", "/static/huge"); len(r.Body) != 1<<20 {
		t.Errorf("%d bytes", len(r.Body))
	}
}

// Clients that stop reading hold no Python thread.
func TestSlowClientsOfFilesDoNotHoldTheApplication(t *testing.T) {
	root := folderOf(t, "a.large")
	f := startFilesOf(t, modes[1], root, "--static", "/static="+root, "--sendfile-root", root)
	for i := range 20 {
		c := Dial(t, f.Server)
		target := "/static/a.large"
		if i%2 == 0 {
			target = "/?name=X-Sendfile&value=" + root + "/a.large"
		}
		c.Send(strings.Repeat("GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n", 30))
	}
	for range 20 {
		if r := f.ask(t, "GET", "/page"); r.Body != "GET /page" {
			t.Errorf("%+v", r)
		}
	}
}

func TestCurlGetsOnWithFiles(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip(err)
	}
	root := folderOf(t, "a.large", "app.js", "dir/index.html")
	f := startFilesOf(t, modes[0], root, "--static", "/static="+root)
	url := "http://" + f.Addr + "/static/"
	got := filepath.Join(t.TempDir(), "got")
	whole, err := os.ReadFile(filepath.Join(root, "a.large"))
	if err != nil {
		t.Fatal(err)
	}
	putFile(t, got, string(whole[:100_000]))
	must(t, curl, "-sf", "-C", "-", "-o", got, url+"a.large") // goes on with a download
	if text, _ := os.ReadFile(got); !bytes.Equal(text, whole) {
		t.Errorf("%d bytes of %d after going on", len(text), len(whole))
	}
	tags := filepath.Join(t.TempDir(), "etag")
	must(t, curl, "-sf", "--etag-save", tags, "-o", got, url+"app.js")
	if status := must(t, curl, "-s", "--etag-compare", tags, "-w", "%{http_code}", "-o", os.DevNull, url+"app.js"); status != "304" {
		t.Errorf("by ETag: %s", status)
	}
	if status := must(t, curl, "-s", "-z", filepath.Join(root, "app.js"), "-w", "%{http_code}", "-o", os.DevNull, url+"app.js"); status != "304" {
		t.Errorf("by date: %s", status)
	}
	if text := must(t, curl, "-sfL", url+"dir"); text != "dir/index.html" {
		t.Errorf("%q", text)
	}
	if text := must(t, curl, "-sf", "--path-as-is", "-w", "%{http_code}", url+"dir/../app.js", "-o", os.DevNull, "--no-fail"); !strings.Contains(text, "404") {
		t.Errorf("%q", text)
	}
}

// A deployment puts another folder behind the link, without a reload.
func TestAFolderBehindALinkIsFollowed(t *testing.T) {
	first, second := folderOf(t, "one.txt"), folderOf(t, "two.txt")
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(first, link); err != nil {
		t.Fatal(err)
	}
	f := startFilesOf(t, modes[0], link, "--static", "/static="+link, "--document-root", link)
	if r := f.ask(t, "GET", "/static/one.txt"); r.Body != "one.txt" {
		t.Errorf("%+v", r)
	}
	if err := os.Symlink(second, link+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+".new", link); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "the new folder's files are served, and the old one's are not", func() bool {
		return f.ask(t, "GET", "/static/two.txt").Body == "two.txt" && f.ask(t, "GET", "/static/one.txt").Status == 404 &&
			f.ask(t, "GET", "/two.txt").Body == "two.txt" && f.ask(t, "GET", "/one.txt").Body == "GET /one.txt"
	})
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "a folder that is gone has no files", func() bool { return f.ask(t, "GET", "/static/two.txt").Status == 404 })
	if r := f.ask(t, "GET", "/page"); r.Body != "GET /page" {
		t.Errorf("%+v", r)
	}
	for _, pid := range f.WorkerPIDs() { // who takes its place starts all the same
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	f.WaitLog(t, "event=static.missing")
	Eventually(t, "the application is served", func() bool {
		r, err := http.Get("http://" + f.Addr + "/page")
		if err == nil {
			_ = r.Body.Close()
		}
		return err == nil && r.StatusCode == 200
	})
}

func TestFoldersAreLookedAtAtStart(t *testing.T) {
	root := folderOf(t, "a.txt")
	file := filepath.Join(root, "a.txt")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--static", "/static=" + root + "/nothing"}, "--static /static=" + root + "/nothing: there is no folder " + root + "/nothing: create it"},
		{[]string{"--static", "/static=" + file}, "is no folder"},
		{[]string{"--document-root", root + "/nothing"}, "--document-root " + root + "/nothing: there is no folder"},
		{[]string{"--sendfile-root", "nothing"}, "--sendfile-root nothing: there is no folder " + Testapps("nothing")},
		{[]string{"--document-root", "."}, "its source would be public"},
		{[]string{"--static", "/static=" + Testapps("..")}, "its source would be public"},
		{[]string{"--static", "django"}, "the application has none"},
	} {
		for _, action := range []string{"--check-config", "--bind=" + freeAddr(t)} {
			args := append([]string{action, "--venv", PlainVenv(t)}, append(c.args, "check_config")...)
			if r := Run(t, Options{Dir: Testapps()}, args...); r.Status != 2 || !strings.Contains(r.Errors, c.want) || strings.Contains(r.Errors, "goroutine") {
				t.Errorf("%v: status %d, %s", args, r.Status, r.Errors)
			}
		}
	}
	r := Run(t, Options{Dir: Testapps()}, "--check-config", "--venv", PlainVenv(t), "--static", "/static="+root, "--sendfile-root", ".", "--document-root", root, "check_config")
	if r.Status != 0 {
		t.Errorf("%s", r.Errors)
	}
	for _, row := range []string{"/static/… from", "/… from", "else the application", "with X-Sendfile"} {
		if !strings.Contains(r.Out, row) {
			t.Errorf("no %q in %s", row, r.Out)
		}
	}
}

func TestFilesThatTheWorkersUserMayNotRead(t *testing.T) {
	python, folder := everybodys(t)
	for name, mode := range map[string]os.FileMode{"www/open.txt": 0o644, "www/closed.txt": 0o600, "private/x": 0o644} {
		putFile(t, filepath.Join(folder, name), name)
		if err := os.Chmod(filepath.Join(folder, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	s := Start(t, Options{Target: "check_config", Dir: folder, Venv: python, Args: []string{"--user", "nobody", "--static", "/s=www", "--document-root", "www"}})
	c := s.Client(t)
	c.Get("/s/open.txt").Want(t, 200, "www/open.txt")
	c.Get("/s/closed.txt").Want(t, 403, "403 Forbidden\n")
	c.Get("/closed.txt").Want(t, 403, "403 Forbidden\n")
	s.WaitLog(t, "event=static.unreadable")
	if err := os.Chmod(filepath.Join(folder, "private"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"--check-config", "--bind=" + freeAddr(t)} {
		r := Run(t, Options{Dir: folder}, action, "--user", "nobody", "--venv", python, "--static", "/p=private", "check_config")
		if r.Status != 2 || !strings.Contains(r.Errors, "cannot be entered by user 65534") {
			t.Errorf("%s: status %d, %s", action, r.Status, r.Errors)
		}
	}
}
