package supervisor

import "github.com/gowsgi/gowsgi/internal/control"

// advise logs what a worker has to say about its deployment, unless another
// worker of that one, or of a later one, has said it before.
func (s *supervisor) advise(w *worker, r control.Report) {
	key := r.Event + " " + r.Subject
	if said, known := s.advised[key]; known && said >= w.generation {
		return
	}
	s.advised[key] = w.generation
	s.Log.Warn(r.Message, "event", r.Event, "field", r.Subject, "uri", r.URI, "worker", w.number)
}
