//go:build !linux

package scoreboard

import "os"

// anonymousFile makes a file without a name.
func anonymousFile() (*os.File, error) {
	file, err := os.CreateTemp("", "gowsgi-scoreboard")
	if err != nil {
		return nil, err
	}
	return file, os.Remove(file.Name())
}
