package exchange

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/environ"
)

// What ties a request to what others know of it: its name, its trace, its times.

// traceField is the field of W3C's Trace Context.
const traceField = "Traceparent"

// nameIt tells the application what the request is called, and gives it a trace
// if the settings want that and it has none.
func (x *exchange) nameIt(b *environ.Builder) {
	if id := x.sentID(); id != "" {
		b.Set(environ.RequestID, id)
	} else {
		var room [64]byte
		b.SetBytes(environ.RequestID, x.AppendID(room[:0]))
	}
	if !x.h.settings.Traceparent {
		return
	}
	sent := x.r.Header[traceField]
	if len(sent) == 1 && isTraceparent(sent[0]) {
		x.trace = sent[0]
		return
	}
	x.trace = newTraceparent()
	b.Header(traceField, []string{x.trace})
}

// passesOn tells whether the application gets a field as it was sent. A trace
// that is none is replaced, and its state with it.
func (x *exchange) passesOn(name string) bool {
	if !x.h.settings.Traceparent || name != traceField && name != "Tracestate" {
		return true
	}
	sent := x.r.Header[traceField]
	return len(sent) == 1 && isTraceparent(sent[0])
}

// traceID is the name of the request's trace, for the log; empty if it has none
// that is known.
func (x *exchange) traceID() string {
	if x.trace == "" {
		return ""
	}
	return x.trace[3:35]
}

// newTraceparent begins a trace, which is sampled: an application that asks its
// parent whether to record would otherwise record nothing.
func newTraceparent() string {
	var random [24]byte
	for i := 0; i < len(random); i += 8 {
		n := rand.Uint64() | 1 // never all zeros
		for j := range 8 {
			random[i+j] = byte(n >> (8 * j))
		}
	}
	b := append(make([]byte, 0, 55), "00-"...)
	b = append(hex.AppendEncode(b, random[:16]), '-')
	b = append(hex.AppendEncode(b, random[16:]), "-01"...)
	return string(b)
}

// isTraceparent tells whether text is one: version, trace, parent, flags (W3C
// Trace Context, 3.2). A later version may be longer.
func isTraceparent(text string) bool {
	const whole = 55
	if len(text) < whole || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return false
	}
	version := text[:2]
	switch {
	case version == "ff", version == "00" && len(text) > whole, len(text) > whole && text[whole] != '-':
		return false
	}
	for _, part := range []string{version, text[3:35], text[36:52], text[53:55]} {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return false
		}
	}
	return strings.Trim(text[3:35], "0") != "" && strings.Trim(text[36:52], "0") != ""
}

// addOwnFields adds to a response what the settings want there.
func (x *exchange) addOwnFields() {
	s := &x.h.settings
	if s.RequestIDHeader != "" && !x.has(s.RequestIDHeader) {
		x.fields = append(x.fields, [2]string{s.RequestIDHeader, x.requestID()})
	}
	if s.ServerTiming {
		x.fields = append(x.fields, [2]string{"Server-Timing", x.serverTiming()})
	}
	if hsts := x.h.SecureField(); hsts[0] != "" && x.r.TLS != nil && !x.has(hsts[0]) {
		x.fields = append(x.fields, hsts)
	}
}

// SecureField is what responses over TLS get, if they have none of the name (RFC 6797,
// 7.2); empty: none.
func (h *Handler) SecureField() (field [2]string) {
	if age := h.settings.HSTS; age > 0 {
		field = [2]string{"Strict-Transport-Security", "max-age=" + strconv.FormatInt(int64(age/time.Second), 10)}
	}
	return field
}

// has tells whether the response has a field.
func (x *exchange) has(name string) bool { return hasField(x.fields, name) }

func hasField(fields [][2]string, name string) bool {
	return slices.ContainsFunc(fields, func(field [2]string) bool { return strings.EqualFold(field[0], name) })
}

// serverTiming says how long the request took so far, in ms. What is inside Python
// is known when the application has finished, before a response that streams has
// begun it is not.
func (x *exchange) serverTiming() string {
	b := make([]byte, 0, 80)
	if x.ran {
		queued, inside := x.req.Times()
		b = appendTiming(b, "queue", queued)
		b = appendTiming(b, "python", inside)
		b = appendTiming(b, "gil", x.req.GILWait())
	}
	return string(appendTiming(b, "total", time.Since(x.start)))
}

func appendTiming(b []byte, name string, d time.Duration) []byte {
	if len(b) > 0 {
		b = append(b, ", "...)
	}
	return strconv.AppendFloat(append(append(b, name...), ";dur="...), float64(d.Microseconds())/1000, 'f', -1, 64)
}
