// Package tally counts what workers do, in memory that outlives them.
//
// The supervisor makes a page for each worker ([New]), which inherits and opens
// it ([Open]). The worker adds to the [Figures] in it, the supervisor reads them
// when somebody asks; when the worker is gone, they are folded into a sum. So a
// counter never falls because a worker was replaced, and a worker that is stuck,
// stopped or dead is read like any other: nobody has to ask it.
//
// Adding is an atomic addition to a place that is known beforehand: no lock, no
// memory, no system call. A few additions that belong together can be seen
// half-way; each by itself is whole.
//
// What the page holds is the worker's, and so the application's, to write. The
// supervisor takes nothing in it for a length or a place.
package tally
