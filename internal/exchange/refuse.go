package exchange

import (
	"net/http"
	"strconv"
)

// refuse answers a request that the application has no part in, or failed. fields are
// those of the answer beside the usual ones.
func (x *exchange) refuse(status int, fields ...[2]string) {
	x.h.CountStatus(status)
	x.answer(status, strconv.Itoa(status)+" "+http.StatusText(status)+"\n", fields...)
}

var (
	plainText  = [2]string{"Content-Type", "text/plain; charset=utf-8"}
	retryAfter = [2]string{"Retry-After", "1"}
	closing    = [2]string{"Connection", "close"}
)

// answer is a whole response of the server's own.
func (x *exchange) answer(status int, text string, fields ...[2]string) {
	x.fields = x.fields[:0]
	if text != "" {
		x.fields = append(x.fields, plainText)
	}
	x.fields = append(x.fields, fields...)
	if x.location != "" {
		x.fields = append(x.fields, [2]string{"Location", x.location})
	}
	switch status {
	case http.StatusServiceUnavailable:
		x.fields = append(x.fields, retryAfter)
	case http.StatusOK, http.StatusInternalServerError, http.StatusNotFound, http.StatusGatewayTimeout, http.StatusPermanentRedirect,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
	default:
		// What the client sent cannot be trusted to end where it says.
		x.fields = append(x.fields, closing)
	}
	if x.streams {
		x.leaveUntouched()
	} else if !x.upload.isLate() {
		x.w.LeaveBody()
	}
	x.fields, text = x.h.Dress(status, x.fields, text)
	x.addOwnFields()
	x.status, x.begun, x.length = status, true, int64(len(text))
	x.w.Begin(status, http.StatusText(status), x.fields, x.length)
	if x.r.Method != http.MethodHead {
		n, _ := x.w.WriteBlocks([]byte(text)) // an error is the client's, who has left: End says so, too
		x.written += n
	}
}
