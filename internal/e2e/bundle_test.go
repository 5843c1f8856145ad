package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// bundles are those that were built: test by test they are the same.
var bundles struct {
	sync.Mutex
	built  map[string]string
	folder string
}

// Bundle is an executable that gowsgi build has made of a folder that fill has
// filled; name and args tell it from others.
func Bundle(t testing.TB, name, venv string, fill func(folder string), args ...string) string {
	t.Helper()
	bundles.Lock()
	defer bundles.Unlock()
	key := name + " " + strings.Join(args, " ")
	if path := bundles.built[key]; path != "" {
		return path
	}
	if bundles.folder == "" {
		folder, err := os.MkdirTemp("", "gowsgi-bundles")
		if err != nil {
			t.Fatal(err)
		}
		bundles.folder, bundles.built = folder, map[string]string{}
	}
	source := t.TempDir()
	fill(source)
	folder, err := os.MkdirTemp(bundles.folder, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "site")
	result := build(t, source, path, venv, args...)
	if result.Status != 0 {
		t.Fatalf("status %d: %s", result.Status, result.Errors)
	}
	if !strings.Contains(result.Errors, ", by --venv\n") {
		t.Errorf("whose packages go in is not said: %s", result.Errors)
	}
	t.Log(strings.TrimSpace(result.Out))
	bundles.built[key] = path
	return path
}

// build runs gowsgi build in a folder.
func build(t testing.TB, source, output, venv string, args ...string) Result {
	t.Helper()
	return Run(t, Options{Dir: source}, append([]string{"build", "-o", output, "--venv", venv}, args...)...)
}

// removeBundles is for the end of all tests.
func removeBundles() {
	if bundles.folder != "" {
		os.RemoveAll(bundles.folder)
	}
}

func helloBundle(t testing.TB, args ...string) string {
	return Bundle(t, "hello", PlainVenv(t), func(folder string) {
		write(t, filepath.Join(folder, "hello.py"), `"""Hello, from wherever it is."""
import os
import ssl
import sys


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"hello from {sys.prefix} as {os.getuid()}".encode()]
`)
	}, append(args, "hello:application")...)
}

func djangoBundle(t testing.TB) string {
	return Bundle(t, "django", Venv(t, "django_site"), func(folder string) {
		copyTree(t, Testapps("django_site"), folder)
		for _, name := range []string{"timing.py", "site_parts.py"} {
			copyTree(t, Testapps(name), filepath.Join(folder, name))
		}
	}, "--with-libc", `timing:around("mysite.wsgi:application")`)
}

func extensionsBundle(t testing.TB) string {
	return Bundle(t, "extensions", Venv(t, "bundle_site"), func(folder string) {
		copyTree(t, Testapps("bundle_site", "app.py"), filepath.Join(folder, "app.py"))
		copyTree(t, Testapps("extensions", "app.py"), filepath.Join(folder, "extensions.py"))
	}, "--with-libc", "app:app")
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.Name() == "requirements.txt":
			return err
		case entry.Name() == "__pycache__": // of a test before
			return fs.SkipDir
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// somebody is a user whom the machine does not know.
const somebody = 54321

// emptyRoot is a root folder with a bundle in it, /proc, /dev/null, and an empty
// /tmp; nothing else, and nobody can write elsewhere. Only root can make one.
func emptyRoot(t testing.TB, bundle string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a root folder")
	}
	root := shortFolder(t)
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"proc", "dev", "tmp"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount(t, "proc", filepath.Join(root, "proc"), "proc", "")
	mount(t, "tmpfs", filepath.Join(root, "tmp"), "tmpfs", "mode=1777,size=600m")
	if err := syscall.Mknod(filepath.Join(root, "dev", "null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Skip("no device can be made here: ", err)
	}
	if err := os.Chmod(filepath.Join(root, "dev", "null"), 0o666); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "site"), content, 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

func mount(t testing.TB, source, target, kind, options string) {
	t.Helper()
	if err := syscall.Mount(source, target, kind, 0, options); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(target, syscall.MNT_DETACH) })
}

// inRoot has a command run the bundle in that root folder as somebody, with an
// environment that says nothing but env.
func inRoot(root string, env ...string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args[0], cmd.Dir, cmd.Env = "/site", "/site", "/", env
		cmd.SysProcAttr.Chroot = root
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: somebody, Gid: somebody}
	}
}

func TestBundleOfDjangoInAnEmptyRoot(t *testing.T) {
	bundle := djangoBundle(t)
	atMost(t, bundle, 45e6)
	root := emptyRoot(t, bundle)
	data := filepath.Join(root, "tmp", "data")
	if err := os.Mkdir(data, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, somebody, somebody); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "download.bin"), download, 0o644); err != nil {
		t.Fatal(err)
	}
	wrap := inRoot(root, "SITE_DATA=/tmp/data")
	for _, args := range [][]string{
		{"manage", "migrate", "-v0"},
		{"manage", "demo", "--password", "a demo password"},
		{"python", "-m", "django", "--version"},
		{"django-admin", "help"},
	} {
		if result := Run(t, Options{Program: bundle, Wrap: wrap}, args...); result.Status != 0 {
			t.Fatalf("%q: status %d\n%s%s", args, result.Status, result.Out, result.Errors)
		}
	}
	s := django{site{name: "Django", data: data, anonymous: 403}}
	s.Server = Start(t, Options{Program: bundle, Wrap: wrap})
	// Those of site.check but lockstep, whose pipe would have to be in that root.
	t.Run("home page", s.checkHome)
	t.Run("cookies come back", s.checkCookies)
	t.Run("a session counts its visits", s.checkSession)
	t.Run("a form in UTF-8", s.checkForm)
	t.Run("an upload arrives whole", s.checkUpload)
	t.Run("a stream is complete and closed", s.checkStream)
	t.Run("a file is downloaded", s.checkDownload)
	t.Run("a missing page is the site's own", s.checkMissing)
	t.Run("an exception is an error page and a log entry", s.checkBroken)
	t.Run("50 clients see their own values only", s.checkMixUp)
	t.Run("50 clients stream and upload at once", s.checkLoad)
	t.Run("a page with a template and a query", s.checkPage)
	t.Run("static files of the admin", s.checkStatic)
	t.Run("admin login keeps a session", s.checkAdmin)
	t.Run("a form without its CSRF token is refused", s.checkCSRF)
	t.Run("50 visitors write notes with files", s.checkNotes)
}

func TestBundleOfExtensionsInAnEmptyRoot(t *testing.T) {
	bundle := extensionsBundle(t)
	root := emptyRoot(t, bundle)
	s := Start(t, Options{Program: bundle, Wrap: inRoot(root)})
	for name, check := range map[string]func(t testing.TB, c *Client, i int){
		"numpy": checkNumpy, "lxml": checkLxml, "cryptography": checkCryptography, "pillow": checkPillow, "psycopg": checkPsycopg,
	} {
		t.Run(name+", 50 clients", func(t *testing.T) {
			Parallel(t, 50, func(t testing.TB, i int) { check(t, s.Client(t), i) })
		})
	}
	c := s.Client(t)
	where := strings.Fields(c.Get("/where").Body)
	if len(where) != 4 || !strings.HasPrefix(where[0], "/tmp/gowsgi-54321/app-") || !strings.HasSuffix(where[2], "/app") || where[3] != where[2] {
		t.Fatalf("%q", where)
	}
	if child := strings.Fields(c.Get("/child").Body); len(child) != 3 || child[0] != where[0] || child[1] != where[1] || child[2] != "None" {
		t.Errorf("a child process is %q, want %q", child, where)
	}
	c.Get("/spawn").Want(t, 200, "0 1 4")
	c.Get("/write").Want(t, 200, "PermissionError")
}

// atMost checks a file's size.
func atMost(t testing.TB, path string, size int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(info.Size())/1e6)
	if info.Size() > size {
		t.Errorf("%d bytes, want at most %d", info.Size(), size)
	}
}

// A profiler that reads CPython's memory finds its way by libpython's symbols.
func TestPySpySeesTheThreadsOfABundle(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can look into any process")
	}
	spy := filepath.Join(Venv(t, "profilers"), "bin", "py-spy")
	s := Start(t, Options{Program: helloBundle(t), Args: []string{"--bundle-dir", unpackedIn(t)}})
	seen := must(t, spy, "dump", "--pid", strconv.Itoa(s.WorkerPIDs()[0]))
	run := "Thread.run (threading.py"
	if findPython(t, defaultPython()).Name == "3.10" { // its code does not know its class
		run = "    run (threading.py"
	}
	for _, part := range []string{"Python v3.", `"MainThread"`, `"gowsgi-1"`, run} {
		if !strings.Contains(seen, part) {
			t.Errorf("%q is not in\n%s", part, seen)
		}
	}
}
