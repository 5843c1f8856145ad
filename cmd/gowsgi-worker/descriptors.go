package main

import (
	"os"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/nursery"
)

// descriptors are those that gowsgi has handed over: at the numbers that it calls
// them by, or, in a worker that was forked, wherever they came.
type descriptors struct {
	forked         bool
	came           []int // from control.FD on, and then the last two
	stdout, stderr *os.File
}

// inherit finds them. The application of a forked worker has been running, and
// may have closed the standard streams, so it is sent them.
func inherit() descriptors {
	came, forked := embed.Inherited()
	if !forked || len(came) < nursery.Streams {
		return descriptors{stdout: logging.Apart(os.Stdout), stderr: logging.Apart(os.Stderr)}
	}
	streams := came[len(came)-nursery.Streams:]
	return descriptors{
		forked: true, came: came[:len(came)-nursery.Streams],
		stdout: os.NewFile(uintptr(streams[0]), os.Stdout.Name()), stderr: os.NewFile(uintptr(streams[1]), os.Stderr.Name()),
	}
}

// at is where the descriptor is that gowsgi calls by that number.
func (d descriptors) at(number int) int {
	if n := number - control.FD; d.forked && n < len(d.came) {
		return d.came[n]
	}
	return number
}
