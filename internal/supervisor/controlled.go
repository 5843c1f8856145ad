package supervisor

import (
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/operator"
)

// openControl opens the control socket that the settings describe. That it cannot
// be opened is said, and no more.
func (s *supervisor) openControl() {
	path := s.Settings.Control
	var err error
	switch path {
	case config.Off:
		return
	case "":
		path, err = operator.Place(s.Settings.Pid)
	default:
		path = strings.TrimPrefix(path, "unix:")
	}
	var socket *operator.Socket
	if err == nil {
		socket, err = operator.Listen(path, s.predecessor != nil)
	}
	if err != nil {
		s.Log.Info("nobody can ask this gowsgi with gowsgi status: "+err.Error(), "event", "control.none")
		return
	}
	s.control = operator.Serve(socket, &operated{s: s}, s.Log)
	s.Log.Debug("gowsgi status asks here", "event", "control.open", "path", path)
}

// controlTime is how long clients may take for the last answers.
const controlTime = time.Second

// closeControl ends the control socket. Nobody reads events any more.
func (s *supervisor) closeControl() { s.control.Close(controlTime) }

// moveControl follows a reload that has put the socket elsewhere.
func (s *supervisor) moveControl(old config.Settings) {
	if old.Control == s.Settings.Control && (old.Control != "" || old.Pid == s.Settings.Pid) {
		return
	}
	// Who waits there for this very reload gets its answer.
	go s.control.Close(clientTime)
	s.control = nil
	s.openControl()
}

// clientTime is how long they may wait.
const clientTime = time.Minute
