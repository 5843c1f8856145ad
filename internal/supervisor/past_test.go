package supervisor

import (
	"log/slog"
	"testing"

	"github.com/gowsgi/gowsgi/internal/tally"
)

func TestCountersSurviveAWorker(t *testing.T) {
	s := &supervisor{slots: map[int]*slot{1: {number: 1}}, workers: map[*worker]struct{}{}}
	work := func() *worker {
		page, err := tally.New(1)
		if err != nil {
			t.Fatal(err)
		}
		page.Request("GET", 200, 0, 10)
		page.Event("request.slow")
		w := &worker{number: 1, page: page, mounts: []string{"/shop"}}
		s.workers[w] = struct{}{}
		return w
	}
	first, second := work(), work()
	s.past.events.count("reload.done", slog.LevelInfo, false)
	want := func(when string) {
		t.Helper()
		sum := s.figures()
		if f := sum.Mounts["/shop"]; f == nil || f.ResponseBytes != 20 || sum.Events["request.slow"] != 2 || sum.Events["reload.done"] != 1 {
			t.Errorf("%s: %+v, events %v", when, f, sum.Events)
		}
	}
	want("with two workers")
	want("asked once more")
	delete(s.workers, first)
	s.fold(first, "exited with status 0")
	want("with one that is gone")
	s.slots[1].serving = second
	delete(s.workers, second)
	s.fold(second, "exited with status 3")
	want("with none")
	if before := s.past.slots[1]; before.restarts != 2 || before.cause != "exited with status 3" {
		t.Errorf("the slot's past: %+v", before)
	}
	if s.past.ends[endFailed] != 2 {
		t.Errorf("ends: %v", s.past.ends)
	}
}
