package static

import (
	"net/http"
	"strings"
	"time"
)

// validators are what a version is known by (RFC 9110, 8.8).
type validators struct {
	etag     string    // with its quotes, and W/ if it is weak
	modified time.Time // whole seconds; zero: it is not said
}

// precondition decides what becomes of a GET or HEAD in the order of RFC 9110, 13.2.2:
// http.StatusPreconditionFailed, http.StatusNotModified, or 0 for the file.
func (v *validators) precondition(h http.Header) int {
	if match, ok := h["If-Match"]; ok {
		if !v.matches(match, isStrong) {
			return http.StatusPreconditionFailed
		}
	} else if since, ok := date(h["If-Unmodified-Since"]); ok && v.modified.After(since) {
		return http.StatusPreconditionFailed
	}
	if noneMatch, ok := h["If-None-Match"]; ok {
		if v.matches(noneMatch, func(string) bool { return true }) {
			return http.StatusNotModified
		}
	} else if since, ok := date(h["If-Modified-Since"]); ok && !v.modified.IsZero() && !v.modified.After(since) {
		return http.StatusNotModified
	}
	return 0
}

// wantsRange tells whether a Range field is to be looked at, for If-Range
// (RFC 9110, 13.1.5).
func (v *validators) wantsRange(h http.Header) bool {
	values, ok := h["If-Range"]
	if !ok {
		return true
	}
	if len(values) != 1 {
		return false
	}
	value := strings.TrimSpace(values[0])
	if strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "W/") {
		return isStrong(v.etag) && value == v.etag
	}
	// A weak ETag tells that the file has just changed: so its date is weak, too.
	since, ok := date(values)
	return ok && isStrong(v.etag) && !v.modified.IsZero() && v.modified.Equal(since)
}

func isStrong(etag string) bool { return !strings.HasPrefix(etag, "W/") }

// matches tells whether a list of ETags has this one, or is *. counts says of each,
// and of the version's own, whether it may be compared.
func (v *validators) matches(list []string, counts func(etag string) bool) bool {
	for _, rest := range list {
		for {
			rest = strings.TrimLeft(rest, " \t,")
			if rest == "" {
				break
			}
			if strings.TrimSpace(rest) == "*" {
				return true
			}
			etag, after, ok := cutETag(rest)
			if !ok {
				break // what is no list of ETags matches nothing
			}
			if counts(etag) && counts(v.etag) && strings.TrimPrefix(etag, "W/") == strings.TrimPrefix(v.etag, "W/") {
				return true
			}
			rest = after
		}
	}
	return false
}

// cutETag takes the first ETag off a list (RFC 9110, 8.8.3).
func cutETag(list string) (etag, rest string, ok bool) {
	opaque := strings.TrimPrefix(list, "W/")
	if !strings.HasPrefix(opaque, `"`) {
		return "", "", false
	}
	end := strings.IndexByte(opaque[1:], '"')
	if end < 0 {
		return "", "", false
	}
	size := len(list) - len(opaque) + 1 + end + 1
	return list[:size], list[size:], true
}

// date reads a field that has one date (RFC 9110, 5.6.7); what is none is ignored.
func date(values []string) (time.Time, bool) {
	if len(values) != 1 {
		return time.Time{}, false
	}
	t, err := http.ParseTime(values[0])
	return t, err == nil
}
