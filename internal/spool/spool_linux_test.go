package spool

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPartOfTheDiskIsLeftToOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a file system has to be mounted")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("no file system can be mounted: %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	s, err := Open(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := create(t, s)
	for err == nil {
		_, err = f.Write(make([]byte, 1<<20))
	}
	if left := 64<<20 - f.Size(); !errors.Is(err, ErrFull) || left > 64<<20/leftPart+1<<20 || left == 0 {
		t.Errorf("%v with %d bytes left", err, left)
	}
	if err := os.WriteFile(filepath.Join(dir, "other"), make([]byte, 1<<20), 0o600); err != nil {
		t.Errorf("another program: %v", err)
	}
	f.Free()
}
