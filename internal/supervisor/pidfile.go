package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// writePid writes this process's id to path, whole or not at all. remove
// deletes the file unless it has become another process's.
func writePid(path string) (remove func(), err error) {
	text := strconv.Itoa(os.Getpid()) + "\n"
	unfinished, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".")
	if err == nil {
		_, err = unfinished.WriteString(text)
		err = errors.Join(err, unfinished.Chmod(0o644), unfinished.Close())
		if err == nil {
			err = os.Rename(unfinished.Name(), path)
		}
		if err != nil {
			os.Remove(unfinished.Name())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the pid file %s cannot be written: %w: choose a path in a folder that exists and is yours with --pid", path, plain(err))
	}
	return func() {
		if now, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(now)) == strings.TrimSpace(text) {
			os.Remove(path)
		}
	}, nil
}

// plain is what the system said, without the names of calls and files.
func plain(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	case errors.As(err, &call):
		return call.Err
	}
	return err
}
