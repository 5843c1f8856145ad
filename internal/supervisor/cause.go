package supervisor

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/scarcity"
)

// cause says in words how a process ended. oomBefore is what oomKills said when
// it was started.
func cause(state *os.ProcessState, oomBefore int64) string {
	if state == nil {
		return "was waited for by somebody else"
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return fmt.Sprintf("exited with status %d", state.ExitCode())
	}
	text := "was killed by " + nameOf(status.Signal())
	switch status.Signal() {
	case syscall.SIGKILL:
		text += " (" + killer(oomBefore, oomKills()) + ")"
	case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE, syscall.SIGABRT:
		text += " (" + status.Signal().String() + ")"
	}
	if status.CoreDump() {
		text += ", core dumped"
	}
	return text
}

// whyNotStarted says in words why no process could be made of a worker.
func whyNotStarted(o Options, err error) string {
	if short := scarcity.Of(err); short != "" {
		return short
	}
	var failed *os.PathError
	if !errors.As(err, &failed) || !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	who := "the user of gowsgi"
	if o.Identity.Credential != nil {
		who = fmt.Sprintf("user %d", o.Identity.UID)
	}
	// The system does not say whether it means the program or its folder.
	switch dir := o.Settings.Chdir; {
	case dir != "" && startsElsewhere(o) && errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("--chdir %s: there is no such folder any more: create it, or name another", dir)
	case dir != "" && startsElsewhere(o):
		return fmt.Sprintf("--chdir %s: %s may not enter it: allow that (x) for all folders down to it, or name another", dir, who)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("%s may not run %s, the application's Python: make it executable for that user, where its file system is not mounted noexec", who, failed.Path)
	}
	return fmt.Sprintf("%s, the application's Python, is gone: install it again, or name another with --venv", failed.Path)
}

// startsElsewhere tries whether the program can be started in another folder.
func startsElsewhere(o Options) bool {
	cmd := o.Program.Command()
	cmd.Dir = "/"
	if o.Identity.Credential != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: o.Identity.Credential}
	}
	if cmd.Start() != nil {
		return false
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	return true
}

// killer says who sends SIGKILL: the kernel when memory is short, or somebody.
func killer(before, now int64) string {
	switch {
	case before < 0 || now < 0:
		return "out of memory, or somebody's kill -9"
	case now > before:
		return "out of memory: the kernel's OOM killer was at work"
	default:
		return "somebody's kill -9: the kernel's OOM killer has killed nobody"
	}
}

// oomKills is how many processes this machine's kernel has killed for want of
// memory, in whatever cgroup; -1 if it does not tell (Linux does from 4.13 on).
func oomKills() int64 {
	file, err := os.Open("/proc/vmstat")
	if err != nil {
		return -1
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "oom_kill "); ok {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}
