package supervisor

import (
	"errors"
	"fmt"

	"github.com/gowsgi/gowsgi/internal/acme"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/listen"
)

// Try finds out whether Run could have the addresses and the pid file of a
// deployment, for --check-config: it changes nothing, and nobody notices. A gowsgi
// that runs with the same settings has them, so what is taken is only worth a note.
// The errors are one sentence each.
func Try(d Deployment) (notes []string, problems []error) {
	taken := func(address string) {
		notes = append(notes, "somebody listens on "+address+" already: that is right if it is the gowsgi that serves now")
	}
	busy, problems := listen.Try(d.listenOptions())
	for _, bind := range busy {
		taken(bind)
	}
	if address := d.Settings.Metrics; address != "" {
		busy, err := listen.TryAddress(address)
		if busy {
			taken(address)
		}
		if err != nil {
			problems = append(problems, metricsRefused(address, err))
		}
	}
	_, more := readTLS(&d.Settings)
	problems = append(problems, more...)
	if len(d.Settings.ServerName) > 0 {
		if err := acme.Try(d.Settings.ACMEStorage); err != nil {
			problems = append(problems, config.Wrong(err))
		}
	}
	if path := d.Settings.Pid; path != "" {
		var running *runningError
		switch err := tryPid(path); {
		case errors.As(err, &running):
			notes = append(notes, fmt.Sprintf("gowsgi runs as process %d already, says %s", running.pid, path))
		case err != nil:
			problems = append(problems, err)
		}
	}
	return notes, problems
}
