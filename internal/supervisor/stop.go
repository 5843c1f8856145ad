package supervisor

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stopping says how far a stop has gone. It only ever rises.
type stopping int

const (
	no stopping = iota
	gracefully
	quickly
)

// patience is how long a worker may take longer than it was given. It knows its
// time and ends by itself, having logged what it had to cut off; killing is for
// one that cannot even do that.
const patience = 2 * time.Second

func (s *supervisor) signaled(received syscall.Signal) {
	name := unix.SignalName(received)
	switch received {
	case syscall.SIGTERM:
		s.stopGracefully(name)
	case syscall.SIGINT:
		if s.stopping == no {
			s.stopGracefully(name)
			return
		}
		s.hurry(name)
	case syscall.SIGQUIT:
		s.hurry(name)
	case syscall.SIGPIPE:
	default:
		s.Log.Warn("signal is not supported yet", "event", "signal.unsupported", "signal", name)
	}
}

// stopGracefully lets workers finish what they are doing; reason is a signal's
// name or another word.
func (s *supervisor) stopGracefully(reason string) {
	if s.stopping != no {
		return
	}
	timeout := s.Settings.GracefulTimeout
	if timeout == 0 {
		s.hurry(reason)
		return
	}
	s.Log.Info("stopping", "event", "gowsgi.stopping", "reason", reason, "timeout", timeout)
	s.stopping = gracefully
	s.closeListeners()
	s.signalWorkers(syscall.SIGTERM)
	s.deadline = time.After(timeout + patience)
}

// hurry stops quickly, and at once if that is under way already.
func (s *supervisor) hurry(reason string) {
	if s.stopping == quickly {
		s.kill()
		return
	}
	s.Log.Info("stopping at once", "event", "gowsgi.stopping", "reason", reason)
	s.stopQuickly()
}

func (s *supervisor) stopQuickly() {
	s.stopping = quickly
	s.closeListeners()
	s.signalWorkers(syscall.SIGQUIT)
	s.deadline = time.After(patience)
}

// kill ends the workers that have not stopped in time.
func (s *supervisor) kill() {
	s.deadline = nil
	if len(s.workers) > 0 {
		s.Log.Warn("workers killed, they did not stop in time", "event", "worker.killed", "count", len(s.workers))
		s.signalWorkers(syscall.SIGKILL)
	}
}

func (s *supervisor) signalWorkers(signal syscall.Signal) {
	for _, w := range s.workers {
		signal := signal
		if signal == syscall.SIGQUIT {
			switch {
			case w.failed:
				continue
			case w.ready.IsZero():
				// It may not listen yet, and Go answers this one with the stacks
				// of all goroutines. It serves nobody, so nothing is lost.
				signal = syscall.SIGKILL
			}
		}
		_ = w.cmd.Process.Signal(signal) // one that is gone has its event on the way
	}
}

func (s *supervisor) closeListeners() {
	for _, l := range s.listeners {
		l.close()
	}
	s.listeners = nil
}
