package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// site is a framework's application in testapps/<folder>, started once. All of
// them answer the paths that testapps/site_parts.py lists, each in its own way,
// and timing middleware of ours is around them.
type site struct {
	*Server
	name string // what the home page calls the framework
	data string // folder that the site may write to: SITE_DATA
	venv string

	anonymous int // what /me answers without a login
}

// download is what /download answers: no round number, and longer than any buffer.
var download = bytes.Repeat([]byte("a file is sent as it is\n"), 54321)

// startSite starts testapps/<folder> in its own virtualenv.
func startSite(t *testing.T, folder, name string, mode Mode) site {
	t.Helper()
	return startSiteIn(t, Venv(t, folder), folder, name, mode)
}

func startSiteIn(t *testing.T, venv, folder, name string, mode Mode) site {
	t.Helper()
	s := site{name: name, data: siteData(t), venv: venv, anonymous: 403}
	s.Server = Start(t, Options{
		Target: `timing:around("app:application")`,
		Args:   append([]string{"--pythonpath", Testapps()}, mode.Args...),
		Dir:    Testapps(folder),
		Venv:   s.venv,
		Env:    append([]string{"SITE_DATA=" + s.data}, mode.Env...),
		Cut:    mode.Cut,
	})
	return s
}

// siteData is a folder of this test's own with the file to download in it.
func siteData(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "download.bin"), download, 0o644); err != nil {
		t.Fatal(err)
	}
	return data
}

// check runs what every framework has to pass.
func (s site) check(t *testing.T) {
	if !t.Run("home page", s.checkHome) {
		t.Fatal("and nothing else was tried")
	}
	t.Run("cookies come back", s.checkCookies)
	t.Run("a session counts its visits", s.checkSession)
	t.Run("a form in UTF-8", s.checkForm)
	t.Run("an upload arrives whole", s.checkUpload)
	t.Run("a stream is complete and closed", s.checkStream)
	t.Run("each block goes out before the next is asked for", s.checkLockstep)
	t.Run("a file is downloaded", s.checkDownload)
	t.Run("a missing page is the site's own", s.checkMissing)
	t.Run("an exception is an error page and a log entry", s.checkBroken)
	t.Run("50 clients see their own values only", s.checkMixUp)
	t.Run("50 clients stream and upload at once", s.checkLoad)
}

// get is Get for a response that the middleware must have timed.
func (s site) get(t testing.TB, c *Client, path string) Response {
	t.Helper()
	response := c.Get(path)
	if _, err := strconv.ParseFloat(response.Header.Get("X-Elapsed"), 64); err != nil {
		t.Errorf("%s: X-Elapsed: %v", path, err)
	}
	return response
}

func (s site) checkHome(t *testing.T) {
	s.get(t, s.Client(t), "/").WantPart(t, 200, "Welcome to "+s.name)
}

func (s site) checkCookies(t *testing.T) {
	c := s.Client(t)
	s.get(t, c, "/flavour?set=vanilla").Want(t, 200, "tasty")
	if c.Cookie("flavour") != "vanilla" || c.Cookie("other") != "1" {
		t.Errorf("cookies flavour=%q other=%q, want vanilla and 1", c.Cookie("flavour"), c.Cookie("other"))
	}
	request := c.Request("GET", "/whoami/7?q=%C3%A4%26b", nil)
	request.Header.Set("X-Client", "seven")
	c.Do(request).Want(t, 200, "number=7 q=ä&b client=seven flavour=vanilla")
}

func (s site) checkSession(t *testing.T) {
	Parallel(t, 10, func(t testing.TB, i int) {
		c := s.Client(t)
		user := fmt.Sprintf("user%d", i)
		if status := c.Get("/me").Status; status != s.anonymous {
			t.Errorf("/me without a session: status %d, want %d", status, s.anonymous)
		}
		c.Form("/login", "user", user).WantRedirect(t, "/me")
		for visit := 1; visit <= 3; visit++ {
			s.get(t, c, "/me").Want(t, 200, fmt.Sprintf("user=%s visits=%d", user, visit))
		}
		c.Form("/logout").WantRedirect(t, "/")
		if status := c.Get("/me").Status; status != s.anonymous {
			t.Errorf("/me after logout: status %d, want %d", status, s.anonymous)
		}
	})
}

func (s site) checkForm(t *testing.T) {
	c := s.Client(t)
	c.Form("/form", "name", "Jörg & Žofie", "text", "a=b; 100 % €\r\n\x00end").
		Want(t, 200, "name=Jörg & Žofie text=a=b; 100 % €\r\n\x00end")
}

// upload sends a file of that size through c and wants it back as the site saw it.
func (s site) upload(t testing.TB, c *Client, size int, note string) {
	t.Helper()
	content := strings.Repeat(note+"\r\n--no boundary\r\n\x00\xff", size/20+1)[:size]
	want := fmt.Sprintf("note=%s name=data.bin type=application/octet-stream size=%d sha256=%x", note, size, sha256.Sum256([]byte(content)))
	file := File{Field: "file", Name: "data.bin", Type: "application/octet-stream", Content: content}
	c.Upload("/upload", file, "note", note).Want(t, 200, want)
}

func (s site) checkUpload(t *testing.T) {
	for _, size := range []int{1, 100_000, 5_000_000} {
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) { s.upload(t, s.Client(t), size, "größe") })
	}
}

// numbered is what /stream/<count> answers.
func numbered(count int) string {
	var text strings.Builder
	for i := range count {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	return text.String()
}

func (s site) checkStream(t *testing.T) {
	s.get(t, s.Client(t), "/stream/1234").Want(t, 200, numbered(1234))
	s.WaitLog(t, "stream of 1234 lines closed")
}

func (s site) checkLockstep(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	gate, err := os.OpenFile(pipe, os.O_RDWR, 0) // read as well: does not wait for the application
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	c := s.Client(t)
	response := c.Open(c.Request("GET", "/lockstep?pipe="+pipe, nil))
	defer response.Body.Close()
	if response.StatusCode != 200 {
		t.Fatalf("status %d", response.StatusCode)
	}
	WantStream(t, response.Body, []string{"block 0\n", "block 1\n", "block 2\n"}, func(int) {
		if _, err := gate.WriteString("go on\n"); err != nil {
			t.Fatal(err)
		}
	})
}

func (s site) checkDownload(t *testing.T) {
	Parallel(t, 10, func(t testing.TB, _ int) {
		response := s.get(t, s.Client(t), "/download")
		if response.Status != 200 || response.Body != string(download) {
			t.Errorf("status %d, %d bytes; want 200, the file's %d", response.Status, len(response.Body), len(download))
		}
		if length := response.Header.Get("Content-Length"); length != strconv.Itoa(len(download)) {
			t.Errorf("Content-Length %q, want %d", length, len(download))
		}
	})
}

func (s site) checkMissing(t *testing.T) {
	s.get(t, s.Client(t), "/no/such/page").WantPart(t, 404, "There is no such page here.")
}

func (s site) checkBroken(t *testing.T) {
	s.get(t, s.Client(t), "/broken").WantPart(t, 500, "Something broke.")
	s.WaitLog(t, "DeliberateError: a deliberate mistake")
}

func (s site) checkMixUp(t *testing.T) {
	Parallel(t, 50, func(t testing.TB, i int) {
		c := s.Client(t)
		c.Get(fmt.Sprintf("/flavour?set=f%d", i)).Want(t, 200, "tasty")
		for n := range 4 {
			request := c.Request("GET", fmt.Sprintf("/whoami/%d?q=q%d-%d", 100*i+n, i, n), nil)
			request.Header.Set("X-Client", fmt.Sprintf("client %d", i))
			c.Do(request).Want(t, 200, fmt.Sprintf("number=%d q=q%d-%d client=client %d flavour=f%d", 100*i+n, i, n, i, i))
		}
	})
}

func (s site) checkLoad(t *testing.T) {
	Parallel(t, 50, func(t testing.TB, i int) {
		c := s.Client(t)
		switch i % 4 {
		case 0:
			c.Get(fmt.Sprintf("/stream/%d", i)).Want(t, 200, numbered(i))
		case 1:
			s.upload(t, c, 1000*i+1, fmt.Sprintf("note %d", i))
		case 2:
			text := strings.Repeat(strconv.Itoa(i), i)
			c.Form("/form", "name", strconv.Itoa(i), "text", text).Want(t, 200, fmt.Sprintf("name=%d text=%s", i, text))
		case 3:
			c.Get("/missing/"+strconv.Itoa(i)).WantPart(t, 404, "There is no such page here.")
		}
	})
}
