package http2

import (
	"net"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/logging"
)

// A client may take a request back at any time, and send another in its place: the
// number of those that there are at a time does not limit how many it sends
// (CVE-2023-44487). So it may take back only so many: twice as many as it may have at
// once, and this many a second. A browser that is sent from page to page does not
// come near.
const resetsPerSecond = 33

// bucket is what is left of that.
type bucket struct {
	most float64

	mu   sync.Mutex
	left float64
	at   time.Time
}

func newBucket(streams int) bucket {
	most := float64(max(2*streams, 100))
	return bucket{most: most, left: most}
}

// take takes one. False: there is none.
func (b *bucket) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at.IsZero() {
		b.left = min(b.most, b.left+now.Sub(b.at).Seconds()*resetsPerSecond)
	}
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// takenBack takes note of a request that the client has taken back.
func (c *conn) takenBack() {
	now := time.Now()
	c.mu.Lock()
	over := c.over
	c.mu.Unlock()
	if over || c.resets.take(now) { // it has left, or may do so
		return
	}
	if !c.end(enhanceYourCalm) {
		_ = c.Close()
	}
	if held, ok := c.server.flooded.Pass(now, 1); ok {
		c.server.config.Log.Warn("a client takes back its requests too often, so its connection was ended", append([]any{
			"event", "http2.flooded", "client", net.JoinHostPort(c.remote.Host, c.remote.Port), "requests", c.requests.Load(),
		}, logging.Suppressed(held)...)...)
	}
}
