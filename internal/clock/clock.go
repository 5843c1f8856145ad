// Package clock writes the time of day where many ask for it in the same second:
// in lines of the access log, and in the field Date.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock formats a time in full seconds by Layout, and keeps the text for that
// second. Safe for concurrent use.
type Clock struct {
	Layout string
	last   atomic.Pointer[tick]
}

type tick struct {
	second int64
	text   string
}

// Append appends the time. All times have one zone.
func (c *Clock) Append(b []byte, t time.Time) []byte {
	now := c.last.Load()
	if second := t.Unix(); now == nil || now.second != second {
		now = &tick{second, t.Format(c.Layout)}
		c.last.Store(now)
	}
	return append(b, now.text...)
}
