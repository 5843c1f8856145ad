package supervisor

import (
	"slices"
	"time"

	"github.com/gowsgi/gowsgi/internal/listen"
)

// reload is how far a reload is. The deployment that is tried is the
// supervisor's own from trying on; the old one is kept to go back to.
type reload struct {
	phase phase
	again bool // SIGHUP came while this one was loading
	began time.Time

	old          Deployment
	generation   int                // of the old deployment
	oldListeners []*listen.Listener // what the old deployment listens on
	opened       []*listen.Listener // by this reload
	preload      preload            // of the old deployment
}

type phase int

const (
	still   phase = iota
	loading       // the settings are being read
	trying        // the first worker of the new deployment starts
	rolling       // it serves; the others follow
)

// startReload is SIGHUP: settings and application are loaded anew.
func (s *supervisor) startReload() {
	switch {
	case s.stopping != no || s.leaving:
		return
	case !s.started || s.upgrade.running() || s.Load == nil:
		s.Log.Warn("no reload now: gowsgi is being started or upgraded", "event", "reload.failed")
		return
	case s.reload.phase == loading || s.reload.phase == trying:
		s.reload.again = true // when this one is through
		return
	}
	s.Log.Info("reloading", "event", "reload.started")
	s.systemd.Reloading()
	s.reload = reload{phase: loading, began: time.Now()}
	go func() {
		next, err := s.Load(s.ctx)
		var problems []error
		if err == nil {
			next.TLS, problems = readTLS(&next.Settings)
		}
		s.post(func() {
			if err == nil && s.stopping == no {
				if err = s.keepTLS(&next, problems); err != nil {
					next.release()
				}
			}
			switch {
			case s.stopping != no:
				if err == nil {
					next.release()
				}
			case err != nil:
				s.refuseReload(err.Error(), "")
			default:
				s.try(next)
			}
		})
	}()
}

// try makes next the deployment that workers are started from. The first of
// them shows whether it is good.
func (s *supervisor) try(next Deployment) {
	r := &s.reload
	next.setUmask()
	listeners, opened, err := listen.Open(next.listenOptions(), s.listeners)
	if err != nil {
		s.setUmask()
		next.release()
		s.refuseReload(err.Error(), "")
		return
	}
	r.phase, r.old, r.generation, r.oldListeners, r.opened = trying, s.Deployment, s.generation, s.listeners, opened
	r.preload, s.preload = s.preload, preload{}
	s.Deployment, s.listeners = next, listeners
	s.generations++
	s.generation = s.generations
	if err := s.HandLogs(next); err != nil {
		s.abandonReload(err.Error(), "")
		return
	}
	for _, sl := range s.slots {
		sl.startAnew()
	}
	s.arrange()
}

// refuseReload goes on as before.
func (s *supervisor) refuseReload(reason, traceback string) {
	s.reloadEnded(reloadFailed, reason)
	s.Log.Error("reload failed: the old workers go on serving", "event", "reload.failed", "reason", reason, "traceback", traceback)
	s.tellReady()
	again := s.reload.again
	s.reload = reload{}
	if again {
		s.startReload()
		return
	}
	s.arrange()
}

// abandonReload goes back to the old deployment if the new one is still being
// tried. False: there is nothing to go back to.
func (s *supervisor) abandonReload(reason, traceback string) bool {
	if s.reload.phase != trying {
		return false
	}
	r := s.reload
	tried := s.Deployment
	tried.release()
	s.preload.end()
	s.Deployment, s.listeners, s.preload = r.old, r.oldListeners, r.preload
	s.generation = r.generation
	s.setUmask()
	for _, l := range r.opened {
		l.Close()
	}
	s.handLogsBack()
	s.lookAtCertificates() // they may have changed meanwhile
	for _, sl := range s.slots {
		sl.giveUpStart()
		if sl.serving != nil && sl.serving.reason == reasonReload {
			sl.serving.reason = ""
		}
	}
	s.refuseReload(reason, traceback)
	return true
}

// handLogsBack gives the log files to the present workers, after those of another
// deployment, here or in a new gowsgi, have had them.
func (s *supervisor) handLogsBack() {
	if err := s.HandLogs(s.Deployment); err != nil {
		s.Log.Error("new workers may not be able to open their log files", "event", "log.failed", "error", err.Error())
	}
}

const reasonReload = "reload"

// passTrial is called when a worker of the new deployment serves: there is no
// way back.
func (s *supervisor) passTrial() {
	r := &s.reload
	if r.phase != trying {
		return
	}
	r.phase = rolling
	s.Logs.Use()
	r.preload.end()
	r.old.release()
	for _, l := range r.opened {
		s.Log.Info("listening", "event", "listener.open", "address", s.url(l))
	}
	for _, l := range r.oldListeners {
		if !slices.Contains(s.listeners, l) {
			s.Log.Info("no longer listening", "event", "listener.closed", "address", r.old.url(l))
			l.Close()
		}
	}
	s.movePid(r.old.Settings.Pid)
	s.moveControl(r.old.Settings)
	s.moveMetrics(r.old.Settings)
	s.moveStatsd(r.old.Settings)
	s.watchCertificates()
	s.moveACME()
	s.setWorkers(s.Settings.Workers)
}

// finishReload is called when nothing is left to be replaced.
func (s *supervisor) finishReload() {
	if s.reload.phase != rolling {
		return
	}
	for _, sl := range s.slots {
		if sl.serving == nil || sl.serving.generation != s.generation {
			return
		}
	}
	s.reloadEnded(reloadDone, "")
	s.Log.Info("reloaded", "event", "reload.done", "workers", len(s.slots),
		"seconds", time.Since(s.reload.began).Round(time.Millisecond).Seconds())
	s.tellReady()
	again := s.reload.again
	s.reload = reload{}
	if again {
		s.startReload()
	}
}

// movePid writes the pid file where the new settings have it.
func (s *supervisor) movePid(old string) {
	if s.Settings.Pid == old {
		return
	}
	s.removePid()
	s.removePid = func() {}
	if s.Settings.Pid == "" {
		return
	}
	remove, err := claimPid(s.Settings.Pid, s.predecessor != nil, s.Log)
	if err != nil {
		s.Log.Error(err.Error(), "event", "pid.failed")
		return
	}
	s.removePid = remove
}
