package load

import (
	"crypto/tls"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Traffic is what some of the clients do.
type Traffic struct {
	Name    string        `json:"name"`
	Clients int           `json:"clients"`
	Think   time.Duration `json:"think"`  // pause between answer and request, on the average; 0: none
	Body    int           `json:"body"`   // bytes to POST; 0: GET
	Blocks  int           `json:"blocks"` // the answer is a stream of so many blocks; 0: one piece
	Pause   time.Duration `json:"pause"`  // of the application, before each block
	// Streams is how many of the clients share an HTTP/2 connection; 0: each has one of
	// HTTP/1.1.
	Streams int `json:"streams"`
	// Patience is when a request that has not been answered has failed; 0: after 30 s.
	Patience time.Duration `json:"patience"`
}

// Load is clients at work. Its methods are for one goroutine.
type Load struct {
	network, address string
	secure           *tls.Config // nil: in plain text
	clients          []*client
	sessions         []*session
	names            []string     // of windows; clients only see how many there are
	present          atomic.Int32 // index of the present window
	stopping, ending atomic.Bool
	end              chan struct{} // closed with ending
	running          sync.WaitGroup
}

// Start lets clients loose on a server that is ready. Network is tcp or unix.
// The first window is the one that is called like this.
func Start(network, address, window string, traffic ...Traffic) *Load {
	return StartTLS(network, address, window, nil, traffic...)
}

// StartTLS is Start for clients that speak TLS.
func StartTLS(network, address, window string, secure *tls.Config, traffic ...Traffic) *Load {
	l := &Load{network: network, address: address, secure: secure, names: []string{window}, end: make(chan struct{})}
	for _, t := range traffic {
		var shared *session
		for i := range t.Clients {
			c := newClient(l, len(l.clients), t)
			if t.Streams > 0 {
				if i%t.Streams == 0 {
					shared = newSession(l)
					l.sessions = append(l.sessions, shared)
				}
				c.session = shared
			}
			l.clients = append(l.clients, c)
		}
	}
	for _, c := range l.clients {
		l.running.Go(c.run)
	}
	return l
}

// Window starts another window: what ends from now on belongs to it.
func (l *Load) Window(name string) {
	l.names = append(l.names, name)
	l.present.Add(1)
}

// Stopping must be called before the server is told to stop: from now on it
// may turn clients away (see the package).
func (l *Load) Stopping() { l.stopping.Store(true) }

// Stop lets every client end what it is doing, and returns all windows.
func (l *Load) Stop() []Window {
	l.ending.Store(true)
	close(l.end)
	l.running.Wait()
	for _, s := range l.sessions {
		s.hangUp()
	}
	windows := make([]Window, 0, len(l.names))
	for i := range l.names {
		w := l.window(i, true)
		slices.Sort(w.latencies)
		windows = append(windows, w)
	}
	return windows
}

// Present is the present window so far, without latencies.
func (l *Load) Present() Window { return l.window(int(l.present.Load()), false) }

// Workers are the processes that the clients were last answered by.
func (l *Load) Workers() []int {
	var workers []int
	for _, c := range l.clients {
		c.mu.Lock()
		if c.last != 0 && !slices.Contains(workers, c.last) {
			workers = append(workers, c.last)
		}
		c.mu.Unlock()
	}
	slices.Sort(workers)
	return workers
}

// Waiting is how many clients have been waiting for an answer since then or
// longer.
func (l *Load) Waiting(since time.Time) int {
	n := 0
	for _, c := range l.clients {
		c.mu.Lock()
		if !c.began.IsZero() && !c.began.After(since) {
			n++
		}
		c.mu.Unlock()
	}
	return n
}

// window is the sum over all clients.
func (l *Load) window(index int, latencies bool) Window {
	sum := newWindow(l.names[index])
	for _, c := range l.clients {
		c.mu.Lock()
		if index < len(c.tallies) {
			sum.add(c.tallies[index])
			if latencies {
				sum.latencies = append(sum.latencies, c.tallies[index].latencies...)
			}
		}
		c.mu.Unlock()
	}
	return sum
}

// pause waits, and returns whether to go on afterwards.
func (l *Load) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return !l.ending.Load()
	case <-l.end:
		return false
	}
}
