package supervisor

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// cause says in words how a process ended. oomBefore is what oomKills said when
// it was started.
func cause(state *os.ProcessState, oomBefore int64) string {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return fmt.Sprintf("exited with status %d", state.ExitCode())
	}
	text := "was killed by " + unix.SignalName(status.Signal())
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
