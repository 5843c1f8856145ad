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

	"github.com/gowsgi/gowsgi/internal/operator"
)

// watchInterval is how often --watch asks.
const watchInterval = 2 * time.Second

// reading is an answer.
type reading struct {
	state operator.State
	err   error
}

// keepWatching shows the state again and again until q is pressed, or the gowsgi
// has gone.
func (c *command) keepWatching(ctx context.Context, client *operator.Client) error {
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer cancel()
	screen := open(c.stdin, c.stdout)
	defer screen.close()
	keys, resized := make(chan byte), make(chan os.Signal, 1)
	if screen != nil {
		signal.Notify(resized, syscall.SIGWINCH)
		defer signal.Stop(resized)
	}
	if screen.hasKeys() {
		go readKeys(ctx, c.stdin, keys)
	}
	v := view{}
	var last reading
	shown := 0
	answers := make(chan reading, 1)
	ask := func() { answers <- look(ctx, client) }
	go ask()
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for asking := true; ; {
		select {
		case <-ctx.Done():
			return nil
		case last = <-answers:
			asking = false
		case <-tick.C:
			if !asking {
				asking = true
				go ask()
			}
			continue
		case <-resized:
		case key := <-keys:
			switch key {
			case 'q':
				return nil
			case 's':
				v.youngest = !v.youngest
			case 'w':
				v.worker = nextWorker(last.state, v.worker)
			}
		}
		if last.err != nil {
			return last.err
		}
		if last.state.PID == 0 { // nobody has answered yet
			continue
		}
		if screen == nil && !c.json && shown > 0 {
			if _, err := io.WriteString(c.stdout, "\n"); err != nil {
				return err
			}
		}
		if err := c.show(last.state, v, screen); err != nil {
			return err
		}
		shown++
	}
}

// look asks what there is. A gowsgi that goes in an upgrade may be the one that
// was asked before: then the one that has come is there to be asked.
func look(ctx context.Context, client *operator.Client) (r reading) {
	for range 2 {
		r = reading{}
		if r.err = client.Ask(ctx, http.MethodGet, "/status", nil, &r.state); r.err == nil || ctx.Err() != nil {
			return r
		}
		client.Leave()
	}
	return r
}

func (c *command) show(state operator.State, v view, screen *screen) error {
	if c.json {
		return c.print(state)
	}
	text := ""
	if screen != nil {
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
