package listen

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pass returns a copy of a descriptor as a parent would pass it: open on exec.
func pass(t *testing.T, fd uintptr) string {
	t.Helper()
	copied, err := unix.FcntlInt(fd, unix.F_DUPFD, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(copied) })
	return "fd://" + strconv.Itoa(copied)
}

func TestPassedSocketIsBorrowed(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	for _, whose := range opened(t, options("127.0.0.1:0", "unix:"+path)) {
		bind := pass(t, whose.File().Fd())
		for range 2 { // after a reload without it and one with it
			all, fresh, err := Open(options(bind), nil)
			if err != nil || len(fresh) != 1 {
				t.Fatalf("%v opened, %v", fresh, err)
			}
			if l := all[0]; l.Network != whose.Network || l.Address != whose.Address || l.Bind != bind {
				t.Errorf("got %+v, want what %+v is", l, whose)
			}
			all[0].Close()
			dial(t, whose).Close()
		}
	}
	if !exists(path) {
		t.Error("the socket's file was removed")
	}
}

func TestDescriptorThatIsNoListeningSocketIsRefused(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	l := opened(t, options("127.0.0.1:0"))[0]
	conn := dial(t, l)
	defer conn.Close()
	raw := func(socket any) (fd uintptr) {
		file, err := socket.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file.Fd()
	}
	for name, c := range map[string]struct{ bind, says string }{
		"a pipe":       {pass(t, read.Fd()), "is no socket"},
		"packets":      {pass(t, raw(packets)), "is no stream socket"},
		"a connection": {pass(t, raw(conn)), "does not listen"},
		"nothing":      {"fd://65000", "is not passed to gowsgi"},
		"our own":      {"fd://" + strconv.Itoa(int(l.File().Fd())), "is not passed to gowsgi"},
	} {
		_, _, err := Open(options(c.bind), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot listen on "+c.bind+": that descriptor "+c.says) ||
			!strings.Contains(err.Error(), "start gowsgi with a listening stream socket") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewGowsgiGoesOnWithTheSocketsOfTheOldOne(t *testing.T) {
	path := filepath.Join(folder(t), "s,=;\"ü\xe9")
	parent := opened(t, options("127.0.0.1:0"))[0]
	binds := []string{"127.0.0.1:0", "unix:" + path, pass(t, parent.File().Fd())}
	old := opened(t, options(binds...))
	waiting := dial(t, old[0]) // nobody has accepted it
	defer waiting.Close()

	cmd := exec.Command(os.Args[0])
	cmd.ExtraFiles = []*os.File{os.Stderr} // something else that it inherits
	if err := Hand(cmd, old); err != nil {
		t.Fatal(err)
	}
	if err := Hand(exec.Command(os.Args[0]), old); err != nil { // one that came to nothing
		t.Fatal(err)
	}
	says, stop := run(t, cmd, append(binds, "127.0.0.1:0")...)
	if says.Error != "" || says.Opened != 1 || len(says.Listeners) != 4 || len(says.Env) != 0 {
		t.Errorf("the new one says %+v", says)
	}
	for i, l := range old {
		if got := says.Listeners[i]; got.Address != l.Address || got.Bind != l.Bind || got.Network != l.Network {
			t.Errorf("got %+v, want %+v", got, l)
		}
		l.Release()
	}
	if answer := exchange(t, waiting, "waits"); answer != "child waits" {
		t.Errorf("the one who waited got %q", answer)
	}
	for _, l := range old {
		if answer := ask(t, l, "hello"); answer != "child hello" {
			t.Errorf("%s: %q", l.URL("http"), answer)
		}
	}
	stop()
	if exists(path) {
		t.Error("the new one left the socket's file behind")
	}
	dial(t, parent).Close() // only borrowed
}

func TestOldGowsgiGoesOnWithItsSocketsIfTheNewOneFails(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	binds := []string{"127.0.0.1:0", "unix:" + path}
	old := opened(t, options(binds...))
	t.Setenv(fails, "1")
	cmd := exec.Command(os.Args[0])
	if err := Hand(cmd, old); err != nil {
		t.Fatal(err)
	}
	says, stop := run(t, cmd, binds...)
	stop()
	if says.Error != "" || says.Opened != 0 {
		t.Errorf("the new one says %+v", says)
	}
	for _, l := range old {
		dial(t, l).Close()
	}
	old[1].Close()
	if exists(path) {
		t.Error("the socket's file is left behind")
	}
}

func TestSocketsOfSystemdTakeThePlaceOfBinds(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	systemd := opened(t, options("127.0.0.1:0", "unix:"+path))
	says, stop := run(t, underSystemd("web", systemd[0].File(), systemd[1].File()), "127.0.0.1:0", "unix:"+path+"2")
	if says.Error != "" || says.Opened != 0 || len(says.Listeners) != 2 || len(says.Env) != 0 {
		t.Errorf("it says %+v", says)
	}
	for i, bind := range []string{"systemd:web", "systemd:LISTEN_FD_4"} {
		if says.Listeners[i].Bind != bind {
			t.Errorf("%d is called %s, want %s", i, says.Listeners[i].Bind, bind)
		}
		if answer := ask(t, systemd[i], "hello"); answer != "child hello" {
			t.Errorf("got %q", answer)
		}
	}
	stop()
	for _, l := range systemd {
		dial(t, l).Close()
	}
}

func TestSocketOfSystemdThatIsOfNoUseIsNamed(t *testing.T) {
	packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	file, err := packets.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	says, stop := run(t, underSystemd("dns", file))
	stop()
	if !strings.HasPrefix(says.Error, "the socket dns that systemd passes is no stream socket: the .socket unit needs ListenStream=") {
		t.Errorf("it says %q", says.Error)
	}
}

func TestSocketsOfSystemdForAnotherProcessAreLeftAlone(t *testing.T) {
	systemd := opened(t, options("127.0.0.1:0"))[0]
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LISTEN_PID="+strconv.Itoa(os.Getpid()), "LISTEN_FDS=1")
	cmd.ExtraFiles = []*os.File{systemd.File()}
	says, stop := run(t, cmd, "127.0.0.1:0")
	stop()
	if says.Error != "" || says.Opened != 1 || len(says.Env) != 0 {
		t.Errorf("it says %+v", says)
	}
}

func TestDescriptionThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"x", `[{"fd":65000,"bind":"127.0.0.1:80"}]`} {
		t.Setenv(variable, text)
		if _, err := Inherited(); err == nil || !strings.Contains(err.Error(), "unset it") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// underSystemd is the test binary, started as systemd does it.
func underSystemd(names string, files ...*os.File) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), "LISTEN_FDS="+strconv.Itoa(len(files)), "LISTEN_FDNAMES="+names)
	cmd.ExtraFiles = files
	return cmd
}
