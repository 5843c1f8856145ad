package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Root's folders belong to a user without a number there, as in containers that users
// start. /tmp is to be trusted all the same.
func TestBundleInANamespaceOfUsersFindsAPlace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another")
	}
	folder := shortFolder(t)
	path, temporary := filepath.Join(folder, "site"), filepath.Join(folder, "tmp")
	copyBundle(t, helloBundle(t), path)
	if err := errors.Join(os.Mkdir(temporary, 0o700), syscall.Chmod(temporary, 0o1777), os.Chmod(folder, 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { makeWritable(temporary) })
	own := []syscall.SysProcIDMap{{ContainerID: 0, HostID: somebody, Size: 1}}
	separate := func(cmd *exec.Cmd) {
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = own, own
		cmd.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true}
	}
	allowed := exec.Command("/bin/true")
	separate(allowed)
	if err := allowed.Run(); err != nil {
		t.Skip("there are no namespaces of users here: ", err)
	}
	result := Run(t, Options{Program: path, Dir: "/", Env: []string{"TMPDIR=" + temporary}, Wrap: separate}, "python", "-c", "import sys; print(sys.prefix)")
	if result.Status != 0 || !strings.HasPrefix(result.Out, filepath.Join(temporary, "gowsgi-0")) {
		t.Errorf("status %d: %s%s", result.Status, result.Out, result.Errors)
	}
}
