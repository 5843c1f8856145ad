package gil_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/gil/giltest"
)

func TestMain(m *testing.M) {
	giltest.Start()
	goleak.VerifyTestMain(m)
}

// deadline bounds what a test waits for; nothing takes that long.
const deadline = 30 * time.Second

type task struct {
	*giltest.Work
	*gil.Task
}

func newPool(t *testing.T, cfg gil.Config) *gil.Pool {
	t.Helper()
	pool, err := gil.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool.Open(cfg.Threads)
	t.Cleanup(func() {
		if err := pool.Close(deadline); err != nil {
			t.Error(err)
		}
	})
	return pool
}

func register(pool *gil.Pool, t *giltest.Work) task { return task{t, pool.Register(t.Pointer())} }

// wait waits for a submitted task and returns its state.
func (k task) wait(t *testing.T) gil.State {
	t.Helper()
	timeout := time.After(deadline)
	for {
		select {
		case <-k.Output():
			if s := k.State(); s == gil.Done || s == gil.Idle {
				return s
			}
		case <-timeout:
			t.Fatal("the task is not done in time")
		}
	}
}

func (k task) submit(t *testing.T) {
	t.Helper()
	if err := k.Submit(1); err != nil {
		t.Fatal(err)
	}
}

func TestAPoolThatNeverOpensCloses(t *testing.T) {
	for range 20 {
		pool, err := gil.New(gil.Config{Threads: 8, Queue: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := pool.Close(deadline); err != nil {
			t.Error(err)
		}
	}
}

// hammer runs body in n goroutines, all released at once.
func hammer(n int, body func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			body(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

func TestEveryTaskRunsOncePerSubmit(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 4, Queue: 1000})
	threads := sync.Map{}
	hammer(32, func(i int) {
		kinds := []*giltest.Work{giltest.Sleep(50 * time.Microsecond), giltest.Compute(50 * time.Microsecond), giltest.Ring(3)}
		k := register(pool, kinds[i%len(kinds)])
		for range 100 {
			k.submit(t)
			k.wait(t)
			threads.Store(k.OSThread(), true)
		}
		if k.Runs() != 100 {
			t.Errorf("ran %d times, submitted 100 times", k.Runs())
		}
	})
	n := 0
	threads.Range(func(any, any) bool { n++; return true })
	if n > 4 {
		t.Errorf("%d threads have seen Python, not 4", n)
	}
	if s := pool.Stats(); s.Done != 3200 || s.Inside != 0 || s.Queued != 0 || s.Threads != 4 {
		t.Errorf("stats after all is done: %+v", s)
	}
}

func TestCancelledTasksDoNotRun(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 2, Queue: 1000})
	var ran, cancelled atomic.Int64
	hammer(16, func(i int) {
		k := register(pool, giltest.Compute(100*time.Microsecond))
		mine := 0
		for generation := range uint64(100) {
			if err := k.Submit(generation); err != nil {
				t.Error(err)
				return
			}
			if rand.IntN(2) == 0 {
				go k.Cancel(generation)
				go k.Cancel(generation + 1) // a later use of the task: not this one
			}
			if k.wait(t) == gil.Done {
				ran.Add(1)
				mine++
			} else {
				cancelled.Add(1)
			}
		}
		if k.Runs() != mine {
			t.Errorf("ran %d times, %d of them known", k.Runs(), mine)
		}
	})
	if ran.Load()+cancelled.Load() != 1600 || cancelled.Load() == 0 {
		t.Errorf("%d ran, %d were cancelled", ran.Load(), cancelled.Load())
	}
}

func TestThreadsThatBlockElsewhereMakeRoomForOthers(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 8, Queue: 1000})
	var most atomic.Int64
	hammer(16, func(int) {
		k := register(pool, giltest.Sleep(5*time.Millisecond))
		for range 20 {
			k.submit(t)
			k.wait(t)
			most.Store(max(most.Load(), int64(pool.Stats().Limit)))
		}
	})
	if most.Load() != 8 {
		t.Errorf("the limit rose to %d only, for tasks that sleep on 8 threads", most.Load())
	}
}

func TestComputingTasksLowerTheLimit(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 8, Queue: 1000})
	hammer(16, func(int) { // up
		k := register(pool, giltest.Sleep(5*time.Millisecond))
		for range 10 {
			k.submit(t)
			k.wait(t)
		}
	})
	up := pool.Stats().Limit
	hammer(16, func(int) {
		k := register(pool, giltest.Compute(3*time.Millisecond))
		for range 40 {
			k.submit(t)
			k.wait(t)
		}
	})
	if down := pool.Stats().Limit; down >= up {
		t.Errorf("the limit went from %d to %d", up, down)
	}
}

func TestLongTaskDoesNotKeepShortOnesWaiting(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 4, Queue: 1000})
	long := register(pool, giltest.Compute(2*time.Second))
	long.submit(t)
	short := register(pool, giltest.Compute(time.Millisecond))
	for range 5 {
		short.submit(t)
		short.wait(t)
	}
	if long.State() == gil.Done {
		t.Error("five short tasks took longer than the long one they shared the pool with")
	}
	long.wait(t)
}

func TestFullQueueTurnsTasksAway(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 1, Queue: 2})
	blocker := register(pool, giltest.Sleep(200*time.Millisecond))
	blocker.submit(t)
	for pool.Stats().Inside == 0 {
	}
	var waiting []task
	for i := range 4 {
		k := register(pool, giltest.Sleep(0))
		err := k.TrySubmit(1)
		switch {
		case i < 2 && err == nil:
			waiting = append(waiting, k)
		case i < 2 || !errors.Is(err, gil.ErrBusy):
			t.Errorf("task %d of a queue for two: %v", i+1, err)
		}
	}
	for _, k := range waiting {
		k.wait(t)
	}
	blocker.wait(t)
}

func TestThreadThatRanLastRunsNext(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 8, Queue: 10})
	k := register(pool, giltest.Sleep(0))
	waitUntilIdle(t, pool) // a thread that has just started has run last, too
	k.submit(t)
	k.wait(t)
	first, seen := k.OSThread(), k.Seen()
	for i := range 50 {
		waitUntilIdle(t, pool)
		k.submit(t)
		k.wait(t)
		if k.OSThread() != first {
			t.Fatal("another thread took a task while the last one was idle")
		}
		if k.Seen() != seen+i+1 {
			t.Fatalf("the thread's state remembers %d tasks, not %d", k.Seen(), seen+i+1)
		}
	}
}

// waitUntilIdle waits until the threads had time to line up again: a task that
// is done says so before its thread does.
func waitUntilIdle(t *testing.T, pool *gil.Pool) {
	t.Helper()
	for start := time.Now(); pool.Stats().Idle != pool.Stats().Threads; {
		if time.Since(start) > deadline {
			t.Fatal("threads do not come to rest")
		}
	}
}

func TestInputBellIsHeard(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 2, Queue: 10})
	k := register(pool, giltest.Ring(1))
	k.submit(t)
	select {
	case <-k.Input():
	case <-time.After(deadline):
		t.Fatal("no bell")
	}
	k.wait(t)
}

func TestCloseFinishesWhatIsQueued(t *testing.T) {
	pool, err := gil.New(gil.Config{Threads: 2, Queue: 100})
	if err != nil {
		t.Fatal(err)
	}
	pool.Open(2)
	var tasks []task
	for range 50 {
		k := register(pool, giltest.Compute(time.Millisecond))
		k.submit(t)
		tasks = append(tasks, k)
	}
	if err := pool.Close(deadline); err != nil {
		t.Fatal(err)
	}
	for _, k := range tasks {
		if k.Runs() != 1 {
			t.Errorf("ran %d times", k.Runs())
		}
	}
	if err := tasks[0].Submit(2); !errors.Is(err, gil.ErrClosed) {
		t.Errorf("submit after close: %v", err)
	}
}

func TestCloseTellsWhoIsStuck(t *testing.T) {
	pool, err := gil.New(gil.Config{Threads: 2, Queue: 100})
	if err != nil {
		t.Fatal(err)
	}
	pool.Open(2)
	k := register(pool, giltest.Sleep(500*time.Millisecond))
	k.submit(t)
	if err := pool.Close(10 * time.Millisecond); !errors.Is(err, gil.ErrStuck) {
		t.Errorf("close while a task sleeps: %v", err)
	}
	if err := pool.Close(deadline); err != nil {
		t.Errorf("close again: %v", err)
	}
}

func TestUnlimitedPoolLetsEverybodyIn(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 4, Queue: 100, Unlimited: true})
	hammer(8, func(int) {
		k := register(pool, giltest.Compute(time.Millisecond))
		for range 20 {
			k.submit(t)
			k.wait(t)
		}
	})
	if s := pool.Stats(); s.Limit != 4 || s.Probes != 0 {
		t.Errorf("%+v", s)
	}
}

// A thread of the application that rings when the pool is closed does not write
// into a file that was opened since.
func TestBellAfterTheEndIsNobodys(t *testing.T) {
	pool, err := gil.New(gil.Config{Threads: 1, Queue: 10})
	if err != nil {
		t.Fatal(err)
	}
	pool.Open(1)
	k := register(pool, giltest.Ring(1))
	k.submit(t)
	k.wait(t)
	if err := pool.Close(deadline); err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for range 20 { // the numbers that have become free, among others
		file, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		files = append(files, file)
	}
	k.RingNow()
	for _, file := range files {
		if info, err := file.Stat(); err != nil || info.Size() > 0 {
			t.Errorf("descriptor %d: %d bytes were written to a file, %v", file.Fd(), info.Size(), err)
		}
	}
}
