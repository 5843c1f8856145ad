package python

import (
	"io"

	"github.com/gowsgi/gowsgi/internal/memory"
)

// inMemory unpacks a worker to a file that everybody may run and nobody change.
func (w Workers) inMemory(name string) (*Program, error) {
	file, err := memory.Executable(name, func(to io.Writer) error {
		_, err := w.copy(name, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Program{file: file}, nil
}
