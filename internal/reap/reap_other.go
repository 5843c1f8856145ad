//go:build !linux

package reap

// Start has nothing to do: gowsgi is process 1 in Linux's containers only.
func Start(func(pid int) bool) (stop func()) { return func() {} }
