package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Paths and variables are bytes, from the command line to the worker and back.
func TestSettingsKeepTheirBytes(t *testing.T) {
	folder := filepath.Join(shortFolder(t), "\xe9t\xe9 (old)")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Skip(err) // not on this file system
	}
	app := t.TempDir()
	write(t, filepath.Join(app, "odd.py"), "import os\n\n\ndef application(environ, start_response):\n"+
		"    start_response('200 OK', [])\n    return [repr(os.environb[b'ODD']).encode()]\n")
	socket, pid, access := filepath.Join(folder, "s"), filepath.Join(folder, "pid"), filepath.Join(folder, "access")
	s := Start(t, Options{
		Target: "odd", Dir: app, Unix: true, Addr: socket,
		Args: []string{"-b", "unix:" + socket, "-e", "ODD=\xff\xe9", "--pid", pid, "--access-logfile", access},
	})
	s.Client(t).Get("/").Want(t, 200, `b'\xff\xe9'`)
	Eventually(t, "the access log is where it should be", func() bool {
		text, err := os.ReadFile(access)
		return err == nil && strings.Contains(string(text), "GET / HTTP/1.1")
	})
	if _, err := os.Stat(pid); err != nil {
		t.Error(err)
	}
}

func TestWhatTheWorkerSaysKeepsItsBytes(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "\xe9t\xe9", "app.py")
	result := Run(t, Options{}, "-b", freeAddr(t), "--venv", PlainVenv(t), missing)
	if result.Status != 1 || !strings.Contains(result.Errors, missing) {
		t.Errorf("status %d: %q", result.Status, result.Errors)
	}
}

// Folders and files of the application, named in each way that there is.
func TestApplicationsInFoldersThatAreNoText(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "\xe9t\xe9 (old)")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Skip(err) // not on this file system
	}
	code := "import os\n\n\ndef application(environ, start_response):\n    start_response('200 OK', [])\n    return [os.fsencode(__file__)]\n"
	for _, name := range []string{"odd.py", "si(te).wsgi"} {
		write(t, filepath.Join(folder, name), code)
	}
	for _, test := range []struct {
		target string
		args   []string
		file   string
	}{
		{"odd", []string{"--chdir", folder}, "odd.py"},
		{"odd", []string{"--pythonpath", folder}, "odd.py"},
		{filepath.Join(folder, "odd.py"), nil, "odd.py"},
		{filepath.Join(folder, "si(te).wsgi"), nil, "si(te).wsgi"},
		{"si(te).wsgi:application", []string{"--chdir", folder}, "si(te).wsgi"},
	} {
		s := Start(t, Options{Target: test.target, Dir: t.TempDir(), Args: test.args})
		s.Client(t).Get("/").Want(t, 200, filepath.Join(folder, test.file))
	}
}
