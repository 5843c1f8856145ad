package supervisor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"
)

// Workers count their requests themselves (max_requests); their age and their
// memory are looked at here.

// limitLifetime has the worker replaced after max_lifetime and some of the
// jitter.
func (s *supervisor) limitLifetime(w *worker) {
	life := s.Settings.MaxLifetime
	if life == 0 {
		return
	}
	if jitter := s.Settings.MaxLifetimeJitter; jitter > 0 {
		life += rand.N(jitter)
	}
	s.after(life, func() {
		if sl := s.slots[w.number]; sl != nil && sl.serving == w && w.reason == "" {
			w.reason = "max_lifetime: it has served for " + life.Round(time.Millisecond).String()
			s.arrange()
		}
	})
}

// memoryInterval is how often the memory of workers is looked at.
const memoryInterval = time.Second

// watchMemory has workers replaced that are larger than max_worker_memory.
func (s *supervisor) watchMemory() {
	most := s.Settings.MaxWorkerMemory
	if most == 0 || s.stopping != no {
		return
	}
	for _, sl := range s.slots {
		w := sl.serving
		if w == nil || w.reason != "" {
			continue
		}
		if size := residentMemory(w.pid()); size > most {
			w.reason = fmt.Sprintf("max_worker_memory: it has grown to %d MiB", size>>20)
		}
	}
	s.arrange()
}

// residentMemory is the RSS of a process in bytes; 0 if it cannot be told.
func residentMemory(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
