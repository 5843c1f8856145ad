package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// here is what testapps/pool_threads.py says of the thread that it ran on.
type here struct {
	Process, Thread int
	Local, Context  int
	Name            string
	Main            bool
}

func (h here) thread() [2]int { return [2]int{h.Process, h.Thread} }

func parseHere(t testing.TB, response RawResponse) (h here) {
	t.Helper()
	if err := json.Unmarshal([]byte(response.Body), &h); response.Status != 200 || err != nil {
		t.Fatalf("%v: %+v", err, response)
	}
	return h
}

func TestRequestsRunOnTheThreadsOfThePool(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "pool_threads", mode)
		var mu sync.Mutex
		counts := map[[2]int][]int{} // per thread: what its threading.local has counted
		record := func(t testing.TB, h here) {
			mu.Lock()
			defer mu.Unlock()
			counts[h.thread()] = append(counts[h.thread()], h.Local)
			if h.Local != h.Context {
				t.Errorf("threading.local has counted %d, the contextvar %d", h.Local, h.Context)
			}
			if h.Main {
				t.Error("a request ran on the main thread")
			}
		}
		Parallel(t, 50, func(t testing.TB, _ int) {
			c := Dial(t, s.Server)
			for range 20 {
				record(t, parseHere(t, c.Get("/")))
			}
		})
		t.Run("as many as there are, and no more", func(t *testing.T) {
			gate := s.Gate(t)
			if mode.Workers > 1 { // who gets which connection is the kernel's choice
				gate.Open(1000)
			}
			var waiting sync.WaitGroup
			for range mode.Threads {
				c, key := Dial(t, s.Server), s.Key()
				c.Send("GET /wait?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
				waiting.Go(func() { record(clientTB{t, 0}, parseHere(clientTB{t, 0}, c.Response("GET"))) })
				s.WaitNotes(t, key, "called")
			}
			gate.Open(mode.Threads)
			waiting.Wait()
			if len(counts) > mode.Threads*mode.Workers || mode.Workers == 1 && len(counts) != mode.Threads {
				t.Errorf("%d threads have run requests", len(counts))
			}
		})
		for thread, seen := range counts {
			slices.Sort(seen)
			for i, n := range seen {
				if n != i+1 {
					t.Errorf("thread %v has counted %v: its threading.local was lost", thread, seen)
					break
				}
			}
		}
	})
}

// docs/wsgi.md, "Departures": also where there is but one thread for requests, it
// is not the one that imported the application.
func TestRequestsDoNotRunOnTheThreadThatImported(t *testing.T) {
	for _, mode := range modes[:2] {
		t.Run(mode.Name, func(t *testing.T) {
			Dial(t, startContract(t, "pool_threads", mode).Server).Get("/import").Want(t, 200, "['ProgrammingError', 'RuntimeError']")
		})
	}
}

func TestTheThreadUsedLastIsUsedNext(t *testing.T) {
	s := startContract(t, "pool_threads", modes[0])
	c := Dial(t, s.Server)
	uses := map[[2]int]int{}
	for range 200 {
		uses[parseHere(t, c.Get("/")).thread()]++
	}
	if len(uses) > 1 {
		t.Errorf("200 requests, one after the other, were spread over %d threads: %v", len(uses), uses)
	}
}

func TestAllThreadsCanBeInsideAtOnce(t *testing.T) {
	for _, mode := range []Mode{modes[0], {Name: "32 threads", Args: []string{"--threads", "32"}, Threads: 32, Workers: 1}} {
		t.Run(mode.Name, func(t *testing.T) {
			s := startContract(t, "pool_threads", mode)
			for range 3 {
				key := s.Key()
				Parallel(t, mode.Threads, func(t testing.TB, _ int) {
					Dial(t, s.Server).Get(fmt.Sprintf("/meet?id=%s&n=%d", key, mode.Threads)).Want(t, 200, "met")
				})
			}
		})
	}
}

func TestAnApplicationCanCallItsOwnServer(t *testing.T) {
	s := startContract(t, "pool_threads", modes[0])
	Parallel(t, 4, func(t testing.TB, _ int) {
		c := Dial(t, s.Server)
		for range 5 {
			c.Get("/call?url="+s.URL+"/hello").Want(t, 200, "called: hello")
		}
	})
}

func TestALongComputationStarvesNobody(t *testing.T) {
	for _, mode := range []Mode{modes[0], modes[2]} {
		t.Run(mode.Name, func(t *testing.T) {
			s := startContract(t, "pool_threads", mode)
			until, key := filepath.Join(s.folder, "until"), s.Key()
			long := Dial(t, s.Server)
			long.Send("GET /compute?id=" + key + "&until=" + until + " HTTP/1.1\r\nHost: x\r\n\r\n")
			s.WaitNotes(t, key, "called")
			Parallel(t, 8, func(t testing.TB, _ int) {
				c := Dial(t, s.Server)
				for range 5 {
					c.Get("/hello").Want(t, 200, "hello")
				}
			})
			write(t, until, "")
			if response := long.Response("GET"); response.Status != 200 {
				t.Errorf("%+v", response)
			}
		})
	}
}

// 64 busy connections: the slowest gets at least half of what all get on
// average.
func TestConnectionsGetTheirShare(t *testing.T) {
	for _, mode := range modes[:2] {
		t.Run(mode.Name, func(t *testing.T) {
			s := startContract(t, "pool_threads", mode)
			const connections = 64
			counts := make([]int, connections)
			var over atomic.Bool
			time.AfterFunc(2*time.Second, func() { over.Store(true) })
			Parallel(t, connections, func(t testing.TB, i int) {
				c := Dial(t, s.Server)
				for !over.Load() {
					c.StaysOpen("/hello")
					counts[i]++
				}
			})
			sum := 0
			for _, n := range counts {
				sum += n
			}
			if least := slices.Min(counts); least*2*connections < sum {
				t.Errorf("the slowest connection got %d requests, the mean is %d", least, sum/connections)
			}
		})
	}
}

func TestQueueIsBounded(t *testing.T) {
	s := startContract(t, "pool_threads", modes[1], "--backlog-requests", "2")
	gate, key := s.Gate(t), s.Key()
	path := "/wait?id=" + key + "&gate=" + gate.Path
	first := Dial(t, s.Server)
	first.Send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	s.WaitNotes(t, key, "called")
	waiting, refused := []*Conn{first}, 0
	for i := range 40 { // long enough for the first to be a long one
		c := Dial(t, s.Server)
		c.Send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := c.r.Peek(1); err != nil {
			var impatient net.Error
			if !errors.As(err, &impatient) || !impatient.Timeout() {
				t.Fatal(err)
			}
			waiting = append(waiting, c)
			if len(waiting) > 3 {
				t.Errorf("request %d is the %d. in the queue", i, len(waiting)-1)
			}
			continue
		}
		refused++
		if response := c.Response("GET"); response.Status != 503 || response.Value("Retry-After") == "" {
			t.Errorf("%+v", response)
		}
	}
	if refused < 30 {
		t.Errorf("%d requests were refused", refused)
	}
	s.WaitLog(t, "too many requests wait")
	gate.Open(len(waiting))
	for _, c := range waiting {
		if response := c.Response("GET"); response.Status != 200 {
			t.Errorf("%+v", response)
		}
	}
	Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
}

// A request whose client has left the queue never reaches the application.
func TestQueuedRequestsAreCancelled(t *testing.T) {
	s := startContract(t, "pool_threads", modes[1], "--backlog-requests", "1")
	gate, first := s.Gate(t), s.Key()
	running := Dial(t, s.Server)
	running.Send("GET /wait?id=" + first + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	s.WaitNotes(t, first, "called")
	var keys []string
	for i := range 5 {
		// The queue has room for one: it is there once nobody else gets in.
		key := s.Key()
		keys = append(keys, key)
		queued := Dial(t, s.Server)
		queued.Send("GET /wait?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		Eventually(t, "the queue is full", func() bool { return refuses(t, s) })
		if i%2 == 0 {
			queued.Reset()
		} else {
			queued.Close()
		}
		Eventually(t, "the queue has room again", func() bool { return !refuses(t, s) })
	}
	gate.Open(10)
	if response := running.Response("GET"); response.Status != 200 {
		t.Errorf("%+v", response)
	}
	Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
	for _, key := range keys {
		if notes := s.Notes(t, key); len(notes) > 0 {
			t.Errorf("a request was carried out whose client had left: %q", notes)
		}
	}
}

// refuses tells whether one more request gets a 503 at once. One that does not
// is taken back.
func refuses(t testing.TB, s Contract) bool {
	t.Helper()
	c := Dial(t, s.Server)
	defer c.Close()
	c.Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	line, err := c.r.ReadString('\n')
	return err == nil && line == "HTTP/1.1 503 Service Unavailable\r\n"
}
