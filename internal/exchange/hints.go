package exchange

import "net/http"

// sendHints sends what the application has given to wsgi.early_hints: 103 for each
// call (RFC 8297). HTTP/1.0 knows no interim responses (RFC 9110, 15.2).
func (x *exchange) sendHints() {
	for _, fields := range x.req.Hints() {
		if x.begun || x.abort || !x.r.ProtoAtLeast(1, 1) {
			continue
		}
		h := x.w.Header() // empty: the response has not begun
		for _, field := range fields {
			if name := field[0]; isForHints(name) {
				if x.r.ProtoMajor > 1 { // one field, however it is spelled
					name = http.CanonicalHeaderKey(name)
				}
				h[name] = append(h[name], field[1])
			}
		}
		if len(h) == 0 {
			continue
		}
		x.flight.Step()
		x.w.WriteHeader(http.StatusEarlyHints)
		x.flight.Step()
		clear(h)
	}
}
