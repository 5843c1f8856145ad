package supervisor

import (
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
)

// firstWaiting is when it is first said what a worker that drains waits for; then
// after twice as long, and so on.
const firstWaiting = 5 * time.Second

// sayWaiting says, ever more rarely, that an old worker is still there, and why.
func (s *supervisor) sayWaiting(w *worker, began time.Time, wait time.Duration) {
	s.after(time.Until(began.Add(wait)), func() {
		if _, here := s.workers[w]; !here || s.stopping != no {
			return
		}
		answer := s.inquire(w, control.Ask)
		go func() {
			late := time.After(askPatience)
			report, ok := heard(answer, late)
			s.post(func() {
				if _, here := s.workers[w]; here {
					s.Log.Info("an old worker is still there", "event", "worker.waiting", "worker", w.number, "pid", w.pid(),
						"seconds", time.Since(began).Round(time.Second).Seconds(), "for", waitingFor(report.Requests, ok))
					s.sayWaiting(w, began, 2*wait)
				}
			})
		}()
	})
}

// mostTold is how many requests are told of.
const mostTold = 5

// waitingFor says in words what keeps a worker that drains.
func waitingFor(requests []control.Request, answers bool) string {
	switch {
	case !answers:
		return "it does not answer"
	case len(requests) == 0:
		return "threads or atexit handlers of the application"
	}
	var texts []string
	for _, r := range requests[:min(len(requests), mostTold)] {
		texts = append(texts, r.Method+" "+r.Target+" ("+r.Stage+", "+(time.Duration(r.Age)*time.Second).String()+")")
	}
	if more := len(requests) - mostTold; more > 0 {
		texts = append(texts, "…")
	}
	return strings.Join(texts, ", ")
}
