package listen

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestTryTakesNothingAndSeesWhatIsTaken(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	binds := []string{"127.0.0.1:0", ":0", "localhost:0", "0.0.0.0:0", "unix:" + path}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		binds = append(binds, "[::1]:0")
	}
	if runtime.GOOS == "linux" {
		binds = append(binds, "unix:@"+path)
	}
	for _, bind := range binds {
		t.Run(strings.ReplaceAll(bind, "/", "|"), func(t *testing.T) {
			o := options(bind)
			l := opened(t, o)[0]
			if l.Network == "tcp" { // the same again, with the port that it has got
				host, _, _ := net.SplitHostPort(bind)
				_, port, _ := net.SplitHostPort(l.Address)
				o = options(net.JoinHostPort(host, port))
			}
			if busy, refused := Try(o); !slices.Equal(busy, o.Binds) || refused != nil {
				t.Errorf("while somebody listens: busy %q, %v", busy, refused)
			}
			if l.Network == "tcp" {
				if busy, err := TryAddress(o.Binds[0]); !busy || err != nil {
					t.Errorf("busy %v, %v", busy, err)
				}
			}
			l.Close()
			if busy, refused := Try(o); busy != nil || refused != nil {
				t.Errorf("when nobody does: busy %q, %v", busy, refused)
			}
			if conn, err := net.Dial(l.Network, l.Address); err == nil {
				conn.Close()
				t.Error("it listens")
			}
		})
	}
	if exists(path) {
		t.Error("there is a file")
	}
}

// Somebody checks the settings of a gowsgi that is just being started.
func TestTryIsInNobodysWay(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	free := opened(t, options("127.0.0.1:0"))[0]
	binds := []string{free.Address, "unix:" + path}
	if runtime.GOOS == "linux" {
		binds = append(binds, "unix:@"+path)
	}
	free.Close()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if _, refused := Try(options(binds...)); refused != nil {
					t.Errorf("tried in vain: %v", refused)
				}
			}
		}
	}()
	for range 300 {
		listeners, _, err := Open(options(binds...), nil)
		if err != nil {
			t.Errorf("opened in vain: %v", err)
			break
		}
		for _, l := range listeners {
			l.Close()
		}
	}
	close(stop)
	<-stopped
}

func TestTrySaysAllThatCannotBeHad(t *testing.T) {
	here := folder(t)
	file, stale := filepath.Join(here, "file"), filepath.Join(here, "stale")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	left, err := net.Listen("unix", stale)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	left.Close()
	long := filepath.Join(here, strings.Repeat("x", 108))
	wrong := []struct{ bind, says string }{
		{"192.0.2.1:0", "this machine does not have that address"},
		{"unix:" + here + "/missing/s", "its folder does not exist"},
		{"unix:" + file, "there is a file that is no socket"},
		{"unix:" + long, "the path is too long for a socket"},
	}
	binds := []string{"unix:" + stale, "fd://77"}
	for _, w := range wrong {
		binds = append(binds, w.bind)
	}
	busy, refused := Try(options(binds...))
	if busy != nil || len(refused) != len(wrong) {
		t.Fatalf("busy %q, refused %v", busy, refused)
	}
	for i, w := range wrong {
		text := refused[i].Error()
		if !strings.HasPrefix(text, "cannot listen on "+w.bind+": ") || !strings.Contains(text, w.says) {
			t.Errorf("%q does not say %q of %s", text, w.says, w.bind)
		}
		if _, _, err := Open(options(w.bind), nil); err == nil || err.Error() != text {
			t.Errorf("Open says %v, and Try %q", err, text)
		}
	}
	if !exists(stale) {
		t.Error("what somebody left behind is gone")
	}
}
