// Gowsgi-worker is the process that holds Python: one CPython, its threads,
// and the HTTP server in front of them. Gowsgi starts it, with the listening
// sockets inherited, and speaks to it over package control.
package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/nursery"
	"github.com/gowsgi/gowsgi/internal/octets"
	"github.com/gowsgi/gowsgi/internal/server"
)

// exitNotReady: the worker could not start; it has said why.
const exitNotReady = 1

// run is the worker's life. It must be called on the process's first thread.
func run(inherited descriptors) int {
	// Ctrl-C reaches the whole process group, and pkill all of one name; what to do
	// about it is gowsgi's decision. They are not ignored but left in a full channel:
	// child processes of the application would inherit that. What Python ignores in
	// every process is ignored here, since its own handlers are not installed.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ)
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGQUIT)

	nameProcess()
	if !inherited.forked {
		if len(os.Args) > 1 && os.Args[len(os.Args)-1] == nursery.Flag {
			nursery.Refuse()
			return exitNotReady
		}
		keepToItself()
	}
	supervisor, err := control.Open(inherited.at(control.FD))
	if err != nil {
		fmt.Fprintln(inherited.stderr, "gowsgi-worker is started by gowsgi, not by hand: run gowsgi module:callable")
		return exitNotReady
	}
	defer supervisor.Close()
	reports := octets.NewEncoder(supervisor)
	incoming := octets.NewDecoder(supervisor)
	var plan control.Plan
	if err := incoming.Decode(&plan); err != nil {
		return exitNotReady // gowsgi is gone
	}
	restoreEnvironment(plan)
	for _, number := range plan.Ignored {
		signal.Ignore(number)
	}

	file, err := logging.Open(plan.Settings.ErrorLogfile, inherited.stderr)
	if err != nil {
		return fail(reports, control.Report{Message: err.Error()})
	}
	options := logging.Options{To: file, Level: plan.Settings.LogLevel, Var: new(slog.LevelVar), Format: plan.Settings.LogFormat, Color: plan.Settings.Color, Stderr: inherited.stderr}
	if plan.Settings.LogSyslog { // that it cannot be reached ends gowsgi at its start, but no worker later
		options.Syslog = logging.NewSyslog(plan.Settings.LogSyslogTo, plan.Settings.LogSyslogFacility)
		defer options.Syslog.Close()
	}
	page, unopened := openTally(plan, inherited)
	log := slog.New(logging.Counting(logging.New(options).Handler(), page.Record)).With("worker", plan.Worker)
	if unopened != nil {
		log.Warn("what this worker does is not counted", "event", "scoreboard.failed", "error", unopened.Error())
	}
	listeners, err := openListeners(plan.Listeners, inherited)
	if err != nil {
		return fail(reports, control.Report{Message: err.Error()})
	}
	w := &worker{
		plan: plan, inherited: inherited, log: log, level: options.Var, page: page, syslog: options.Syslog,
		logs: []*logging.File{file}, reports: reports,
		inquiry: newInquiry(), proofs: newInquiry(),
	}
	if plan.TLS != nil {
		w.certs = certs.NewStore(server.Protocols(plan.Settings.HTTPProtocols)...)
		w.certs.Prove(w.proof)
		if err := w.certs.Use(plan.TLS); err != nil {
			return fail(reports, control.Report{Message: err.Error()})
		}
	}
	orders := receive(incoming, w.asked)
	w.reportCrashes()
	w.useLog()
	loaded := w.watchLoading()
	report := w.start()
	loaded()
	if report != nil {
		report.Kind = control.Failed
		w.report(*report)
		return exitNotReady
	}
	if plan.Check {
		return w.leave()
	}
	return w.serve(listeners, stop, orders)
}

func fail(reports *octets.Encoder, report control.Report) int {
	report.Kind = control.Failed
	_ = reports.Encode(report) // if gowsgi is gone, nobody needs to know
	return exitNotReady
}

// receive passes on what gowsgi orders; the channel is closed when gowsgi has
// gone away. What asked takes needs nobody to wait for it.
func receive(incoming *octets.Decoder, asked func(control.Order) bool) <-chan control.Order {
	orders := make(chan control.Order, 8)
	go func() {
		defer close(orders)
		var order control.Order
		for order = (control.Order{}); incoming.Decode(&order) == nil; order = (control.Order{}) {
			if !asked(order) {
				orders <- order
			}
		}
	}()
	return orders
}

// restoreEnvironment puts back what was set for this process only: the
// application's child processes get the user's environment.
func restoreEnvironment(plan control.Plan) {
	for name, value := range plan.Restore {
		if value == nil {
			_ = os.Unsetenv(name)
		} else {
			_ = os.Setenv(name, *value) // it was valid where it came from
		}
	}
}

// openListeners makes listeners of the inherited descriptors.
func openListeners(planned []control.Listener, inherited descriptors) ([]server.Listener, error) {
	var listeners []server.Listener
	for _, in := range planned {
		fd := inherited.at(in.FD)
		syscall.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), in.Address)
		l, err := net.FileListener(f)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("the inherited socket %s cannot be used: %w", in.Address, err)
		}
		listeners = append(listeners, server.Listener{Listener: l, Borrowed: in.Borrowed, TLS: in.TLS, Redirects: in.Redirects})
	}
	return listeners, nil
}
