package embed_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/environ"
)

// inFile makes a descriptor of a file with this content, and the file's name.
func inFile(t testing.TB, content []byte) (fd int, name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd, name
}

// submitFile sends a request whose body is in a file, of which it says that it has
// so many bytes.
func submitFile(t testing.TB, target string, fd, size int) *embed.Request {
	t.Helper()
	req, err := app.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	if err := req.SpoolBody(fd, int64(size)); err != nil {
		t.Fatal(err)
	}
	b, err := req.Environ()
	if err != nil {
		t.Fatal(err)
	}
	b.Set(environ.RequestMethod, "POST")
	b.Target(target, "")
	b.Header("Content-Length", []string{strconv.Itoa(size)})
	if err := req.Submit(false); err != nil {
		t.Fatal(err)
	}
	return req
}

func isOpen(name string) bool {
	all, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range all {
		if path, _ := os.Readlink("/proc/self/fd/" + fd.Name()); path == name {
			return true
		}
	}
	return false
}

func TestBodiesInFilesAreReadLikeOthers(t *testing.T) {
	var all sync.WaitGroup
	for _, size := range []int{1, 100, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3_000_000} {
		all.Go(func() {
			body := bytes.Repeat([]byte("a line\n"), size/7+1)[:size]
			sum := sha256.Sum256(body)
			fd, name := inFile(t, body)
			req := submitFile(t, "/whole", fd, size)
			if a := drain(req); string(a.body) != hex.EncodeToString(sum[:]) {
				t.Errorf("a body of %d bytes: %s", size, a.result.Error)
			}
			req.Release()
			if isOpen(name) {
				t.Errorf("the file is still open")
			}
		})
	}
	all.Wait()
}

// A thread that still reads has its file, and nobody else's with the same number.
func TestThreadsThatReadAFileWhenTheRequestIsOver(t *testing.T) {
	var names []string
	for i := range 20 {
		body := bytes.Repeat([]byte{byte('a' + i)}, 300_000)
		fd, name := inFile(t, body)
		names = append(names, name)
		req := submitFile(t, "/straying", fd, len(body))
		if a := drain(req); a.result.Raised {
			t.Error(a.result.Error)
		}
		req.Release()
	}
	if a := ask(t, "/no_strays", nil, nil); a.result.Raised {
		t.Error(a.result.Error)
	}
	for _, name := range names {
		if isOpen(name) {
			t.Error("the file is still open")
		}
	}
}

// It cannot become shorter, being nobody's else; if it does, that is an error and not
// the end of the body.
func TestFileThatIsShorterThanItsBody(t *testing.T) {
	fd, _ := inFile(t, []byte("short"))
	req := submitFile(t, "/whole", fd, 100_000)
	defer req.Release()
	if a := drain(req); !a.result.Raised || !bytes.Contains([]byte(a.result.Error), []byte("OSError")) {
		t.Errorf("%+v", a)
	}
}
