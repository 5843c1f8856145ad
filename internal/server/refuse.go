package server

import (
	"net/http"
	"strconv"
	"time"
)

// refuse answers a request that the application has no part in, or failed.
func (x *exchange) refuse(status int) {
	h := x.w.Header()
	clear(h)
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	if status == http.StatusServiceUnavailable {
		h["Retry-After"] = []string{"1"}
	}
	switch status {
	case http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusNotFound, http.StatusGatewayTimeout:
	default:
		// What the client sent cannot be trusted to end where it says.
		h["Connection"] = []string{"close"}
		if x.r.ContentLength != 0 && !x.upload.isLate() {
			// net/http reads what is left of a body, so that the client gets to
			// read this; it need not wait for one that never comes.
			_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(timeForLeft))
		}
	}
	x.sayLast(h)
	text := strconv.Itoa(status) + " " + http.StatusText(status) + "\n"
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	x.status, x.begun = status, true
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		n, _ := x.w.Write([]byte(text))
		x.written += int64(n)
	}
}
