//go:build !linux

package logging

// journal: there is none.
func (f *File) journal() bool { return false }
