package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

// No request is lost, whatever happens to workers and supervisor while 50
// clients keep them busy.
func TestNoRequestIsLost(t *testing.T) {
	for _, workers := range []int{1, 2} {
		for _, unix := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d workers, unix %v", workers, unix), func(t *testing.T) {
				losesNothing(t, ProjectOptions{Unix: unix, Settings: Settings{Workers: workers, Threads: 8}})
			})
		}
	}
}

// Nor is one over HTTP/2, without TLS and with it, where clients share connections, and are told of their end.
func TestNoRequestIsLostOverHTTP2(t *testing.T) {
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			mode := protocolModes[workers-1]
			losesNothing(t, ProjectOptions{Unix: workers == 1, Settings: Settings{Workers: workers, Threads: 8}, Args: mode.Args[2:]})
		})
	}
}

func losesNothing(t *testing.T, o ProjectOptions) {
	workers := o.Settings.Workers
	p := startProject(t, o)
	b := keepBusy(t, p)
	edition := 1
	renew := func(signal syscall.Signal, through func() bool) {
		t.Helper()
		edition++
		p.Edition(t, edition)
		b.Signal(t, signal, through)
		b.OnlyEdition(t, strconv.Itoa(edition))
	}
	for range 3 {
		renew(syscall.SIGHUP, p.Replaced(t, workers))
	}
	loaded := p.LoggedOnceMore("application.loaded")
	b.Signal(t, syscall.SIGTTIN, func() bool { return loaded() && len(p.Workers(t)) == workers+1 })
	b.Signal(t, syscall.SIGTTOU, func() bool { return len(p.Workers(t)) == workers })
	renew(syscall.SIGUSR2, p.Succeeded(t, workers))
	renew(syscall.SIGHUP, p.Replaced(t, workers)) // of the new gowsgi
	b.Finish(t)
}

// What fails is nothing that a client could notice.
func TestNoRequestIsLostByWhatFails(t *testing.T) {
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2, Threads: 8}})
	b := keepBusy(t, p)
	workers, supervisor := p.Workers(t), p.Supervisor(t)

	p.Write(t, "editions.py", "def application(environ, start_response):\n")
	b.Signal(t, syscall.SIGHUP, p.LoggedOnceMore("reload.failed"))
	b.Signal(t, syscall.SIGUSR2, p.LoggedOnceMore("upgrade.failed"))
	p.Edition(t, 2)
	p.Write(t, "gowsgi.toml", "workers = 'many'\n")
	b.Signal(t, syscall.SIGHUP, p.LoggedOnceMore("reload.failed"))
	b.Signal(t, syscall.SIGUSR2, p.LoggedOnceMore("upgrade.failed"))
	b.OnlyEdition(t, "1")
	if now := p.Workers(t); !slices.Equal(now, workers) || p.Supervisor(t) != supervisor {
		t.Errorf("workers %v of %d are now %v of %d", workers, supervisor, now, p.Supervisor(t))
	}

	p.Configure(t, Settings{Workers: 2, Threads: 8})
	b.Signal(t, syscall.SIGHUP, p.Replaced(t, 2))
	b.OnlyEdition(t, "2")
	b.Finish(t)
}

// A worker that is killed takes with it what is inside it and nothing else.
func TestAKilledWorkerCostsItsOwnRequestsOnly(t *testing.T) {
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			p := startProject(t, ProjectOptions{Unix: workers == 1, Settings: Settings{Workers: workers, Threads: 8}})
			b := keepBusy(t, p)
			victim, loaded := p.Workers(t)[0], p.LoggedOnceMore("application.loaded")
			b.Event(t, "KILL", func() {
				if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}, func() bool { return loaded() && len(p.Workers(t)) == workers })
			b.load.Window("afterwards")
			b.Served(t, enough)
			for _, w := range b.Finish(t, "KILL") {
				if w.Name != "KILL" {
					continue
				}
				// The samples are the first failure of each client.
				if w.Failed() != len(w.Samples) {
					t.Errorf("a client lost more than the request that was inside: %v", w)
				}
				for _, f := range w.Samples {
					if f.Worker != victim && f.Worker != 0 || f.Kind == "refused" || f.Kind == "timeout" || f.Kind == "status" {
						t.Errorf("this was not inside worker %d: %+v", victim, f)
					}
				}
			}
			if p.Logged("worker.died") != 1 {
				t.Error("the log has no worker.died, or several")
			}
		})
	}
}
