//go:build !linux

package memory

import (
	"errors"
	"io"
	"os"
)

// Executable is for Linux only.
func Executable(string, func(io.Writer) error) (*os.File, error) {
	return nil, errors.ErrUnsupported
}
