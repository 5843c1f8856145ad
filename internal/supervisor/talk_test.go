package supervisor

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/octets"
)

// A worker that is stopped keeps nobody waiting each time, and understands all
// that it was told once it goes on.
func TestAStoppedWorkerIsToldWithoutWaiting(t *testing.T) {
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	w := &worker{control: ours}
	const orders = 1500
	long := strings.Repeat("metrics ", 2000)
	for i := range orders { // more than any socket holds
		order := control.Order{Kind: control.Level, ID: uint64(i), Level: "debug"}
		if i%100 == 0 {
			order.Text = long
		}
		w.tell(order)
	}
	type heard struct {
		orders []control.Order
		err    error
	}
	all := make(chan heard)
	go func() {
		var h heard
		for d := octets.NewDecoder(theirs); h.err == nil; {
			var order control.Order
			if h.err = d.Decode(&order); h.err == nil {
				h.orders = append(h.orders, order)
			}
		}
		all <- h
	}()
	w.talk.deaf = false // the worker goes on, and has time to take what is left
	w.tell(control.Order{Kind: control.Leave})
	ours.Close()
	h := <-all
	if !errors.Is(h.err, io.EOF) || len(h.orders) != orders+1 {
		t.Fatalf("%d orders of %d were understood, then %v", len(h.orders), orders+1, h.err)
	}
	for i, order := range h.orders[:orders] {
		if order.ID != uint64(i) || order.Level != "debug" || (order.Text == long) != (i%100 == 0) {
			t.Fatalf("order %d is %d, %s, %d bytes", i, order.ID, order.Level, len(order.Text))
		}
	}
	// What would be kept without end is lost, whole orders of it.
	ours, theirs, err = socketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	defer ours.Close()
	w = &worker{control: ours}
	for range 200 {
		w.tell(control.Order{Kind: control.Told, Text: long})
	}
	if n := len(w.talk.unsent); n > mostUnsent || n < mostUnsent/2 {
		t.Errorf("%d bytes are kept", n)
	}
}
