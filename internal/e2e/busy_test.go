package e2e

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/e2e/load"
)

// traffic is what 50 clients do to a server whose requests must not get lost.
// Most send the next request as soon as they have an answer. Those that think
// do so for less time than a worker that is replaced keeps idle connections.
var traffic = []load.Traffic{
	{Name: "busy", Clients: 28},
	{Name: "thinking", Clients: 10, Think: 20 * time.Millisecond},
	{Name: "posting", Clients: 6, Body: 64 << 10},
	{Name: "streaming", Clients: 6, Blocks: 5, Pause: 5 * time.Millisecond},
}

// streams is the same to one that is spoken HTTP/2 with, over eight connections.
var streams = []load.Traffic{
	{Name: "busy", Clients: 28, Streams: 7},
	{Name: "thinking", Clients: 10, Think: 20 * time.Millisecond, Streams: 5},
	{Name: "posting", Clients: 6, Body: 64 << 10, Streams: 6},
	{Name: "streaming", Clients: 6, Blocks: 5, Pause: 5 * time.Millisecond, Streams: 6},
}

// enough requests in a window to say that none is lost.
const enough = 3000

// Busy is a project under load.
type Busy struct {
	*Project
	load  *load.Load
	ended bool
}

// keepBusy starts the load.
func keepBusy(t testing.TB, p *Project) *Busy {
	t.Helper()
	clients := traffic
	if p.http2 {
		clients = streams
	}
	b := &Busy{Project: p, load: load.StartTLS(p.network, p.Addr, "steady", p.secure, clients...)}
	t.Cleanup(func() {
		if b.ended {
			return
		}
		for _, w := range b.load.Stop() { // the test has failed on its way
			t.Log(w)
		}
	})
	b.Served(t, enough)
	return b
}

// Event makes something happen while the clients go on, and waits until it is
// through and, in the same window, enough requests were served.
func (b *Busy) Event(t testing.TB, name string, happens func(), through func() bool) {
	t.Helper()
	b.load.Window(name)
	happens()
	Eventually(t, name+" is through", through)
	b.Served(t, enough)
}

// Signal is the event of one.
func (b *Busy) Signal(t testing.TB, signal syscall.Signal, through func() bool) {
	t.Helper()
	b.Event(t, signalNames[signal], func() { b.Send(t, signal) }, through)
}

var signalNames = map[syscall.Signal]string{
	syscall.SIGHUP: "HUP", syscall.SIGUSR2: "USR2", syscall.SIGTTIN: "TTIN", syscall.SIGTTOU: "TTOU",
}

// Served waits until there were n requests in the present window.
func (b *Busy) Served(t testing.TB, n int) {
	t.Helper()
	Eventually(t, fmt.Sprintf("%d requests", n), func() bool { return b.load.Present().Requests >= n })
}

// OnlyEdition proves that from now on nothing but that edition answers.
func (b *Busy) OnlyEdition(t testing.TB, edition string) {
	t.Helper()
	workers := b.Workers(t)
	Eventually(t, "every client has had an answer of the workers that are left", func() bool {
		return !slices.ContainsFunc(b.load.Workers(), func(pid int) bool { return !slices.Contains(workers, pid) })
	})
	b.load.Window("edition " + edition)
	b.Served(t, enough)
	if w := b.load.Present(); len(w.Editions) != 1 || w.Editions[edition] == 0 {
		t.Errorf("edition %s should answer alone: %v", edition, w.Editions)
	}
}

// WorkersSeen is how many processes have answered in the present window.
func (b *Busy) WorkersSeen() int { return len(b.load.Present().Workers) }

// Finish stops the server under load, and returns what happened in each
// window. Nothing may be lost, in none of them but those that may lose.
func (b *Busy) Finish(t testing.TB, mayLose ...string) []load.Window {
	t.Helper()
	supervisor := b.Supervisor(t)
	workers := children(supervisor)
	b.load.Stopping()
	b.load.Window("TERM")
	b.Send(t, syscall.SIGTERM)
	b.Project.ended(t, supervisor, workers)
	b.ended = true
	clients := 0
	for _, kind := range traffic {
		clients += kind.Clients
	}
	// One that was thinking when the server ended has yet to find that out.
	turnedAway := func() bool { return b.load.Present().TurnedAway >= clients }
	for limit := time.Now().Add(deadline); !turnedAway() && time.Now().Before(limit); {
		time.Sleep(10 * time.Millisecond)
	}
	windows := b.load.Stop()
	sum := 0
	for _, w := range windows {
		sum += w.Requests
		t.Log(w)
		if slices.Contains(mayLose, w.Name) {
			continue
		}
		if w.Failed() > 0 {
			t.Errorf("requests were lost: %v", w)
		}
		if w.Reopened > 0 && w.Name != "TERM" {
			t.Errorf("idle connections were closed: %v", w)
		}
	}
	if last := windows[len(windows)-1]; last.TurnedAway != clients {
		t.Errorf("%d of %d clients went on until nobody listened: %v", last.TurnedAway, clients, last)
	}
	t.Logf("%d requests", sum)
	return windows
}
