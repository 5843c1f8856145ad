package server

import (
	"net/http"

	"github.com/gowsgi/gowsgi/internal/config"
)

// maxHeaderBytes is how much of a request head net/http reads before it
// answers 431 by itself: what the limits allow together, or 16 MiB if one of
// them is off.
func maxHeaderBytes(s config.Settings) int {
	const most = 16 << 20
	if s.LimitRequestLine == 0 || s.LimitRequestFieldSize == 0 {
		return most
	}
	return min(most, s.LimitRequestLine+s.LimitRequestFields*(s.LimitRequestFieldSize+len("\r\n")))
}

// checkHead holds a request's head against the limits. 0 if it passes, else
// the status to answer.
func checkHead(r *http.Request, s *config.Settings) int {
	line := len(r.Method) + 1 + len(r.RequestURI) + 1 + len(r.Proto)
	if s.LimitRequestLine > 0 && line > s.LimitRequestLine {
		return http.StatusRequestURITooLong
	}
	fields := 0
	if r.Host != "" {
		fields++
		if s.LimitRequestFieldSize > 0 && len("Host: ")+len(r.Host) > s.LimitRequestFieldSize {
			return http.StatusRequestHeaderFieldsTooLarge
		}
	}
	for name, values := range r.Header {
		fields += len(values)
		for _, v := range values {
			if s.LimitRequestFieldSize > 0 && len(name)+len(": ")+len(v) > s.LimitRequestFieldSize {
				return http.StatusRequestHeaderFieldsTooLarge
			}
		}
	}
	if fields > s.LimitRequestFields {
		return http.StatusRequestHeaderFieldsTooLarge
	}
	if s.LimitRequestBody > 0 && r.ContentLength > s.LimitRequestBody {
		return http.StatusRequestEntityTooLarge
	}
	return 0
}
