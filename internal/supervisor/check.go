package supervisor

import (
	"context"
	"fmt"
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
)

// Check starts a worker that loads the application and serves nothing, and
// returns how long loading took. Nothing is left running. The error is one
// sentence for the user; it is a *StartError if the worker could not start.
func Check(ctx context.Context, o Options) (loading time.Duration, err error) {
	// No file is to be made, and nobody to be told.
	o.Settings.AccessLogfile, o.Settings.ErrorLogfile, o.Settings.LogSyslog = "", "-", false
	w, err := startWorker(o, nil, 1, true)
	if err != nil {
		return 0, &StartError{Worker: 1, Message: fmt.Sprintf("the application cannot be loaded: no worker can be started: %s", whyNotStarted(o, err))}
	}
	defer func() { _, _ = w.board.Close(), w.page.Close() }()
	reports, gone := make(chan control.Report), make(chan struct{})
	go w.watch(func(r control.Report) { reports <- r }, func() { close(gone) })

	var late <-chan time.Time // when it is killed
	if o.Settings.StartupTimeout > 0 {
		late = time.After(o.Settings.StartupTimeout)
	}
	var result *control.Report
	told, stack := false, ""
	for canceled := ctx.Done(); ; {
		select {
		case r := <-reports:
			if r.Kind == control.Stack {
				stack = r.Traceback
				break
			}
			result, late = &r, time.After(patience)
			continue
		case <-gone:
			if err != nil && stack != "" {
				err = &StartError{Worker: 1, Message: err.Error(), Traceback: stack}
			}
			return w.loaded(result, err)
		case <-late:
			if result == nil {
				err = fmt.Errorf("the application did not load within %s: give it more time with --startup-timeout, or see what it waits for",
					o.Settings.StartupTimeout)
			}
			if !told && result == nil { // it has a moment to say where it hangs
				told, late = true, time.After(patience)
				w.tell(control.Order{Kind: control.Tell})
				continue
			}
		case <-canceled:
			canceled, err = nil, context.Cause(ctx)
		}
		w.kill()
	}
}

// loaded is the result of a check, when the worker is gone. result is the last
// that it said, or nil; killed says why it was killed without one.
func (w *worker) loaded(result *control.Report, killed error) (time.Duration, error) {
	switch {
	case killed != nil:
		return 0, killed
	case result == nil:
		return 0, &StartError{Worker: 1, Message: "the worker " + cause(w.state, w.oom) + " before it had loaded the application", Traceback: w.board.Report()}
	case result.Kind != control.Ready:
		return 0, &StartError{Worker: 1, Message: result.Message, Traceback: result.Traceback, Wrong: result.Wrong}
	}
	return time.Duration(result.Seconds * float64(time.Second)), nil
}
