//go:build !linux

package identity

import "os"

// mayChange tells whether this process may start others under another user and
// group.
func mayChange() bool { return os.Geteuid() == 0 }
