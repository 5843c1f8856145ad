package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user that a test run by root can give things to.
const nobody = 65534

// everybodys is a CPython that every user can run and that gowsgi has a worker
// for; the one of the tests may lie in root's home.
func everybodys(t *testing.T) (python, folder string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	// What t.TempDir makes is closed to others.
	folder, err := os.MkdirTemp("", "gowsgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	text, err := os.ReadFile(Testapps("check_config.py"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "check_config.py"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, python := range []string{PlainVenv(t), "/usr/bin/python3", "/usr/local/bin/python3"} {
		if Run(t, Options{Dir: folder}, "--check-config", "--user", "nobody", "--venv", python, "check_config").Status == 0 {
			return python, folder
		}
	}
	t.Skip("no Python here that another user can run")
	return "", ""
}

func TestWorkersAreTheUserAndGowsgiStaysRoot(t *testing.T) {
	python, folder := everybodys(t)
	s := Start(t, Options{
		Target: "check_config", Dir: folder, Venv: python, Unix: true,
		Args: []string{"--user", "nobody", "--group", "65533", "--umask", "0027"},
	})
	answer := s.Client(t).Get("/")
	if !strings.HasPrefix(answer.Body, fmt.Sprintf("%d 65533 [", nobody)) || !strings.HasSuffix(answer.Body, " 27") {
		t.Errorf("the worker is %s", answer.Body)
	}
	if groups := answer.Body; !strings.Contains(groups, " [] ") && !strings.Contains(groups, " [65533] ") {
		t.Errorf("the worker has groups of root: %s", groups)
	}
	if strings.Contains(answer.Body, os.Getenv("HOME")) {
		t.Errorf("the worker has root's HOME: %s", answer.Body)
	}
	info, err := os.Stat(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o750 {
		t.Errorf("the socket's mode is %v", info.Mode())
	}
	info, err = os.Stat(fmt.Sprintf("/proc/%d", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Error("gowsgi itself is no longer root")
	}
	// A new worker can be started as before, from memory.
	for _, pid := range s.WorkerPIDs() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	s.WaitLog(t, "event=worker.died")
	Eventually(t, "another worker answers", func() bool { return strings.Count(s.Log(), "event=application.loaded") == 2 })
	s.Client(t).Get("/").Want(t, 200, answer.Body)
}

// A proxy is another user than gowsgi and than the workers.
func TestEverybodyMayConnectToTheSocketWhoeverStartedGowsgi(t *testing.T) {
	python, folder := everybodys(t)
	defer syscall.Umask(syscall.Umask(0o077)) // what gowsgi inherits
	s := Start(t, Options{Target: "check_config", Dir: folder, Venv: python, Unix: true, Args: []string{"--user", "nobody"}})
	info, err := os.Stat(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); info.Mode().Perm() != 0o777 || stat.Uid != nobody {
		t.Errorf("the socket's mode is %v, and it is %d's", info.Mode(), stat.Uid)
	}
	if err := os.Chmod(filepath.Dir(s.Addr), 0o755); err != nil {
		t.Fatal(err)
	}
	connect := exec.Command(python, "-c", "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])", s.Addr)
	if s, err := os.Stat(python); err == nil && s.IsDir() {
		connect.Path = filepath.Join(python, "bin", "python3")
	}
	connect.Dir, connect.SysProcAttr = "/", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	if out, err := connect.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if body := s.Client(t).Get("/").Body; !strings.HasSuffix(body, " 77") { // the application's files are its own matter
		t.Errorf("the worker is %s", body)
	}
}

// What is there but out of reach is not called missing.
func TestFoldersThatGowsgiMayNotEnterAreNamed(t *testing.T) {
	python, folder := everybodys(t)
	closed := filepath.Join(folder, "closed")
	write(t, filepath.Join(closed, "site", "app.py"), "")
	write(t, filepath.Join(closed, "venv", "bin", "python"), "")
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"--venv", python, "--chdir", filepath.Join(closed, "site")}, 2, "gowsgi: --chdir " + filepath.Join(closed, "site") + " cannot be entered: permission denied: let user 65534 enter"},
		{[]string{"--venv", filepath.Join(closed, "venv")}, 1, "gowsgi: --venv " + filepath.Join(closed, "venv") + " may not be run by user 65534: let that user enter " + closed + ","},
	} {
		result := Run(t, Options{Dir: folder, Wrap: func(cmd *exec.Cmd) {
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		}}, append(test.args, "app")...)
		if result.Status != test.status || !strings.HasPrefix(result.Errors, test.says) || strings.Contains(result.Errors, "-m venv") {
			t.Errorf("status %d: %s", result.Status, result.Errors)
		}
	}
}

// Gowsgi opens ports and logs as root; workers write the logs as the user, after
// a reload and after the logs were rotated, too.
func TestLowPortAndLogsAreUsableByTheUserAcrossReloads(t *testing.T) {
	python, folder := everybodys(t)
	logs := t.TempDir() // root's
	log, access := filepath.Join(logs, "log"), filepath.Join(logs, "access")
	if err := os.Chmod(filepath.Dir(logs), 0o755); err != nil { // to be reached, not written to
		t.Fatal(err)
	}
	if err := os.Chmod(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	address := lowAddr(t)
	s := launch(t, Options{
		Target: "check_config", Dir: folder, Venv: python, Addr: address,
		Args: []string{"-b", address, "--user", "nobody", "--error-logfile", log, "--access-logfile", access},
	})
	t.Cleanup(func() { s.Stop(t) })
	logged := func(text string, times int) {
		t.Helper()
		Eventually(t, "the log has "+text, func() bool {
			content, _ := os.ReadFile(log) // not there yet is empty
			return strings.Count(string(content), text) >= times
		})
	}
	logged("event=gowsgi.ready", 1)
	s.Client(t).Get("/")
	s.Signal(t, syscall.SIGHUP)
	logged("event=reload.done", 1)
	s.Client(t).Get("/")
	for _, path := range []string{log, access} {
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
	}
	s.Signal(t, syscall.SIGUSR1)
	logged("event=log.reopened", 1)
	Eventually(t, "the access log is written again", func() bool {
		s.Client(t).Get("/")
		content, _ := os.ReadFile(access)
		return len(content) > 0
	})
	s.Signal(t, syscall.SIGHUP)
	logged("event=reload.done", 1)
	s.Client(t).Get("/")
}

func TestRootIsWarned(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	s := Start(t, Options{Target: "check_config"})
	if !strings.Contains(s.Log(), `event=gowsgi.root`) {
		t.Errorf("no warning in %s", s.Log())
	}
}
