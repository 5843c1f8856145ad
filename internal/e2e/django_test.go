package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// The project that make run serves, with the views of its app "checks" as well.
func TestDjango(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startDjango(t, mode)
		s.check(t)
		t.Run("a page with a template and a query", s.checkPage)
		t.Run("static files of the admin", s.checkStatic)
		t.Run("admin login keeps a session", s.checkAdmin)
		t.Run("a form without its CSRF token is refused", s.checkCSRF)
		t.Run("50 visitors write notes with files", s.checkNotes)
		t.Run("bodies without a length are whole", s.checkChunked)
		t.Run("a thread keeps its database connection", func(t *testing.T) { s.checkConnections(t, mode) })
	})
}

// As people start their sites, and as make run does: a module whose name ends
// in .wsgi is no file, and --chdir is where it is found.
func TestDjangoByItsModule(t *testing.T) {
	s := newDjango(t)
	s.Server = Start(t, Options{
		Target: "mysite.wsgi:application",
		Args:   []string{"--chdir", Testapps("django_site"), "--pythonpath", Testapps()},
		Venv:   s.venv, Env: s.env(),
	})
	s.Client(t).Get("/").WantPart(t, 200, "<h1>Welcome to Django</h1>")
}

type django struct{ site }

// newDjango is the site with its database made, not started yet.
func newDjango(t *testing.T) django {
	t.Helper()
	return newDjangoIn(t, Venv(t, "django_site"))
}

func newDjangoIn(t *testing.T, venv string) django {
	t.Helper()
	s := django{site{name: "Django", data: siteData(t), venv: venv, anonymous: 403}}
	for _, step := range [][]string{{"migrate", "-v0"}, {"demo", "--password", "a demo password"}} {
		mustIn(t, Testapps("django_site"), append(s.env(), "PYTHONPATH="+Testapps()),
			filepath.Join(s.venv, "bin", "python"), append([]string{"manage.py"}, step...)...)
	}
	return s
}

func (s django) env() []string { return []string{"SITE_DATA=" + s.data} }

func startDjango(t *testing.T, mode Mode) django {
	t.Helper()
	s := newDjango(t)
	s.Server = Start(t, Options{
		Target: `timing:around("mysite.wsgi:application")`,
		Args:   append([]string{"--pythonpath", Testapps()}, mode.Args...),
		Dir:    Testapps("django_site"), Venv: s.venv, Env: append(s.env(), mode.Env...), Cut: mode.Cut,
	})
	return s
}

var csrfField = regexp.MustCompile(`name="csrfmiddlewaretoken" value="(\w+)"`)

// submit gets a page with a form and posts it, with the token that the page brought.
func (s django) submit(t testing.TB, c *Client, path string, pairs ...string) Response {
	t.Helper()
	return c.Form(path, append(pairs, "csrfmiddlewaretoken", s.token(t, c, path))...)
}

func (s django) token(t testing.TB, c *Client, path string) string {
	t.Helper()
	page := s.get(t, c, path)
	token := csrfField.FindStringSubmatch(page.Body)
	if page.Status != 200 || token == nil {
		t.Fatalf("%s: status %d, no form with a CSRF token: %.500q", path, page.Status, page.Body)
	}
	return token[1]
}

func (s django) signIn(t testing.TB, c *Client) {
	t.Helper()
	s.submit(t, c, "/accounts/login/", "username", "demo", "password", "a demo password").WantRedirect(t, "/")
}

func (s django) checkPage(t *testing.T) {
	c := s.Client(t)
	for visit := 1; visit <= 3; visit++ {
		s.get(t, c, "/").WantPart(t, 200,
			"<h1>Welcome to Django</h1>",
			"Streams</a></h3>",
			fmt.Sprintf("<dt>Your visits</dt><dd>%d</dd>", visit),
			"<dt>Protocol</dt><dd>HTTP/1.1</dd>",
			"Sign in</a>",
		)
	}
	s.get(t, c, "/notes/1/").WantPart(t, 200, "<h1>Welcome</h1>")
	s.get(t, c, "/notes/999/").WantPart(t, 404, "There is no such page here.", "<title>Not found</title>")
}

func (s django) checkStatic(t *testing.T) {
	c := s.Client(t)
	for path, part := range map[string]string{
		"/static/admin/css/base.css": "DJANGO Admin styles",
		"/static/notes/notes.css":    "header .name",
	} {
		response := s.get(t, c, path)
		response.WantPart(t, 200, part)
		if kind := response.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/css") {
			t.Errorf("%s: Content-Type %q", path, kind)
		}
	}
}

func (s django) checkAdmin(t *testing.T) {
	c := s.Client(t)
	s.get(t, c, "/admin/").WantRedirect(t, "/admin/login/?next=/admin/")
	s.submit(t, c, "/admin/login/?next=/admin/", "username", "demo", "password", "wrong").
		WantPart(t, 200, "Please enter the correct username and password")
	s.submit(t, c, "/admin/login/?next=/admin/", "username", "demo", "password", "a demo password", "next", "/admin/").
		WantRedirect(t, "/admin/")
	for range 3 {
		s.get(t, c, "/admin/").WantPart(t, 200, "Site administration", "<strong>demo</strong>")
	}
	s.submit(t, c, "/admin/notes/note/1/change/", "title", "Changed in the admin", "text", "äöü €", "author", "1").
		WantRedirect(t, "/admin/notes/note/")
	s.get(t, c, "/admin/notes/note/?q=Changed").WantPart(t, 200, "Changed in the admin", "was changed successfully", "1 note")
	s.submit(t, c, "/admin/notes/note/1/change/", "title", "Welcome", "text", "", "author", "1").
		WantRedirect(t, "/admin/notes/note/")
	c.Form("/admin/logout/", "csrfmiddlewaretoken", s.token(t, c, "/admin/")).
		WantRedirect(t, "/")
	s.get(t, c, "/admin/").WantRedirect(t, "/admin/login/?next=/admin/")
}

func (s django) checkCSRF(t *testing.T) {
	c := s.Client(t)
	c.Form("/accounts/login/", "username", "demo", "password", "a demo password").
		WantPart(t, 403, "CSRF verification failed")
	s.token(t, c, "/accounts/login/") // sets the cookie
	c.Form("/accounts/login/", "username", "demo", "password", "a demo password", "csrfmiddlewaretoken", strings.Repeat("x", 64)).
		WantPart(t, 403, "CSRF verification failed")
}

func (s django) checkNotes(t *testing.T) {
	Parallel(t, 50, func(t testing.TB, i int) {
		c := s.Client(t)
		s.get(t, c, "/notes/new/").WantRedirect(t, "/accounts/login/?next=/notes/new/")
		s.signIn(t, c)
		// Every second file is large enough for Django to put it into a temporary file.
		content := strings.Repeat(fmt.Sprintf("file %d\n", i), 10+i%2*300_000)
		file := File{Field: "attachment", Name: fmt.Sprintf("file-%d.txt", i), Type: "text/plain", Content: content}
		kept := c.Upload("/notes/new/", file,
			"title", fmt.Sprintf("Note of client %d", i), "text", "<b>& so on", "csrfmiddlewaretoken", s.token(t, c, "/notes/new/"))
		path := kept.Header.Get("Location")
		kept.WantRedirect(t, path)
		s.get(t, c, path).WantPart(t, 200,
			"Your note was kept.", fmt.Sprintf("<h1>Note of client %d</h1>", i), "&lt;b&gt;&amp; so on", fmt.Sprintf("%d bytes", len(content)))
		got := s.get(t, c, path+"attachment/")
		if got.Status != 200 || got.Body != content {
			t.Errorf("attachment: status %d, %d bytes; want the %d that were sent", got.Status, len(got.Body), len(content))
		}
	})
	table := s.get(t, s.Client(t), "/notes.csv")
	table.WantPart(t, 200, "Uploads,demo\r\n")
	if lines := strings.Count(table.Body, "\r\n"); lines != 53 {
		t.Errorf("%d notes, want 3 and 50 more: %.3000q", lines, table.Body)
	}
	for i := range 50 {
		if line := fmt.Sprintf(",Note of client %d,demo\r\n", i); strings.Count(table.Body, line) != 1 {
			t.Errorf("not one line %q", line)
		}
	}
}

// Django takes a body without CONTENT_LENGTH for an empty one.
func (s django) checkChunked(t *testing.T) {
	Parallel(t, 4, func(t testing.TB, i int) {
		c := s.Client(t)
		content := strings.Repeat("0123456789abcdef", 3_000_000/16+i)
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
		request := c.Request("POST", "/body", struct{ io.Reader }{strings.NewReader(content)}) // nobody knows how long that is
		c.Do(request).Want(t, 200, fmt.Sprintf("%d %s", len(content), sum))
		kind, form := c.Multipart(File{Field: "file", Name: "data.bin", Type: "application/octet-stream", Content: content}, "note", "n")
		request = c.Request("POST", "/upload", struct{ io.Reader }{strings.NewReader(form)})
		request.Header.Set("Content-Type", kind)
		c.Do(request).Want(t, 200, fmt.Sprintf("note=n name=data.bin type=application/octet-stream size=%d sha256=%s", len(content), sum))
	})
}

func (s django) checkConnections(t *testing.T, mode Mode) {
	var mu sync.Mutex
	connection := map[string]string{} // by thread
	Parallel(t, 50, func(t testing.TB, _ int) {
		c := s.Client(t)
		for range 4 {
			answer := s.get(t, c, "/connection")
			thread, id, ok := strings.Cut(answer.Body, " ")
			if answer.Status != 200 || !ok {
				t.Fatalf("status %d, body %q", answer.Status, answer.Body)
			}
			mu.Lock()
			if known := connection[thread]; known != "" && known != id {
				t.Errorf("thread %s has connection %s, had %s", thread, id, known)
			}
			connection[thread] = id
			mu.Unlock()
		}
	})
	if most := mode.Threads * mode.Workers; len(connection) > most {
		t.Errorf("%d threads had a connection, want %d at most", len(connection), most)
	}
}
