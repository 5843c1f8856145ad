package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/memory"
)

// An upgrade starts the file that is then in the bundle's place, with the gowsgi and the
// site that are in that one.
func TestUpgradeOfABundleIsTheFileInItsPlace(t *testing.T) {
	p, place := prepareProject(t), unpackedIn(t)
	site := filepath.Join(p.folder, "site")
	copyBundle(t, helloBundle(t), site)
	p.Server = Start(t, Options{Program: site, Args: []string{"--pid", p.pidFile, "--bundle-dir", place}, Dir: "/", Outlived: true})
	t.Cleanup(func() { p.terminate(t) })
	checkProgram(t, p.Supervisor(t), site, place)
	p.Client(t).Get("/").WantPart(t, 200, "hello from ")

	other := Bundle(t, "hello again", PlainVenv(t), func(folder string) {
		write(t, filepath.Join(folder, "again.py"), `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello again"]
`)
	}, "again:application")
	copyBundle(t, other, site)
	said := " is another build by now, and a reload stays with the one that was started: SIGUSR2, or the order upgrade, takes up the new one"
	if result := Run(t, Options{Program: site}, "reload", "--pid", p.pidFile); result.Status != 0 || !strings.Contains(result.Out, "reloaded: 1 worker serves; "+site+said) {
		t.Errorf("reload: %+v", result)
	}
	p.WaitLog(t, "event=bundle.replaced")
	p.Client(t).Get("/").WantPart(t, 200, "hello from ")
	succeeded := p.Succeeded(t, 1)
	p.Send(t, syscall.SIGUSR2)
	Eventually(t, "the upgrade is done", succeeded)
	p.Client(t).Get("/").WantPart(t, 200, "hello again")
	checkProgram(t, p.Supervisor(t), site, place)
}

// copyBundle puts a bundle where another one may be that runs.
func copyBundle(t *testing.T, from, to string) {
	t.Helper()
	copyTree(t, from, to+".new")
	if err := errors.Join(os.Chmod(to+".new", 0o755), os.Rename(to+".new", to)); err != nil {
		t.Fatal(err)
	}
}

// checkProgram checks what a supervisor's gowsgi is: from the folder in that place, which
// is in use; and that nothing of how it was started is left to child processes.
func checkProgram(t *testing.T, pid int, site, place string) {
	t.Helper()
	runs, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	folder := filepath.Dir(runs)
	if err != nil || filepath.Dir(folder) != place || !strings.HasPrefix(filepath.Base(folder), programPrefix) {
		t.Errorf("it runs %s, %v", runs, err)
	}
	title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !bytes.HasPrefix(title, []byte("gowsgi: ")) {
		t.Errorf("ps shows %q, %v", title, err)
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || string(name) != "gowsgi\n" {
		t.Errorf("its name is %q, %v", name, err)
	}
	used, err := os.OpenFile(filepath.Join(folder, ".used"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	if err := syscall.Flock(int(used.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("%s could be removed: %v", folder, err)
	}
	for _, worker := range children(pid) {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", worker))
		if err != nil || bytes.Contains(environ, []byte("GOWSGI_BUNDLE_FD")) {
			t.Errorf("the worker of %s has %q, %v", site, environ, err)
		}
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", worker))
		if err != nil {
			t.Error(err)
		}
		for _, each := range open {
			if at, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", worker, each.Name())); at == site || strings.HasPrefix(at, folder) {
				t.Errorf("the worker has %s open", at)
			}
		}
	}
}

// What needs no place works without one, and what does says which were tried.
func TestBundleWithoutAPlaceIsGowsgiStill(t *testing.T) {
	bundle, missing := helloBundle(t), filepath.Join(t.TempDir(), "missing", "place")
	for _, place := range [][]string{{"--bundle-dir", missing}, {"--bundle-dir=" + missing}} {
		for option, want := range map[string]string{
			"--version": "bundle of hello:application", "--help": "This is a bundle of hello:application", "--print-config": "bundle_dir",
		} {
			result := Run(t, Options{Program: bundle}, append(place, option)...)
			if result.Status != 0 || !strings.Contains(result.Out, want) {
				t.Errorf("%s: status %d: %s%s", option, result.Status, result.Out, result.Errors)
			}
		}
	}
	elsewhere := Options{Program: bundle, Env: []string{"GOWSGI_BUNDLE_DIR=" + missing}}
	if result := Run(t, elsewhere, "inspect"); result.Status != 0 || !strings.Contains(result.Out, "application    hello:application") {
		t.Errorf("inspect: status %d: %s%s", result.Status, result.Out, result.Errors)
	}
	for _, args := range [][]string{nil, {"python", "-c", "pass"}} {
		result := Run(t, elsewhere, args...)
		if result.Status != 1 || !strings.Contains(result.Errors, "the site cannot be unpacked to --bundle-dir "+missing) || strings.Count(result.Errors, "\n") != 1 {
			t.Errorf("%q: status %d: %s%s", args, result.Status, result.Out, result.Errors)
		}
	}
}

// While it waits for another copy that unpacks, a signal does what it would later.
func TestSignalsBeforeABundleIsUnpacked(t *testing.T) {
	bundle := helloBundle(t)
	for signal, want := range map[syscall.Signal]string{
		syscall.SIGTERM: "signal: terminated", syscall.SIGINT: "signal: interrupt", syscall.SIGQUIT: "exit status 1",
	} {
		place := unpackedIn(t)
		if err := os.Mkdir(place, 0o700); err != nil {
			t.Fatal(err)
		}
		lock, err := os.Create(filepath.Join(place, ".lock"))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		cmd := command(Options{Program: bundle}, "--bundle-dir", place)
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		Eventually(t, "it waits", func() bool { return hasOpen(cmd.Process.Pid, lock.Name()) })
		for _, each := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, signal} {
			if err := cmd.Process.Signal(each); err != nil {
				t.Errorf("it ended before %v", each)
			}
		}
		err = cmd.Wait()
		lock.Close()
		var ended *exec.ExitError
		if !errors.As(err, &ended) || ended.Error() != want || said.Len() != 0 {
			t.Errorf("%v: %v, %s", signal, err, said.String())
		}
	}
}

// hasOpen tells whether a process has a file open.
func hasOpen(pid int, path string) bool {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	for _, entry := range entries {
		if at, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, entry.Name())); at == path {
			return true
		}
	}
	return false
}

// What runs is what was executed, though it has no name: a file in memory, one that was
// removed, and one that has another in its place by the time that it looks.
func TestBundleWithoutAPathRuns(t *testing.T) {
	bundle := helloBundle(t)
	removed := func(t *testing.T) *os.File {
		path := filepath.Join(t.TempDir(), "site")
		copyBundle(t, bundle, path)
		file, err := os.Open(path)
		if err == nil {
			err = os.Remove(path)
		}
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, made := range map[string]func(t *testing.T) *os.File{
		"in memory": func(t *testing.T) *os.File { return inMemory(t, bundle) },
		"removed":   removed,
		"replaced": func(t *testing.T) *os.File {
			file := removed(t)
			if err := os.WriteFile(file.Name(), []byte("another"), 0o755); err != nil { //nolint:gosec // a program
				t.Fatal(err)
			}
			return file
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := made(t)
			defer file.Close()
			inherited := func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{file} }
			place := unpackedIn(t)
			result := Run(t, Options{Program: "/proc/self/fd/3", Env: []string{"GOWSGI_BUNDLE_DIR=" + place}, Wrap: inherited}, "python", "-c", "import sys; print(sys.prefix)")
			if result.Status != 0 || !strings.HasPrefix(result.Out, place) {
				t.Errorf("status %d: %s%s", result.Status, result.Out, result.Errors)
			}
		})
	}
}

// inMemory is a file without a name, to be executed.
func inMemory(t *testing.T, path string) *os.File {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := memory.Executable("site", func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	// A file that is open for writing is not executed.
	readable, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return readable
}
