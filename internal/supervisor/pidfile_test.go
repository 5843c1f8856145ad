package supervisor

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// claim is claimPid with what it logged.
func claim(path string, takeover bool) (remove func(), log string, err error) {
	var text bytes.Buffer
	remove, err = claimPid(path, takeover, slog.New(slog.NewTextHandler(&text, nil)))
	return remove, text.String(), err
}

// named starts a process that the system calls by this name.
func named(t *testing.T, name string) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("no /proc")
	}
	program := filepath.Join(t.TempDir(), name)
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(sleep, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

func TestPidFileOfALivingGowsgiIsRespected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	pid := strconv.Itoa(named(t, "gowsgi"))
	if err := os.WriteFile(path, []byte(pid+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := claim(path, false)
	want := "gowsgi is already running as process " + pid + ", says " + path + ": stop it, or choose another path with --pid"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if text, _ := os.ReadFile(path); string(text) != pid+"\n" {
		t.Errorf("the file holds %q", text)
	}
	remove, log, err := claim(path, true) // in an upgrade
	if err != nil || log != "" {
		t.Fatalf("%v, log %s", err, log)
	}
	if text, _ := os.ReadFile(path); string(text) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("after the take-over the file holds %q", text)
	}
	remove()
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is left behind")
	}
}

func TestPidFileThatADeadGowsgiLeftIsReplaced(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skip(err)
	}
	for name, c := range map[string]struct {
		holds string
		notes bool
	}{
		"nobody's":               {strconv.Itoa(gone.Process.Pid), true},
		"another program's":      {strconv.Itoa(named(t, "somebody")), true},
		"a worker's":             {strconv.Itoa(named(t, "gowsgi-worker")), true},
		"our own number":         {strconv.Itoa(os.Getpid()) + "\n", false},
		"scribble":               {"x\n", true},
		"nothing":                {"", true},
		"a number that is no id": {"-1", true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pid")
			if err := os.WriteFile(path, []byte(c.holds), 0o644); err != nil {
				t.Fatal(err)
			}
			remove, log, err := claim(path, false)
			if err != nil {
				t.Fatal(err)
			}
			defer remove()
			if text, _ := os.ReadFile(path); string(text) != strconv.Itoa(os.Getpid())+"\n" {
				t.Errorf("the file holds %q", text)
			}
			if strings.Contains(log, "event=pidfile.stale path="+path) != c.notes {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestFileThatIsNoPidFileIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.py")
	text := strings.Repeat("DEBUG = False\n", 10)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := claim(path, false); err == nil || !strings.Contains(err.Error(), path+" is something else") {
		t.Errorf("got %v", err)
	}
	if now, _ := os.ReadFile(path); string(now) != text {
		t.Errorf("it holds %q", now)
	}
}

// /dev/null, say, which root could replace for all others.
func TestWhatIsNoFileIsNoPidFile(t *testing.T) {
	folder := t.TempDir()
	pipe, link := filepath.Join(folder, "pipe"), filepath.Join(folder, "link")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	// Never the machine's own: where this fails, it would be gone.
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	file, toFile := filepath.Join(folder, "file"), filepath.Join(folder, "to file")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, toFile)); err != nil {
		t.Fatal(err)
	}
	paths := []string{pipe, link, toFile}
	device := filepath.Join(folder, "null")
	if unix.Mknod(device, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) == nil { // root can
		paths = append(paths, device)
	}
	for _, path := range paths {
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, takeover := range []bool{false, true} {
			if _, _, err := claim(path, takeover); err == nil || !strings.Contains(err.Error(), "is left as it is") {
				t.Errorf("%s: %v", path, err)
			}
		}
		if err := tryPid(path); err == nil || !strings.Contains(err.Error(), "is left as it is") {
			t.Errorf("%s, tried: %v", path, err)
		}
		if now, err := os.Lstat(path); err != nil || !os.SameFile(before, now) {
			t.Errorf("%s was replaced: %v, %v", path, now, err)
		}
	}
}

func TestTriedPidFilesAreLeftAsTheyAre(t *testing.T) {
	folder := t.TempDir()
	dead, other := filepath.Join(folder, "dead"), filepath.Join(folder, "other")
	for path, content := range map[string]string{dead: "999999999\n", other: strings.Repeat("a diary ", 20)} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dead, filepath.Join(folder, "absent")} {
		if err := tryPid(path); err != nil {
			t.Error(err)
		}
	}
	for path, says := range map[string]string{
		other: "it holds no process id", filepath.Join(folder, "missing", "pid"): "no such file or directory", folder: "is a directory",
	} {
		if err := tryPid(path); err == nil || !strings.Contains(err.Error(), says) || !strings.HasSuffix(err.Error(), "with --pid") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}
