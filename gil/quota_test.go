package gil_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/gil/giltest"
)

// Of 64 goroutines with tasks of two quotas and of none, cancelled now and then, none
// gets more than its quota, and none is forgotten.
func TestAQuotaIsKept(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 8, Queue: 1000, Unlimited: true})
	two, one := giltest.NewQuota(pool.Pointer(), 2), giltest.NewQuota(pool.Pointer(), 1)
	hammer(64, func(i int) {
		work := giltest.Sleep(100 * time.Microsecond)
		switch i % 4 {
		case 1:
			work = one.Sleep(100 * time.Microsecond)
		case 2, 3:
			work = two.Sleep(100 * time.Microsecond)
		}
		k := register(pool, work)
		for generation := range uint64(50) {
			if err := k.Submit(generation); err != nil {
				t.Error(err)
				return
			}
			if rand.IntN(4) == 0 {
				go k.Cancel(generation)
			}
			k.wait(t)
		}
	})
	if one.Most() != 1 || two.Most() != 2 {
		t.Errorf("%d of a quota of 1 and %d of one of 2 were inside at once", one.Most(), two.Most())
	}
	if s := pool.Stats(); s.Inside != 0 || s.Queued != 0 || s.Held != 0 {
		t.Errorf("stats after all is done: %+v", s)
	}
}

// Tasks of a quota that is used up hold up nobody, whatever stands before: with 30 of
// them ahead, others run while the first two sleep.
func TestAFullQuotaHoldsUpNobody(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 4, Queue: 1000})
	quota := giltest.NewQuota(pool.Pointer(), 2)
	const long = 2 * time.Second
	var slow []task
	for range 4 {
		k := register(pool, quota.Sleep(long))
		k.submit(t)
		slow = append(slow, k)
	}
	for range 30 {
		k := register(pool, quota.Sleep(0))
		k.submit(t)
		slow = append(slow, k)
	}
	quick := register(pool, giltest.Sleep(0))
	for range 10 {
		quick.submit(t)
		quick.wait(t)
	}
	if slow[0].State() == gil.Done || slow[1].State() == gil.Done {
		t.Error("ten tasks that do nothing took longer than the slow ones they should not wait for")
	}
	if s := pool.Stats(); s.Held != 32 || s.Queued != 32 {
		t.Errorf("%d of %d tasks that wait are held, not all 32", s.Held, s.Queued)
	}
	for _, k := range slow {
		k.wait(t)
	}
}

// What a quota holds takes no room in the queue, but is not without bounds either.
func TestWhatAQuotaHoldsHasRoomOfItsOwn(t *testing.T) {
	pool := newPool(t, gil.Config{Threads: 1, Queue: 2})
	quota := giltest.NewQuota(pool.Pointer(), 1)
	blocker := register(pool, quota.Sleep(500*time.Millisecond))
	blocker.submit(t)
	for pool.Stats().Inside == 0 {
	}
	waiting := []task{blocker}
	try := func(work *giltest.Work, room bool) {
		t.Helper()
		k := register(pool, work)
		err := k.TrySubmit(1)
		if room != (err == nil) || err != nil && !errors.Is(err, gil.ErrBusy) {
			t.Errorf("room %v: %v", room, err)
		}
		if err == nil {
			waiting = append(waiting, k)
		}
	}
	for _, room := range []bool{true, true, false, false} {
		try(quota.Sleep(0), room)
	}
	for _, room := range []bool{true, true, false, false} {
		try(giltest.Sleep(0), room)
	}
	for _, k := range waiting {
		if k.wait(t) != gil.Done {
			t.Error("a task that was taken did not run")
		}
	}
}

// Who waits for its quota waits its turn: the one that came first goes first.
func TestTasksOfAQuotaGoInTheirOrder(t *testing.T) {
	pool, err := gil.New(gil.Config{Threads: 1, Queue: 100})
	if err != nil {
		t.Fatal(err)
	}
	quota := giltest.NewQuota(pool.Pointer(), 1)
	var tasks []task
	for i := range 20 {
		work := giltest.Sleep(0)
		if i%2 == 0 {
			work = quota.Sleep(0)
		}
		tasks = append(tasks, register(pool, work))
		tasks[i].submit(t)
	}
	pool.Open(1)
	for i, k := range tasks {
		k.wait(t)
		if i > 0 && k.Seen() != tasks[i-1].Seen()+1 {
			t.Errorf("task %d was number %d", i, k.Seen())
		}
	}
	if err := pool.Close(deadline); err != nil {
		t.Error(err)
	}
}

// A pool that closes runs what a quota holds, too.
func TestCloseFinishesWhatAQuotaHolds(t *testing.T) {
	pool, err := gil.New(gil.Config{Threads: 4, Queue: 100})
	if err != nil {
		t.Fatal(err)
	}
	pool.Open(4)
	quota := giltest.NewQuota(pool.Pointer(), 1)
	var tasks []task
	for range 50 {
		k := register(pool, quota.Sleep(100*time.Microsecond))
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
}
