package tally

import (
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func newPage(t testing.TB) *Page {
	t.Helper()
	p, err := New(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestMain is also the worker of TestFiguresOutliveTheWorker.
func TestMain(m *testing.M) {
	if os.Getenv("TALLY_WORKER") == "" {
		os.Exit(m.Run())
	}
	p, err := Open(3, 1)
	if err != nil {
		panic(err)
	}
	p.Request("GET", 200, 0, 5)
	p.Request("BREW", 418, 3, 0)
	p.Total.Observe(3 * time.Millisecond)
	p.Event("request.slow")
	p.Write(Now{Threads: 8})
	_ = unix.Kill(os.Getpid(), unix.SIGKILL) // does not return
}

func TestFiguresOutliveTheWorker(t *testing.T) {
	p := newPage(t)
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), "TALLY_WORKER=1")
	worker.ExtraFiles = []*os.File{p.File()}
	if err := worker.Run(); worker.ProcessState.Exited() {
		t.Fatalf("the worker was to be killed: %v", err)
	}
	var sum Sum
	sum.Fold([]string{"/"}, p)
	sum.Fold([]string{"/"}, p)
	f := sum.Mounts["/"]
	if f.Requests[0][2] != 2 || f.Requests[len(Methods)-1][4] != 2 || f.ResponseBytes != 10 || f.RequestBytes != 6 {
		t.Errorf("two workers that answered two requests each are %+v", f)
	}
	if f.Total.Buckets[5] != 2 || f.Total.Sum != uint64(6*time.Millisecond) {
		t.Errorf("two requests of 3 ms are %v", f.Total)
	}
	if sum.Events["request.slow"] != 2 || len(sum.Events) != 1 {
		t.Errorf("events %v", sum.Events)
	}
	if now := p.Now(); now.Threads != 8 || now.Written == 0 {
		t.Errorf("now %+v", now)
	}
}

func TestNothingIsLostBetweenThreads(t *testing.T) {
	p := newPage(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				p.Request("GET", 204, 1, 1)
				p.Queue.Observe(time.Hour)
				p.Event("a.b")
				p.Now()
			}
		})
	}
	all.Wait()
	counts := map[string]uint64{}
	p.Events(counts)
	if p.Requests[0][2] != 8000 || p.Queue.Buckets[len(Bounds)] != 8000 || counts["a.b"] != 8000 {
		t.Errorf("%d requests, %d waits, %v events", p.Requests[0][2], p.Queue.Buckets[len(Bounds)], counts)
	}
}

func TestWhatAnApplicationScribblesIsNoEvent(t *testing.T) {
	p := newPage(t)
	for i := range p.memory.Bytes {
		p.memory.Bytes[i] = byte(i * 13)
	}
	p.layout.events[0].length = 3
	copy(p.layout.events[0].name[:], "a\"\n")
	p.layout.events[1].length = 1 << 60
	counts := map[string]uint64{}
	p.Events(counts)
	if len(counts) != 0 {
		t.Errorf("events %v", counts)
	}
}

func TestTooManyEventsAreNotCounted(t *testing.T) {
	p := newPage(t)
	for i := range 2 * mostEvents {
		p.Event("a." + string([]byte{'a' + byte(i%26), 'a' + byte(i/26)}))
	}
	counts := map[string]uint64{}
	p.Events(counts)
	if len(counts) != mostEvents {
		t.Errorf("%d events, want %d", len(counts), mostEvents)
	}
}

func TestAnEndedPageIsAnEmptyOne(t *testing.T) {
	var p *Page
	p.Event("a")
	p.Write(Now{})
	if p.Now() != (Now{}) || p.Close() != nil {
		t.Error("no page does something")
	}
	if _, err := Open(-1, 1); err == nil {
		t.Error("a descriptor that is none was opened")
	}
}

func BenchmarkRequest(b *testing.B) {
	p := newPage(b)
	b.ReportAllocs()
	for b.Loop() {
		p.Request("GET", 200, 0, 5)
		p.Total.Observe(30 * time.Microsecond)
		p.Queue.Observe(5 * time.Microsecond)
		p.Python.Observe(10 * time.Microsecond)
		p.GIL.Observe(0)
	}
}
