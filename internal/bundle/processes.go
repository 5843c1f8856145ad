package bundle

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// executables are the files that processes run: ours, and for root everybody's. There
// are none without /proc.
func executables() (paths []string) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if path, err := os.Readlink(filepath.Join("/proc", entry.Name(), "exe")); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// runsFrom tells whether one of these files is in a folder.
func runsFrom(folder string, executables []string) bool {
	return slices.ContainsFunc(executables, func(path string) bool { return strings.HasPrefix(path, folder+"/") })
}
