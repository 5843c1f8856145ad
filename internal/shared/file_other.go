//go:build !linux

package shared

import "os"

// anonymousFile makes a file without a name.
func anonymousFile(name string) (*os.File, error) {
	file, err := os.CreateTemp("", name)
	if err != nil {
		return nil, err
	}
	return file, os.Remove(file.Name())
}
