package rates

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func newTable(t testing.TB) (table *Table, now *atomic.Int64) {
	t.Helper()
	table, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close() })
	now = &atomic.Int64{}
	now.Store(int64(time.Hour))
	table.now = now.Load
	return table, now
}

func TestAClientHasABurstAndThenOneInEachInterval(t *testing.T) {
	table, now := newTable(t)
	limit := Limit{100 * time.Millisecond, 5}
	took := func(client string) (n int) {
		for {
			wait, _ := table.Take(client, limit)
			if wait > 0 {
				if again, _ := table.Take(client, limit); again != wait || wait > limit.Interval {
					t.Errorf("it waits %v, then %v", wait, again)
				}
				return n
			}
			n++
		}
	}
	if n := took("a"); n != 5 {
		t.Errorf("%d at once", n)
	}
	now.Add(int64(99 * time.Millisecond))
	if wait, _ := table.Take("a", limit); wait != time.Millisecond {
		t.Errorf("just before the next one it waits %v", wait)
	}
	now.Add(int64(time.Millisecond))
	if n := took("a"); n != 1 {
		t.Errorf("%d after an interval", n)
	}
	if n := took("b"); n != 5 {
		t.Errorf("%d of another client", n)
	}
	now.Add(int64(time.Hour))
	if n := took("a"); n != 5 {
		t.Errorf("%d after an hour", n)
	}
	now.Add(-int64(time.Minute)) // no such clock goes back
	if wait, _ := table.Take("a", limit); wait > limit.Interval {
		t.Errorf("a clock that went back has it wait %v", wait)
	}
	if wait, _ := table.Take("a", Limit{time.Millisecond, 1}); wait > time.Millisecond {
		t.Errorf("of another limit it waits %v", wait)
	}
}

// Whoever has the memory can write there what he likes: the application has it.
func TestWhatIsScribbledCostsNoMoreThanABurst(t *testing.T) {
	table, _ := newTable(t)
	limit := Limit{time.Second, 10}
	for range 20 {
		for g := range table.places {
			for w := range table.places[g] {
				if rand.N(100) == 0 {
					table.places[g][w] = place{rand.Uint64(), []int64{rand.Int64() - math.MaxInt64/2, math.MaxInt64, math.MinInt64}[rand.N(3)]}
				}
			}
		}
		name := fmt.Sprint(rand.Int())
		for range 20 {
			if wait, _ := table.Take(name, limit); wait < 0 || wait > time.Second {
				t.Fatalf("it waits %v", wait)
			}
		}
	}
}

func TestManyClientsHaveRoomAndManyMoreDoNotStopAnybody(t *testing.T) {
	table, _ := newTable(t)
	limit := Limit{time.Minute, 3}
	forgotten := 0
	for range 3 {
		for client := range 10_000 {
			wait, crowded := table.Take(fmt.Sprint("10.", client), limit)
			if wait > 0 {
				t.Fatalf("client %d waits %v", client, wait)
			}
			if crowded {
				forgotten++
			}
		}
	}
	for client := range 10_000 {
		if wait, _ := table.Take(fmt.Sprint("10.", client), limit); wait == 0 {
			forgotten++
		}
	}
	if forgotten > 0 {
		t.Errorf("%d of 10,000 clients were forgotten", forgotten)
	}
	crowds := 0
	for client := range 200_000 {
		wait, crowded := table.Take(fmt.Sprint("11.", client), limit)
		if wait > 0 {
			t.Fatalf("client %d waits %v", client, wait)
		}
		if crowded {
			crowds++
		}
	}
	if crowds == 0 {
		t.Error("nobody says that the table is full")
	}
}

func TestAllWorkersTogetherKeepTheLimit(t *testing.T) {
	table, _ := newTable(t)
	var all sync.WaitGroup
	var taken atomic.Int64
	for range 8 {
		all.Go(func() {
			for range 5000 {
				if wait, _ := table.Take("a", Limit{time.Second, 1000}); wait == 0 {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := taken.Load(); n < 1000 || n > 1007 { // one more for each who came while the place was taken
		t.Errorf("%d requests of 1000", n)
	}
}

// TestMain is also the worker of the test below.
func TestMain(m *testing.M) {
	if os.Getenv("RATES_WORKER") == "" {
		os.Exit(m.Run())
	}
	table, err := Open(3)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("x")
	for i := 0; ; i++ {
		table.Take(fmt.Sprint(i%1000), Limit{time.Nanosecond, 1 << 20})
	}
}

func TestAWorkerThatIsKilledInTheMiddleLeavesNothingBehind(t *testing.T) {
	k := &Keeper{}
	file, err := k.File()
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for range 20 {
		worker := exec.Command(os.Args[0])
		worker.Env = append(os.Environ(), "RATES_WORKER=1")
		worker.ExtraFiles = []*os.File{file}
		out, err := worker.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := worker.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 1))
		for i := range 2000 {
			if wait, _ := k.table.Take(fmt.Sprint(i%1000), Limit{time.Nanosecond, 1 << 20}); wait > time.Second {
				t.Fatalf("waits %v", wait)
			}
		}
		_ = unix.Kill(worker.Process.Pid, unix.SIGKILL)
		_ = worker.Wait()
		for i := range 1000 {
			if wait, _ := k.table.Take(fmt.Sprint(i), Limit{time.Nanosecond, 1 << 20}); wait > 10*time.Millisecond {
				t.Fatalf("after a kill client %d waits %v", i, wait)
			}
		}
	}
}

func TestTimesAreTheSameInAllProcesses(t *testing.T) {
	one := clock()
	other := clock()
	a, b, c := one(), other(), one()
	if a > b+int64(100*time.Microsecond) || b > c+int64(100*time.Microsecond) {
		t.Errorf("%d %d %d", a, b, c)
	}
}

func TestNobodysKeeperHasNothing(t *testing.T) {
	var k *Keeper
	if file, err := k.File(); file != nil || err != nil || k.Close() != nil || (&Keeper{}).Close() != nil {
		t.Error("it has something")
	}
}

func BenchmarkTake(b *testing.B) {
	table, _ := newTable(b)
	b.ReportAllocs()
	for b.Loop() {
		table.Take("192.0.2.1", Limit{time.Nanosecond, 1 << 30})
	}
}
