package metrics

import (
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// Snapshot is a gowsgi at one moment.
type Snapshot struct {
	Version, Python string
	Started         float64 // Unix time
	Ready           bool    // somebody serves
	Sum             tally.Sum
	WorkerStarts    uint64
	WorkerEnds      map[string]uint64 // by how they ended
	Reloads         map[string]uint64 // by their outcome
	// Workers are those that serve, or the last that did, one of each number:
	// one that drains beside its successor would be there twice.
	Workers      []Worker
	Phases       []string             // of all
	Certificates map[string]time.Time // when they expire, by name
	Nursery      int64                // resident memory of what they are forked from; 0: they are not
}

// Worker is one of them.
type Worker struct {
	Number   int
	Now      tally.Now
	Resident int64                // bytes
	Python   *control.Interpreter // nil: it did not say
}
