package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/control"
)

// inquiry is what gowsgi is asked. One question of a kind is under way at a time: those
// who have another wait for their turn.
type inquiry struct {
	turn chan struct{} // has room for the one whose turn it is

	mu     sync.Mutex // guards the rest
	id     uint64
	answer chan control.Order // of the question with that id
}

func newInquiry() *inquiry { return &inquiry{turn: make(chan struct{}, 1)} }

// inquiryPatience is how long gowsgi may take, and the turn to come.
const inquiryPatience = 5 * time.Second

var errNoAnswer = errors.New("gowsgi does not answer")

// ask has report send a question, which has an id by then, and waits for the answer.
func (q *inquiry) ask(ctx context.Context, report func(control.Report), question control.Report) (control.Order, error) {
	late := time.NewTimer(inquiryPatience)
	defer late.Stop()
	select {
	case q.turn <- struct{}{}:
		defer func() { <-q.turn }()
	case <-ctx.Done():
		return control.Order{}, ctx.Err()
	case <-late.C:
		return control.Order{}, errNoAnswer
	}
	q.mu.Lock()
	q.id++
	answer := make(chan control.Order, 1)
	question.ID, q.answer = q.id, answer
	q.mu.Unlock()
	report(question)
	select {
	case order := <-answer:
		return order, nil
	case <-ctx.Done():
		return control.Order{}, ctx.Err()
	case <-late.C:
		return control.Order{}, errNoAnswer
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

// metrics asks gowsgi for the metrics of all workers.
func (w *worker) metrics(ctx context.Context, accept string) (text, mediaType string, err error) {
	order, err := w.inquiry.ask(ctx, w.report, control.Report{Kind: control.Inquire, Accept: accept})
	if err == nil && order.Text == "" {
		err = errNoAnswer
	}
	return order.Text, order.Type, err
}

// proof asks gowsgi what an authority is to be shown; nil: nothing, as far as is known.
func (w *worker) proof(q certs.Question) *certs.Proof {
	order, _ := w.proofs.ask(context.Background(), w.report, control.Report{Kind: control.Asked, Question: &q})
	return order.Proof
}
