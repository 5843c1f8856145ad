//go:build !linux

package bundle

import (
	"os"

	"golang.org/x/sys/unix"
)

func syncFilesystem(*os.File) error {
	unix.Sync()
	return nil
}
