package python

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// blocked returns the first folder on the way to path, links followed, that the
// user may not enter; nil is ourselves. Empty: there is none, as far as the
// mode of the folders says.
func blocked(path string, user *syscall.Credential) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	for range 40 { // as many links as Linux follows
		at, names := "/", strings.Split(strings.Trim(path, "/"), "/")
		onward := ""
		for i, name := range names {
			if !mayEnter(at, user) {
				return at
			}
			at = filepath.Join(at, name)
			target, err := os.Readlink(at)
			if err != nil {
				continue // no link, or nothing
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(at), target)
			}
			onward = filepath.Join(append([]string{target}, names[i+1:]...)...)
			break
		}
		if onward == "" {
			return ""
		}
		path = onward
	}
	return ""
}

// mayEnter tells whether a folder's mode lets the user in. What does not exist
// keeps nobody out.
func mayEnter(folder string, user *syscall.Credential) bool {
	if user == nil {
		return unix.Faccessat(unix.AT_FDCWD, folder, unix.X_OK, unix.AT_EACCESS) != unix.EACCES
	}
	info, err := os.Stat(folder)
	if err != nil {
		return true
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode().Perm()
	switch {
	case !ok || user.Uid == 0:
		return true
	case stat.Uid == user.Uid:
		mode >>= 6
	case stat.Gid == user.Gid || slices.Contains(user.Groups, stat.Gid):
		mode >>= 3
	}
	return mode&1 != 0
}

// number is that of the user; nil is ourselves.
func number(user *syscall.Credential) int {
	if user == nil {
		return os.Geteuid()
	}
	return int(user.Uid)
}
