package exchange

import (
	"log/slog"
	"time"
)

// Name is the request in a few words: GET /path.
func (x *exchange) Name() string {
	const most = 200
	uri := x.uri
	if len(uri) > most {
		uri = uri[:most] + "…"
	}
	return x.r.Method + " " + uri
}

// Start is when the request came.
func (x *exchange) Start() time.Time { return x.start }

// LogRequest logs something about this request.
func (x *exchange) LogRequest(level slog.Level, message, event string, attrs ...any) {
	attrs = append(append([]any{"event", event}, x.identity()...), attrs...)
	x.h.log.Log(x.r.Context(), level, message, attrs...)
}

// identity says which request it is, in the log.
func (x *exchange) identity() []any {
	attrs := make([]any, 0, 14)
	if name := x.mountName(); name != "" {
		attrs = append(attrs, "mount", name)
	}
	attrs = append(attrs, "method", x.r.Method, "uri", x.uri, "client", x.r.RemoteAddr, "request_id", x.requestID())
	if trace := x.traceID(); trace != "" {
		attrs = append(attrs, "trace_id", trace)
	}
	return attrs
}
