package deadlines

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// LogWaited logs that no thread had time for a request.
func (w *Watcher) LogWaited(f *Flight) {
	if held, ok := w.queue.Pass(time.Now(), 1); ok {
		f.owner.LogRequest(slog.LevelWarn, "the request waited too long for a Python thread", "request.queue_timeout",
			append([]any{"queue_timeout", w.settings.QueueTimeout.String()}, logging.Suppressed(held)...)...)
	}
}

// TimeOut has a request end whose application has been silent for too long, and
// logs where it is. From here on the request's memory is Python's alone: its
// owner answers without it, and then calls Outlive.
func (w *Watcher) TimeOut(f *Flight) {
	w.mu.Lock()
	now := time.Now()
	f.kept, f.deadAt = true, now
	silent, inside := now.Sub(f.silentSince), now.Sub(f.started)
	w.mu.Unlock()
	f.timedOut = true
	// Reading or writing any more must not wait for what will not come.
	f.req.Abort(f.generation)
	go w.reportTimeout(f, silent, inside)
}

// Outlive takes a request that timed out from its owner, which is about to end.
func (w *Watcher) Outlive(f *Flight) {
	f.req.StopBody()
	go w.outlive(f)
}

// GiveUp takes a request from an owner that has failed in the middle: it is to end
// like one that timed out.
func (w *Watcher) GiveUp(f *Flight) {
	w.mu.Lock()
	f.kept, f.deadAt = true, time.Now()
	w.mu.Unlock()
	f.timedOut = true
	f.req.Abort(f.generation)
	w.Outlive(f)
}

// outlive waits until Python is done with the request.
func (w *Watcher) outlive(f *Flight) {
	req := f.req
	for stage := req.Stage(); stage == gil.Queued || stage == gil.Running; stage = req.Stage() {
		req.Wait()
	}
	w.board.End(req.Index())
	w.Remove(f)
	result := req.Result()
	attrs := []any{"seconds", seconds(time.Since(f.owner.Start()))}
	if result.Raised && !strings.Contains(lastLine(result.Error), timeoutException) {
		attrs = append(attrs, "traceback", result.Error)
	}
	f.owner.LogRequest(slog.LevelInfo, "a request that had timed out has ended", "request.ended", attrs...)
	if result.CloseError != "" {
		f.owner.LogRequest(slog.LevelError, "close() of the application's iterable raised", "application.close_raised",
			"traceback", result.CloseError)
	}
	req.Release()
}

// timeoutException is what Interrupt raises.
const timeoutException = "gowsgi.RequestTimeout"

func lastLine(text string) string {
	text = strings.TrimRight(text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// reportTimeout logs where the application is, then interrupts it there.
func (w *Watcher) reportTimeout(f *Flight, silent, inside time.Duration) {
	req, generation := f.req, f.generation
	stacks := w.stacks(stackPatience) // where it was: before it is interrupted
	f.owner.LogRequest(slog.LevelError, "the application was silent for longer than timeout", "request.timeout",
		"timeout", f.Timeout.String(), "seconds", seconds(silent), "inside", seconds(inside), "stack", stacks.all(f))
	req.Interrupt(generation)
}

// reportSlow logs where a slow request is. held is how many others were not
// reported.
func (w *Watcher) reportSlow(f *Flight, inside time.Duration, held int) {
	attrs := []any{"seconds", seconds(inside)}
	if stack := w.stacks(stackPatience).of(f); stack != "" {
		attrs = append(attrs, "stack", stack)
	}
	f.owner.LogRequest(slog.LevelWarn, "a request takes longer than slow_request_threshold", "request.slow",
		append(attrs, logging.Suppressed(held)...)...)
}

// reportStuck logs that a request has not ended for all that was tried.
func (w *Watcher) reportStuck(f *Flight) {
	f.owner.LogRequest(slog.LevelError, "a request that timed out does not end: the worker is to be replaced", "request.stuck",
		"seconds", seconds(time.Since(f.owner.Start())))
	w.replace(fmt.Sprintf("a request has been stuck for %.0f s: %s", time.Since(f.owner.Start()).Seconds(), f.owner.Name()), false)
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
