package load

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Window is what happened from one moment to another.
type Window struct {
	Name        string         `json:"name"`
	Requests    int            `json:"requests"` // answered and failed
	Failures    map[Kind]int   `json:"failures"`
	Samples     []Failure      `json:"samples"`     // some of them, of each client the first
	TurnedAway  int            `json:"turned_away"` // clients that a stopping server turned away
	Reopened    int            `json:"reopened"`    // connections that the server ended while they were idle
	Connections int            `json:"connections"` // that were made
	Editions    map[string]int `json:"editions"`    // answers by the edition of the application
	Workers     map[int]int    `json:"workers"`     // answers by process

	latencies []time.Duration // of answers; in order in what Stop returns
}

func newWindow(name string) Window {
	return Window{Name: name, Failures: map[Kind]int{}, Editions: map[string]int{}, Workers: map[int]int{}}
}

func (w *Window) answered(a answer, took time.Duration) {
	w.Requests++
	w.Editions[a.edition]++
	w.Workers[a.worker]++
	w.latencies = append(w.latencies, took)
}

func (w *Window) failed(f Failure) {
	w.Requests++
	w.Failures[f.Kind]++
	if len(w.Samples) == 0 {
		w.Samples = append(w.Samples, f)
	}
}

func (w *Window) add(other Window) {
	w.Requests += other.Requests
	w.TurnedAway += other.TurnedAway
	w.Reopened += other.Reopened
	w.Connections += other.Connections
	w.Samples = append(w.Samples, other.Samples...)
	merge(w.Failures, other.Failures)
	merge(w.Editions, other.Editions)
	merge(w.Workers, other.Workers)
}

func merge[K comparable](into, from map[K]int) {
	for key, n := range from {
		into[key] += n
	}
}

// Failed is how many requests failed.
func (w Window) Failed() int {
	sum := 0
	for _, n := range w.Failures {
		sum += n
	}
	return sum
}

// Latency is that of the slowest request but the slowest 1 − q: 0.99 for
// instance; 1 is the slowest. Only answers count; without any it is 0. For
// windows that Stop returned.
func (w Window) Latency(q float64) time.Duration {
	if len(w.latencies) == 0 {
		return 0
	}
	return w.latencies[max(0, int(math.Ceil(q*float64(len(w.latencies))))-1)]
}

// String is one line for a log, and a line for each sample.
func (w Window) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %d requests, %d failed", w.Name, w.Requests, w.Failed())
	for _, kind := range slices.Sorted(maps.Keys(w.Failures)) {
		fmt.Fprintf(&text, ", %d %s", w.Failures[kind], kind)
	}
	fmt.Fprintf(&text, ", %d turned away, %d reopened, %d connections, %d workers, p99 %v, longest %v",
		w.TurnedAway, w.Reopened, w.Connections, len(w.Workers),
		w.Latency(0.99).Round(time.Microsecond), w.Latency(1).Round(time.Microsecond))
	for _, f := range w.Samples[:min(len(w.Samples), 10)] {
		fmt.Fprintf(&text, "\n  %s, %v", f.Traffic, &f)
	}
	return text.String()
}
