package supervisor

import "github.com/gowsgi/gowsgi/internal/control"

// leave stops gracefully, after shutdown_delay: until then everything goes on,
// but whoever asks is told to send no more requests here. A load balancer needs
// that time to hear of it.
func (s *supervisor) leave(reason string) {
	delay := s.Settings.ShutdownDelay
	if s.leaving || s.stopping != no || delay == 0 || !s.started || s.anotherServes() {
		s.stopGracefully(reason, s.Settings.GracefulTimeout)
		return
	}
	s.leaving = true
	s.Log.Info("not ready any more: about to stop", "event", "gowsgi.leaving", "reason", reason, "delay_seconds", delay.Seconds())
	s.systemd.Stopping("not ready, stops in " + delay.String())
	for w := range s.workers {
		w.tell(control.Order{Kind: control.Leave})
	}
	s.after(delay, func() { s.stopGracefully(reason, s.Settings.GracefulTimeout) })
}
