package supervisor

import (
	"maps"
	"slices"
)

// How many slots there are.

// addWorker is SIGTTIN.
func (s *supervisor) addWorker() {
	if s.stopping != no {
		return
	}
	number := 1
	for s.slots[number] != nil {
		number++
	}
	s.slots[number] = &slot{number: number}
	s.Log.Info("one worker more", "event", "workers.changed", "workers", len(s.slots))
	s.arrange()
}

// removeWorker is SIGTTOU.
func (s *supervisor) removeWorker() {
	if s.stopping != no {
		return
	}
	if len(s.slots) == 1 {
		s.Log.Warn("the last worker stays", "event", "workers.changed", "workers", 1)
		return
	}
	s.remove(s.slots[slices.Max(slices.Collect(maps.Keys(s.slots)))])
	s.Log.Info("one worker less", "event", "workers.changed", "workers", len(s.slots))
}

// remove gives a slot up.
func (s *supervisor) remove(sl *slot) {
	delete(s.slots, sl.number)
	sl.giveUpStart()
	if sl.serving != nil {
		s.drain(sl.serving, lingerReplaced)
	}
	s.announce()
	s.arrange()
}

// setWorkers makes n slots of those that there are.
func (s *supervisor) setWorkers(n int) {
	for number := 1; number <= n; number++ {
		if s.slots[number] == nil {
			s.slots[number] = &slot{number: number}
		}
	}
	for _, number := range slices.Sorted(maps.Keys(s.slots)) {
		if number > n {
			s.remove(s.slots[number])
		}
	}
}
