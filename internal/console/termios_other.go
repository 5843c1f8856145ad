//go:build !linux

package console

import "golang.org/x/sys/unix"

const getTermios, setTermios = unix.TIOCGETA, unix.TIOCSETA

// noKey is what is typed with no key (_POSIX_VDISABLE).
const noKey = 0xff
