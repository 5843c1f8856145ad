package static

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ways are the ways of opening files: with the kernel's help, and without.
func ways(t *testing.T, links Links, root string, try func(t *testing.T, s *Site)) {
	for _, helps := range []bool{true, false} {
		t.Run("openat2 "+strconv.FormatBool(helps), func(t *testing.T) {
			s := New(Config{Prefixes: []Mapping{{"/static", root}}, Links: links, Index: []string{"index.html"}}, time.Now())
			defer s.Close()
			if f := s.prefixes[0].folder; !helps {
				opened, err := os.OpenRoot(root)
				if err != nil {
					t.Fatal(err)
				}
				f.helps, f.root = false, opened
				f.checked = time.Now().Add(time.Hour)
			} else if !f.helps {
				t.Skip("there is no openat2 here")
			}
			try(t, s)
		})
	}
}

func TestNothingOutsideOfTheFolderIsServed(t *testing.T) {
	root := tree(t, "app.css", "dir/a.txt", "dir/index.html", ".env", ".git/config", ".well-known/acme", ".well-known/.x", "a b%.txt", "caf\xe9.txt", "ünï.txt", "x/..y")
	for _, link := range [][2]string{
		{"../secret", "out"},
		{"/etc/passwd", "passwd"},
		{"..", "up"},
		{"app.css", "in"},
		{"dir", "indir"},
		{filepath.Join(root, "app.css"), "absolute"},
		{"loop", "loop"},
		{"/proc/self/root/etc/passwd", "magic"},
		{"../www/app.css", "outandin"},
	} {
		if err := os.Symlink(link[0], filepath.Join(root, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(root, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	t.Chdir(root) // its path may be too long
	if err := unix.Bind(socket, &unix.SockaddrUnix{Name: "socket"}); err != nil {
		t.Fatal(err)
	}
	served := map[string]string{
		"/app.css": "app.css", "//app.css": "app.css", "/dir//a.txt": "dir/a.txt", "/%61pp.css": "app.css", "/dir%2Fa.txt": "dir/a.txt",
		"/dir/": "dir/index.html", "/.well-known/acme": ".well-known/acme", "/a%20b%25.txt": "a b%.txt", "/a%20b%.txt": "a b%.txt",
		"/caf%E9.txt": "caf\xe9.txt", "/%C3%BCn%c3%af.txt": "ünï.txt", "/app.css?v=1": "app.css", "/app.css?../secret": "app.css",
	}
	inside := map[string]string{"/in": "app.css", "/indir/a.txt": "dir/a.txt"}
	missing := []string{
		"/../secret", "/%2e%2e/secret", "/..%2fsecret", "/%2e%2e%2fsecret", "/dir/../../secret", "/dir/../app.css", "/./app.css", "/%2e/app.css",
		"/.env", "/%2eenv", "/.git/config", "/.well-known/.x", "/dir/.well-known", "/app.css%00", "/app.css%00.html", "/%00", "/x/..y",
		"/app.css/", "/app.css/x", "/%252e%252e/secret", "/..%5csecret", "/..\\secret", "/dir/..", "/" + strings.Repeat("a", 300), "/" + strings.Repeat("a/", 3000),
		"/fifo", "/fifo/", "/socket", "/", "/up/secret", "/out", "/passwd", "/magic", "/loop", "/absolute", "/nothing", "/%ff", "/%2Fetc%2fpasswd", "//etc/passwd",
	}
	for _, links := range []Links{Inside, Never} {
		ways(t, links, root, func(t *testing.T, s *Site) {
			for path, want := range served {
				if g := ask(t, s, "GET", "/static"+path); g.status != 200 || g.body != want {
					t.Errorf("%s: %+v", path, g)
				}
			}
			for path, want := range inside {
				if g := ask(t, s, "GET", "/static"+path); links == Inside && (g.status != 200 || g.body != want) || links == Never && g.status != 404 {
					t.Errorf("%s: %+v", path, g)
				}
			}
			for _, path := range append(missing, "/outandin") {
				if g := ask(t, s, "GET", "/static"+path); g.status != 404 || strings.Contains(g.body, "SECRET") || strings.Contains(g.body, "root:") {
					t.Errorf("%.80q: %+v", path, g)
				}
			}
			if g := ask(t, s, "GET", "/static/dir?a=1"); g.status != 301 || g.fields.Get("Location") != "./dir/?a=1" {
				t.Errorf("%+v", g)
			}
		})
	}
	ways(t, Anywhere, root, func(t *testing.T, s *Site) {
		for path, want := range map[string]string{"/out": "SECRET", "/up/secret": "SECRET", "/absolute": "app.css", "/outandin": "app.css"} {
			if g := ask(t, s, "GET", "/static"+path); g.status != 200 || g.body != want {
				t.Errorf("%s: %+v", path, g)
			}
		}
		if g := ask(t, s, "GET", "/static/../secret"); g.status != 404 {
			t.Errorf("%+v", g)
		}
	})
}

// escapes is how a model of unescape finds what it decodes.
var escapes = regexp.MustCompile(`%[0-9a-fA-F]{2}`)

func FuzzPathsNameTheFilesOfTheModel(f *testing.F) {
	files := []string{"app.css", "dir/a.txt", ".env", ".well-known/acme", "a%.txt", "dir/sub/deep.js"}
	root := tree(f, files...)
	for _, link := range [][2]string{{"../secret", "out"}, {"..", "up"}, {"dir", "link"}} {
		if err := os.Symlink(link[0], filepath.Join(root, link[1])); err != nil {
			f.Fatal(err)
		}
	}
	s := New(Config{Prefixes: []Mapping{{"/static", root}}, Root: root, Links: Never}, time.Now())
	for _, seed := range []string{
		"/static/app.css", "/static/%2e%2e/secret", "/static//dir/./a.txt", "/app.css", "/up/secret", "http://x/static/app.css?x", "/static/a%.txt",
		"/static/.well-known/acme", "/static%2Fapp.css", "/%73tatic/dir/a.txt", "/staticx/app.css", "*", "", "/static/link/a.txt", "/static/\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		path, _, _ := strings.Cut(target, "?")
		if !strings.HasPrefix(path, "/") {
			return
		}
		path = escapes.ReplaceAllStringFunc(path, func(e string) string {
			n, _ := strconv.ParseUint(e[1:], 16, 8)
			return string([]byte{byte(n)})
		})
		rest, static := path, false
		if path == "/static" || strings.HasPrefix(path, "/static/") {
			rest, static = path[len("/static"):], true
		}
		var segments []string
		good := !strings.HasSuffix(rest, "/")
		for segment := range strings.SplitSeq(rest, "/") {
			if strings.HasPrefix(segment, ".") && segment != ".well-known" || strings.ContainsRune(segment, 0) {
				good = false
			}
			if segment != "" {
				segments = append(segments, segment)
			}
		}
		want := ""
		for _, name := range files {
			if good && name == strings.Join(segments, "/") {
				want = name
			}
		}
		g := ask(t, s, "GET", target)
		switch {
		case want != "" && (g.status != 200 || g.body != want),
			want == "" && static && g.status != 404, want == "" && !static && g.status != 0:
			t.Errorf("%q: %+v, want %q", target, g, want)
		}
	})
}

// Somebody who may write in the folder, exchanging names while they are asked for.
func TestNothingGetsOutWhileLinksAreExchanged(t *testing.T) {
	root := tree(t, "dir/secret", "real/secret")
	if err := os.Symlink("..", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	ways(t, Inside, root, func(t *testing.T, s *Site) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			dir, link, other := filepath.Join(root, "dir"), filepath.Join(root, "link"), filepath.Join(root, "other")
			for range 500 { // dir is now the folder, now the way out
				_ = os.Rename(dir, other)
				_ = os.Rename(link, dir)
				_ = os.Rename(dir, link)
				_ = os.Rename(other, dir)
			}
		}()
		for asks := true; asks; {
			select {
			case <-done:
				asks = false
			default:
			}
			if g := ask(t, s, "GET", "/static/dir/secret"); g.body == "SECRET" || g.status != 200 && g.status != 404 {
				t.Fatalf("%+v", g)
			}
			s.cache = newCache() // as if a second had gone by
		}
		if g := ask(t, s, "GET", "/static/dir/secret"); g.body != "dir/secret" {
			t.Errorf("%+v", g)
		}
	})
}
