package main

import (
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/rates"
	"github.com/gowsgi/gowsgi/internal/share"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// openTally opens the memory in which this worker counts; nil for none.
func openTally(plan control.Plan, inherited descriptors) (*tally.Page, error) {
	if plan.Tally == 0 {
		return nil, nil
	}
	return tally.Open(inherited.at(plan.Tally), len(plan.Settings.Applications()))
}

// openShare opens the memory in which workers say how many connections they have; nil
// for none.
func (w *worker) openShare() *share.Share {
	if w.plan.Share == 0 {
		return nil
	}
	s, err := share.Open(w.inherited.at(w.plan.Share), w.plan.Worker)
	if err != nil {
		w.log.Warn("this worker takes connections as they come", "event", "scoreboard.failed", "error", err.Error())
	}
	return s
}

// openRates opens the memory in which workers count what clients send; nil for none.
func (w *worker) openRates() *rates.Table {
	if w.plan.Rates == 0 {
		return nil
	}
	table, err := rates.Open(w.inherited.at(w.plan.Rates))
	if err != nil {
		w.log.Warn("this worker counts for itself what clients send", "event", "scoreboard.failed", "error", err.Error())
	}
	return table
}

// countLost counts lines of the access log that could not be written.
func (w *worker) countLost(lines int) {
	if w.page != nil {
		tally.Add(&w.page.LostLines, uint64(lines))
	}
}

// counts tells whether anybody wants to know what was done.
func (w *worker) counts() bool {
	s := w.plan.Settings
	return s.Metrics != "" || s.MetricsPath != "" || s.StatsdHost != ""
}
