package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/server"
	"github.com/gowsgi/gowsgi/internal/version"
)

// worker wires embed, gil and server together.
type worker struct {
	plan        control.Plan
	log         *slog.Logger
	interpreter *embed.Interpreter
	app         *embed.Application
	server      *server.Server
	loading     time.Duration
}

// start starts CPython, loads the application and prepares the server. nil if
// all went well, else what to tell gowsgi.
func (w *worker) start() *control.Report {
	s := w.plan.Settings
	began := time.Now()
	path, err := searchPath(s.Pythonpath)
	if err != nil {
		return &control.Report{Message: err.Error()}
	}
	access, err := openAccessLog(s.AccessLogfile)
	if err != nil {
		return &control.Report{Message: err.Error()}
	}
	w.interpreter, err = embed.Start(w.plan.Python.Executable, path, func(r embed.Record) { server.LogRecord(w.log, r) })
	if err != nil {
		return &control.Report{Message: err.Error()}
	}
	w.app, err = w.interpreter.Serve(s.Target, embed.Serving{
		Threads: s.Threads, Workers: s.Workers, Queue: s.BacklogRequests,
		ResponseBuffer: s.ResponseBuffer, Software: "gowsgi/" + version.Version,
	})
	if err != nil {
		report := &control.Report{Message: err.Error()}
		var raised *embed.Error
		if errors.As(err, &raised) {
			report.Traceback = raised.Traceback
		}
		return report
	}
	w.loading = time.Since(began)
	w.server, err = server.New(w.app, s, w.log, access)
	if err != nil {
		return &control.Report{Message: err.Error()}
	}
	return nil
}

// searchPath is what goes in front of sys.path: pythonpath, then the working
// directory, which is chdir by now.
func searchPath(pythonpath []string) ([]string, error) {
	var path []string
	for _, dir := range append(pythonpath[:len(pythonpath):len(pythonpath)], ".") {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		path = append(path, absolute)
	}
	return path, nil
}

func openAccessLog(path string) (io.Writer, error) {
	if path == "" {
		return nil, nil
	}
	return logging.Open(path, os.Stdout)
}

// serve accepts requests until gowsgi says stop, or is gone.
func (w *worker) serve(listeners []net.Listener, stop <-chan os.Signal, orphaned <-chan struct{}, reports *json.Encoder) int {
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(listeners) }()
	_ = reports.Encode(control.Report{Kind: control.Ready, Seconds: w.loading.Seconds()})

	grace := w.plan.Settings.GracefulTimeout
	status := 0
	select {
	case sig := <-stop:
		if sig == syscall.SIGQUIT {
			grace = 0
		}
	case <-orphaned:
		w.log.Warn("gowsgi is gone: stopping", "event", "worker.orphaned")
	case err := <-served:
		// gowsgi shuts the sockets down when it stops; its signal follows.
		if !errors.Is(err, syscall.EINVAL) {
			w.log.Error("cannot accept connections any more", "event", "worker.failed", "error", err.Error())
			status = 1
		}
	}
	if !w.stop(grace, stop) {
		status = 1
	}
	return status
}

// stop lets running requests finish within grace, then Python's atexit handlers
// and non-daemon threads. False if something had to be left behind. SIGQUIT
// stops at once.
func (w *worker) stop(grace time.Duration, signals <-chan os.Signal) bool {
	deadline := time.Now().Add(grace)
	go func() {
		late := time.After(grace + time.Second)
		for {
			select {
			case sig := <-signals:
				if sig != syscall.SIGQUIT {
					continue
				}
			case <-late:
				w.log.Error("the application did not let go in time: stopped by force", "event", "worker.forced",
					"graceful_timeout", grace.String())
			}
			os.Exit(1)
		}
	}()
	clean := true
	if err := w.server.Shutdown(grace); err != nil {
		w.log.Warn("requests were cut off: they took longer than graceful_timeout", "event", "worker.cut_off",
			"graceful_timeout", grace.String(), "running", w.app.Stats().Inside)
		clean = false
	}
	if err := w.app.Close(max(time.Until(deadline), 100*time.Millisecond)); err != nil {
		if errors.Is(err, gil.ErrStuck) {
			// Python cannot be finalised under threads that still run in it.
			return false
		}
		w.log.Warn("the pool did not close cleanly", "event", "worker.failed", "error", err.Error())
	}
	if err := w.interpreter.Stop(); err != nil {
		w.log.Warn("Python did not stop cleanly", "event", "worker.failed", "error", err.Error())
	}
	return clean
}
