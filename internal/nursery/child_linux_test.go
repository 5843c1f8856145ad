package nursery

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// An application that lies for its nursery does not get hold of others' processes.
func TestOnlyOwnChildrenAreTakenForWorkers(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	if _, err := (&Forked{PID: child.Process.Pid}).Process(os.Getpid()); err != nil {
		t.Error(err)
	}
	for _, pid := range []int{1, os.Getppid(), os.Getpid(), -1, 0, 1 << 30} {
		if p, err := (&Forked{PID: pid}).Process(os.Getpid()); err == nil {
			t.Errorf("process %d is taken for a worker: %+v", pid, p)
		}
	}
	if os.Geteuid() != 0 {
		return // no other user's child can be had
	}
	other := exec.Command("sleep", "60")
	other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	if p, err := (&Forked{PID: other.Process.Pid}).Process(os.Getpid()); err == nil {
		t.Errorf("another user's process is taken for a worker: %+v", p)
	}
}
