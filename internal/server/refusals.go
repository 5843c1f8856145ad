package server

import (
	"log/slog"
	"net"
	"time"

	"github.com/gowsgi/gowsgi/internal/accesslog"
	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// refusals are answers to what was no request: a line of the access log for each,
// and a record a second that says why.
type refusals struct {
	log    *slog.Logger
	access *accesslog.Log // nil: none
	ration logging.Ration
	count  func(status int)
}

func (r *refusals) note(refused *http1.Refused) {
	r.count(refused.Status)
	client, line := refused.Remote, accesslog.RequestLine(string(refused.Line))
	if held, ok := r.ration.Pass(time.Now(), 1); ok {
		r.log.Info("what a client sent was no request, or too large", append([]any{
			"event", "request.malformed", "status", refused.Status, "reason", refused.Why, "line", line,
			"client", net.JoinHostPort(client.Host, client.Port),
		}, logging.Suppressed(held)...)...)
	}
	if r.access == nil {
		return
	}
	scheme := "http"
	if refused.Secure {
		scheme = "https"
	}
	r.access.Write(&accesslog.Entry{
		Time: refused.Time, Took: time.Since(refused.Time), Client: accesslog.Address(client), Server: accesslog.Address(refused.Local),
		Line: line, Scheme: scheme, Status: refused.Status, Length: int64(refused.Body), BytesOut: int64(refused.Body),
		HeadIn: refused.In, HeadOut: refused.Head, Before: refused.Before, Closes: !refused.Goes,
	}, nil)
}
