package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/scarcity"
)

// sites is the folder for bundles in a cache.
const sites = "sites"

// Places are the folders in which a bundle may be unpacked, first choice
// first: the one of --bundle-dir alone, if it is set.
func Places(wanted string) []string {
	if wanted != "" {
		return []string{wanted}
	}
	uid := os.Geteuid()
	var places []string
	if folders := os.Getenv("CACHE_DIRECTORY"); folders != "" { // systemd's CacheDirectory=
		first, _, _ := strings.Cut(folders, ":")
		places = append(places, filepath.Join(first, sites))
	}
	if uid == 0 { // not root's own, which a --user could not enter
		places = append(places, filepath.Join("/var/cache/gowsgi", sites))
	} else if cache, err := os.UserCacheDir(); err == nil && filepath.IsAbs(cache) {
		places = append(places, filepath.Join(cache, "gowsgi", sites))
	}
	name := fmt.Sprintf("gowsgi-%d", uid)
	if folder := os.Getenv("TMPDIR"); filepath.IsAbs(folder) {
		places = append(places, filepath.Join(folder, name))
	}
	return append(places, filepath.Join("/var/tmp", name), filepath.Join("/tmp", name), filepath.Join("/dev/shm", name))
}

// openPlace makes a place ready and returns its path without links, or says why it cannot
// be used. Nobody else may write to it, or put another in its stead, now or later: so all
// folders above it count.
func openPlace(place string) (string, error) {
	parent := filepath.Dir(place)
	if filepath.Base(place) == sites { // of a cache, which need not be there yet
		if err := makeParents(parent); err != nil {
			return "", err
		}
	}
	parent, err := filepath.EvalSymlinks(parent)
	if err != nil {
		return "", err
	}
	place = filepath.Join(parent, filepath.Base(place))
	if strings.ContainsAny(place, ":$\n") { // in a search path; in dlopen(3), as $LIB; in pyvenv.cfg
		return "", fmt.Errorf("%q has a colon, a dollar sign or an end of line in it, by which Python or the loader would misread it", place)
	}
	for at := parent; ; at = filepath.Dir(at) {
		if err := trusted(at, true); err != nil {
			return "", err
		}
		if at == "/" {
			break
		}
	}
	return place, readyPlace(place)
}

func readyPlace(place string) error {
	if err := os.Mkdir(place, 0o700); err == nil {
		if os.Geteuid() == 0 { // for workers of a --user
			err = os.Chmod(place, 0o755)
		}
		if err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := trusted(place, false); err != nil {
		return err
	}
	if err := unix.Access(place, unix.W_OK); err != nil {
		return &os.PathError{Op: "write to", Path: place, Err: err}
	}
	_, noexec, err := filesystem(place)
	switch {
	case err != nil:
		return &os.PathError{Op: "statfs", Path: place, Err: err}
	case noexec:
		return fmt.Errorf("nothing in %s may be executed (it is mounted noexec)", place)
	}
	return nil
}

// hasRoom tells what a place lacks for what is to be written to it.
func hasRoom(place string, need amount) error {
	left, _, err := filesystem(place)
	switch {
	case err != nil:
		return &os.PathError{Op: "statfs", Path: place, Err: err}
	case need.bytes > left.bytes:
		return fmt.Errorf("%s has %d MB left, and it takes %d MB", place, left.bytes/1e6, need.bytes/1e6+1)
	case need.files > left.files:
		return fmt.Errorf("%s has room for %d files more (df -i), and it takes %d", place, left.files, need.files)
	}
	return nil
}

// makeParents makes the two folders above a place, but never a HOME that does
// not exist.
func makeParents(parent string) error {
	for _, folder := range []string{filepath.Dir(parent), parent} {
		if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// trusted tells whether a folder is ours; a parent may also be root's, and
// everybody's like /tmp, where nobody can rename what is another's. In a namespace of
// users root is who the root folder belongs to, whatever number that is.
func trusted(folder string, parent bool) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	owner := ownerOf(info)
	rightful := owner == os.Geteuid()
	if root, err := os.Stat("/"); parent && err == nil {
		rightful = rightful || owner == 0 || owner == ownerOf(root)
	}
	sticky := parent && info.Mode()&os.ModeSticky != 0
	switch mode := info.Mode(); {
	case !mode.IsDir():
		return fmt.Errorf("%s is no folder", folder)
	case !rightful:
		return fmt.Errorf("%s belongs to somebody else", folder)
	case mode&0o002 != 0 && !sticky:
		return fmt.Errorf("everybody may change what is in %s", folder)
	case !parent && mode&0o020 != 0:
		return fmt.Errorf("a group may change what is in %s", folder)
	}
	return nil
}

func ownerOf(info fs.FileInfo) int {
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(owner.Uid)
	}
	return -1
}

// reasons says why no place would do.
func reasons(wanted string, places []string, errs []error) error {
	if wanted != "" {
		return fmt.Errorf("the site cannot be unpacked to --bundle-dir %s: %s", wanted, plain(errs[0]))
	}
	var all []string
	for i := range places {
		all = append(all, places[i]+" ("+plain(errs[i])+")")
	}
	return fmt.Errorf("the site cannot be unpacked anywhere: name a folder of this user with --bundle-dir; tried %s", strings.Join(all, ", "))
}

// plain is an error without the names of system calls.
func plain(err error) string {
	if words := scarcity.Of(err); words != "" {
		return words
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Path + ": " + at.Err.Error()
	}
	return err.Error()
}
