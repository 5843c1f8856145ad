package supervisor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/operator"
)

// Do carries an order out and waits until it is known how that ended.
func (o *operated) Do(ctx context.Context, order operator.Order) (operator.Outcome, error) {
	began := time.Now()
	var answer <-chan operator.Outcome
	var refused error
	if err := o.s.consult(ctx, func() { answer, refused = o.s.order(order) }); err != nil {
		return operator.Outcome{}, err
	}
	if refused != nil {
		return operator.Outcome{}, refused
	}
	select {
	case outcome := <-answer:
		outcome.Seconds = time.Since(began).Seconds()
		return outcome, nil
	case <-ctx.Done():
		return operator.Outcome{}, ctx.Err()
	}
}

// wish is an order whose end somebody waits for.
type wish struct {
	// fulfilled looks whether it has ended; nil: not yet.
	fulfilled func() *operator.Outcome
	// stopped is how it ends if gowsgi does.
	stopped operator.Outcome
	answer  chan operator.Outcome // has room
}

// wait has the order's end told when fulfilled says so, which is asked after
// each event.
func (s *supervisor) wait(stopped operator.Outcome, fulfilled func() *operator.Outcome) <-chan operator.Outcome {
	w := wish{fulfilled, stopped, make(chan operator.Outcome, 1)}
	s.wishes = append(s.wishes, w)
	return w.answer
}

// fulfil tells those whose orders have ended.
func (s *supervisor) fulfil() {
	s.wishes = slices.DeleteFunc(s.wishes, func(w wish) bool {
		outcome := w.fulfilled()
		if outcome != nil {
			w.answer <- *outcome
		}
		return outcome != nil
	})
}

// disappoint tells all that gowsgi has ended.
func (s *supervisor) disappoint() {
	for _, w := range s.wishes {
		w.answer <- w.stopped
	}
	s.wishes = nil
}

var overtaken = operator.Outcome{Message: "gowsgi stopped before that was done"}

func done(format string, args ...any) *operator.Outcome {
	return &operator.Outcome{Done: true, Message: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) *operator.Outcome {
	return &operator.Outcome{Message: fmt.Sprintf(format, args...)}
}

// order begins what was ordered. A refusal is one sentence.
func (s *supervisor) order(o operator.Order) (<-chan operator.Outcome, error) {
	if (s.stopping != no || s.leaving) && o.Kind != operator.OrderStop {
		return nil, operator.Refusal("gowsgi is stopping")
	}
	s.Log.Info("ordered over the control socket", "event", "control.order", "order", o.Kind)
	switch o.Kind {
	case operator.OrderReload:
		return s.orderReload()
	case operator.OrderStop:
		if o.AtOnce {
			s.hurry("gowsgi stop")
		} else {
			s.leave("gowsgi stop")
		}
		ended := operator.Outcome{Done: true, Message: "gowsgi has stopped"}
		return s.wait(ended, func() *operator.Outcome { return nil }), nil
	case operator.OrderUpgrade:
		return s.orderUpgrade()
	case operator.OrderWorkers:
		return s.orderWorkers(o)
	case operator.OrderRecycle:
		return s.orderRecycle(o.Worker)
	case operator.OrderLogLevel:
		return s.orderLevel(o.Level)
	}
	return nil, operator.Refusal("there is no order " + strconv.Quote(o.Kind))
}

func (s *supervisor) orderReload() (<-chan operator.Outcome, error) {
	mine := s.past.reloadsEnded + 1
	if s.reload.phase == loading || s.reload.phase == trying {
		mine++ // the one that comes after that
	}
	s.startReload()
	if s.reload.phase == still {
		return nil, operator.Refusal("no reload now: gowsgi is being started or upgraded")
	}
	return s.wait(overtaken, func() *operator.Outcome {
		switch {
		case s.past.reloadsEnded < mine:
			return nil
		case s.past.reload.Reason != "":
			return failed("the reload failed, and the old workers go on serving: %s", s.past.reload.Reason)
		}
		outcome := done("reloaded: %s", workers(len(s.slots)))
		if s.Remark != "" {
			outcome.Message += "; " + s.Remark
		}
		return outcome
	}), nil
}

func (s *supervisor) orderUpgrade() (<-chan operator.Outcome, error) {
	s.upgradeFailure = ""
	s.startUpgrade()
	if !s.upgrade.running() {
		return nil, operator.Refusal("no upgrade: " + s.upgradeFailure)
	}
	pid := s.upgrade.cmd.Process.Pid
	return s.wait(overtaken, func() *operator.Outcome {
		switch {
		case s.upgrade.done:
			return done("gowsgi %d serves now, and this one, %d, finishes what it has", pid, os.Getpid())
		case !s.upgrade.running():
			return failed("the new gowsgi %s: this one goes on", s.upgradeFailure)
		}
		return nil
	}), nil
}

func (s *supervisor) orderWorkers(o operator.Order) (<-chan operator.Outcome, error) {
	count := o.Count
	if o.More {
		count += len(s.slots)
	}
	if count < 1 {
		return nil, operator.Refusal("one worker has to stay: gowsgi stop ends them all")
	}
	for range count - len(s.slots) {
		s.addWorker()
	}
	for range len(s.slots) - count {
		s.removeWorker()
	}
	return s.wait(overtaken, func() *operator.Outcome {
		if len(s.slots) != count {
			return failed("somebody else has changed that: %s", workers(len(s.slots)))
		}
		for _, sl := range s.slots {
			if sl.serving == nil && sl.failures > 0 {
				return failed("worker %d cannot start: the log says why", sl.number)
			}
			if sl.serving == nil {
				return nil
			}
		}
		return done("%s", workers(count))
	}), nil
}

func workers(n int) string {
	if n == 1 {
		return "1 worker serves"
	}
	return fmt.Sprintf("%d workers serve", n)
}

// reasonRecycled is why a worker is replaced that somebody wants replaced.
const reasonRecycled = "gowsgi recycle"

func (s *supervisor) orderRecycle(number int) (<-chan operator.Outcome, error) {
	sl := s.slots[number]
	switch {
	case sl == nil:
		return nil, operator.Refusal(fmt.Sprintf("there is no worker %d: gowsgi status lists them", number))
	case sl.serving == nil:
		return nil, operator.Refusal(fmt.Sprintf("worker %d is just being started", number))
	}
	old := sl.serving
	if old.reason == "" {
		old.reason = reasonRecycled
	}
	s.arrange()
	failures := sl.failures
	return s.wait(overtaken, func() *operator.Outcome {
		switch {
		case s.slots[number] != sl:
			return failed("worker %d is not wanted any more", number)
		case sl.serving != nil && sl.serving != old:
			return done("worker %d is process %d now; the old one, %d, finishes what it has", number, sl.serving.pid(), old.pid())
		case sl.failures > failures:
			return failed("another worker %d cannot start, and the old one goes on: the log says why", number)
		}
		return nil
	}), nil
}

// orderLevel changes what is logged, here and in all workers, until the next
// reload.
func (s *supervisor) orderLevel(level string) (<-chan operator.Outcome, error) {
	if !slices.Contains(config.LogLevels(), level) {
		return nil, operator.Refusal("level must be debug, info, warning, error or critical")
	}
	s.Logs.SetLevel(level)
	s.Settings.LogLevel = level // of those that start
	for w := range s.workers {
		w.tell(control.Order{Kind: control.Level, Level: level})
	}
	now := make(chan operator.Outcome, 1)
	now <- *done("records of %s and above are logged, until a reload", level)
	return now, nil
}
