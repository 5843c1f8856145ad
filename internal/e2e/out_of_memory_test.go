package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// aGrowingApp takes memory for as long as it gets some.
const aGrowingApp = `
from contract import plain


def application(environ, start_response):
    kept = []
    while environ["PATH_INFO"] == "/grow":
        kept.append(b"x" * (1 << 20))  # written, so it really is there
    return plain(start_response, "small")
`

// memoryGroup makes a cgroup with so much memory, without swap, within that of
// the test, and returns the file that takes processes into it. The test is
// skipped where that is not allowed.
func memoryGroup(t *testing.T, limit int) (processes string) {
	t.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skip("no cgroups: ", err)
	}
	// "4:memory:/path" of the first version, "0::/path" of the second.
	parents := map[string]string{}
	for line := range strings.Lines(string(own)) {
		if fields := strings.SplitN(strings.TrimSpace(line), ":", 3); len(fields) == 3 {
			parents[fields[1]] = fields[2]
		}
	}
	root, knobs := "/sys/fs/cgroup", map[string]string{"memory.max": "", "memory.swap.max": "0"}
	parent, first := parents["memory"]
	if first {
		root, knobs = "/sys/fs/cgroup/memory", map[string]string{"memory.limit_in_bytes": "", "memory.swappiness": "0"}
	} else {
		parent = parents[""]
	}
	if _, err := os.Stat(filepath.Join(root, parent)); err != nil {
		parent = "" // of a namespace that is not this one
	}
	group := filepath.Join(root, parent, fmt.Sprintf("gowsgi-test-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skip("no cgroup can be made: ", err)
	}
	t.Cleanup(func() {
		Eventually(t, "the cgroup is removed", func() bool { return os.Remove(group) == nil })
	})
	for knob, value := range knobs {
		if value == "" {
			value = strconv.Itoa(limit)
		}
		err := turn(filepath.Join(group, knob), value)
		if errors.Is(err, fs.ErrNotExist) && strings.Contains(knob, "swap") {
			continue // there is no swap, then
		}
		if err != nil {
			t.Skip("no cgroup can be given a limit of memory: ", err)
		}
	}
	processes = filepath.Join(group, "cgroup.procs")
	if out, err := exec.Command("sh", "-c", `echo $$ > "$0"`, processes).CombinedOutput(); err != nil {
		t.Skipf("no process can be taken into a cgroup: %s", out)
	}
	return processes
}

// turn writes to a file of a cgroup, where none can be created.
func turn(knob, value string) error {
	file, err := os.OpenFile(knob, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(value)
	return err
}

func TestOOMKillerIsToldFromSomebodysKill(t *testing.T) {
	processes := memoryGroup(t, 192<<20)
	folder := t.TempDir()
	write(t, filepath.Join(folder, "grows.py"), aGrowingApp)
	s := Start(t, Options{
		Target: "grows", Dir: folder, Args: []string{"--pythonpath", Testapps()},
		Wrap: func(cmd *exec.Cmd) {
			cmd.Args = append([]string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, processes, cmd.Path}, cmd.Args[1:]...)
			cmd.Path = "/bin/sh"
		},
	})
	c := Dial(t, s)
	c.Send("GET /grow HTTP/1.1\r\nHost: x\r\n\r\n")
	c.WantBroken("GET")
	Eventually(t, "another worker has been loaded", func() bool { return strings.Count(s.Log(), "event=application.loaded") == 2 })
	const cause = `cause="was killed by SIGKILL (out of memory: the kernel's OOM killer was at work)" running="GET /grow (`
	if log := s.Log(); strings.Count(log, cause) != 1 || strings.Count(log, "event=worker.died") != 1 {
		t.Errorf("the log does not say what the worker died of: %s", log)
	}
	s.Client(t).Get("/").Want(t, 200, "small")
}
