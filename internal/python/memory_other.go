//go:build !linux

package python

import "errors"

func (w Workers) inMemory(string) (*Program, error) {
	return nil, errors.ErrUnsupported
}
