package build

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody has this goroutine reach files as another user, who may look into the test's
// folder, until the test ends.
func asNobody(t *testing.T, folder string) {
	t.Helper()
	for _, path := range []string{filepath.Dir(folder), folder} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	t.Cleanup(func() {
		_ = unix.Setfsuid(0)
		runtime.UnlockOSThread()
	})
	if err := unix.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	top := folder(t, map[string]string{"app.py": "", "data/x": ""})
	if err := os.Chmod(filepath.Join(top, "data"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(top, "data"), 0o755)
	if os.Geteuid() == 0 { // who reads everything
		asNobody(t, top)
	}
	err := newCollection().addApplication(top, filepath.Join(top, "site"), nil, nil)
	if err == nil || err.Error() != "data in the application's folder cannot be read: --exclude data leaves it out" {
		t.Error(err)
	}
	if got, _ := inside(t, top, nil, []string{"data"}); !slices.Equal(got, []string{"app.py"}) {
		t.Errorf("%q", got)
	}
}
