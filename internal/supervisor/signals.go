package supervisor

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Signals are those that gowsgi acts upon. From when they are taken on none of
// them ends or stops the process; what comes before Run is for Run to deal with.
type Signals struct {
	received chan os.Signal
	ending   chan os.Signal // for Starting: those of stops
	passed   chan os.Signal // full: the error of the write says all
	ignored  []syscall.Signal
}

// stops are the signals that end gowsgi.
var stops = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT}

// TakeSignals asks for them all.
func TakeSignals() *Signals {
	s := &Signals{
		received: make(chan os.Signal, 64), ending: make(chan os.Signal, 1), passed: make(chan os.Signal, 1),
		ignored: ignored(),
	}
	signal.Notify(s.received, append(stops,
		syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTTIN, syscall.SIGTTOU)...)
	// Go ends a program that writes to a closed standard error, or more to a file
	// than a limit allows, unless it has asked for these. A log that nobody reads or
	// that is full must not end it. Ignored, they would be so in child processes.
	signal.Notify(s.passed, syscall.SIGPIPE, syscall.SIGXFSZ)
	return s
}

// ignored are the signals that whoever started gowsgi does not want his children
// to die of. Not to be asked for any more once they are handled.
func ignored() []syscall.Signal {
	return slices.DeleteFunc([]syscall.Signal{syscall.SIGHUP, syscall.SIGINT}, func(s syscall.Signal) bool {
		return !signal.Ignored(s)
	})
}

// Interrupted is the cause of a start's end: a signal asked for it.
type Interrupted struct{ Signal string }

func (i *Interrupted) Error() string {
	return i.Signal + " came while gowsgi was starting: it has stopped"
}

// Starting returns a context for the time before Run, which a signal that ends
// gowsgi cancels: its cause is an *Interrupted. The function is to be called once
// that time is over.
func (s *Signals) Starting(ctx context.Context) (starting context.Context, over func()) {
	starting, cancel := context.WithCancelCause(ctx)
	signal.Notify(s.ending, stops...)
	go func() {
		select {
		case received := <-s.ending:
			cancel(&Interrupted{nameOf(received.(syscall.Signal))})
		case <-starting.Done():
		}
	}()
	return starting, func() {
		signal.Stop(s.ending)
		cancel(nil)
	}
}

// nameOf is a signal's name; real-time signals have none but a number.
func nameOf(s syscall.Signal) string {
	return cmp.Or(unix.SignalName(s), fmt.Sprintf("signal %d", int(s)))
}

// Release has the signals do what they did before.
func (s *Signals) Release() {
	for _, taken := range []chan os.Signal{s.received, s.ending, s.passed} {
		signal.Stop(taken)
	}
}
