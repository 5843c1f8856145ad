package acme

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Try finds out whether the folder can be written to, or made, without doing it. The
// error is one sentence.
func Try(storage string) error {
	for folder := storage; ; folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist) && folder != filepath.Dir(folder):
			continue
		case err != nil:
			return fmt.Errorf("--acme-storage %s cannot be used: %w: name a folder that gowsgi may write to", storage, errors.Unwrap(err))
		case !info.IsDir():
			return fmt.Errorf("--acme-storage %s cannot be used: %s is no folder: name one that gowsgi may write to", storage, folder)
		}
		if err := unix.Access(folder, unix.W_OK|unix.X_OK); err != nil {
			return fmt.Errorf("--acme-storage %s cannot be used: gowsgi may not write to %s (%w): let user %d do so, or name another folder", storage, folder, err, os.Geteuid())
		}
		return nil
	}
}

// Prepare makes the folder, for whoever runs gowsgi alone: there are keys in it.
func Prepare(storage string) error {
	if err := os.MkdirAll(storage, 0o700); err != nil {
		return fmt.Errorf("--acme-storage %s cannot be made: %w: name a folder that gowsgi may write to", storage, errors.Unwrap(err))
	}
	return Try(storage)
}
