package identity

import (
	"fmt"
	"strconv"
	"syscall"
)

// SetUmask makes mask, in octal, the file mode mask of this process, which
// workers inherit: it counts for sockets, logs and pid file, and for what the
// application makes. An empty one leaves it as it is.
func SetUmask(mask string) error {
	if mask == "" {
		return nil
	}
	bits, err := strconv.ParseUint(mask, 8, 9)
	if err != nil {
		return fmt.Errorf("--umask %s is no octal number from 0 to 0777", mask)
	}
	syscall.Umask(int(bits))
	return nil
}

// Umask is the file mode mask of this process, in octal. It is 0 for a moment:
// nothing may make files meanwhile.
func Umask() string {
	mask := syscall.Umask(0)
	syscall.Umask(mask)
	return fmt.Sprintf("%04o", mask)
}
