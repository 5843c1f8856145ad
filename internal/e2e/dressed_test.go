package e2e

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/http2/frametest"
)

// writeFile writes a file of the test's, and returns its path.
func writeFile(t testing.TB, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// names are the names of a response's fields, in their order, but for those of the
// server's.
func (r RawResponse) names() string {
	var names []string
	for _, field := range r.Fields {
		switch field.Name {
		case "Date", "Content-Length", "Transfer-Encoding":
		default:
			names = append(names, field.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestFieldsAndPagesOfTheSettings(t *testing.T) {
	folder := t.TempDir()
	sorry := writeFile(t, folder, "sorry.html", "<p>Sorry.\n")
	empty := writeFile(t, folder, "empty.TXT", "")
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "compressed", mode, "--add-field", "X-Frame-Options: DENY", "--add-field", "Server: ours", "--remove-field", "server,X-Powered-By",
			"--add-field", "Link: <a>", "--add-field", "Link: <b>", "--error-page", "4xx,500="+sorry, "--error-page", "503="+empty,
			"--mount", "/app", "--health-path", "/-", "--request-id-header", "X-Id", "--limit-request-line", "100")
		Parallel(t, 8, func(t testing.TB, _ int) {
			c := Dial(t, s.Server)
			for target, want := range map[string]string{
				"/app/list?size=9": "Content-Type X-Frame-Options Server Link Link X-Id",
				"/app/list?size=9&field=SERVER:x&field=x-powered-by:y": "Content-Type X-Frame-Options Server Link Link X-Id",
				"/app/list?size=9&field=x-frame-options:":              "Content-Type x-frame-options Server Link Link X-Id",
				"/app/list?size=9&field=LINK:x&field=X-ID:y":           "Content-Type LINK X-ID X-Frame-Options Server",
				"/app/blocks?size=99999":                               "Content-Type X-Frame-Options Server Link Link X-Id",
				"/app/none?status=304+Same":                            "Content-Type X-Frame-Options Server Link Link X-Id",
				"/-/live":                                              "Content-Type Cache-Control X-Frame-Options Server Link Link",
			} {
				r := c.Get(target)
				if r.names() != want || r.Value("Server") != "ours" {
					t.Errorf("%s: %q", target, r.Fields)
				}
			}
			for _, target := range []string{"/elsewhere", "/app/early", "/app/" + strings.Repeat("x", 100)} {
				c := Dial(t, s.Server)
				r := c.Get(target)
				if r.Status < 400 || r.Body != "<p>Sorry.\n" || r.Value("Content-Type") != "text/html; charset=utf-8" || r.Value("Server") != "ours" {
					t.Errorf("%s: %+v", target, r)
				}
			}
			c = Dial(t, s.Server)
			c.ask("HEAD", "/elsewhere", "HTTP/1.1", "")
			if r := c.Response("HEAD"); r.Status != 404 || r.Value("Content-Length") != "10" {
				t.Errorf("HEAD: %+v", r)
			}
			c.Get("/app/none?status=404+Mine").Want(t, 404, "")
			c = Dial(t, s.Server)
			c.Send("nonsense\r\n\r\n")
			if r := c.Response("GET"); r.Status != 400 || r.Body != "<p>Sorry.\n" || r.Value("Server") != "ours" || r.Value("Connection") != "close" {
				t.Errorf("nonsense: %+v", r)
			}
		})
	})
}

// What HTTP/2 refuses before it is a request is dressed like the rest, over TLS as
// elsewhere.
func TestFieldsAndPagesOfRefusalsByHTTP2(t *testing.T) {
	sorry := writeFile(t, t.TempDir(), "sorry.html", "<p>Sorry.\n")
	s := startContract(t, "streams", Mode{Args: append(certificate().args(), "--add-field", "X-Frame-Options: DENY", "--add-field", "Link: <a>", "--add-field", "Link: <b>",
		"--error-page", "4xx="+sorry, "--limit-request-line", "100", "--access-logfile", "-", "--access-logformat", "json")})
	config := s.secure.Clone()
	config.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", s.Addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := frametest.New(t, conn)
	for want, pairs := range map[string][]string{
		"414": {":path", "/" + strings.Repeat("x", 100)},
		"431": {"x", strings.Repeat("x", 9000)},
		"400": {":method", "G(T"},
	} {
		a := c.Wait(c.Open(true, pairs...))
		if a.Status != want || a.Body != "<p>Sorry.\n" || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Header.Get("X-Frame-Options") != "DENY" || len(a.Header["Link"]) != 2 {
			t.Errorf("%+v, want %s", a, want)
		}
		s.WaitOut(t, `"status":`+want)
	}
}

// Answers about files are gowsgi's own; what the application says of a file is not.
func TestPagesInThePlaceOfAnswersAboutFiles(t *testing.T) {
	folder := t.TempDir()
	sorry := writeFile(t, folder, "sorry.html", "<p>Sorry.\n")
	root := folderOf(t, "app.css", "docs/index.html")
	Modes(t, func(t *testing.T, mode Mode) {
		f := startFilesOf(t, mode, root, "--static", "/static="+root, "--document-root", root, "--error-page", "4xx="+sorry, "--add-field", "X-Frame-Options: DENY")
		for _, c := range []struct {
			method, target, field string
			status                int
			body, kept            string
		}{
			{"GET", "/static/none", "", 404, "<p>Sorry.\n", "X-Frame-Options"},
			{"HEAD", "/static/none", "", 404, "", "X-Frame-Options"},
			{"POST", "/static/app.css", "Content-Length: 0\r\n", 405, "<p>Sorry.\n", "Allow"},
			{"GET", "/static/app.css", "Range: bytes=99-\r\n", 416, "<p>Sorry.\n", "Content-Range"},
			{"GET", "/app.css", "If-Match: \"x\"\r\n", 412, "<p>Sorry.\n", "X-Frame-Options"},
			{"GET", "/docs", "", 301, "301 Moved Permanently\n", "Location"},
			{"GET", "/static/app.css", "", 200, "app.css", "ETag"},
		} {
			r := f.ask(t, c.method, c.target, c.field)
			page := c.status >= 400
			if r.Status != c.status || r.Body != c.body || r.Value(c.kept) == "" || page != (r.Value("Content-Type") == "text/html; charset=utf-8") || page && r.Value("Content-Length") != "10" {
				t.Errorf("%s %s: %+v", c.method, c.target, r)
			}
		}
	})
}

// A page that goes away while gowsgi serves takes no worker along that comes after it.
func TestAPageThatIsGone(t *testing.T) {
	sorry := writeFile(t, t.TempDir(), "sorry.html", "<p>Sorry.\n")
	s := startContract(t, "compressed", Mode{Args: []string{"--error-page", "404=" + sorry, "--mount", "/app"}})
	Dial(t, s.Server).Get("/").Want(t, 404, "<p>Sorry.\n")
	if err := os.Remove(sorry); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.WorkerPIDs()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.WaitLog(t, "event=page.missing")
	Dial(t, s.Server).Get("/").Want(t, 404, "404 Not Found\n")
	s.Signal(t, syscall.SIGHUP)
	s.WaitLog(t, "--error-page: there is no file "+sorry)
	Dial(t, s.Server).Get("/").Want(t, 404, "404 Not Found\n")
}

func TestPagesThatAreNone(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe.html")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for item, want := range map[string]string{
		"502=" + filepath.Join(folder, "no.html"): "--error-page: there is no file " + filepath.Join(folder, "no.html") + ": create it, or name another",
		"502=" + folder: "cannot be seen from its name",
		"502=" + writeFile(t, folder, "page.exe", ""): "cannot be seen from its name",
		"502=" + pipe: "pipe.html is no file of at most 1 MiB",
		"502=" + writeFile(t, folder, "large.html", strings.Repeat("x", 1<<20+1)): "large.html is no file of at most 1 MiB",
		"302=x.html": "must have statuses from 400 to 599",
		"x.html":     "must be statuses and a file",
	} {
		r := Run(t, Options{}, "--venv", PlainVenv(t), "--chdir", Testapps(), "--check-config", "--error-page", item, "compressed:application")
		if last := strings.TrimSpace(r.Errors); r.Status != 2 || !strings.Contains(last, want) {
			t.Errorf("%s: status %d, %q", item, r.Status, last)
		}
	}
	writeFile(t, folder, "app.py", "import os\nos.chdir('/')\ndef application(environ, start_response):\n    raise ValueError\n")
	writeFile(t, folder, "sorry.html", "Sorry")
	s := Start(t, Options{Dir: folder, Target: "app:application", Args: []string{"--error-page", "5xx=sorry.html"}})
	Dial(t, s).Get("/").Want(t, 500, "Sorry")
}
