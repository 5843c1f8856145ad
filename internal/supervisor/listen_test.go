package supervisor

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// socketFolder is a folder with a short name: a socket's path has 107 bytes.
func socketFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "gowsgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

func TestAddressesOfAllKindsAreOpened(t *testing.T) {
	s := settings(1)
	s.Bind = []string{"127.0.0.1:0", ":0", "[::1]:0", "localhost:0", "unix:" + filepath.Join(socketFolder(t), "s")}
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		s.Bind[2] = "127.0.0.1:0"
	} else {
		l.Close()
	}
	p := started(t, s)
	for n := range s.Bind {
		p.seen(p.address(n + 1))
	}
	p.signal(syscall.SIGTERM)
	p.stops()
	if entries, _ := os.ReadDir(filepath.Dir(strings.TrimPrefix(s.Bind[4], "unix:"))); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestAddressThatCannotBeOpenedIsNamedWithTheWayOut(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	folder := socketFolder(t)
	plain := filepath.Join(folder, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ bind, says string }{
		"port busy":              {busy.Addr().String(), "another program listens there: stop it, or choose another address with --bind"},
		"not this machine's":     {"192.0.2.1:0", "this machine does not have that address"},
		"unknown host":           {"host.invalid:0", "the host name host.invalid is not known"},
		"a file, not a socket":   {"unix:" + plain, "a file that is no socket: remove it"},
		"no folder for a socket": {"unix:" + filepath.Join(folder, "missing", "s"), "its folder does not exist: create it"},
		"too long for a socket":  {"unix:" + filepath.Join(folder, strings.Repeat("x", 120)), "too long for a socket"},
	} {
		t.Run(name, func(t *testing.T) {
			s := settings(1)
			s.Pid = filepath.Join(folder, "pid")
			// One that can be opened goes first, and must be gone afterwards.
			first := filepath.Join(folder, "first")
			s.Bind = []string{"unix:" + first, c.bind}
			p := start(t, s)
			p.fails("gowsgi: cannot listen on "+c.bind+": ", c.says)
			for _, path := range []string{first, s.Pid} {
				if _, err := os.Lstat(path); err == nil {
					t.Errorf("%s is left behind", path)
				}
			}
			if strings.Contains(p.log.String(), "worker.started") {
				t.Error("a worker was started")
			}
		})
	}
}

func TestSocketOfADeadServerIsReplaced(t *testing.T) {
	path := filepath.Join(socketFolder(t), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	s := settings(1)
	s.Bind = []string{"unix:" + path}
	p := started(t, s)
	p.seen(p.address(1))
	p.signal(syscall.SIGTERM)
	p.stops()
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is left behind")
	}
}

func TestSocketOfALivingServerIsRespected(t *testing.T) {
	s := settings(1)
	s.Bind = []string{"unix:" + filepath.Join(socketFolder(t), "s")}
	first := started(t, s)
	second := start(t, s)
	second.fails("gowsgi: cannot listen on " + s.Bind[0] + ": another program serves there: stop it")
	first.seen(first.address(1))
	first.signal(syscall.SIGTERM)
	first.stops()
}
