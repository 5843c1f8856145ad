package exchange

import (
	"net/http"

	"github.com/gowsgi/gowsgi/internal/config"
)

// checkHead holds a request's head against the limits, for those that were not
// read by internal/http1, which keeps them while it reads. 0 if it passes, else
// the status to answer.
func checkHead(r *http.Request, s *config.Settings) int {
	line := len(r.Method) + 1 + len(r.RequestURI) + 1 + len(r.Proto)
	if s.LimitRequestLine > 0 && line > s.LimitRequestLine {
		return http.StatusRequestURITooLong
	}
	fields, size := 0, line
	count := func(name, value string) bool {
		field := len(name) + len(": ") + len(value)
		fields++
		size += field + len("\r\n")
		return s.LimitRequestFieldSize == 0 || field <= s.LimitRequestFieldSize
	}
	fits := r.Host == "" || count("Host", r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			fits = count(name, value) && fits
		}
	}
	if !fits || fields > s.LimitRequestFields || size > s.LimitRequestHead {
		return http.StatusRequestHeaderFieldsTooLarge
	}
	return 0
}
