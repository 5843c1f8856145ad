package console

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// What a terminal is told: another screen without cursor, and back; from the top.
const (
	enter = "\x1b[?1049h\x1b[?25l"
	leave = "\x1b[?25h\x1b[?1049l"
	clear = "\x1b[H\x1b[2J"
)

// screen is a terminal that shows one thing that changes, and has what was there
// before afterwards. A nil *screen is no terminal.
type screen struct {
	out     *os.File
	restore func() // the keys; nil: they were not to be had
}

// open takes a terminal over until close; nil if out is none.
func open(in, out *os.File) *screen {
	if width(out) == 0 {
		return nil
	}
	s := &screen{out: out}
	s.restore, _ = keysAtOnce(in) // who has no keys to press is shown it all the same
	_, _ = io.WriteString(out, enter)
	return s
}

// close gives the terminal back.
func (s *screen) close() {
	if s == nil {
		return
	}
	_, _ = io.WriteString(s.out, leave)
	if s.restore != nil {
		s.restore()
	}
}

// hasKeys tells whether keys can be read.
func (s *screen) hasKeys() bool { return s != nil && s.restore != nil }

// keysAtOnce has a terminal pass on each key, and show none. Ctrl-Z is a key then:
// a program that stands still cannot give the terminal back, and Go does not let
// go of a signal once it was asked for, so that it could do that first.
func keysAtOnce(terminal *os.File) (restore func(), err error) {
	fd := int(terminal.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	now := *before
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME], now.Cc[unix.VSUSP] = 1, 0, noKey
	if err := unix.IoctlSetTermios(fd, setTermios, &now); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, setTermios, before) }, nil
}

// width is how wide a terminal is; 0: it is none.
func width(file *os.File) int {
	w, _ := dimensions(file)
	return w
}

func dimensions(file *os.File) (width, height int) {
	if file == nil {
		return 0, 0
	}
	window, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	if window.Col == 0 { // a terminal that does not know
		return 80, 24
	}
	return int(window.Col), int(window.Row)
}
