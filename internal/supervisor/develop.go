package supervisor

import (
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/watch"
)

// Development: --reload. Workers tell which files the application consists of;
// when one changes, they stop and new ones start at the same time. Nobody
// answers in between: requests wait in the kernel for the new code, and none
// gets an answer of the old one. An application that cannot be loaded is a
// worker that says so to every browser (server.NewBroken), so there is always a
// worker, and the next change replaces it.

// startWatching has the loop told of changes. It is called once.
func (s *supervisor) startWatching() error {
	if !s.Settings.Reload {
		return nil
	}
	watcher, err := watch.New(s.Log)
	if err != nil {
		return err
	}
	s.watcher = watcher
	go func() {
		for {
			select {
			case path := <-watcher.Changes():
				s.post(func() { s.codeChanged(path) })
			case <-s.done:
				watcher.Close()
				return
			}
		}
	}()
	return nil
}

// watchModules has the files of the application watched.
func (s *supervisor) watchModules(w *worker, r control.Report) {
	sl := s.slots[w.number]
	if s.watcher == nil || sl == nil || sl.serving != w && sl.starting != w {
		return
	}
	missed, err := s.watcher.Watch(r.Files, s.Settings.ReloadExtraFile, w.started)
	if err != nil {
		s.Log.Error(err.Error(), "event", "reload.blind")
	}
	if missed != "" {
		s.codeChanged(missed)
	}
}

func (s *supervisor) codeChanged(path string) {
	if s.stopping != no {
		return
	}
	s.Log.Info("code changed: loading it", "event", "reload.code", "file", path)
	s.generations++
	s.generation = s.generations
	for _, sl := range s.slots {
		sl.startAnew()
		if w := sl.serving; w != nil {
			sl.serving = nil
			s.drain(w, lingerStopped)
		}
	}
	s.arrange()
}
