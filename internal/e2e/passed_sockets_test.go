package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

// passed are sockets that somebody else has opened: TCP and unix. A gowsgi that
// is started with them has them as descriptors 3 and 4.
type passed struct {
	tcp, unix *Server // to be dialled
	files     []*os.File
}

func openPassed(t *testing.T) *passed {
	t.Helper()
	p := &passed{}
	open := func(network, address string) *Server {
		socket, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { socket.Close() })
		file, err := socket.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		p.files = append(p.files, file)
		return &Server{network: network, Addr: socket.Addr().String(), URL: "http://localhost"}
	}
	p.tcp, p.unix = open("tcp", "127.0.0.1:0"), open("unix", filepath.Join(shortFolder(t), "s"))
	return p
}

// Answered waits until workers other than the old ones have answered on both.
func (p *passed) Answered(t *testing.T, old []int) {
	t.Helper()
	for _, s := range []*Server{p.tcp, p.unix} {
		Eventually(t, "a new worker answers on "+s.Addr, func() bool {
			got := s.Client(t).Get("/pid") // on a connection of its own
			pid, err := strconv.Atoi(got.Body)
			if got.Status != 200 || err != nil {
				t.Fatalf("%+v", got)
			}
			return !slices.Contains(old, pid)
		})
	}
}

// StillListen fails the test unless both sockets are as they were: whoever has
// opened them can pass them again.
func (p *passed) StillListen(t *testing.T) {
	t.Helper()
	for _, s := range []*Server{p.tcp, p.unix} {
		conn, err := net.Dial(s.network, s.Addr)
		if err != nil {
			t.Errorf("the socket is not what it was: %v", err)
			continue
		}
		conn.Close()
	}
}

// The sockets have nobody to open them anew, so a reload and an upgrade must
// keep them.
func TestSocketsPassedByNumberAreServedAndStayTheirOwners(t *testing.T) {
	t.Parallel() // it mostly waits
	sockets := openPassed(t)
	pidFile := filepath.Join(t.TempDir(), "pid")
	s := Start(t, Options{
		Target: "crashes", Free: true, Outlived: true,
		Args: []string{"-w", "2", "-b", "fd://3", "-b", "fd://4", "-p", pidFile},
		Wrap: func(cmd *exec.Cmd) { cmd.ExtraFiles = sockets.files },
	})
	p := &Project{Server: s, pidFile: pidFile}
	sockets.Answered(t, nil)
	workers := p.Workers(t)
	done := p.LoggedOnceMore("reload.done")
	p.Send(t, syscall.SIGHUP)
	Eventually(t, "reloaded", done)
	sockets.Answered(t, workers)

	old := p.Supervisor(t)
	workers = p.Workers(t)
	p.Send(t, syscall.SIGUSR2)
	Eventually(t, "another gowsgi serves", func() bool { return p.Supervisor(t) != old && len(p.Workers(t)) == 2 })
	sockets.Answered(t, workers)
	successor, workers := p.Supervisor(t), p.Workers(t)
	p.Send(t, syscall.SIGTERM)
	Eventually(t, "both gowsgis and the workers have ended", func() bool {
		return gone(old) && gone(successor) && !slices.ContainsFunc(workers, func(pid int) bool { return !gone(pid) })
	})
	sockets.StillListen(t)
}

func TestNumberThatIsNoListeningSocketIsRefused(t *testing.T) {
	folder := t.TempDir()
	closing := func(t *testing.T, file *os.File, err error) *os.File {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	for name, c := range map[string]struct {
		bind, says string
		open       func(t *testing.T) *os.File
	}{
		"nothing": {"fd://60", "is not passed to gowsgi by whoever starts it", nil},
		"a file": {"fd://3", "is no socket", func(t *testing.T) *os.File {
			file, err := os.Create(filepath.Join(folder, "file"))
			return closing(t, file, err)
		}},
		"a socket for datagrams": {"fd://3", "is no stream socket", func(t *testing.T) *os.File {
			socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer socket.Close() // what is passed is a copy
			file, err := socket.File()
			return closing(t, file, err)
		}},
		"a socket that does not listen": {"fd://3", "does not listen", func(t *testing.T) *os.File {
			socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
			return closing(t, os.NewFile(uintptr(socket), "socket"), err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Wrap: func(cmd *exec.Cmd) {
				if c.open != nil {
					cmd.ExtraFiles = []*os.File{c.open(t)}
				}
			}}
			// An address that is good goes first: nothing may be left of it either.
			checkRefusal(t, o, shortFolder(t), 1, []string{"cannot listen on " + c.bind, c.says, "--bind"}, "-b", "unix:s", "-b", c.bind, "startup_app")
		})
	}
}
