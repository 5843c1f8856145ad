package static

import (
	"net/http"
	"testing"
	"time"
)

var then = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// RFC 9110, 13.1 and 13.2.2.
func TestPreconditionsAreEvaluatedInTheirOrder(t *testing.T) {
	at := then.Format(http.TimeFormat)
	before, after := then.Add(-time.Second).Format(http.TimeFormat), then.Add(time.Second).Format(http.TimeFormat)
	strong := validators{etag: `"a"`, modified: then}
	weak := validators{etag: `W/"a"`, modified: then}
	for _, c := range []struct {
		v      validators
		fields []string
		want   int
	}{
		{strong, nil, 0},
		{strong, []string{"If-None-Match", `"a"`}, 304},
		{strong, []string{"If-None-Match", `W/"a"`}, 304},
		{strong, []string{"If-None-Match", `"b", "c" , W/"a"`}, 304},
		{strong, []string{"If-None-Match", `"b",,"a"`}, 304},
		{strong, []string{"If-None-Match", `"b"`, "If-None-Match", `"a"`}, 304},
		{strong, []string{"If-None-Match", `*`}, 304},
		{strong, []string{"If-None-Match", ` * `}, 304},
		{strong, []string{"If-None-Match", `"b"`}, 0},
		{strong, []string{"If-None-Match", `"A"`}, 0},
		{strong, []string{"If-None-Match", `a`}, 0},
		{strong, []string{"If-None-Match", `"a`}, 0},
		{strong, []string{"If-None-Match", `w/"a"`}, 0},
		{strong, []string{"If-None-Match", `"b, "a"`}, 0},
		{strong, []string{"If-None-Match", ``}, 0},
		{weak, []string{"If-None-Match", `"a"`}, 304},
		{weak, []string{"If-None-Match", `W/"a"`}, 304},

		{strong, []string{"If-Match", `"a"`}, 0},
		{strong, []string{"If-Match", `"b", "a"`}, 0},
		{strong, []string{"If-Match", `*`}, 0},
		{strong, []string{"If-Match", `"b"`}, 412},
		{strong, []string{"If-Match", `W/"a"`}, 412},
		{strong, []string{"If-Match", `nonsense`}, 412},
		{weak, []string{"If-Match", `"a"`}, 412},
		{weak, []string{"If-Match", `W/"a"`}, 412},
		{weak, []string{"If-Match", `*`}, 0},

		{strong, []string{"If-Modified-Since", at}, 304},
		{strong, []string{"If-Modified-Since", after}, 304},
		{strong, []string{"If-Modified-Since", before}, 0},
		{strong, []string{"If-Modified-Since", "Thursday, 29-Feb-24 12:00:00 GMT"}, 304},
		{strong, []string{"If-Modified-Since", "Thu Feb 29 12:00:00 2024"}, 304},
		{strong, []string{"If-Modified-Since", "yesterday"}, 0},
		{strong, []string{"If-Modified-Since", at, "If-Modified-Since", at}, 0},
		{strong, []string{"If-Unmodified-Since", at}, 0},
		{strong, []string{"If-Unmodified-Since", before}, 412},
		{strong, []string{"If-Unmodified-Since", "yesterday"}, 0},
		{validators{etag: `"a"`}, []string{"If-Modified-Since", at}, 0},

		// One that is there hides the other.
		{strong, []string{"If-None-Match", `"b"`, "If-Modified-Since", at}, 0},
		{strong, []string{"If-None-Match", `"a"`, "If-Modified-Since", before}, 304},
		{strong, []string{"If-Match", `"a"`, "If-Unmodified-Since", before}, 0},
		{strong, []string{"If-Match", `"b"`, "If-None-Match", `"a"`}, 412},
		{strong, []string{"If-Match", `"a"`, "If-None-Match", `"a"`}, 304},
		{strong, []string{"If-Unmodified-Since", before, "If-None-Match", `"a"`}, 412},
	} {
		h := http.Header{}
		for i := 0; i < len(c.fields); i += 2 {
			h.Add(c.fields[i], c.fields[i+1])
		}
		if got := c.v.precondition(h); got != c.want {
			t.Errorf("%s, %v: %d, want %d", c.v.etag, c.fields, got, c.want)
		}
	}
}

// RFC 9110, 13.1.5.
func TestIfRangeWantsTheVeryFile(t *testing.T) {
	strong, weak := validators{etag: `"a"`, modified: then}, validators{etag: `W/"a"`, modified: then}
	for _, c := range []struct {
		v      validators
		values []string
		want   bool
	}{
		{strong, nil, true},
		{strong, []string{`"a"`}, true},
		{strong, []string{`"b"`}, false},
		{strong, []string{`W/"a"`}, false},
		{strong, []string{`"a", "b"`}, false},
		{strong, []string{`"a"`, `"a"`}, false},
		{weak, []string{`W/"a"`}, false},
		{weak, []string{`"a"`}, false},
		{strong, []string{then.Format(http.TimeFormat)}, true},
		{strong, []string{then.Add(time.Second).Format(http.TimeFormat)}, false},
		{strong, []string{then.Add(-time.Second).Format(http.TimeFormat)}, false},
		{weak, []string{then.Format(http.TimeFormat)}, false},
		{strong, []string{"x"}, false},
	} {
		h := http.Header{}
		if c.values != nil {
			h["If-Range"] = c.values
		}
		if got := c.v.wantsRange(h); got != c.want {
			t.Errorf("%s, %v: %v", c.v.etag, c.values, got)
		}
	}
}
