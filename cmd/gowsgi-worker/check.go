package main

import (
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
)

// leave is for a worker that was started to see whether the application loads:
// it says so and ends Python properly, since the application may want to clean
// up what it has made. Gowsgi does not wait for it for long.
func (w *worker) leave() int {
	w.report(control.Report{Kind: control.Ready, Seconds: w.loading.Seconds()})
	if err := w.app.Close(time.Second); err != nil {
		return 0 // Python cannot be finalised under threads that still run in it
	}
	_ = w.interpreter.Stop()
	return 0
}
