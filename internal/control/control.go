// Package control is the conversation between the supervisor (gowsgi) and a
// worker (gowsgi-worker).
//
// It runs over one unix stream socket that the worker inherits as file
// descriptor FD: JSON values, one a line, with the bytes of all strings kept
// (package octets). The supervisor speaks first, with a
// Plan, and may send an Order later; the worker answers with a Report of kind
// Ready or Failed, and may send more later. Either side seeing end of file
// knows that the other is gone: a worker then stops gracefully, so that no
// orphan keeps serving.
package control

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
)

// FD is the control socket's descriptor in the worker. What a plan calls by a
// number is at that number in a worker that was started; one that was forked
// (package nursery) has it where it came, in the order of the numbers from FD on.
const FD = 3

// Plan is everything a worker needs to know. It is sent once, at start.
type Plan struct {
	// Settings are the effective settings, checked.
	Settings config.Settings `json:"settings"`
	// Worker is this worker's number: 1 … Settings.Workers.
	Worker int `json:"worker"`
	// Listeners are the inherited listening sockets.
	Listeners []Listener `json:"listeners"`
	// Scoreboard is the descriptor of the memory in which the worker notes what
	// it is doing (package scoreboard); 0 for none.
	Scoreboard int `json:"scoreboard"`
	// Tally is the descriptor of the memory in which it counts what it has done
	// (package tally); 0 for none.
	Tally int `json:"tally"`
	// Share is the descriptor of the memory in which all workers say how many
	// connections they have (package share); 0 for none.
	Share int `json:"share"`
	// Rates is the descriptor of the memory in which all workers count what clients
	// send (package rates); 0 for none.
	Rates int `json:"rates,omitempty"`
	// TLS is what TLS is spoken with; nil: it is not spoken. Nobody writes it down.
	TLS *certs.Material `json:"tls,omitempty"`
	// Check: load the application, report Ready or Failed, and exit. There are
	// no listeners then.
	Check bool `json:"check,omitempty"`
	// Python is the application's interpreter.
	Python Python `json:"python"`
	// Restore holds variables as the user had them, nil for unset. The worker
	// puts them back before Python starts, so that the application and its
	// child processes do not see what was set for the worker.
	Restore map[string]*string `json:"restore"`
	// Ignored are those of SIGHUP and SIGINT that were ignored when gowsgi was
	// started, by nohup for example: child processes of the application ignore
	// them as well.
	Ignored []syscall.Signal `json:"ignored,omitempty"`
}

// Listener is one inherited listening socket.
type Listener struct {
	FD      int    `json:"fd"`
	Network string `json:"network"` // "tcp" or "unix"
	Address string `json:"address"` // as bound: host:port, or a path
	// Borrowed: the socket outlives gowsgi, so it must not be shut down.
	Borrowed bool `json:"borrowed,omitempty"`
	// TLS: it is spoken there. Redirects: clients are sent to https from there.
	TLS       bool `json:"tls,omitempty"`
	Redirects bool `json:"redirects,omitempty"`
}

// Python says which interpreter the application belongs to.
type Python struct {
	Executable string `json:"executable"` // sys.executable of the virtualenv
	Name       string `json:"name"`       // X.Y, with t if free-threaded
	Version    string `json:"version"`    // X.Y.Z
	Prefix     string `json:"prefix"`     // sys.prefix
	// Program is what runs when Executable is started, which may be a link to it or a
	// script. A worker is loaded into it.
	Program string `json:"program"`
	From    string `json:"from"` // how it was found, in a few words for the log
}

// Kinds of Report.
const (
	Ready   = "ready"   // application loaded, waiting for Serve
	Failed  = "failed"  // cannot start; the worker exits right after
	Replace = "replace" // serves, but another worker should take its place
	Idle    = "idle"    // has served nobody for SurplusTimeout
	Modules = "modules" // Files are what the application consists of now
	Advice  = "advice"  // something that the operator should hear once for each deployment
	Stack   = "stack"   // to Tell: Traceback is where the main thread is
	Answer  = "answer"  // to an Order that has an ID
	Inquire = "inquire" // the metrics of all workers are wanted, as an Order Told of that ID
	Asked   = "asked"   // an authority looks for a proof: Question; wanted is an Order Proof of that ID
)

// Report is what a worker tells the supervisor.
type Report struct {
	Kind    string  `json:"kind"`
	Seconds float64 `json:"seconds,omitempty"` // Ready: time to load the application
	// Message: Failed: one sentence that names the thing and the way out.
	// Replace: why, in a few words: "it has served 1000 requests". Advice: what
	// to write to the log, as event Event with Subject.
	Message string `json:"message,omitempty"`
	// Traceback: Failed: Python's traceback, if an exception was the reason.
	Traceback string `json:"traceback,omitempty"`
	// Wrong: Failed: a setting is to blame (config.Wrong).
	Wrong bool `json:"wrong,omitempty"`
	// Hopeless: Replace: it cannot finish what it has (the GIL is stuck), so
	// there is no point in waiting for it.
	Hopeless bool     `json:"hopeless,omitempty"`
	Files    []string `json:"files,omitempty"` // Modules: absolute paths
	Event    string   `json:"event,omitempty"`
	Subject  string   `json:"subject,omitempty"`
	URI      string   `json:"uri,omitempty"` // Advice: of the request in which it showed

	// Answer to the Order of that ID.
	ID         uint64    `json:"id,omitempty"`
	Requests   []Request `json:"requests,omitempty"`    // that run, to Ask
	Threads    []Thread  `json:"threads,omitempty"`     // to Stacks
	WithoutGIL bool      `json:"without_gil,omitempty"` // those were taken without
	// Interpreter is to Measure; nil if the GIL could not be had.
	Interpreter *Interpreter `json:"interpreter,omitempty"`
	// Accept: Inquire: the media types that the text may have.
	Accept   string          `json:"accept,omitempty"`
	Question *certs.Question `json:"question,omitempty"` // Asked
}

// Interpreter is what Python knows of its memory.
type Interpreter struct {
	Blocks int64 `json:"blocks"` // sys.getallocatedblocks()
	// Collections, of each generation: runs, objects freed, objects that could
	// not be freed (gc.get_stats()).
	Collections [][3]int64 `json:"collections"`
}

// Request is one that a worker has.
type Request struct {
	ID     string  `json:"id,omitempty"`
	Mount  string  `json:"mount,omitempty"` // the application, where there are several
	Method string  `json:"method"`
	Target string  `json:"target"` // control characters spelled out, and perhaps cut
	Client string  `json:"client,omitempty"`
	Age    float64 `json:"age"`              // seconds
	Stage  string  `json:"stage"`            // see Stages
	Thread string  `json:"thread,omitempty"` // that runs it, as Python calls it
}

// Stages of a Request.
const (
	Reading = "reading" // its body
	Queued  = "queued"  // it waits for a thread
	Inside  = "inside"  // the application has it
	Sending = "sending" // its response, while the application is done or waits
	Late    = "late"    // its client was told that it took too long, and it still runs
)

// Thread is what a Python thread does.
type Thread struct {
	Name    string   `json:"name"`
	Request *Request `json:"request,omitempty"` // that it runs
	Stack   string   `json:"stack"`             // most recent call last; empty: it waits for work
}

// Kinds of Order.
const (
	// Serve: accept. The supervisor takes a worker that it has not told so for
	// one that serves nobody, and may kill it.
	Serve = "serve"
	// Drain: accept no more, answer with Connection: close, finish what runs,
	// exit.
	Drain = "drain"
	// Reopen: open the log files anew.
	Reopen = "reopen"
	// Tell: report where loading hangs. It is followed at once, not by whoever
	// loads.
	Tell = "tell"
	// Ask: which requests there are. Like Stacks it can come at any time, is
	// answered at once and by nobody who may be busy.
	Ask = "ask"
	// Stacks: where the Python threads are.
	Stacks = "stacks"
	// Measure: what Python knows of its memory.
	Measure = "measure"
	// Certificates: Order.TLS is what TLS is spoken with from now on.
	Certificates = "certificates"
	// Told: Text is the answer to the Report Inquire of that ID.
	Told = "told"
	// Proof: Order.Proof is the answer to the Report Asked of that ID.
	Proof = "proof"
	// Leave: say that no requests should be sent here any more, and serve on.
	Leave = "leave"
	// Level: log what is at least as serious as Order.Level.
	Level = "level"
)

// Order is what the supervisor tells a worker after its Plan.
type Order struct {
	Kind string `json:"kind"`
	// Linger: Drain: idle clients have this long to use their connection once
	// more.
	Linger time.Duration `json:"linger,omitempty"`
	// Grace: Drain: what runs has this long to finish.
	Grace time.Duration `json:"grace,omitempty"`
	// Last: Drain: nobody else serves on the sockets any more.
	Last bool `json:"last,omitempty"`
	// ID: Ask, Stacks: what the answer is to have.
	ID    uint64 `json:"id,omitempty"`
	Level string `json:"level,omitempty"`
	Text  string `json:"text,omitempty"` // Told
	Type  string `json:"type,omitempty"` // Told: its media type

	TLS   *certs.Material `json:"tls,omitempty"`   // Certificates
	Proof *certs.Proof    `json:"proof,omitempty"` // Proof; nil: there is none
}

// Open returns the worker's end of the control socket, which is fd. An error
// means that the process was not started by gowsgi.
func Open(fd int) (io.ReadWriteCloser, error) {
	syscall.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), "control")
	conn, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		return nil, err
	}
	return conn, nil
}
