package bundle

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A process that was killed while it unpacked, and other builds, leave their room to the
// one that starts next.
func TestRoomThatNobodyUsesIsFound(t *testing.T) {
	many := append(small(), entry{path: "app/large", content: strings.Repeat("large", 1e6)})
	need := open(t, write(t, nil, many...)).room()
	for name, limit := range map[string]string{
		"bytes": fmt.Sprintf("size=%d", need.bytes*3/2), "files": fmt.Sprintf("nr_inodes=%d", need.files*3/2+2),
	} {
		t.Run(name, func(t *testing.T) {
			tiny := tmpfs(t, "tmpfs", limit)
			first := unpack(t, open(t, write(t, nil, many...)), filepath.Join(tiny, "place"))
			again := open(t, write(t, func(m *Manifest) { m.Gowsgi = "2" }, many...))
			refusedBy(t, again, filepath.Dir(first.Path), "and it takes")
			first.release()
			second := unpack(t, again, filepath.Dir(first.Path))
			whole(t, second, many)
			second.release()
			if err := os.Rename(second.Path, filepath.Join(filepath.Dir(second.Path), unfinishedPrefix+"1")); err != nil {
				t.Fatal(err)
			}
			whole(t, unpack(t, open(t, write(t, nil, many...)), filepath.Dir(first.Path)), many)
		})
	}
}

func TestPlaceThatKeepsNoCountOfItsRoomIsUsed(t *testing.T) {
	whole(t, unpack(t, open(t, write(t, nil, small()...)), filepath.Join(tmpfs(t, "ramfs", ""), "place")), small())
}

// tmpfs is a file system of its own, mounted.
func tmpfs(t *testing.T, kind, limit string) string {
	t.Helper()
	folder := t.TempDir()
	if err := unix.Mount(kind, folder, kind, 0, limit); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
	return folder
}

// The count that was asked for beforehand is what others use up, too.
func TestDiskThatIsFullAtTheLastFileIsLeftAsItWas(t *testing.T) {
	site := open(t, write(t, nil, small()...))
	taken := int64(3) // by the file system's root, the place and its lock
	place := filepath.Join(tmpfs(t, "tmpfs", fmt.Sprintf("nr_inodes=%d", site.room().files+taken)), "place")
	refusedBy(t, site, place, "the disk is full: make room")
	if entries, err := os.ReadDir(place); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestRoomIsCountedInTheUnitsOfTheFileSystem(t *testing.T) {
	for name, c := range map[string]struct {
		says unix.Statfs_t
		want amount
	}{
		"written in larger pieces": {unix.Statfs_t{Blocks: 9, Bavail: 3, Bsize: 1 << 20, Frsize: 4096, Files: 9, Ffree: 2}, amount{3 * 4096, 2}},
		"of an old kernel":         {unix.Statfs_t{Blocks: 9, Bavail: 3, Bsize: 4096, Files: 9, Ffree: 2}, amount{3 * 4096, 2}},
		"full":                     {unix.Statfs_t{Blocks: 9, Frsize: 4096, Files: 9}, amount{0, 0}},
		"without a count":          {unix.Statfs_t{Bsize: 4096}, amount{math.MaxInt64, math.MaxInt64}},
		"without an end":           {unix.Statfs_t{Blocks: 1 << 63, Bavail: 1 << 62, Frsize: 4096, Files: 1 << 63, Ffree: 1 << 63}, amount{math.MaxInt64, math.MaxInt64}},
	} {
		if got := leftOf(c.says); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// ulimit -f is no fault of the disk's.
func TestLimitOfAFilesSizeIsNamed(t *testing.T) {
	many := append(small(), entry{path: "app/large", content: strings.Repeat("large", 1e6)})
	site, place := open(t, write(t, nil, many...)), place(t)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
	}()
	refusedBy(t, site, place, "raise ulimit -f")
	if entries, err := os.ReadDir(place); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}
