package exchange

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gowsgi/gowsgi/embed"
)

// requestIDs makes names for requests, unique among all workers: something
// random and a number.
type requestIDs struct {
	prefix string
	last   *Counter
}

// Counter is a number that others may add to as well.
type Counter = atomic.Uint64

func newRequestIDs() *requestIDs {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	return &requestIDs{prefix: hex.EncodeToString(random[:]) + "-", last: embed.NewCounter()}
}

// append appends the name with that number.
func (r *requestIDs) append(b []byte, number uint64) []byte {
	return strconv.AppendUint(append(b, r.prefix...), number, 16)
}

// longestRequestID is the longest that is taken from a proxy.
const longestRequestID = 128

// requestID names the request in logs: as a trusted proxy did in X-Request-ID,
// else with a name of our own, which is made when it is first asked for. From
// any goroutine.
func (x *exchange) requestID() string {
	if id := x.sentID(); id != "" {
		return id
	}
	return string(x.AppendID(nil))
}

// sentID is a trusted proxy's name for the request; empty if there is none.
func (x *exchange) sentID() string {
	if id := first(x.r.Header, "X-Request-Id"); isRequestID(id) && x.h.forwarded.Peers().Trusts(x.peer.Host) {
		return id
	}
	return ""
}

// AppendID appends our own name for the request.
func (x *exchange) AppendID(b []byte) []byte {
	if x.number.Load() == 0 {
		x.number.CompareAndSwap(0, x.h.ids.last.Add(1))
	}
	return x.h.ids.append(b, x.number.Load())
}

// isRequestID tells whether text can stand for a request: not too long, and
// nothing in it but printable ASCII.
func isRequestID(text string) bool {
	return text != "" && len(text) <= longestRequestID &&
		!strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' })
}
