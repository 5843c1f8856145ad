package probe

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestOnlyOurPathsAreAnswered(t *testing.T) {
	reason, fails := "", false
	p := &Paths{
		Health: "/-", Ready: func() string { return reason }, Metrics: "/metrics",
		Allowed: func(peer string) bool { return peer == "127.0.0.1" },
		Text: func(_ context.Context, accept string) (string, string, error) {
			if fails {
				return "", "", errors.New("gowsgi is just ending")
			}
			return "up 1\n", "text/x", nil
		},
	}
	for _, c := range []struct {
		method, uri, peer, field, reason string
		fails                            bool
		status                           int // 0: the application's
		says                             string
	}{
		{method: "GET", uri: "/-/live", status: 200, says: "live"},
		{method: "HEAD", uri: "/-/live?x=1", status: 200},
		{method: "GET", uri: "/-/ready", status: 200, says: "ready"},
		{method: "GET", uri: "/-/ready", reason: "the queue is full", status: 503, says: "not ready: the queue is full\n"},
		{method: "GET", uri: "/-/live", reason: "the queue is full", status: 200},
		{method: "POST", uri: "/-/live"},
		{method: "GET", uri: "/-/"},
		{method: "GET", uri: "/-/live/"},
		{method: "GET", uri: "/-/%6Cive"},
		{method: "GET", uri: "/x/-/live"},
		{method: "GET", uri: "http://x/-/live"},
		{method: "GET", uri: "/metrics", peer: "127.0.0.1", status: 200, says: "up 1"},
		{method: "GET", uri: "/metrics", peer: "10.0.0.1", status: 403},
		{method: "GET", uri: "/metrics", peer: "127.0.0.1", field: "X-Forwarded-For", status: 403},
		{method: "GET", uri: "/metrics", peer: "127.0.0.1", field: "Forwarded", status: 403},
		{method: "GET", uri: "/metrics", peer: "127.0.0.1", fails: true, status: 503, says: "just ending"},
		{method: "GET", uri: "/metrics/", peer: "127.0.0.1"},
		{method: "PUT", uri: "/metrics", peer: "127.0.0.1"},
	} {
		reason, fails = c.reason, c.fails
		r := &http.Request{Method: c.method, Header: http.Header{}}
		if c.field != "" {
			r.Header.Set(c.field, "for=10.0.0.1")
		}
		answer, ours := p.Answer(r, c.uri, c.peer)
		if ours != (c.status != 0) || answer.Status != c.status || !strings.Contains(answer.Body, c.says) {
			t.Errorf("%+v: %v, %+v", c, ours, answer)
		}
		if _, ours := (*Paths)(nil).Answer(r, c.uri, c.peer); ours {
			t.Errorf("%+v: answered by nobody", c)
		}
	}
}
