package build

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// outputOf is what the executable is called if nobody says: what the application
// begins with. No source is called so, and nothing that Python would import.
func outputOf(o Options) string {
	name, _, _ := strings.Cut(siteName(o), ".")
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return "site"
	}
	return cmp.Or(name, "site")
}

// checkOutput refuses what a bundle cannot become, or what would be lost if it did.
func checkOutput(output string) error {
	info, err := os.Stat(output)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if folder := filepath.Dir(output); !isFolder(folder) {
			return fmt.Errorf("%s cannot be written: there is no folder %s; make it, or name another file with -o", output, folder)
		}
		return nil
	case err != nil:
		return fmt.Errorf("%s cannot be written: %w", output, err)
	case info.IsDir():
		return fmt.Errorf("%s is a folder: name the executable with -o", output)
	case !info.Mode().IsRegular(): // for root, also /dev/null
		return fmt.Errorf("%s is a device, a pipe or a socket, and is left as it is: name a file with -o", output)
	case info.Size() > 0 && !isBundle(output):
		return fmt.Errorf("%s is there already, and gowsgi build has not made it: remove it, or name another file with -o", output)
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
