package main

import (
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// asked follows orders at once that nobody else needs to see, whatever else the worker does: it may be
// loading the application, or draining.
func (w *worker) asked(order control.Order) bool {
	switch order.Kind {
	case control.Ask, control.Stacks, control.Measure:
		go w.answer(order)
		return true
	case control.Told:
		w.inquiry.told(order)
		return true
	case control.Proof:
		w.proofs.told(order)
		return true
	case control.Leave:
		if s := w.serving.Load(); s != nil {
			s.Leave()
		}
		return true
	case control.Certificates:
		if w.certs == nil || order.TLS == nil {
			return true
		}
		if err := w.certs.Use(order.TLS); err != nil {
			w.log.Error("the certificates stay as they were", "event", "tls.kept", "reason", err.Error())
		}
		return true
	case control.Tell:
		go w.tellStack()
		return true
	case control.Level:
		logging.SetLevel(w.level, order.Level)
		return true
	}
	return false
}

// measurePatience is how long the GIL is waited for to ask Python for figures that
// can be done without.
const measurePatience = 200 * time.Millisecond

func (w *worker) answer(order control.Order) {
	report := control.Report{Kind: control.Answer, ID: order.ID}
	s := w.serving.Load()
	switch {
	case order.Kind == control.Stacks && s == nil: // where loading is
		taken := embed.StacksOutside(stackPatience)
		report.WithoutGIL = taken.WithoutGIL
		for _, t := range taken.Threads {
			report.Threads = append(report.Threads, control.Thread{Name: t.Name, Stack: t.Text})
		}
	case s == nil:
	case order.Kind == control.Measure:
		if m, ok := w.app.Measure(measurePatience); ok {
			report.Interpreter = &control.Interpreter{Blocks: m.Blocks, Collections: m.Collections}
		}
	case order.Kind == control.Ask:
		report.Requests = s.Listed()
	case order.Kind == control.Stacks:
		threads, exact := s.Stacks()
		report.Threads, report.WithoutGIL = threads, !exact
	}
	w.report(report)
}
