package e2e

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Downloads outlive the worker's place: a reload waits for them, and so does a stop.
func TestDownloadsEndWell(t *testing.T) {
	const size = 32 << 20
	for _, c := range []struct {
		name, target string
		signal       syscall.Signal
		event        string
	}{
		{"a reload", "/static/huge", syscall.SIGHUP, "event=reload.done"},
		{"a stop", "/static/huge", syscall.SIGTERM, "event=gowsgi.stopping"},
		{"a reload, of a file that the application names", "/?name=X-Sendfile&value=", syscall.SIGHUP, "event=reload.done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := folderOf(t)
			path := filepath.Join(root, "huge")
			putFile(t, path, "x")
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			f := startFilesOf(t, modes[0], root, "--static", "/static="+root, "--sendfile-root", root)
			target := c.target
			if strings.HasSuffix(target, "=") {
				target += path
			}
			conn := Dial(t, f.Server)
			conn.Send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := io.ReadFull(conn.Conn, make([]byte, 1000)); err != nil { // more than fits into the sockets is left
				t.Fatal(err)
			}
			f.Signal(t, c.signal)
			f.WaitLog(t, c.event)
			conn.patience()
			n, err := io.CopyN(io.Discard, conn.Conn, size-1000)
			if err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
}
