package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Project is an application, in a folder of its own, that a test writes anew
// while it is served, with settings in a file. The gowsgi that serves it may be
// succeeded by another (SIGUSR2): whom the pid file names is asked.
type Project struct {
	*Server
	folder  string
	pidFile string
}

// ProjectOptions are what a project starts with. Everything has a default.
type ProjectOptions struct {
	Unix     bool
	Settings Settings
	Args     []string
	Env      []string
	Target   string // default: the application that Edition writes
	Addr     string // default: one that is free
}

// Settings are what the project's file of settings says.
type Settings struct {
	Bind             []string // in addition to the project's own address
	Unbound          bool     // without the project's own address
	Workers, Threads int
	More             string // lines
}

// startProject serves edition 1.
func startProject(t testing.TB, o ProjectOptions) *Project {
	t.Helper()
	p := prepareProject(t)
	p.Edition(t, 1)
	p.serve(t, o)
	return p
}

// prepareProject makes a folder to write an application into.
func prepareProject(t testing.TB) *Project {
	t.Helper()
	folder := shortFolder(t)
	return &Project{folder: folder, pidFile: filepath.Join(folder, "pid"), Server: &Server{}}
}

// serve starts gowsgi. The one that serves when the test ends is stopped.
func (p *Project) serve(t testing.TB, o ProjectOptions) {
	t.Helper()
	if p.Addr = o.Addr; p.Addr == "" {
		p.Addr = freeAddr(t)
	}
	if o.Unix {
		p.Addr, p.network = filepath.Join(p.folder, "s"), "unix"
	}
	p.Configure(t, o.Settings)
	if o.Target == "" {
		o.Target = "editions:application"
	}
	p.Server = Start(t, Options{
		Target: o.Target, Args: append([]string{"-c", p.settingsFile()}, o.Args...),
		Addr: p.Addr, Unix: o.Unix, Outlived: true, Env: o.Env,
	})
	t.Cleanup(func() { p.terminate(t) }) // before that of Start
}

// Configure writes the file of settings, for whoever reads it next.
func (p *Project) Configure(t testing.TB, c Settings) {
	t.Helper()
	bind := slices.Clone(c.Bind)
	if own := p.Addr; !c.Unbound {
		if p.network == "unix" {
			own = "unix:" + own
		}
		bind = append([]string{own}, bind...)
	}
	for i := range bind {
		bind[i] = strconv.Quote(bind[i])
	}
	p.Write(t, "gowsgi.toml", fmt.Sprintf("bind = [%s]\nworkers = %d\nthreads = %d\nchdir = %q\npythonpath = [%q]\npid = %q\n%s\n",
		strings.Join(bind, ", "), max(1, c.Workers), max(1, c.Threads), p.folder, Testapps(), p.pidFile, c.More))
}

func (p *Project) settingsFile() string { return filepath.Join(p.folder, "gowsgi.toml") }

// Write puts a file into the project's folder, whole or not at all.
func (p *Project) Write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(p.folder, name)
	write(t, path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Edition writes the application in that edition, which its answers name
// (testapps/lossless.py). It consists of two modules and takes a while to load:
// an answer of one that is half loaded, or half another edition, is no right
// answer. Each edition has a length of its own, as a module that was compiled
// in the same second is told from another by that.
func (p *Project) Edition(t testing.TB, n int) {
	t.Helper()
	length := strings.Repeat("#", n)
	p.Write(t, "edition_part.py", fmt.Sprintf("EDITION = '%d'  %s\n", n, length))
	p.Write(t, "editions.py", fmt.Sprintf(`import time
import edition_part
from lossless import answer

EDITION = "%[1]d"

def application(environ, start_response):
    whole = EDITION == edition_part.EDITION == LAST
    return answer(environ, start_response, EDITION if whole else "half-" + EDITION)

time.sleep(0.05)
LAST = "%[1]d"  %[2]s
`, n, length))
}

// Supervisor is the process id in the pid file.
func (p *Project) Supervisor(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(p.pidFile)
	if err != nil {
		t.Fatalf("pid file: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("pid file holds %q", text)
	}
	return pid
}

// Workers are the processes that the supervisor has started and that have not
// ended, in order.
func (p *Project) Workers(t testing.TB) []int {
	t.Helper()
	return children(p.Supervisor(t))
}

// Send sends a signal to the gowsgi that serves.
func (p *Project) Send(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(p.Supervisor(t), signal); err != nil {
		t.Fatalf("%v: %v", signal, err)
	}
}

// Replaced returns a condition: none of the present workers is left, and there
// are n others.
func (p *Project) Replaced(t testing.TB, n int) func() bool {
	t.Helper()
	before := p.Workers(t)
	return func() bool {
		now := p.Workers(t)
		return len(now) == n && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(before, pid) })
	}
}

// Succeeded returns a condition: another gowsgi serves, with n workers, and the
// present one has ended.
func (p *Project) Succeeded(t testing.TB, n int) func() bool {
	t.Helper()
	before := p.Supervisor(t)
	return func() bool { return gone(before) && p.Supervisor(t) != before && len(p.Workers(t)) == n }
}

// Logged is how often the log has that event.
func (p *Project) Logged(event string) int {
	return strings.Count(p.Log(), "event="+event+" ") + strings.Count(p.Log(), "event="+event+"\n")
}

// LoggedOnceMore returns a condition: the log has that event again.
func (p *Project) LoggedOnceMore(event string) func() bool {
	before := p.Logged(event)
	return func() bool { return p.Logged(event) > before }
}

// Answer asks for the edition that answers, on a connection of its own.
func (p *Project) Answer(t testing.TB) string {
	t.Helper()
	c := Dial(t, p.Server)
	defer c.Close()
	c.Send("GET /?id=x&blocks=0&pause=0 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
	response := c.Response("GET")
	fields := strings.Fields(response.Body)
	if response.Status != 200 || len(fields) != 5 {
		t.Fatalf("%+v", response)
	}
	return fields[1]
}

// terminate stops the gowsgi that serves, if one does: nothing of it may stay.
func (p *Project) terminate(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(p.pidFile); err != nil {
		return // a test ended it
	}
	supervisor := p.Supervisor(t)
	workers := children(supervisor)
	p.Send(t, syscall.SIGTERM)
	p.ended(t, supervisor, workers)
}

// ended waits for the end of a gowsgi that was told to stop.
func (p *Project) ended(t testing.TB, supervisor int, workers []int) {
	t.Helper()
	Eventually(t, "gowsgi and its workers have ended", func() bool {
		return gone(supervisor) && !slices.ContainsFunc(workers, func(pid int) bool { return !gone(pid) })
	})
	if _, err := os.Stat(p.pidFile); err == nil {
		t.Error("the pid file is left")
	}
	if conn, err := net.Dial(p.network, p.Addr); err == nil {
		conn.Close()
		t.Error("somebody still listens")
	}
	if _, err := os.Stat(p.Addr); p.network == "unix" && err == nil {
		t.Error("the socket's file is left")
	}
	if crash := crashLog.FindString(p.Log()); crash != "" {
		t.Errorf("the log shows a crash: %q", crash)
	}
}
