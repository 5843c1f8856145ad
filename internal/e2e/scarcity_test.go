package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// underLimit starts the program under a limit of the shell's.
func underLimit(limit string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", "ulimit " + limit + ` && exec "$@"`, "sh"}, cmd.Args...)
		cmd.Path = "/bin/sh"
	}
}

// Whatever runs out is named, and nobody is told to make anew what is healthy.
func TestWhatRunsOutAtTheStartIsNamed(t *testing.T) {
	for limit, part := range map[string]string{
		"-n 10":      "raise ulimit -n", // to ask Python
		"-v 800000":  "ulimit -v lets a process have 800000 KiB",
		"-v 1000000": "ulimit -v lets a process have 1000000 KiB",
		"-v 2000000": "ulimit -v lets a process have 2000000 KiB",
	} {
		t.Run(limit, func(t *testing.T) {
			result := Run(t, Options{Dir: Testapps(), Wrap: underLimit(limit)}, "-b", freeAddr(t), "--venv", PlainVenv(t), "--threads", "64", "startup_app")
			lines := strings.Split(strings.TrimSpace(result.Errors), "\n")
			last := lines[len(lines)-1]
			if result.Status != 1 || !strings.HasPrefix(last, "gowsgi: ") || !strings.Contains(last, part) || strings.Contains(last, "make it anew") {
				t.Errorf("exit status %d, %s", result.Status, last)
			}
		})
	}
}

func TestFolderThatTheWorkersUserMayNotEnterIsNamed(t *testing.T) {
	python, folder := everybodys(t)
	closed := filepath.Join(folder, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"--check-config"}} {
		result := Run(t, Options{Dir: folder}, append(args, "-b", freeAddr(t), "--user", "nobody", "--venv", python, "--chdir", closed, "check_config")...)
		if result.Status != 1 || !strings.Contains(result.Errors, "--chdir "+closed+": user 65534 may not enter it") || strings.Contains(result.Errors, "/proc/self") {
			t.Errorf("status %d: %s", result.Status, result.Errors)
		}
	}
}
