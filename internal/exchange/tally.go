package exchange

import (
	"net/http"
	"time"

	"github.com/gowsgi/gowsgi/internal/tally"
)

// counts are where the worker counts what it does; nil if nobody wants to know.
func (h *Handler) counts() *tally.Figures {
	if h.hooks.Page == nil || !h.hooks.Counts {
		return nil
	}
	return h.hooks.Page.Figures
}

// count counts a request that is over.
func (x *exchange) count() {
	f := x.figures()
	if f == nil || x.tallied {
		return
	}
	status := x.status
	if status == statusClientGone {
		status = 0
	}
	f.Request(x.r.Method, status, x.bytesIn(), x.written)
	f.Total.Observe(time.Since(x.start))
	if x.ran {
		queued, inside := x.req.Times()
		f.Queue.Observe(queued)
		f.Python.Observe(inside)
		f.GIL.Observe(x.req.GILWait())
	}
}

// countRefusal counts a request that gowsgi answers itself, for a reason that is
// a place in tally.Refusals.
func (h *Handler) countRefusal(reason int) {
	if f := h.counts(); f != nil {
		tally.Add(&f.Refused[reason], 1)
	}
}

// countTimeout counts a request that took too long; kind is a place in
// tally.Timeouts.
func (h *Handler) countTimeout(kind int) {
	if f := h.counts(); f != nil {
		tally.Add(&f.TimedOut[kind], 1)
	}
}

// CountStatus counts a refusal whose status says why.
func (h *Handler) CountStatus(status int) {
	switch status {
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		h.countRefusal(tally.TooLarge)
	case http.StatusBadRequest:
		h.countRefusal(tally.Malformed)
	case http.StatusNotFound:
		h.countRefusal(tally.OutsideMount)
	case http.StatusMisdirectedRequest:
		h.countRefusal(tally.UnknownHost)
	}
}
