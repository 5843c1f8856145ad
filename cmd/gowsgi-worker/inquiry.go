package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
)

// inquiry is what gowsgi is asked. One question is under way at a time: those who
// want to know the same wait for their turn.
type inquiry struct {
	asking sync.Mutex

	mu     sync.Mutex // guards the rest
	id     uint64
	answer chan control.Order // of the question with that id
}

// inquiryPatience is how long gowsgi may take.
const inquiryPatience = 5 * time.Second

var errNoAnswer = errors.New("gowsgi does not answer")

// metrics asks gowsgi for the metrics of all workers.
func (w *worker) metrics(ctx context.Context, accept string) (text, mediaType string, err error) {
	q := &w.inquiry
	q.asking.Lock()
	defer q.asking.Unlock()
	q.mu.Lock()
	q.id++
	id, answer := q.id, make(chan control.Order, 1)
	q.answer = answer
	q.mu.Unlock()
	w.report(control.Report{Kind: control.Inquire, ID: id, Accept: accept})
	select {
	case order := <-answer:
		if order.Text == "" {
			return "", "", errNoAnswer
		}
		return order.Text, order.Type, nil
	case <-ctx.Done():
		return "", "", ctx.Err()
	case <-time.After(inquiryPatience):
		return "", "", errNoAnswer
	}
}

// told passes on what gowsgi answers. Late answers are nobody's.
func (q *inquiry) told(order control.Order) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if order.ID == q.id && q.answer != nil {
		q.answer <- order
		q.answer = nil
	}
}
