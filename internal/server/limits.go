package server

import (
	"math"
	"net/http"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/config"
)

// maxConnections is the setting, or less if the process may not have that many
// open files; a part of them is left to the application.
func maxConnections(setting int) int {
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil || files.Cur > math.MaxInt32 {
		return setting
	}
	return min(setting, connectionsOf(int(files.Cur)))
}

// connectionsOf is how many of the open files may be connections.
func connectionsOf(files int) int {
	const least = 64
	return max(1, files-max(files/8, min(files/2, least)))
}

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
