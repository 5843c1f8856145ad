package listen

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAddressesOfAllKindsAreOpened(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	binds := map[string]string{"127.0.0.1:0": "tcp", ":0": "tcp", "localhost:0": "tcp", "unix:" + path: "unix"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		binds["[::1]:0"] = "tcp"
	}
	if runtime.GOOS == "linux" {
		binds["unix:@"+path] = "unix"
	}
	for bind, network := range binds {
		t.Run(strings.ReplaceAll(bind, "/", "|"), func(t *testing.T) {
			l := opened(t, options(bind))[0]
			if l.Network != network || !l.Matches(bind) {
				t.Errorf("got %+v", l)
			}
			if address, ok := strings.CutPrefix(bind, "unix:"); ok && l.Address != address {
				t.Errorf("address %s", l.Address)
			}
			dial(t, l).Close()
			l.Close()
			if _, err := net.Dial(l.Network, l.Address); err == nil {
				t.Error("it listens after Close")
			}
		})
	}
	if exists(path) {
		t.Error("the socket's file is left behind")
	}
}

func TestAllOfIPv4IsNotIPv6(t *testing.T) {
	l := opened(t, options("0.0.0.0:0"))[0]
	host, port, err := net.SplitHostPort(l.Address)
	if err != nil || host != "0.0.0.0" || l.Network != "tcp" {
		t.Errorf("got %+v, %v", l, err)
	}
	dial(t, l).Close()
	if conn, err := net.Dial("tcp", "[::1]:"+port); err == nil {
		conn.Close()
		t.Error("it listens on IPv6, too")
	}
	all := opened(t, options(":0"))[0] // this means all there are
	if _, port, _ = net.SplitHostPort(all.Address); port == "" {
		t.Fatal(all.Address)
	}
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		if free, err := net.Listen("tcp", host+":0"); err != nil {
			continue // this machine does not have it
		} else {
			free.Close()
		}
		conn, err := net.Dial("tcp", host+":"+port)
		if err != nil {
			t.Error(err)
			continue
		}
		conn.Close()
	}
}

func TestIfOneCannotBeOpenedNoneIs(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	busy := opened(t, options("127.0.0.1:0"))[0]
	kept := opened(t, options("127.0.0.1:0"))
	_, _, err := Open(options("127.0.0.1:0", "unix:"+path, busy.Address), kept)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot listen on "+busy.Address+": another program listens there: ") {
		t.Errorf("got %v", err)
	}
	if exists(path) {
		t.Error("the socket's file is left behind")
	}
	dial(t, kept[0]).Close()
}

func TestForbiddenPortAndFolderAreNamedWithTheWayOut(t *testing.T) {
	for call, says := range map[string][]string{
		"tcp":  {"low ports are root's", "--bind", "as root with --user", "AmbientCapabilities=CAP_NET_BIND_SERVICE in systemd's unit", "setcap"},
		"unix": {"choose a folder that you may write to", "--bind"},
	} {
		err := refusal(&net.OpError{Op: "listen", Net: call, Err: os.NewSyscallError("bind", unix.EACCES)})
		for _, part := range says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v", call, err)
			}
		}
	}
}

func TestWhatHasRunOutIsNoFaultOfTheAddress(t *testing.T) {
	for number, says := range map[syscall.Errno]string{unix.EMFILE: "raise ulimit -n", unix.ENOBUFS: "the memory is not enough", unix.ENOSPC: "the disk is full"} {
		err := refusal(&net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("socket", number)})
		if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "--bind") {
			t.Errorf("%v: %v", number, err)
		}
	}
}

func TestSocketIsNotInThePollerAndNobodyChangesItsMode(t *testing.T) {
	l := opened(t, options("127.0.0.1:0"))[0]
	for _, nonBlocking := range []bool{false, true} {
		if err := unix.SetNonblock(int(l.File().Fd()), nonBlocking); err != nil {
			t.Fatal(err)
		}
		file, err := hold(int(l.File().Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if err := file.SetDeadline(time.Now()); err == nil {
			t.Error("the poller knows the socket")
		}
		flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
		if err != nil || flags&unix.O_NONBLOCK != 0 != nonBlocking {
			t.Errorf("flags %#x, %v", flags, err)
		}
		if flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor's flags %#x, %v", flags, err)
		}
		file.Close()
	}
}

func TestListenersOfTheSameAddressAreKept(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	have := opened(t, options("127.0.0.1:0", "unix:"+path, "127.0.0.1:0"))
	waiting := dial(t, have[0])
	defer waiting.Close()
	all, fresh, err := Open(options("unix:"+path, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"), have)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 || all[0] != have[1] || all[1] != have[0] || all[2] != have[2] || len(fresh) != 1 || all[3] != fresh[0] {
		t.Errorf("all %v of %v and %v", all, have, fresh)
	}
	fresh[0].Close()
	all, fresh, err = Open(options("127.0.0.1:0"), have)
	if err != nil || len(all) != 1 || all[0] != have[0] || len(fresh) != 0 {
		t.Errorf("all %v, %v opened, %v", all, fresh, err)
	}
	dial(t, have[1]).Close() // no longer wanted, but that is for the caller to end
}

func TestSeveralMayShareAPortIfAskedTo(t *testing.T) {
	o := options("127.0.0.1:0")
	o.ReusePort = true
	first := opened(t, o)[0]
	o.Binds = []string{first.Address}
	second := opened(t, o)[0]
	if second.Address != first.Address {
		t.Errorf("%s and %s", first.Address, second.Address)
	}
	if _, _, err := Open(options(first.Address), nil); err == nil {
		t.Error("shared without being asked")
	}
}

func TestEverybodyMayConnectToASocketsFileUnlessTheUmaskForbidsIt(t *testing.T) {
	const inherited = 0o027
	defer syscall.Umask(syscall.Umask(inherited))
	for umask, want := range map[int]os.FileMode{0: 0o777, 0o117: 0o660, 0o777: 0} {
		path := filepath.Join(folder(t), "s")
		o := options("unix:" + path)
		o.Umask = umask
		opened(t, o)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("umask %o: mode %v, %v", umask, info.Mode(), err)
		}
		if now := syscall.Umask(inherited); now != inherited {
			t.Errorf("the process's umask is %o now", now)
		}
	}
}

func TestSocketsFileBelongsToTheWorkersUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	path := filepath.Join(folder(t), "s")
	o := options("unix:" + path)
	have := opened(t, o)
	belongs := func(uid, gid uint32) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != uid || stat.Gid != gid {
			t.Errorf("belongs to %d:%d, want %d:%d", stat.Uid, stat.Gid, uid, gid)
		}
	}
	belongs(0, 0)
	o.UID, o.GID = 65534, 65533
	if _, _, err := Open(o, have); err != nil { // a reload that brings a user
		t.Fatal(err)
	}
	belongs(65534, 65533)
	have[0].Close()
	opened(t, o)
	belongs(65534, 65533)
}

func TestSocketOfALivingServerWithAFullQueueIsRespected(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	o := options("unix:" + path)
	o.Backlog = 0
	opened(t, o)
	for {
		conn, err := net.Dial("unix", path)
		if err != nil {
			break
		}
		defer conn.Close()
	}
	if err := removeStale(path); !errors.Is(err, errSocketAlive) {
		t.Errorf("got %v", err)
	}
}

func TestSocketThatBecameAnotherServersIsLeftAlone(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	l := opened(t, options("unix:"+path))[0]
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	l.Close()
	if !exists(path) {
		t.Error("the other server's socket was removed")
	}
}
