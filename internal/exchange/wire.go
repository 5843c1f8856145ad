package exchange

import (
	"net/http"
	"time"

	"github.com/gowsgi/gowsgi/internal/accesslog"
)

// Wire is what a response goes out by: internal/http1's Writer, or the
// ResponseWriter of somebody else, made equal to it (foreign.go).
type Wire interface {
	http.ResponseWriter
	// Begin makes the head of the response. reason and fields are sent as they
	// are; length is -1 if it is not known.
	Begin(status int, reason string, fields [][2]string, length int64)
	WriteBlocks(blocks ...[]byte) (int64, error)
	FlushError() error
	SetReadDeadline(t time.Time) error
	// LeaveBody says that nobody reads what is left of the request's body.
	LeaveBody()
	// Abort has the response end so that it cannot pass for a whole one.
	Abort()
	// End sends what is left.
	End() error
	// Keep says that request and wire are looked at after the exchange is over.
	Keep()
	// Presence tells whether the client has left, or at least sends nothing more.
	// From any goroutine, as long as the exchange goes on.
	Presence() (gone, finished bool)

	// Facts, for the environ and the access log.

	Local() (host, port string)
	Remote() (host, port string)
	RequestsBefore() int
	HeadSize() int
	HeadsOut() int
	Closes() bool
}

// address is one end of a connection; empty if it is a unix socket.
type address = accesslog.Address
