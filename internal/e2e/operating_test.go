package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestLogFilesAreOpenedAnewAndLoseNoLine(t *testing.T) {
	folder := t.TempDir()
	log, access := filepath.Join(folder, "log"), filepath.Join(folder, "access")
	s := launch(t, Options{Target: "raises", Args: []string{
		"-w", "2", "--error-logfile", log, "--access-logfile", access, "--access-logformat", "%(U)s",
	}})
	t.Cleanup(func() { s.Stop(t) })
	text := func(path string) string {
		content, _ := os.ReadFile(path) // not there yet is empty
		return string(content)
	}
	Eventually(t, "it serves", func() bool { return strings.Contains(text(log), "event=gowsgi.ready") })
	ask := func(path string) {
		for i := range 20 {
			s.Client(t).Get(fmt.Sprintf("%s/%d", path, i)) // on a connection of its own
		}
	}
	ask("/before")
	for _, path := range []string{log, access} {
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
	}
	s.Signal(t, syscall.SIGUSR1)
	Eventually(t, "the log is there again", func() bool { return strings.Contains(text(log), "event=log.reopened") })
	Eventually(t, "both workers have opened the access log anew", func() bool {
		ask("/after")
		return strings.Contains(text(access), "/after/") && openFiles(t, s.WorkerPIDs(), access+".1") == 0
	})
	if got := strings.Count(text(access+".1"), "/before/"); got != 20 {
		t.Errorf("the old access log has %d lines of 20", got)
	}
}

// openFiles counts the descriptors that processes have on a file.
func openFiles(t *testing.T, pids []int, path string) (n int) {
	t.Helper()
	for _, pid := range pids {
		links, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if to, _ := os.Readlink(link); to == path {
				n++
			}
		}
	}
	return n
}

// Level, format and place of gowsgi's own log are settings like all others: a
// reload takes them up, and one that cannot leaves them as they were.
func TestReloadTakesUpTheSettingsOfTheLog(t *testing.T) {
	p := startProject(t, ProjectOptions{})
	first, second := filepath.Join(p.folder, "first"), filepath.Join(p.folder, "second")
	read := func(path string) string {
		text, _ := os.ReadFile(path)
		return string(text)
	}
	reload := func(settings, path, want string) {
		t.Helper()
		p.Configure(t, Settings{More: settings})
		p.Signal(t, syscall.SIGHUP)
		Eventually(t, "in the log: "+want, func() bool { return strings.Contains(read(path), want) })
	}
	reload(fmt.Sprintf("error_logfile = %q", first), first, "msg=reloaded event=reload.done")
	reload(fmt.Sprintf("error_logfile = %q\nlog_format = \"json\"\nlog_level = \"debug\"", second), second, `"msg":"reloaded","event":"reload.done"`)
	reload(fmt.Sprintf("error_logfile = %q", filepath.Join(p.folder, "nowhere", "log")), second,
		`"event":"reload.failed","reason":"the log file `+p.folder+`/nowhere/log cannot be opened`)

	before, replaced := read(first), p.Replaced(t, 1)
	p.Configure(t, Settings{More: fmt.Sprintf("error_logfile = %q\nlog_level = \"error\"", first)})
	p.Signal(t, syscall.SIGHUP)
	Eventually(t, "the worker is replaced", replaced)
	p.Write(t, "editions.py", "raise SystemError('gone')\n")
	p.Signal(t, syscall.SIGHUP)
	Eventually(t, "the failure is an error", func() bool { return strings.Contains(read(first), "event=reload.failed") })
	if after := strings.TrimPrefix(read(first), before); strings.Contains(after, "level=INFO") {
		t.Errorf("there is more than errors in the log:\n%s", after)
	}
}

func TestReloadTakesUpTheUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o026)) // what gowsgi inherits
	p := startProject(t, ProjectOptions{})
	for i, step := range []struct {
		settings string
		umask    os.FileMode
		socket   os.FileMode // what it takes from those
	}{{`umask = "0007"`, 0o007, 0o007}, {"", 0o026, 0}, {`umask = "0077"`, 0o077, 0o077}} {
		name := fmt.Sprintf("made-%d", i)
		p.Write(t, "edition_part.py", fmt.Sprintf("EDITION = '1'\nopen(%q, 'w').close()  %s\n", filepath.Join(p.folder, name), strings.Repeat("#", i)))
		p.Configure(t, Settings{More: step.settings, Bind: []string{"unix:" + filepath.Join(p.folder, "s-"+name)}})
		through := p.LoggedOnceMore("reload.done")
		p.Signal(t, syscall.SIGHUP)
		Eventually(t, "reloaded", through)
		for path, want := range map[string]os.FileMode{name: 0o666 &^ step.umask, "s-" + name: 0o777 &^ step.socket} {
			info, err := os.Stat(filepath.Join(p.folder, path))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != want {
				t.Errorf("with %q: %s is %v, want %v", step.settings, path, info.Mode().Perm(), want)
			}
		}
	}
}

func TestSystemdIsToldWhatHappens(t *testing.T) {
	m := startManager(t)
	p := prepareProject(t)
	p.Edition(t, 1)
	p.serve(t, ProjectOptions{
		Settings: Settings{Workers: 1, Threads: 2},
		Env:      []string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=200000"},
	})
	m.Told(t, "READY=1", 1)
	m.Told(t, "WATCHDOG=1", 3)
	p.Signal(t, syscall.SIGHUP)
	m.Told(t, "RELOADING=1\nMONOTONIC_USEC=", 1)
	m.Told(t, "READY=1", 2)
	p.Write(t, "editions.py", "def application(environ, start_response):\n")
	p.Signal(t, syscall.SIGHUP)
	m.Told(t, "RELOADING=1", 2)
	m.Told(t, "READY=1", 3) // although it failed
	p.Edition(t, 2)
	old := p.Supervisor(t)
	p.Signal(t, syscall.SIGUSR2)
	m.Told(t, "MAINPID=", 1)
	m.Told(t, "READY=1", 4)
	Eventually(t, "another gowsgi serves", func() bool { return p.Supervisor(t) != old })
	if told := m.told.String(); strings.Contains(told, "STOPPING") {
		t.Errorf("systemd was told that the service stops: %s", told)
	}
	p.terminate(t)
	m.Told(t, "STOPPING=1", 1)
}

// systemd passes sockets, says so in variables, and keeps them.
func TestSocketsOfSystemdTakeThePlaceOfBind(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	file, err := socket.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := launch(t, Options{Target: "leaves_orphans", Wrap: func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", `export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"`, "sh"}, cmd.Args...)
		cmd.Path = "/bin/sh"
		cmd.ExtraFiles = []*os.File{file}
	}})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.Log())
		}
	})
	s.Addr, s.URL = socket.Addr().String(), "http://"+socket.Addr().String()
	s.waitReady(t)
	if got := s.Client(t).Get("/count"); got.Body != "0" {
		t.Errorf("status %d", got.Status)
	}
	s.Stop(t)
	// It is as it was: whoever passed it can pass it again.
	connected, err := net.Dial("tcp", socket.Addr().String())
	if err != nil {
		t.Fatalf("the socket is not what it was: %v", err)
	}
	connected.Close()
}

// As in a container: orphans are reaped, and TERM works.
func TestProcessOneReapsOrphansAndStops(t *testing.T) {
	if err := exec.Command("unshare", "--pid", "--fork", "true").Run(); err != nil {
		t.Skip("this user may not make pid namespaces")
	}
	s := launch(t, Options{Target: "leaves_orphans", Wrap: func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"unshare", "--pid", "--fork", "--mount-proc", "--"}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
		cmd.Path = mustFind(t, "unshare")
	}})
	s.waitReady(t)
	first := children(s.PID()) // of unshare
	if len(first) != 1 {
		t.Fatalf("processes %v", first)
	}
	if got := s.Client(t).Get("/"); got.Status != 200 {
		t.Errorf("status %d", got.Status)
	}
	Eventually(t, "the orphan is gone", func() bool {
		for _, pid := range children(first[0]) {
			if stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); strings.Contains(string(stat), ") Z ") {
				return false
			}
		}
		return s.Client(t).Get("/count").Body == "1"
	})
	if err := syscall.Kill(first[0], syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := s.Wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func mustFind(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// What the documentation has people paste into Django's settings leaves the loggers
// alone that exist by then.
func TestDocumentedLogHandlerSilencesNobody(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, snippet, _ := strings.Cut(string(text), "```python\n")
	snippet, _, found := strings.Cut(snippet, "```")
	if !found || !strings.Contains(snippet, "gowsgi.LogHandler") {
		t.Fatalf("the snippet is %q", snippet)
	}
	p := prepareProject(t)
	p.Write(t, "snippet.py", "import logging.config\nearly = logging.getLogger('django.request')\n"+snippet+
		"logging.config.dictConfig(LOGGING)\nearly.warning('it is heard')\n"+
		"def application(environ, start_response):\n    start_response('204 No Content', [])\n    return []\n")
	p.serve(t, ProjectOptions{Target: "snippet:application"})
	p.WaitLog(t, `msg="it is heard"`)
	if !strings.Contains(p.Log(), "event=application.logged logger=django.request") {
		t.Error("the record is not the handler's")
	}
}
