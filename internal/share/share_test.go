package share

import (
	"testing"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, s *Shares, worker int) *Share {
	t.Helper()
	fd, err := unix.Dup(int(s.File().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	share, err := Open(fd, worker)
	if err != nil {
		t.Fatal(err)
	}
	return share
}

func TestWhoHasMoreLetsOthersGoFirst(t *testing.T) {
	all, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	a, b := open(t, all, 1), open(t, all, 2)
	a.Set(90)
	a.Add(10)
	if a.Exceeds() {
		t.Error("a worker alone has more than its share")
	}
	b.Set(0)
	if !a.Exceeds() || b.Exceeds() {
		t.Error("100 of 100 are no more than half, or 0 are")
	}
	b.Set(99)
	if a.Exceeds() || b.Exceeds() {
		t.Error("one more than the other is too many")
	}
	b.Leave()
	if a.Exceeds() {
		t.Error("who accepts no more counts")
	}
	b.Set(1)
	all.Clear(2)
	if a.Exceeds() {
		t.Error("who is gone counts")
	}
}

// A worker that is stopped, say, is not waited for at each connection.
func TestWhoDoesNotTakeAnyIsNotWaitedFor(t *testing.T) {
	all, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	a, b := open(t, all, 1), open(t, all, 2)
	a.Set(10)
	b.Set(0)
	waited := 0
	for ; a.Exceeds() && waited < 100; waited++ {
		a.Yielded(false)
	}
	if waited != mostInVain {
		t.Errorf("waited %d times", waited)
	}
}

func TestNobodysShare(t *testing.T) {
	var none *Share
	none.Set(1)
	none.Leave()
	none.Add(1)
	if none.Counter() != nil {
		t.Error("nobody has a place")
	}
	if none.Exceeds() {
		t.Error("nobody has too many")
	}
	all, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	all.Clear(0)
	all.Clear(places + 1)
	if beyond := open(t, all, places+1); beyond != nil {
		t.Error("there is no room for it")
	}
}
