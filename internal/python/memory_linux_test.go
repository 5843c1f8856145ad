package python

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWorkerStaysInMemoryWhereNoFolderCanBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	open777 := t.TempDir()
	if err := os.Chmod(open777, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(t *testing.T){
		"no HOME": func(t *testing.T) { t.Setenv("XDG_CACHE_HOME", ""); t.Setenv("HOME", "") },
		"no such HOME": func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", "")
			t.Setenv("HOME", filepath.Join(t.TempDir(), "home"))
		},
		"not a folder":                 func(t *testing.T) { t.Setenv("XDG_CACHE_HOME", file) },
		"a file in the folder's place": func(t *testing.T) { write(t, cache(t), "") },
		"a parent open to everybody":   func(t *testing.T) { t.Setenv("XDG_CACHE_HOME", open777) },
		"a folder of somebody else": func(t *testing.T) {
			folder := cache(t)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(folder, 65534, 65534); err != nil {
				t.Skip("only root can give a folder away")
			}
		},
		"mounted noexec": func(t *testing.T) {
			folder := cache(t)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("none", folder, "tmpfs", unix.MS_NOEXEC, ""); err != nil {
				t.Skip("only root can mount")
			}
			t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
		},
		"disk full": func(t *testing.T) {
			folder := cache(t)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("none", folder, "tmpfs", 0, "size=16k"); err != nil {
				t.Skip("only root can mount")
			}
			t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			set(t)
			program := open(t, workers(t, "3.11"))
			if program.path != "" {
				t.Errorf("the worker is at %s, want it in memory", program.path)
			}
			runs(t, program)
			runs(t, program)
		})
	}
}
