package compress

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func fieldsOf(text string) (fields [][2]string) {
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			fields = append(fields, [2]string{name, value})
		}
	}
	return fields
}

func textOf(fields [][2]string) string {
	var b strings.Builder
	for i, field := range fields {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s: %s", field[0], field[1])
	}
	return b.String()
}

func TestWhichResponsesAreEncodedAndWhatTheySay(t *testing.T) {
	c := New(Config{Types: []string{"text/*", "application/json"}, MinSize: 100})
	const html = "Content-Type: text/html; charset=utf-8"
	for _, test := range []struct {
		name    string
		request string
		head    bool
		status  int
		fields  string
		length  int64
		want    string
	}{
		{"a page", "Accept-Encoding: gzip", false, 200, html, 100, html + "\nVary: Accept-Encoding\nContent-Encoding: gzip"},
		{"of unknown length", "Accept-Encoding: zstd", false, 200, html, -1, html + "\nVary: Accept-Encoding\nContent-Encoding: zstd"},
		{"a small one", "Accept-Encoding: gzip", false, 200, html, 99, html},
		{"for who wants none", "", false, 200, html, 100, html + "\nVary: Accept-Encoding"},
		{"that failed", "Accept-Encoding: gzip", false, 500, html, 100, html + "\nVary: Accept-Encoding\nContent-Encoding: gzip"},
		{"of another type", "Accept-Encoding: gzip", false, 200, "Content-Type: image/png", -1, "Content-Type: image/png"},
		{"of a type in capitals", "Accept-Encoding: gzip", false, 200, "content-type: TEXT/Plain", -1, "content-type: TEXT/Plain\nVary: Accept-Encoding\nContent-Encoding: gzip"},
		{"of no type", "Accept-Encoding: gzip", false, 200, "X: y", -1, "X: y"},
		{"of half a type", "Accept-Encoding: gzip", false, 200, "Content-Type: text", -1, "Content-Type: text"},
		{"of JSON", "Accept-Encoding: gzip", false, 200, "Content-Type: application/json", -1, "Content-Type: application/json\nVary: Accept-Encoding\nContent-Encoding: gzip"},
		{"encoded", "Accept-Encoding: gzip", false, 200, html + "\nContent-Encoding: br", -1, html + "\nContent-Encoding: br"},
		{"encoded as itself", "Accept-Encoding: gzip", false, 200, html + "\nCONTENT-ENCODING: identity", -1, html + "\nCONTENT-ENCODING: identity"},
		{"a part", "Accept-Encoding: gzip", false, 206, html, -1, html},
		{"a part under another status", "Accept-Encoding: gzip", false, 416, html + "\nContent-Range: bytes */900", -1, html + "\nContent-Range: bytes */900"},
		{"no content", "Accept-Encoding: gzip", false, 204, html, -1, html},
		{"reset", "Accept-Encoding: gzip", false, 205, html, -1, html},
		{"no-transform", "Accept-Encoding: gzip", false, 200, html + "\nCache-Control: public, No-Transform", -1, html + "\nCache-Control: public, No-Transform"},
		{"asked not to", "Accept-Encoding: gzip\nCache-Control: no-transform", false, 200, html, -1, html + "\nVary: Accept-Encoding"},
		{"with a digest", "Accept-Encoding: gzip", false, 200, html + "\nContent-Digest: x", -1, html + "\nContent-Digest: x"},
		{"with a cookie", "Accept-Encoding: gzip", false, 200, html + "\nSet-Cookie: a=b", -1, html + "\nSet-Cookie: a=b"},
		{"with a tag", "Accept-Encoding: gzip", false, 200, html + "\nETag: \"a\"", 100, html + "\nETag: W/\"a\"\nVary: Accept-Encoding\nContent-Encoding: gzip"},
		{"with a weak tag", "Accept-Encoding: gzip", false, 200, html + "\nETag: W/\"a\"", 100, html + "\nETag: W/\"a\"\nVary: Accept-Encoding\nContent-Encoding: gzip"},
		{"with a tag for who wants none", "", false, 200, html + "\nETag: \"a\"", 100, html + "\nETag: \"a\"\nVary: Accept-Encoding"},
		{"with ranges", "Accept-Encoding: gzip", false, 200, html + "\nAccept-Ranges: bytes", 100, html + "\nVary: Accept-Encoding\nContent-Encoding: gzip"},
		{"that varies", "Accept-Encoding: gzip", false, 200, html + "\nVary: Cookie", 100, html + "\nVary: Cookie, Accept-Encoding\nContent-Encoding: gzip"},
		{"that varies already", "Accept-Encoding: gzip", false, 200, html + "\nvary: Cookie,accept-encoding", 100, html + "\nvary: Cookie,accept-encoding\nContent-Encoding: gzip"},
		{"that varies in everything", "Accept-Encoding: gzip", false, 200, html + "\nVary: *", 100, html + "\nVary: *\nContent-Encoding: gzip"},
		{"that varies in nothing", "", false, 200, html + "\nVary: ", 100, html + "\nVary: Accept-Encoding"},
		{"of which there is the head", "Accept-Encoding: gzip", true, 200, html + "\nETag: \"a\"", 100, html + "\nETag: W/\"a\"\nVary: Accept-Encoding\nContent-Encoding: gzip"},
		{"of which there is the head of unknown length", "Accept-Encoding: gzip", true, 200, html + "\nETag: \"a\"", -1, html + "\nETag: W/\"a\"\nVary: Accept-Encoding"},
		{"not modified", "Accept-Encoding: gzip\nIf-None-Match: \"b\", W/\"a\"", false, 304, "ETag: \"a\"", -1, "ETag: W/\"a\"\nVary: Accept-Encoding"},
		{"not modified for who has it as it is", "If-None-Match: \"a\"", false, 304, "ETag: \"a\"", -1, "ETag: \"a\"\nVary: Accept-Encoding"},
		{"not modified since", "If-Modified-Since: x", false, 304, "", -1, "Vary: Accept-Encoding"},
	} {
		request := http.Header{}
		for _, field := range fieldsOf(test.request) {
			request.Add(field[0], field[1])
		}
		fields := fieldsOf(test.fields)
		got := textOf(c.Choose(request, test.head, test.status, fields, test.length).Apply(fields))
		if got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
	open := New(Config{Types: []string{"text/html"}, Cookies: true})
	fields := fieldsOf(html + "\nSet-Cookie: a=b")
	if choice := open.Choose(http.Header{"Accept-Encoding": {"gzip"}}, false, 200, fields, 0); choice.Coding != Gzip {
		t.Errorf("with cookies and without a least size: %+v", choice)
	}
	usual := New(Config{Types: []string{Common, "image/*"}})
	for media, want := range map[string]Coding{"image/svg+xml": Gzip, "image/png": Gzip, "application/json": Gzip, "text/event-stream": "", "video/mp4": "", "common": ""} {
		if got := usual.Choose(http.Header{"Accept-Encoding": {"gzip"}}, false, 200, fieldsOf("Content-Type: "+media), 0); got.Coding != want {
			t.Errorf("%s: %q", media, got.Coding)
		}
	}
	fields = fieldsOf(html + "\nETag: \"a\"")
	choice := c.Choose(http.Header{"Accept-Encoding": {"gzip"}}, false, 200, fields, -1).AsItIs()
	if got := textOf(choice.Apply(fields)); got != html+"\nETag: \"a\"\nVary: Accept-Encoding" {
		t.Errorf("without anybody to encode it:\n%s", got)
	}
}
