package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/python"
	"github.com/gowsgi/gowsgi/internal/title"
)

// asGowsgi makes the test binary the program: it holds the arguments, in JSON.
const asGowsgi = "GOWSGI_TEST_ARGS"

func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(asGowsgi); ok {
		os.Unsetenv(asGowsgi)
		var args []string
		if err := json.Unmarshal([]byte(text), &args); err != nil {
			panic(err)
		}
		os.Exit(run(context.Background(), args, os.Stdin, os.Stdout, os.Stderr, title.Take()))
	}
	os.Exit(m.Run())
}

// gowsgi runs the program to its end, in an environment without settings.
func gowsgi(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	var out, errors bytes.Buffer
	cmd := exec.Command(os.Args[0])
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, asGowsgi + "=" + string(text)}
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errors.String()
}

// oneLine checks that stderr is one line in gowsgi's name that says all this.
func oneLine(t *testing.T, stderr string, says ...string) {
	t.Helper()
	if !strings.HasPrefix(stderr, "gowsgi: ") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("not one line in gowsgi's name: %q", stderr)
	}
	for _, want := range says {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q does not say %q", stderr, want)
		}
	}
}

func TestVersionListsItselfGoAndTheWorkers(t *testing.T) {
	status, out, _ := gowsgi(t, "--version")
	if status != 0 || !strings.HasPrefix(out, "gowsgi ") || !strings.Contains(out, "\nGo 1.") {
		t.Errorf("status %d: %q", status, out)
	}
	want := "no workers inside"
	if names := python.Inside().Names(); len(names) > 0 {
		want = "workers for CPython " + strings.Join(names, ", ")
	}
	if !strings.Contains(out, want) {
		t.Errorf("%q does not say %q", out, want)
	}
}

func TestHelpGoesToStandardOutput(t *testing.T) {
	status, out, errors := gowsgi(t, "--help")
	if status != 0 || !strings.HasPrefix(out, "Usage: gowsgi") || errors != "" {
		t.Errorf("status %d: %q, %q", status, out, errors)
	}
}

func TestPrintedConfigIsReadBack(t *testing.T) {
	status, out, errors := gowsgi(t, "--print-config", "--threads", "3")
	if status != 0 || errors != "" {
		t.Fatalf("status %d: %s", status, errors)
	}
	path := filepath.Join(t.TempDir(), "gowsgi.toml")
	if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, again, _ := gowsgi(t, "-c", path, "--print-config"); again != out {
		t.Errorf("printed again it is\n%s", again)
	}
}

func TestWrongSettingsEndWithStatus2(t *testing.T) {
	status, _, errors := gowsgi(t, "--threads", "none", "x:app")
	if status != 2 {
		t.Errorf("status %d", status)
	}
	oneLine(t, errors, "--threads")
	status, _, errors = gowsgi(t, "--threads", "none", "--workers", "-7", "x:app")
	if status != 2 || !strings.HasPrefix(errors, "gowsgi: 2 problems in the settings:\n") ||
		!strings.Contains(errors, "--threads") || !strings.Contains(errors, "--workers") {
		t.Errorf("status %d: %s", status, errors)
	}
}

// Another attempt would find the same, and systemd is told not to make one.
func TestFilesAndFoldersOfTheSettingsThatAreMissingEndWithStatus2(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for flag, says := range map[string]string{
		"--chdir=" + missing:          "--chdir " + missing + ": there is no such folder",
		"--static=/s=" + missing:      "--static /s=" + missing + ": there is no folder " + missing + ": create it, or name another\n",
		"--error-page=502=" + missing: "--error-page: there is no file " + missing + ": create it, or name another\n",
		"--basic-auth=" + missing:     "--basic-auth: there is no file " + missing + ": make it with htpasswd -B -c, or name another\n",
		"--user=no-such-user":         "--user no-such-user",
		"--group=no-such-group":       "--group no-such-group",
	} {
		status, _, errors := gowsgi(t, flag, "x:app")
		if status != 2 {
			t.Errorf("%s: status %d", flag, status)
		}
		oneLine(t, errors, says)
	}
}

func TestWhatIsMissingOnTheMachineEndsWithStatus1(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"virtualenv": {[]string{"--venv", missing}, []string{"--venv " + missing, "does not exist"}},
		"log file":   {[]string{"--error-logfile", filepath.Join(missing, "log")}, []string{missing, "cannot be opened"}},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, errors := gowsgi(t, append(c.args, "x:app")...)
			if status != 1 {
				t.Errorf("status %d", status)
			}
			oneLine(t, errors, c.says...)
		})
	}
}

func TestErrorIsInTheLogFileToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	_, _, errors := gowsgi(t, "--error-logfile", path, "--venv", "/nonexistent", "x:app")
	oneLine(t, errors, "/nonexistent")
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "event=gowsgi.failed") {
		t.Errorf("log holds %q, %v", text, err)
	}
}

func TestCheckConfigLooksForPythonAndItsWorker(t *testing.T) {
	found, err := python.Find(t.Context(), "")
	if err != nil {
		t.Skip(err)
	}
	status, out, errors := gowsgi(t, "--check-config", "--venv", found.Executable, "x:app")
	if python.Inside().Check(found) != nil {
		if status != 1 {
			t.Errorf("status %d", status)
		}
		oneLine(t, errors, "CPython "+found.Name, "make build PYTHONS=")
	} else if status != 1 || !strings.Contains(out, "CPython        "+found.Version) {
		t.Errorf("status %d: %q, %q", status, out, errors)
	} else {
		oneLine(t, errors, "x") // there is no such application
	}
}

func TestRelativePathsCountFromChdirButTheVirtualenvFromHere(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(filepath.Dir(folder))
	s, err := absolute(config.Settings{
		Chdir: filepath.Base(folder), Venv: "venv", Pid: "run/pid", ErrorLogfile: "-", AccessLogfile: "/var/log/access",
		Bind: []string{"unix:s", "unix:/run/s", "unix:@s", "fd://3", "127.0.0.1:80"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := append([]string{s.Chdir, s.Venv, s.Pid, s.ErrorLogfile, s.AccessLogfile}, s.Bind...)
	want := []string{
		folder, filepath.Dir(folder) + "/venv", folder + "/run/pid", "-", "/var/log/access",
		"unix:" + folder + "/s", "unix:/run/s", "unix:@s", "fd://3", "127.0.0.1:80",
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
