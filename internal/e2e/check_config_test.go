package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// check runs gowsgi --check-config on testapps/check_config.py, with settings
// that would leave traces: none may be there afterwards.
func check(t *testing.T, env []string, args ...string) Result {
	t.Helper()
	folder := t.TempDir()
	files := []string{"pid", "error.log", "access.log", "socket"}
	args = append([]string{
		"--check-config", "--venv", PlainVenv(t), "-b", freeAddr(t), "-b", "unix:" + filepath.Join(folder, files[3]),
		"-p", filepath.Join(folder, files[0]), "--error-logfile", filepath.Join(folder, files[1]),
		"--access-logfile", filepath.Join(folder, files[2]),
	}, append(args, "check_config")...)
	result := Run(t, Options{Dir: Testapps(), Env: env}, args...)
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	return result
}

func TestCheckConfigShowsThePlanAndLoadsTheApplication(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0") // this may be the gowsgi that serves now
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	result := check(t, nil, "-b", busy.Addr().String(), "-w", "3", "--threads", "2")
	if result.Status != 0 {
		t.Errorf("status %d: %s", result.Status, result.Errors)
	}
	if conn, err := net.DialTimeout("tcp", busy.Addr().String(), deadline); err != nil {
		t.Errorf("whoever listened there does no more: %v", err)
	} else {
		conn.Close()
	}
	for _, want := range []string{
		"application    check_config\n", "CPython        3.", "http://" + busy.Addr().String(), "unix:/",
		"3 workers with 2 threads each", "\napplication loaded in ", "somebody listens on " + busy.Addr().String() + " already:",
	} {
		if !strings.Contains(result.Out, want) {
			t.Errorf("%q is not in\n%s", want, result.Out)
		}
	}
	if strings.Count(result.Errors, "atexit ran") != 1 || strings.Count(result.Errors, "user ") != 1 {
		t.Errorf("the application was not loaded once and cleaned up: %s", result.Errors)
	}
}

func TestCheckConfigSaysWhyAnApplicationDoesNotLoad(t *testing.T) {
	for name, c := range map[string]struct {
		target string
		env    []string
		args   []string
		says   []string // the last line
		before string   // the lines before
	}{
		"it raises":     {"startup_raises", nil, nil, []string{"RuntimeError: deliberate, at import"}, "Traceback (most recent call last)"},
		"there is none": {"no_such_module", nil, nil, []string{"no_such_module"}, ""},
		"it hangs": {
			"check_config",
			[]string{"IMPORT=hangs"},
			[]string{"--startup-timeout", "1"},
			[]string{"the application did not load within 1s", "--startup-timeout"},
			"user ",
		},
		"it dies":          {"check_config", []string{"IMPORT=dies"}, nil, []string{"was killed by SIGKILL", "before it had loaded the application"}, ""},
		"no such platform": {"check_config", nil, []string{"--venv", "/nonexistent"}, []string{"/nonexistent", "does not exist"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"--check-config", "--venv", PlainVenv(t)}, c.args...)
			result := Run(t, Options{Dir: Testapps(), Env: c.env}, append(args, c.target)...)
			lines := strings.Split(strings.TrimSpace(result.Errors), "\n")
			last := lines[len(lines)-1]
			if result.Status != 1 || !strings.HasPrefix(last, "gowsgi: ") || strings.Contains(result.Out, "application loaded") {
				t.Errorf("status %d, out %s, errors %s", result.Status, result.Out, result.Errors)
			}
			for _, want := range c.says {
				if !strings.Contains(last, want) {
					t.Errorf("%q does not say %q", last, want)
				}
			}
			if !strings.Contains(result.Errors, c.before) {
				t.Errorf("%q is not in %s", c.before, result.Errors)
			}
		})
	}
}

// All that would keep gowsgi from starting is said together, and nothing is made.
func TestCheckConfigTriesAddressesAndFiles(t *testing.T) {
	folder := shortFolder(t)
	write(t, filepath.Join(folder, "file"), "")
	result := Run(
		t, Options{Dir: Testapps()}, "--check-config", "--venv", PlainVenv(t), "-b", "192.0.2.1:0", "-b", "unix:"+folder+"/missing/s",
		"-b", "unix:"+folder+"/file", "-b", "unix:"+folder+"/fine", "-p", folder+"/missing/pid", "--metrics", "192.0.2.1:0",
		"--error-logfile", folder+"/missing/log", "--access-logfile", folder+"/file/access", "startup_raises",
	)
	lines := strings.Split(strings.TrimSpace(result.Errors[strings.Index(result.Errors, "gowsgi: "):]), "\n")
	says := []string{
		"the log file " + folder + "/missing/log cannot be opened for writing: ",
		"the log file " + folder + "/file/access cannot be opened for writing: ",
		"cannot listen on 192.0.2.1:0: ",
		"cannot listen on unix:" + folder + "/missing/s: its folder does not exist",
		"cannot listen on unix:" + folder + "/file: there is a file that is no socket",
		"cannot listen on 192.0.2.1:0 for --metrics: ",
		"the pid file " + folder + "/missing/pid cannot be written: ",
		"importing startup_raises raised RuntimeError: deliberate, at import",
	}
	if result.Status != 1 || len(lines) != len(says) {
		t.Fatalf("status %d, out %s, errors %s", result.Status, result.Out, result.Errors)
	}
	for i, want := range says {
		if !strings.HasPrefix(lines[i], "gowsgi: "+want) {
			t.Errorf("%q does not begin with %q", lines[i], want)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// Before a reload, the settings of the gowsgi that serves are right.
func TestCheckConfigBesideTheSameGowsgi(t *testing.T) {
	folder := shortFolder(t)
	args := []string{
		"-b", "unix:" + folder + "/s", "-p", folder + "/pid", "--error-logfile", folder + "/log", "--access-logfile", folder + "/access",
		"--metrics", freeAddr(t),
	}
	s := launch(t, Options{Unix: true, Addr: folder + "/s", Args: args, Target: "check_config"})
	t.Cleanup(func() { s.Stop(t) })
	Eventually(t, "it serves", func() bool {
		log, _ := os.ReadFile(folder + "/log") // not there yet is empty
		return strings.Contains(string(log), "event=gowsgi.ready")
	})
	result := Run(t, Options{Dir: Testapps()}, append(args, "--check-config", "--venv", PlainVenv(t), "check_config")...)
	if result.Status != 0 || !strings.Contains(result.Out, "\napplication loaded in ") {
		t.Errorf("status %d, out %s, errors %s", result.Status, result.Out, result.Errors)
	}
	for _, want := range []string{fmt.Sprintf("gowsgi runs as process %d already", s.PID()), "somebody listens on unix:" + folder + "/s", "somebody listens on 127.0.0.1:"} {
		if !strings.Contains(strings.Join(strings.Fields(result.Out), " "), want) {
			t.Errorf("%q is not in\n%s", want, result.Out)
		}
	}
	if answer := s.Client(t).Get("/"); answer.Status != 200 {
		t.Errorf("it serves no longer: %+v", answer)
	}
}

func TestCheckConfigDoesNotWaitForWhatTheApplicationLeavesRunning(t *testing.T) {
	for _, what := range []string{"thread", "orphan"} {
		if result := check(t, []string{"IMPORT=" + what}); result.Status != 0 || !strings.Contains(result.Out, "application loaded in ") {
			t.Errorf("%s: status %d, out %s, errors %s", what, result.Status, result.Out, result.Errors)
		}
	}
}
