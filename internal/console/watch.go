package console

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/operator"
)

// watchInterval is how often --watch asks.
const watchInterval = 2 * time.Second

// What a terminal is told: another screen without cursor, and back; from the top.
const (
	enter = "\x1b[?1049h\x1b[?25l"
	leave = "\x1b[?25h\x1b[?1049l"
	clear = "\x1b[H\x1b[2J"
)

// keepWatching shows the state again and again until q is pressed, or the gowsgi
// has gone.
func (c *command) keepWatching(ctx context.Context, client *operator.Client) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	keys := make(chan byte)
	screen := width(c.stdout) > 0
	if screen {
		restore, err := keysAtOnce(c.stdin)
		if err == nil {
			defer restore()
			go readKeys(ctx, c.stdin, keys)
		}
		_, _ = io.WriteString(c.stdout, enter)
		defer func() { _, _ = io.WriteString(c.stdout, leave) }()
	}
	v := view{}
	var state operator.State
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for asks := true; ; {
		if asks {
			state = operator.State{}
			if err := client.Ask(ctx, http.MethodGet, "/status", nil, &state); err != nil {
				return err
			}
		}
		if err := c.show(state, v, screen); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			asks = true
		case key := <-keys:
			asks = false
			switch key {
			case 'q':
				return nil
			case 's':
				v.youngest = !v.youngest
			case 'w':
				v.worker = nextWorker(state, v.worker)
			}
		}
	}
}

func (c *command) show(state operator.State, v view, screen bool) error {
	if c.json {
		return c.print(state)
	}
	text := ""
	if screen {
		v.width, v.height = dimensions(c.stdout)
		text = clear
	}
	_, err := io.WriteString(c.stdout, text+table(state, v))
	return err
}

// nextWorker is the one whose requests are shown after those of worker; 0 is all.
func nextWorker(state operator.State, worker int) int {
	var numbers []int
	for _, w := range state.Workers {
		numbers = append(numbers, w.Number)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		if n > worker {
			return n
		}
	}
	return 0
}

func readKeys(ctx context.Context, from *os.File, keys chan<- byte) {
	key := make([]byte, 1)
	for {
		if n, err := from.Read(key); err != nil || n == 0 {
			return
		}
		select {
		case keys <- key[0]:
		case <-ctx.Done():
			return
		}
	}
}

// keysAtOnce has a terminal pass on each key, and show none.
func keysAtOnce(terminal *os.File) (restore func(), err error) {
	fd := int(terminal.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	now := *before
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 1, 0
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
