// Package wsgi serves a WSGI application from a Go program of one's own:
//
//	application, err := wsgi.Open("myproject.wsgi:application", wsgi.Options{Python: "venv/bin/python"})
//	if err != nil {
//		return err
//	}
//	defer application.Close()
//	http.Handle("/", application)
//
// It is the same exchange as in gowsgi's workers: requests run on a fixed set of
// Python threads, bodies are read ahead, responses stream, deadlines are kept.
// What is up to the connection is net/http's: the reason phrase, the order of
// header fields, how a response that is not whole ends (http.ErrAbortHandler),
// and how slow a client may be with its head (http.Server.ReadHeaderTimeout).
//
// The program is linked with libpython, so it is built and run with the flags of
// one CPython: python3 embed/cgo_env.py go build. A process has one CPython, so
// there is one Application in it, ever.
package wsgi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/exchange"
	"github.com/gowsgi/gowsgi/internal/load"
	"github.com/gowsgi/gowsgi/internal/version"
)

// Options of an Application. The zero value of each is the default of the setting
// of that name in gowsgi, which its config.toml explains; a negative duration is
// no limit.
type Options struct {
	// Python is the python of the application's virtualenv; empty: python3, as the
	// shell finds it.
	Python string
	// Path stands in front of sys.path; empty: the working directory.
	Path []string
	// Threads are the Python threads.
	Threads int
	// Mount is the path that the application is served below, such as /app. It
	// becomes SCRIPT_NAME; what is outside gets a 404. For http.Handle("/app/", …).
	Mount string
	// Timeout is how long the application may be silent in a request.
	Timeout time.Duration
	// QueueTimeout is how long a request may wait for a thread.
	QueueTimeout time.Duration
	// BodyTimeout is how long a client has to send a body.
	BodyTimeout time.Duration
	// WriteTimeout is how long a client has to take a block of a response.
	WriteTimeout time.Duration
	// RequestBuffer is up to which size, in bytes, a body is read into memory before
	// the application is called. Larger ones, and what responses are ahead of their
	// clients, go to files without names in os.TempDir, up to 1 GiB each.
	RequestBuffer int
	// LimitRequestBody is the largest body in bytes.
	LimitRequestBody int64
	// ForwardedAllowIPs are the proxies whose X-Forwarded-For and -Proto are believed, as
	// gowsgi's setting has it. nil: those on this machine.
	ForwardedAllowIPs []string
	// Log gets what gowsgi's log would; nil: slog.Default().
	Log *slog.Logger
	// Stuck is called if the application cannot be got out of a request that timed
	// out, or holds the GIL for good: the process should be replaced. reason is for
	// the operator. nil: the log says so.
	Stuck func(reason string)
}

// Application is a WSGI application. It is an http.Handler, safe for concurrent
// use.
type Application struct {
	handler *exchange.Handler
	stop    chan struct{}
	stopped chan error
}

// Open starts CPython in this process and loads the application that target
// names: module:callable, or a .py or .wsgi file. The error is one sentence; with
// errors.As it is an *embed.LoadError, and has the traceback in an *embed.Error,
// if the application could not be loaded.
func Open(target string, o Options) (*Application, error) {
	settings, err := o.settings(target)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	a := &Application{stop: make(chan struct{}), stopped: make(chan error, 1)}
	opened := make(chan error)
	go func() {
		// Python's main thread, for good: it is not given back.
		runtime.LockOSThread()
		a.stopped <- a.run(settings, o, opened)
	}()
	if err := <-opened; err != nil {
		return nil, err
	}
	return a, nil
}

// run is the life of CPython.
func (a *Application) run(s config.Settings, o Options, opened chan<- error) error {
	interpreter, err := embed.Start(o.Python, o.Path, func(r embed.Record) { exchange.LogRecord(o.Log, r) })
	if err != nil {
		opened <- err
		return err
	}
	app, err := interpreter.Serve([]load.Target{{Spec: s.Target}}, embed.Serving{
		Threads: s.Threads, Workers: 1, Queue: s.BacklogRequests, ResponseBuffer: s.ResponseBuffer, Software: "gowsgi/" + version.Version,
	})
	if err != nil {
		opened <- err
		return err
	}
	a.handler, err = exchange.New(exchange.Config{
		App: app, Settings: s, Log: o.Log, Hooks: exchange.Hooks{Replace: func(reason string, _ bool) {
			o.Log.Error("the process should be replaced", "event", "worker.replacing", "reason", reason)
			if o.Stuck != nil {
				o.Stuck(reason)
			}
		}},
	})
	if err != nil {
		opened <- err
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		a.handler.Watcher().Watch(ctx)
	}()
	opened <- nil
	<-a.stop
	cancel()
	<-watched
	if err := app.Close(s.GracefulTimeout); err != nil {
		return fmt.Errorf("the application's threads did not end: %w", err)
	}
	return interpreter.Stop()
}

// ServeHTTP answers a request.
func (a *Application) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Close ends the application, when no request comes any more: shut the
// http.Server down before. Python's atexit handlers run. Once.
func (a *Application) Close() error {
	close(a.stop)
	return <-a.stopped
}

// settings are those of gowsgi.
func (o *Options) settings(target string) (config.Settings, error) {
	s := config.Defaults()
	s.Target, s.Mount = target, o.Mount
	for _, d := range []struct {
		option time.Duration
		field  *time.Duration
	}{{o.Timeout, &s.Timeout}, {o.QueueTimeout, &s.QueueTimeout}, {o.BodyTimeout, &s.BodyTimeout}, {o.WriteTimeout, &s.WriteTimeout}} {
		if d.option != 0 {
			*d.field = max(d.option, 0)
		}
	}
	if o.Threads != 0 {
		s.Threads = o.Threads
	}
	if o.RequestBuffer != 0 {
		s.RequestBuffer = o.RequestBuffer
	}
	if o.ForwardedAllowIPs != nil {
		s.ForwardedAllowIPs = o.ForwardedAllowIPs
	}
	s.LimitRequestBody = o.LimitRequestBody
	if s.Threads < 1 || s.RequestBuffer < 0 || s.LimitRequestBody < 0 {
		return s, errors.New("wsgi: Threads, RequestBuffer and LimitRequestBody must not be negative")
	}
	if o.Python == "" {
		python, err := exec.LookPath("python3")
		if err != nil {
			return s, fmt.Errorf("wsgi: no python3 was found: set Options.Python: %w", err)
		}
		o.Python = python
	}
	if len(o.Path) == 0 {
		here, err := filepath.Abs(".")
		if err != nil {
			return s, fmt.Errorf("wsgi: the working directory is needed for sys.path: %w", err)
		}
		o.Path = []string{here}
	}
	return s, nil
}
