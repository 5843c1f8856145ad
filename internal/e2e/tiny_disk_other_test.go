//go:build !linux

package e2e

import "testing"

// tinyDisk is Linux's alone.
func tinyDisk(t *testing.T, _ int) string {
	t.Helper()
	t.Skip("no file system can be mounted")
	return ""
}
