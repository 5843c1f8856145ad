package bundle

import (
	"math"
	"math/bits"
	"os"

	"golang.org/x/sys/unix"
)

// syncFilesystem is one wait for thousands of files.
func syncFilesystem(file *os.File) error {
	return os.NewSyscallError("syncfs", unix.Syncfs(int(file.Fd())))
}

// filesystem tells what we may write to a folder, and whether nothing in it may be
// executed.
func filesystem(folder string) (left amount, noexec bool, err error) {
	var about unix.Statfs_t
	err = unix.Statfs(folder, &about)
	return leftOf(about), about.Flags&unix.ST_NOEXEC != 0, err
}

// leftOf is what a file system says that it has left. Those that keep no count, as ramfs
// and many of FUSE's, say that they have nothing in all.
func leftOf(about unix.Statfs_t) amount {
	left := amount{bytes: math.MaxInt64, files: math.MaxInt64}
	if about.Blocks > 0 {
		unit := about.Frsize // Bsize is what is best written at once
		if unit <= 0 {
			unit = about.Bsize
		}
		if high, low := bits.Mul64(about.Bavail, uint64(unit)); high == 0 && low < math.MaxInt64 {
			left.bytes = int64(low)
		}
	}
	if about.Files > 0 && about.Ffree < math.MaxInt64 {
		left.files = int64(about.Ffree)
	}
	return left
}
