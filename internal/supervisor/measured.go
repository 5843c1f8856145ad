package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/metrics"
	"github.com/gowsgi/gowsgi/internal/scarcity"
	"github.com/gowsgi/gowsgi/internal/version"
)

// measured is the supervisor as those see it who measure it. Its methods run in
// goroutines of theirs.
type measured struct{ s *supervisor }

// Snapshot is what there is and was.
func (m measured) Snapshot(ctx context.Context) (snapshot metrics.Snapshot, err error) {
	var answers []<-chan control.Report
	var pids []int
	nursery := 0
	var material *certs.Material
	err = m.s.consult(ctx, func() {
		s := m.s
		material = s.TLS
		snapshot = metrics.Snapshot{
			Version: version.Version, Python: s.Python.Version, Started: float64(s.began.UnixMilli()) / 1000, Ready: s.unready() == "",
			Sum: s.figures(), WorkerStarts: s.past.starts, WorkerEnds: map[string]uint64{}, Reloads: map[string]uint64{},
		}
		for _, end := range []string{endReplaced, endStopped, endDied, endFailed} {
			snapshot.WorkerEnds[end] = s.past.ends[end]
		}
		for _, outcome := range []string{reloadDone, reloadFailed} {
			snapshot.Reloads[outcome] = s.past.reloads[outcome]
		}
		if n := s.preload.nursery; n != nil {
			nursery = n.pid()
		}
		for w := range s.workers {
			row := s.worker(w)
			snapshot.Phases = append(snapshot.Phases, row.Phase)
			if sl := s.slots[w.number]; sl != nil && sl.serving == w {
				snapshot.Workers = append(snapshot.Workers, metrics.Worker{Number: w.number, Now: w.page.Now()})
				answers, pids = append(answers, s.inquire(w, control.Measure)), append(pids, w.pid())
			}
		}
	})
	if err != nil {
		return snapshot, err
	}
	snapshot.Certificates = expiries(material)
	if nursery != 0 {
		snapshot.Nursery = residentMemory(nursery)
	}
	late := make(chan time.Time)
	timer := time.AfterFunc(askPatience, func() { close(late) })
	defer timer.Stop()
	for i := range snapshot.Workers {
		report, _ := heard(answers[i], late)
		snapshot.Workers[i].Python, snapshot.Workers[i].Resident = report.Interpreter, residentMemory(pids[i])
	}
	slices.SortFunc(snapshot.Workers, func(a, b metrics.Worker) int { return a.Number - b.Number })
	return snapshot, nil
}

// Unready says why no requests should be sent here.
func (m measured) Unready(ctx context.Context) (reason string) {
	err := m.s.consult(ctx, func() {
		if reason = m.s.unready(); reason == "" && m.s.full() {
			reason = "the queue is full"
		}
	})
	if err != nil {
		return err.Error()
	}
	return reason
}

// full tells whether each worker that serves says that its queue is.
func (s *supervisor) full() bool {
	return !slices.ContainsFunc(s.serving(), func(w *worker) bool {
		return w.page.Now().Queued < int64(s.Settings.BacklogRequests)
	})
}

func (s *supervisor) unready() string {
	switch {
	case s.stopping != no:
		return "gowsgi is stopping"
	case s.leaving:
		return "gowsgi is about to stop"
	case len(s.serving()) == 0:
		return "no worker serves"
	}
	return ""
}

// serving are the workers that serve.
func (s *supervisor) serving() []*worker {
	var serving []*worker
	for _, sl := range s.slots {
		if sl.serving != nil {
			serving = append(serving, sl.serving)
		}
	}
	return serving
}

// openMetrics listens for those who measure. The error is one sentence.
func (s *supervisor) openMetrics(settings config.Settings) (*metrics.Server, error) {
	if settings.Metrics == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", settings.Metrics)
	if err != nil {
		return nil, metricsRefused(settings.Metrics, err)
	}
	s.Log.Info("metrics are here", "event", "metrics.open", "address", "http://"+l.Addr().String()+"/metrics")
	return metrics.Serve(l, measured{s}, s.Log), nil
}

func metricsRefused(address string, err error) error {
	return fmt.Errorf("cannot listen on %s for --metrics: %w: give it another address", address, bindReason(err))
}

// bindReason is what the system says of an address, without the names of
// functions.
func bindReason(err error) error {
	var number syscall.Errno
	switch lacking := scarcity.Of(err); {
	case lacking != "":
		return errors.New(lacking)
	case errors.As(err, &number):
		return number
	}
	return err
}

// takeMetrics listens where the gowsgi does that this one takes over from, as
// soon as that one lets go.
func (s *supervisor) takeMetrics(attempts int) {
	server, err := s.openMetrics(s.Settings)
	switch {
	case err == nil:
		s.metrics = server
	case attempts > 0 && s.stopping == no:
		s.after(takeInterval, func() { s.takeMetrics(attempts - 1) })
	default:
		s.Log.Error(err.Error(), "event", "metrics.failed")
	}
}

const (
	takeInterval = 100 * time.Millisecond
	takeAttempts = 100
)

// moveMetrics follows a reload that has put them elsewhere.
func (s *supervisor) moveMetrics(old config.Settings) {
	if old.Metrics == s.Settings.Metrics {
		return
	}
	s.metrics.Close()
	var err error
	if s.metrics, err = s.openMetrics(s.Settings); err != nil {
		s.Log.Error(err.Error(), "event", "metrics.failed")
	}
}

// inquired answers a worker that was asked for the metrics of all.
func (s *supervisor) inquired(w *worker, r control.Report) {
	go func() {
		order := control.Order{Kind: control.Told, ID: r.ID}
		order.Text, order.Type, _ = s.texts.Text(s.ctx, r.Accept) // empty: there are none
		w.tell(order)
	}()
}
