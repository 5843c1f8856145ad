package bundle

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// refused checks that a bundle is not unpacked there, for this reason.
func refused(t *testing.T, place, reason string) {
	t.Helper()
	refusedBy(t, open(t, write(t, nil, small()...)), place, reason)
}

func refusedBy(t *testing.T, site *Site, place, reason string) {
	t.Helper()
	_, err := site.Unpack(t.Context(), place)
	if err == nil || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), "--bundle-dir") {
		t.Errorf("not %q: %v", reason, err)
	}
}

func TestPlacesOfOthersAreNotUsed(t *testing.T) {
	sticky := t.TempDir()
	if err := syscall.Chmod(sticky, 0o1777); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(sticky, "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	refused(t, link, "is no folder")
	file := filepath.Join(sticky, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, file, "is no folder")
	for mode, reason := range map[os.FileMode]string{0o777: "everybody may change", 0o1777: "everybody may change", 0o770: "a group may change"} {
		open := filepath.Join(sticky, "open")
		if err := os.Mkdir(open, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Chmod(open, uint32(mode)); err != nil {
			t.Fatal(err)
		}
		refused(t, open, reason)
		if err := os.Remove(open); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Chmod(sticky, 0o777); err != nil {
		t.Fatal(err)
	}
	refused(t, filepath.Join(sticky, "new"), "everybody may change what is in "+sticky)
	if err := syscall.Chmod(sticky, 0o1777); err != nil {
		t.Fatal(err)
	}
	unpack(t, open(t, write(t, nil, small()...)), filepath.Join(sticky, "mine"))
	if os.Getuid() != 0 {
		t.Skip("only root can give folders away")
	}
	theirs := filepath.Join(sticky, "theirs")
	if err := os.Mkdir(theirs, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(theirs, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	refused(t, theirs, "belongs to somebody else")
	if err := os.Chown(sticky, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	refused(t, filepath.Join(sticky, "new"), "belongs to somebody else")
}

func TestPathThatWouldBeMisreadIsRefused(t *testing.T) {
	for _, name := range []string{"a:b", "$LIB", "a\nb"} {
		refused(t, filepath.Join(t.TempDir(), name), "has a colon, a dollar sign or an end of line")
	}
}

func TestMissingParentIsNotMade(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	refused(t, filepath.Join(missing, "place"), "no such file or directory")
	if _, err := os.Stat(missing); err == nil {
		t.Error("it was made")
	}
}

func TestPlacesAreTriedInOrder(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent/tmp")
	t.Setenv("CACHE_DIRECTORY", "/var/cache/one:/var/cache/two")
	t.Setenv("XDG_CACHE_HOME", "/nonexistent/cache")
	places := Places("")
	if places[0] != "/var/cache/one/sites" || !strings.HasPrefix(places[2], "/nonexistent/tmp/gowsgi-") {
		t.Errorf("%q", places)
	}
	if got := Places("/srv/x"); len(got) != 1 || got[0] != "/srv/x" {
		t.Errorf("%q", got)
	}
	t.Setenv("CACHE_DIRECTORY", "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	t.Setenv("TMPDIR", "relative")
	for _, place := range Places("") {
		if !filepath.IsAbs(place) {
			t.Errorf("%q counts from where it is started", place)
		}
	}
}

func TestWaitingForAnotherCopyEndsWithTheStart(t *testing.T) {
	place := place(t)
	site := open(t, write(t, nil, small()...))
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := lockPlace(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := site.Unpack(ctx, place)
		ended <- err
	}()
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it was unpacked while another had the lock")
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits still")
	}
}

// Who may rename a folder on the way to the place may put another in its stead, at once or
// while a site runs, which starts workers from there.
func TestFoldersAboveAPlaceOfOthersAreNotUsed(t *testing.T) {
	above := t.TempDir()
	mine := filepath.Join(above, "mine")
	if err := os.Mkdir(mine, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(mine, link); err != nil {
		t.Fatal(err)
	}
	places := []string{filepath.Join(mine, "place"), filepath.Join(link, "place")}
	allow := func(mode uint32) {
		if err := syscall.Chmod(above, mode); err != nil {
			t.Fatal(err)
		}
	}
	allow(0o777)
	for _, place := range places {
		refused(t, place, "everybody may change what is in "+above)
	}
	allow(0o1777)
	for _, place := range places {
		if at := unpack(t, open(t, write(t, nil, small()...)), place).Path; filepath.Dir(at) != places[0] {
			t.Errorf("%s could be made to lead elsewhere", at)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("only root can give folders away")
	}
	if err := os.Chown(above, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []uint32{0o755, 0o1777} {
		allow(mode)
		for _, place := range places {
			refused(t, place, above+" belongs to somebody else")
		}
	}
}
