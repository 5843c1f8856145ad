package exchange

import (
	"log/slog"
	"net/http"
	"time"
)

// show logs a request that is over, for who develops and has no access log.
func (x *exchange) show() {
	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	x.h.log.Log(x.r.Context(), level, x.Name(), "event", "request.done", "status", x.status,
		"ms", float64(time.Since(x.start).Microseconds())/1000)
}
