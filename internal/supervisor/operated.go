package supervisor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/nursery"
	"github.com/gowsgi/gowsgi/internal/operator"
	"github.com/gowsgi/gowsgi/internal/version"
)

// What a person or a program asks and orders (package operator). The methods of
// operated run in goroutines of its clients; they look at the supervisor through
// its loop.

// operated is the supervisor as its operator sees it.
type operated struct {
	s      *supervisor
	memory memories
}

const errOver = operator.Refusal("this gowsgi has stopped")

const (
	// A worker has this long to say what it does. It needs no GIL for that.
	askPatience = 500 * time.Millisecond
	// Stacks wait a second for the GIL, and longer for one another.
	stacksPatience = 5 * time.Second
)

// State says what there is.
func (o *operated) State(ctx context.Context) (operator.State, error) {
	var state operator.State
	var running []func(late <-chan time.Time)
	var material *certs.Material
	err := o.s.consult(ctx, func() {
		state, running = o.s.state()
		material = o.s.TLS
	})
	if err != nil {
		return state, err
	}
	state.Certificates = expiries(material)
	late := make(chan time.Time)
	timer := time.AfterFunc(askPatience, func() { close(late) })
	defer timer.Stop()
	for _, complete := range running {
		complete(late)
	}
	for i := range state.Nurseries {
		n := &state.Nurseries[i]
		n.RSS, n.PSS = residentMemory(n.PID), o.memory.proportional(n.PID)
	}
	for i := range state.Workers {
		w := &state.Workers[i]
		w.RSS, w.PSS = residentMemory(w.PID), o.memory.proportional(w.PID)
	}
	return state, nil
}

// state is what the loop knows, and what is to be done outside of it to complete
// that.
func (s *supervisor) state() (state operator.State, completions []func(<-chan time.Time)) {
	state = operator.State{
		Name: label(s.Settings), PID: os.Getpid(), Version: version.Version, Python: s.Python.Version,
		Target: s.Settings.Target, Mount: s.Settings.Mount, Mounts: mountsOf(s.Settings), Phase: s.phase(), Started: s.began, Deployment: s.generation,
		Reloads: operator.Reloads{Done: s.past.reloads[reloadDone], Failed: s.past.reloads[reloadFailed], Last: s.past.reload},
		Workers: []operator.Worker{},
	}
	for _, l := range s.held() {
		state.Listening = append(state.Listening, s.url(l))
	}
	for n := range s.nurseries {
		state.Nurseries = append(state.Nurseries, s.describe(n))
	}
	slices.SortFunc(state.Nurseries, func(a, b operator.Nursery) int { return cmp.Compare(b.Age, a.Age) })
	listed := s.listed()
	for _, w := range listed {
		state.Workers = append(state.Workers, s.worker(w))
	}
	for i, w := range listed {
		row := &state.Workers[i]
		answer := s.inquire(w, control.Ask)
		noted := w.noted() // for one that does not answer: its board is gone with it
		completions = append(completions, func(late <-chan time.Time) {
			report, ok := heard(answer, late)
			row.Answers, row.Running = ok, report.Requests
			if !ok {
				row.Running = noted
			}
			if row.Running == nil {
				row.Running = []control.Request{}
			}
		})
	}
	return state, completions
}

// listed are the workers by number, an old one in front of its successor.
func (s *supervisor) listed() []*worker {
	return slices.SortedFunc(maps.Keys(s.workers), func(a, b *worker) int {
		return cmp.Or(cmp.Compare(a.number, b.number), a.started.Compare(b.started))
	})
}

func (s *supervisor) phase() string {
	switch {
	case s.stopping != no:
		return operator.Stopping
	case !s.started:
		return operator.Starting
	case s.upgrade.running():
		return operator.Upgrading
	case s.reload.phase != still:
		return operator.Reloading
	}
	return operator.Serving
}

// describe says what a nursery does.
func (s *supervisor) describe(n *nurse) operator.Nursery {
	row := operator.Nursery{
		PID: n.pid(), Phase: operator.Serving, Deployment: n.generation, Age: time.Since(n.started).Seconds(),
		Loading: n.loaded.Sub(n.started).Seconds(), Forked: n.forks, Ordered: len(n.orders),
	}
	switch {
	case n.ending || n.failed || s.stopping != no:
		row.Phase = operator.Draining
	case n.loaded.IsZero():
		row.Phase = operator.Starting
	}
	if n.loaded.IsZero() {
		row.Loading = row.Age
	}
	if len(n.orders) > 0 {
		row.Waiting = time.Since(n.orders[0].started).Seconds()
	}
	return row
}

// worker describes one of them, from memory that it shares.
func (s *supervisor) worker(w *worker) operator.Worker {
	now := w.page.Now()
	row := operator.Worker{
		Number: w.number, PID: w.pid(), Phase: operator.Draining, Deployment: w.generation, Age: time.Since(w.started).Seconds(),
		Replacing: w.reason, Requests: now.Requests, Threads: now.Threads, Busy: now.Busy, Limit: now.Limit, Queued: now.Queued,
		Goroutines: now.Goroutines, GILHeld: time.Duration(now.Unanswered).Seconds(),
		Connections: operator.Connections{Open: now.Connections, Idle: now.Idle, TLS: now.Secure},
	}
	if now.Probes > 0 {
		row.GILWait = time.Duration(now.ProbeWait / now.Probes).Seconds()
	}
	if sl := s.slots[w.number]; sl != nil && s.stopping == no {
		switch w {
		case sl.serving:
			row.Phase = operator.Serving
		case sl.starting:
			row.Phase = operator.Starting
		}
	}
	if before, ok := s.past.slots[w.number]; ok {
		row.Restarts, row.Cause = before.restarts, before.cause
	}
	return row
}

// noted is what a worker has noted of the requests that it has given to Python.
func (w *worker) noted() []control.Request {
	var requests []control.Request
	for _, e := range w.board.Running() {
		requests = append(requests, control.Request{
			Method: e.Method, Target: e.URI, Age: time.Since(e.Started).Seconds(), Stage: control.Inside,
		})
	}
	return requests
}

// Stacks says where workers' threads are, and where loading is that is for all of
// them.
func (o *operated) Stacks(ctx context.Context, number int) ([]operator.Stacks, error) {
	var all []operator.Stacks
	var answers []<-chan control.Report
	err := o.s.consult(ctx, func() {
		for n := range o.s.nurseries {
			if number == 0 && n.loaded.IsZero() {
				all = append(all, operator.Stacks{PID: n.pid(), Threads: []control.Thread{}})
				answers = append(answers, n.stack())
			}
		}
		for w := range o.s.workers {
			if number == 0 || w.number == number {
				all = append(all, operator.Stacks{Worker: w.number, PID: w.pid(), Threads: []control.Thread{}})
				answers = append(answers, o.s.inquire(w, control.Stacks))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 && number == 0 {
		return nil, operator.Refusal("no worker runs at the moment: the log says why")
	}
	if len(all) == 0 {
		return nil, operator.Refusal(fmt.Sprintf("there is no worker %d: gowsgi status lists them", number))
	}
	late := make(chan time.Time)
	timer := time.AfterFunc(stacksPatience, func() { close(late) })
	defer timer.Stop()
	for i := range all {
		report, ok := heard(answers[i], late)
		all[i].Silent, all[i].WithoutGIL = !ok, report.WithoutGIL
		if report.Threads != nil {
			all[i].Threads = report.Threads
		}
	}
	slices.SortFunc(all, func(a, b operator.Stacks) int {
		if a.Worker != b.Worker {
			return a.Worker - b.Worker
		}
		return a.PID - b.PID
	})
	return all, nil
}

// stack asks a nursery where it is; the channel is closed without an answer if
// there is none.
func (n *nurse) stack() <-chan control.Report {
	answer := make(chan control.Report, 1)
	n.ask(func(stack *nursery.Stack) {
		if stack != nil {
			report := control.Report{WithoutGIL: stack.WithoutGIL}
			if stack.Lines != "" {
				report.Threads = []control.Thread{{Name: "MainThread", Stack: stack.Lines}}
			}
			answer <- report
		}
		close(answer)
	})
	return answer
}

// mountsOf are the applications, if there are several.
func mountsOf(settings config.Settings) (all []operator.Mount) {
	if len(settings.Mounts) == 0 {
		return nil
	}
	for _, m := range settings.Applications() {
		all = append(all, operator.Mount{Name: m.Name(), Target: m.Target, Threads: m.Threads})
	}
	return all
}
