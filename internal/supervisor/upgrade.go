package supervisor

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/listen"
)

// upgrade is how far SIGUSR2 has come: another gowsgi, of whatever program is
// now at the path of this one, takes over the sockets.
type upgrade struct {
	cmd  *exec.Cmd // nil: none is under way
	done bool      // the new one serves
}

func (u *upgrade) running() bool { return u.cmd != nil }

// stop ends a new gowsgi that does not serve yet.
func (u *upgrade) stop() {
	if u.cmd != nil && !u.done {
		_ = u.cmd.Process.Signal(syscall.SIGTERM)
	}
}

// anotherServes tells whether another gowsgi serves on the same sockets: the one
// after an upgrade or, as long as this one is not ready, the one before. The
// service goes on, then, when this one stops.
func (s *supervisor) anotherServes() bool { return s.upgrade.done || s.predecessor != nil }

// ReadyVariable names the descriptor to which a gowsgi that takes over writes
// when it serves.
const ReadyVariable = "GOWSGI_READY_FD"

// firstExtraFile is the descriptor of the first of exec.Cmd's ExtraFiles.
const firstExtraFile = 3

// startUpgrade is SIGUSR2. This gowsgi serves until the new one says that it
// does, and goes on if that one fails.
func (s *supervisor) startUpgrade() {
	switch {
	case s.stopping != no || s.leaving:
		return
	case !s.started || s.upgrade.running() || s.reload.phase != still || s.Upgrade == nil:
		s.upgradeFailure = "gowsgi is being started, reloaded or upgraded"
		s.Log.Warn("no upgrade now: gowsgi is being started, reloaded or upgraded", "event", "upgrade.failed")
		return
	case os.Getpid() == 1:
		s.upgradeFailure = "gowsgi is process 1, and the container would end with it: replace the container"
		s.Log.Error("no upgrade: gowsgi is process 1, and the container would end with it: replace the container",
			"event", "upgrade.failed")
		return
	}
	cmd := s.Upgrade()
	var ready, theirs *os.File
	err := listen.Hand(cmd, s.listeners)
	if err == nil {
		var tickets *os.File
		if tickets, err = s.Tickets.Hand(cmd); err == nil {
			defer tickets.Close()
		}
	}
	if err == nil {
		ready, theirs, err = os.Pipe()
	}
	if err == nil {
		cmd.Env = append(cmd.Env, ReadyVariable+"="+strconv.Itoa(firstExtraFile+len(cmd.ExtraFiles)))
		cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, s.Stdout, s.Stderr
		err = cmd.Start()
		theirs.Close()
		if err != nil {
			ready.Close()
		}
	}
	if err != nil {
		s.upgradeFailure = "the new gowsgi cannot be started: " + err.Error()
		s.Log.Error("the new gowsgi cannot be started: this one goes on", "event", "upgrade.failed", "reason", err.Error())
		return
	}
	s.upgrade.cmd = cmd
	s.children.Store(cmd.Process.Pid, cmd)
	s.Log.Info("a new gowsgi starts", "event", "upgrade.started", "pid", cmd.Process.Pid, "program", cmd.Path)
	oom := oomKills()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // ProcessState says it better
	}()
	go func() {
		word := make([]byte, 1)
		n, _ := ready.Read(word)
		ready.Close()
		if n == 1 {
			s.post(s.upgraded)
			return
		}
		<-ended
		s.post(func() { s.upgradeFailed(cause(cmd.ProcessState, oom)) })
	}()
}

func (s *supervisor) upgraded() {
	s.upgrade.done = true
	s.metrics.Close() // the new one waits for the address
	s.systemd.MainPID(s.upgrade.cmd.Process.Pid)
	s.Log.Info("the new gowsgi serves: this one stops", "event", "upgrade.done", "pid", s.upgrade.cmd.Process.Pid)
	s.stopGracefully("upgrade", s.Settings.GracefulTimeout)
}

func (s *supervisor) upgradeFailed(cause string) {
	pid := s.upgrade.cmd.Process.Pid
	s.children.Delete(pid)
	s.upgrade, s.upgradeFailure = upgrade{}, cause
	if s.stopping != no { // that is why it ended, and this one does not go on either
		return
	}
	s.Log.Error("the new gowsgi "+cause+": this one goes on", "event", "upgrade.failed", "pid", pid)
	s.handLogsBack()
}

// findPredecessor returns where to tell the gowsgi that started this one, if one
// did, that it can go.
func findPredecessor() *os.File {
	number, err := strconv.Atoi(os.Getenv(ReadyVariable))
	os.Unsetenv(ReadyVariable)
	if err != nil {
		return nil
	}
	syscall.CloseOnExec(number)
	return os.NewFile(uintptr(number), "predecessor")
}

// relieve takes sockets and pid file over from the predecessor and tells it to
// go. Until then they are the predecessor's.
func (s *supervisor) relieve() {
	for _, l := range s.listeners {
		l.Keep()
	}
	for _, l := range s.unwanted {
		l.Keep()
		l.Close()
	}
	s.unwanted = nil
	if s.predecessor == nil {
		return
	}
	s.movePid("")
	s.openControl()
	defer s.takeMetrics(takeAttempts)
	_, _ = s.predecessor.Write([]byte{1}) // it may have gone
	s.predecessor.Close()
	s.predecessor = nil
}
