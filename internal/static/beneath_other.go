//go:build !linux

package static

import "golang.org/x/sys/unix"

// openBeneath is Linux's.
func openBeneath(int, string, Links) (int, error) { return -1, unix.ENOSYS }

func canOpenBeneath(int) bool { return false }

const onlyPath = unix.O_RDONLY

// identityOf is what tells one content of a file from another.
func identityOf(s *unix.Stat_t) identity {
	return identity{device: uint64(s.Dev), inode: s.Ino, size: s.Size, modified: s.Mtim.Nano(), changed: s.Ctim.Nano()}
}
