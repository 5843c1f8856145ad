// Package control is the conversation between the supervisor (gowsgi) and a
// worker (gowsgi-worker).
//
// It runs over one unix stream socket that the worker inherits as file
// descriptor FD: JSON values, one a line. The supervisor speaks first, with a
// Plan; the worker answers with a Report of kind Ready or Failed, and may send
// more later. Either side seeing end of file knows that the other is gone: a
// worker then stops gracefully, so that no orphan keeps serving.
package control

import (
	"io"
	"net"
	"os"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/config"
)

// FD is the control socket's descriptor in the worker.
const FD = 3

// Plan is everything a worker needs to know. It is sent once, at start.
type Plan struct {
	// Settings are the effective settings, checked.
	Settings config.Settings `json:"settings"`
	// Worker is this worker's number: 1 … Settings.Workers.
	Worker int `json:"worker"`
	// Listeners are the inherited listening sockets.
	Listeners []Listener `json:"listeners"`
	// Python is the application's interpreter.
	Python Python `json:"python"`
	// Restore holds variables as the user had them, nil for unset. The worker
	// puts them back before Python starts, so that the application and its
	// child processes do not see what was set for the worker.
	Restore map[string]*string `json:"restore"`
}

// Listener is one inherited listening socket.
type Listener struct {
	FD      int    `json:"fd"`
	Network string `json:"network"` // "tcp" or "unix"
	Address string `json:"address"` // as bound: host:port, or a path
}

// Python says which interpreter the application belongs to.
type Python struct {
	Executable string `json:"executable"` // sys.executable of the virtualenv
	Name       string `json:"name"`       // X.Y, with t if free-threaded
	Version    string `json:"version"`    // X.Y.Z
	Prefix     string `json:"prefix"`     // sys.prefix
	LibDir     string `json:"libdir"`     // folder of the shared libpython
}

// Kinds of Report.
const (
	Ready  = "ready"  // application loaded, accepting
	Failed = "failed" // cannot start; the worker exits right after
)

// Report is what a worker tells the supervisor.
type Report struct {
	Kind    string  `json:"kind"`
	Seconds float64 `json:"seconds,omitempty"` // Ready: time to load the application
	// Message: Failed: one sentence that names the thing and the way out.
	Message string `json:"message,omitempty"`
	// Traceback: Failed: Python's traceback, if an exception was the reason.
	Traceback string `json:"traceback,omitempty"`
}

// Open returns the worker's end of the control socket. An error means that the
// process was not started by gowsgi.
func Open() (io.ReadWriteCloser, error) {
	syscall.CloseOnExec(FD)
	f := os.NewFile(FD, "control")
	conn, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		return nil, err
	}
	return conn, nil
}
