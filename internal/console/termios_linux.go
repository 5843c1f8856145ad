package console

import "golang.org/x/sys/unix"

const getTermios, setTermios = unix.TCGETS, unix.TCSETS

// noKey is what is typed with no key (_POSIX_VDISABLE).
const noKey = 0
