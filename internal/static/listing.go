package static

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mostListed is how many names a listing has.
const mostListed = 10_000

// listing answers with what is in a folder.
func listing(f *folder, name string) (*Answer, error) {
	h, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer h.close()
	var stat unix.Stat_t
	if err := unix.Fstat(int(h), &stat); err != nil {
		return nil, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil, errNoFile
	}
	names, err := readNames(h, mostListed+1)
	if err != nil {
		return nil, err
	}
	more := len(names) > mostListed
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, ".") })
	slices.Sort(names)
	var b strings.Builder
	title := html.EscapeString(strings.ToValidUTF8("/"+name, "\uFFFD"))
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"><title>%s</title></head>\n<body>\n<h1>%s</h1>\n<ul>\n", title, title)
	if name != "" {
		b.WriteString("<li><a href=\"../\">../</a></li>\n")
	}
	for _, own := range names[:min(len(names), mostListed)] {
		slash := ""
		if unix.Fstatat(int(h), own, &stat, 0) == nil && stat.Mode&unix.S_IFMT == unix.S_IFDIR {
			slash = "/"
		}
		shown := html.EscapeString(strings.ToValidUTF8(own, "\uFFFD")) + slash
		fmt.Fprintf(&b, "<li><a href=\"./%s%s\">%s</a></li>\n", escape(own), slash, shown)
	}
	b.WriteString("</ul>\n")
	if more {
		b.WriteString("<p>More are not listed.</p>\n")
	}
	b.WriteString("</body>\n</html>\n")
	body := []byte(b.String())
	fields := [][2]string{
		{"Content-Type", "text/html; charset=utf-8"},
		{"Cache-Control", "no-cache"},
		{"Content-Security-Policy", "default-src 'none'"}, // whatever the names are
		{"X-Content-Type-Options", "nosniff"},
	}
	return &Answer{Status: http.StatusOK, Fields: fields, Length: int64(len(body)), pieces: []piece{{text: body}}}, nil
}
