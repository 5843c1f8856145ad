package e2e

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// checkRefusal runs a gowsgi that cannot start: it must say why in one line,
// end with status and leave nothing in folder, where its pid file and unix
// sockets with relative paths are.
func checkRefusal(t *testing.T, o Options, folder string, status int, parts []string, args ...string) {
	t.Helper()
	before := names(t, folder)
	o.Dir = folder
	result := Run(t, o, append([]string{"--venv", PlainVenv(t), "--pythonpath", Testapps()}, args...)...)
	if result.Status != status {
		t.Errorf("exit status %d", result.Status)
	}
	checkComplaint(t, result, append([]string{"gowsgi: "}, parts...), "")
	if strings.Contains(result.Errors, "event=application.loaded") {
		t.Errorf("the application was loaded:\n%s", result.Errors)
	}
	if after := names(t, folder); !slices.Equal(after, before) {
		t.Errorf("the folder has %v, and had %v", after, before)
	}
}

// names are those of a folder's files, in order.
func names(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// sharing serves testapps/crashes.py on a port that others may have as well.
func sharing(t *testing.T, address string, args ...string) *Server {
	t.Helper()
	return Start(t, Options{Target: "crashes", Addr: address, Args: append([]string{"-b", address}, args...)})
}

func TestPortIsSharedIfBothAskForIt(t *testing.T) {
	address := freeAddr(t)
	first, second := sharing(t, address, "--reuse-port"), sharing(t, address, "--reuse-port")
	answered := map[int]bool{}
	ask := func() {
		body := first.Client(t).Get("/pid").Body // on a connection of its own
		pid, err := strconv.Atoi(body)
		if err != nil {
			t.Fatalf("answer %q", body)
		}
		answered[pid] = true
	}
	workers := append(first.WorkerPIDs(), second.WorkerPIDs()...)
	Eventually(t, "workers of both have answered", func() bool {
		ask()
		return len(answered) == len(workers)
	})
	for _, pid := range workers {
		if !answered[pid] {
			t.Errorf("%v answered, and not %d of %v", answered, pid, workers)
		}
	}
	// Who does not ask for it gets no share.
	checkRefusal(t, Options{}, t.TempDir(), 1, []string{"cannot listen on " + address, "another program listens there"}, "-b", address, "startup_app")
	first.Stop(t)
	clear(answered)
	for range 10 {
		ask()
	}
	if workers := second.WorkerPIDs(); len(answered) != 1 || !answered[workers[0]] {
		t.Errorf("%v answered, and %v is left", answered, workers)
	}
}

func TestPortOfAnotherIsRefused(t *testing.T) {
	s := Start(t, Options{Target: "startup_app"})
	for _, args := range [][]string{nil, {"--reuse-port"}} {
		args = append(args, "-b", "unix:s", "-b", s.Addr, "-p", "pid", "startup_app")
		checkRefusal(t, Options{}, shortFolder(t), 1, []string{"cannot listen on " + s.Addr, "another program listens there: stop it, or choose another address with --bind"}, args...)
	}
	s.Client(t).Get("/").Want(t, 200, "app only")
}

func TestSocketAndPidFileOfALivingGowsgiAreRespected(t *testing.T) {
	folder := shortFolder(t)
	socket, pidFile := filepath.Join(folder, "s"), filepath.Join(folder, "pid")
	s := Start(t, Options{Target: "startup_app", Unix: true, Addr: socket, Args: []string{"-b", "unix:" + socket, "-p", pidFile}})
	pid := strconv.Itoa(s.PID())
	checkRefusal(t, Options{}, folder, 1, []string{"cannot listen on unix:" + socket, "another program serves there", "--bind"},
		"-b", "unix:other", "-b", "unix:"+socket, "-p", "other.pid", "startup_app")
	checkRefusal(t, Options{}, folder, 1, []string{"already running as process " + pid, pidFile, "--pid"},
		"-b", "unix:other", "-p", pidFile, "startup_app")
	if text, err := os.ReadFile(pidFile); err != nil || string(text) != pid+"\n" {
		t.Errorf("the pid file holds %q, %v", text, err)
	}
	s.Client(t).Get("/").Want(t, 200, "app only")
	s.Stop(t)
	if left := names(t, folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Not only gowsgi is respected, and not only sockets.
func TestFilesInTheSocketsPlaceAreLeftAlone(t *testing.T) {
	folder := shortFolder(t)
	living, err := net.Listen("unix", filepath.Join(folder, "living"))
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()
	write(t, filepath.Join(folder, "text"), "text")
	write(t, filepath.Join(folder, "settings"), strings.Repeat("debug = False\n", 10))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-b", "unix:living"}, "another program serves there"},
		{[]string{"-b", "unix:text"}, "there is a file that is no socket"},
		{[]string{"-b", "unix:other", "-p", "settings"}, "is something else, it holds no process id"},
	} {
		checkRefusal(t, Options{}, folder, 1, []string{c.says}, append(c.args, "startup_app")...)
	}
	conn, err := net.Dial("unix", living.Addr().String())
	if err != nil {
		t.Fatalf("the other program's socket is not what it was: %v", err)
	}
	conn.Close()
	if text, err := os.ReadFile(filepath.Join(folder, "text")); err != nil || string(text) != "text" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestSocketAndPidFileThatADeadGowsgiLeftAreReplaced(t *testing.T) {
	t.Parallel() // it mostly waits
	folder := shortFolder(t)
	socket, pidFile := filepath.Join(folder, "s"), filepath.Join(folder, "pid")
	serve := func() *Server {
		t.Helper()
		s := Start(t, Options{Target: "startup_app", Unix: true, Addr: socket, Args: []string{"-b", "unix:" + socket, "-p", pidFile}})
		s.Client(t).Get("/").Want(t, 200, "app only")
		if text, err := os.ReadFile(pidFile); err != nil || string(text) != strconv.Itoa(s.PID())+"\n" {
			t.Errorf("the pid file holds %q, %v", text, err)
		}
		return s
	}
	s := serve()
	workers := s.WorkerPIDs()
	s.Signal(t, syscall.SIGKILL)
	s.Wait(t)
	Eventually(t, "the workers have gone, too", func() bool {
		return !slices.ContainsFunc(workers, func(pid int) bool { return !gone(pid) })
	})
	if left := names(t, folder); !slices.Equal(left, []string{"pid", "pid.control", "s"}) {
		t.Fatalf("left behind: %v", left) // nobody could remove them
	}
	second := serve()
	if !strings.Contains(second.Log(), "event=pidfile.stale path="+pidFile+" pid="+strconv.Itoa(s.PID())) {
		t.Error("the log does not say that the pid file was a dead one's")
	}
	second.Stop(t)

	// The number may be another program's by now.
	write(t, pidFile, strconv.Itoa(os.Getpid())+"\n")
	third := serve()
	if !strings.Contains(third.Log(), "event=pidfile.stale") {
		t.Error("the log does not say that the pid file was replaced")
	}
	third.Stop(t)
	if left := names(t, folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What cannot be had is said before anything is started.
func TestWhatCannotBeHadIsNamedAndNothingIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"a log in a folder that is missing":        {[]string{"--error-logfile", "missing/log"}, []string{"missing/log", "cannot be opened"}},
		"an access log there":                      {[]string{"--access-logfile", "missing/access"}, []string{"missing/access", "cannot be opened"}},
		"a pid file there":                         {[]string{"-p", "missing/pid"}, []string{"missing/pid", "cannot be written"}},
		"a socket there":                           {[]string{"-b", "unix:missing/s"}, []string{"cannot listen on unix:", "missing/s", "its folder does not exist"}},
		"a pid file and an address of nobody here": {[]string{"-p", "pid", "-b", "192.0.2.1:0"}, []string{"cannot listen on 192.0.2.1:0"}},
	} {
		t.Run(name, func(t *testing.T) {
			checkRefusal(t, Options{}, shortFolder(t), 1, c.says, append([]string{"-b", "unix:s"}, append(c.args, "startup_app")...)...)
		})
	}
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"a user":   {[]string{"-u", "no-such-user", "-p", "pid"}, []string{"--user no-such-user", "no such user"}},
		"a group":  {[]string{"-g", "no-such-group", "-p", "pid"}, []string{"--group no-such-group", "no such group"}},
		"a folder": {[]string{"--static", "/s=missing", "-p", "pid"}, []string{"--static /s=missing"}},
	} {
		t.Run(name+" of the settings", func(t *testing.T) {
			for _, action := range []string{"--bind=unix:s", "--check-config"} {
				checkRefusal(t, Options{}, shortFolder(t), 2, c.says, append([]string{action}, append(c.args, "startup_app")...)...)
			}
		})
	}
}
