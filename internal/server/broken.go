package server

import (
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"slices"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/http2"
	"github.com/gowsgi/gowsgi/internal/probe"
)

// brokenPage is what a browser shows while the application cannot be loaded: a message
// and a traceback. Package html/template would have the linker keep every method that
// there is, 1 MB of them.
const brokenPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>%[1]s</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color-scheme: light dark }
pre { background: #8882; border-left: 4px solid #c33; overflow-x: auto; padding: 1rem }
</style>
<h1>The application cannot be loaded</h1>
<p>%[1]s
<pre>%[2]s</pre>
<p>gowsgi loads it again when a file changes.
`

// NewBroken prepares a server that answers every request with a 500 and why the
// application could not be loaded. It is for development (--reload): the text
// tells about the code. Stop it as any other.
func NewBroken(message, traceback string, s config.Settings, log *slog.Logger) *Server {
	own := &probe.Paths{Health: s.HealthPath, Ready: func() string { return message }}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer, ours := own.Answer(r, r.RequestURI, ""); ours {
			w.Header().Set("Content-Type", answer.Type)
			w.WriteHeader(answer.Status)
			_, _ = w.Write([]byte(answer.Body))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Connection", "close") // the next request may find it mended
		w.WriteHeader(http.StatusInternalServerError)
		message, traceback := message, traceback
		if slices.ContainsFunc(s.Applications(), func(m config.Mount) bool { return !s.GuardOf(m).IsOpen() }) { // not everybody may know
			message, traceback = "The log says why.", ""
		}
		// An error is the client's, who has left.
		_, _ = fmt.Fprintf(w, brokenPage, html.EscapeString(message), html.EscapeString(traceback))
	})
	other := newHTTP2(s, log, page, func(*http2.Config) {})
	srv := &Server{http1: newHTTP1(s, log, page, other, func(c *http1.Config) {
		c.Handshaken = (&handshakes{log: log}).note
		c.Trusts = func(string, bool) (trusted, heard bool) { return true, false } // the page is for who develops
	}), http2: other, stopped: make(chan struct{}), cancel: func() {}}
	close(srv.stopped)
	return srv
}
