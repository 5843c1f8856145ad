package supervisor

import (
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/statsd"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// statsdInterval is how often statsd is told.
const statsdInterval = time.Second

// allFigures is what all workers have done, whatever they served, and what was
// logged here.
func (s *supervisor) allFigures() tally.Figures {
	var all tally.Figures
	for _, f := range s.figures().Mounts {
		all.Fold(f)
	}
	all.Fold(&s.past.events.levels)
	return all
}

// openStatsd begins to send to statsd, if the settings want that.
func (s *supervisor) openStatsd() {
	if s.Settings.StatsdHost == "" {
		return
	}
	sender := statsd.New(statsd.Config{
		Address: s.Settings.StatsdHost, Prefix: s.Settings.StatsdPrefix, Tags: s.Settings.DogstatsdTags,
		Failed: func(err error) { s.Log.Error(err.Error(), "event", "statsd.failed") },
	}, s.allFigures())
	s.statsd = sender
	s.sendLater(sender)
}

// sendLater sends again and again, as long as that is the sender.
func (s *supervisor) sendLater(sender *statsd.Sender) {
	s.after(statsdInterval, func() {
		if s.statsd == sender {
			sender.Send(s.allFigures(), len(s.serving()))
			s.sendLater(sender)
		}
	})
}

// closeStatsd sends what is left.
func (s *supervisor) closeStatsd() {
	if s.statsd != nil {
		s.statsd.Close(s.allFigures(), len(s.serving()))
		s.statsd = nil
	}
}

// moveStatsd follows a reload.
func (s *supervisor) moveStatsd(old config.Settings) {
	now := s.Settings
	if old.StatsdHost == now.StatsdHost && old.StatsdPrefix == now.StatsdPrefix && old.DogstatsdTags == now.DogstatsdTags {
		return
	}
	s.closeStatsd()
	s.openStatsd()
}
