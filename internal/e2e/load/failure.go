package load

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// Kind says how a request failed.
type Kind string

// All of them.
const (
	Refused Kind = "refused" // no connection
	Raced   Kind = "raced"   // a kept connection was closed before the request came to the server, which had not said so
	Closed  Kind = "closed"  // the server had the request and ended the connection without an answer
	Reset   Kind = "reset"   // the same, with a reset
	Broken  Kind = "broken"  // the answer breaks off
	Status  Kind = "status"  // not 200
	Wrong   Kind = "wrong"   // a 200 that is not the right answer, or no HTTP
	Timeout Kind = "timeout" // no answer, or no more of it, in time
)

// Failure is a request that failed.
type Failure struct {
	Kind    Kind   `json:"kind"`
	Traffic string `json:"traffic"`
	// Worker is the process that had answered last on that connection; 0 if
	// the request was the first on it.
	Worker int    `json:"worker"`
	Text   string `json:"text"`
}

func (f *Failure) Error() string { return string(f.Kind) + ": " + f.Text }

// unsent is the kind of an error before all of a request was written; sent
// says whether a part of it was.
func unsent(err error, sent bool) Kind {
	switch {
	case timeout(err):
		return Timeout
	case sent:
		return Reset
	}
	return Raced
}

// unanswered is the kind of an error before the first byte of an answer.
func unanswered(err error, accepted bool) Kind {
	switch {
	case timeout(err):
		return Timeout
	case errors.Is(err, io.EOF) && !accepted:
		return Raced
	case errors.Is(err, io.EOF):
		return Closed
	}
	return Reset
}

// unfinished is the kind of an error within an answer.
func unfinished(err error) Kind {
	switch {
	case timeout(err):
		return Timeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return Broken
	}
	return Wrong
}

func timeout(err error) bool {
	var impatient net.Error
	return errors.As(err, &impatient) && impatient.Timeout()
}
