package logging

import (
	"fmt"
	"os"
	"syscall"
)

// journal tells whether the file leads to systemd's journal: $JOURNAL_STREAM
// has the device and the inode of what systemd connected (systemd.exec(5)).
// The variable alone says nothing, it is inherited by everybody.
func (f *File) journal() bool {
	info, err := f.file.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}
