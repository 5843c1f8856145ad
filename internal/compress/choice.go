package compress

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Config says what is encoded.
type Config struct {
	Types   []string // media types: text/html, text/* for all of a kind, or Common
	MinSize int64    // smaller bodies are not
	Level   int      // 1, the quickest, to 9
	Cookies bool     // responses that set a cookie are, too
}

// Compressor encodes responses.
type Compressor struct {
	Config
	pools   [len(codings)]sync.Pool // of streams, by the coding's place
	streams atomic.Int64            // that are in use, but for brief ones
}

var codings = [...]Coding{Zstd, Gzip}

// Common stands among Config's Types for those whose bodies become much smaller.
const Common = "common"

var common = []string{
	"text/html", "text/css", "text/javascript", "text/plain", "text/xml", "text/csv", "text/markdown", "text/calendar", "text/vtt",
	"application/javascript", "application/json", "application/ld+json", "application/problem+json", "application/geo+json",
	"application/manifest+json", "application/vnd.api+json", "application/x-ndjson", "application/xml", "application/xhtml+xml",
	"application/rss+xml", "application/atom+xml", "application/wasm", "image/svg+xml", "image/x-icon", "image/bmp", "font/ttf", "font/otf",
}

// New makes a Compressor.
func New(c Config) *Compressor {
	if slices.Contains(c.Types, Common) {
		c.Types = slices.Concat(c.Types, common)
	}
	return &Compressor{Config: c}
}

// Choice is what becomes of a response. The zero value leaves it as it is.
type Choice struct {
	Coding Coding // empty: it goes out as it is
	varies bool   // for another client it might be another one
	weaken bool   // its entity tag names one of several
	silent bool   // nobody knows whether the body would be encoded: there is none
}

// Choose decides on a response: its status, its fields and its length, -1 if that is
// not known. request has the fields of the request; head tells that its method is
// HEAD.
func (c *Compressor) Choose(request http.Header, head bool, status int, fields [][2]string, length int64) Choice {
	switch status {
	case http.StatusNotModified:
		return c.unmodified(request, fields)
	case http.StatusNoContent, http.StatusResetContent, http.StatusPartialContent:
		return Choice{}
	}
	if length >= 0 && length < c.MinSize || !c.suits(fields) {
		return Choice{}
	}
	choice := Choice{varies: true}
	if !hasElement(strings.Join(request["Cache-Control"], ","), "no-transform") {
		choice.Coding = accepted(request["Accept-Encoding"])
	}
	choice.weaken = choice.Coding != ""
	if head && length < 0 { // what GET would get may turn out to be too small
		choice.Coding, choice.silent = "", choice.Coding != ""
	}
	return choice
}

// unmodified is for a 304, which has the fields that the response had which the client
// keeps (RFC 9110, 15.4.5). Whether that was encoded the client says, by the entity tag
// that it knows it under.
func (c *Compressor) unmodified(request http.Header, fields [][2]string) Choice {
	tag := valueOf(fields, "Etag")
	known := strings.HasPrefix(tag, `"`) && hasElement(strings.Join(request["If-None-Match"], ","), "W/"+tag)
	return Choice{varies: true, weaken: known}
}

// suits tells whether a body with these fields may be encoded.
func (c *Compressor) suits(fields [][2]string) bool {
	media := ""
	for _, field := range fields {
		switch name, value := field[0], field[1]; {
		case is(name, "Content-Type"):
			media, _, _ = strings.Cut(value, ";")
		case is(name, "Content-Encoding"), is(name, "Content-Range"),
			// These are over the bytes that go out.
			is(name, "Content-Digest"), is(name, "Content-Md5"), is(name, "Repr-Digest"), is(name, "Digest"):
			return false
		case is(name, "Cache-Control"):
			if hasElement(value, "no-transform") {
				return false
			}
		case is(name, "Set-Cookie"):
			if !c.Cookies {
				return false
			}
		}
	}
	return c.hasType(strings.ToLower(strings.Trim(media, " \t")))
}

func (c *Compressor) hasType(media string) bool {
	kind, _, found := strings.Cut(media, "/")
	return found && slices.ContainsFunc(c.Types, func(pattern string) bool {
		all, wild := strings.CutSuffix(pattern, "/*")
		return pattern == media || wild && all == kind
	})
}

// Apply makes the fields of the response say what was chosen.
func (c Choice) Apply(fields [][2]string) [][2]string {
	if !c.varies {
		return fields
	}
	kept := fields[:0]
	said := false
	for _, field := range fields {
		switch name := field[0]; {
		case is(name, "Vary"):
			if !said && !hasElement(field[1], "Accept-Encoding") && !hasElement(field[1], "*") {
				field[1] = strings.TrimRight(field[1], ", \t") + ", Accept-Encoding"
				field[1] = strings.TrimPrefix(field[1], ", ")
			}
			said = true
		case c.weaken && is(name, "Etag") && strings.HasPrefix(field[1], `"`):
			field[1] = "W/" + field[1] // the bytes are not those that it was made of
		case c.weaken && is(name, "Accept-Ranges"):
			continue // a part of them would be one of the other bytes
		}
		kept = append(kept, field)
	}
	if !said {
		kept = append(kept, [2]string{"Vary", "Accept-Encoding"})
	}
	if c.Coding != "" {
		kept = append(kept, [2]string{"Content-Encoding", string(c.Coding)})
	}
	return kept
}

// AsItIs is the choice if there is nobody to encode the response.
func (c Choice) AsItIs() Choice {
	c.Coding, c.weaken = "", false
	return c
}

// is tells whether a field has that name, in any case.
func is(name, other string) bool {
	return len(name) == len(other) && strings.EqualFold(name, other)
}

func valueOf(fields [][2]string, name string) string {
	for _, field := range fields {
		if is(field[0], name) {
			return field[1]
		}
	}
	return ""
}

// hasElement tells whether a list (RFC 9110, 5.6.1) has that element, in any case.
func hasElement(list, element string) bool {
	for other := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(other, " \t"), element) {
			return true
		}
	}
	return false
}
