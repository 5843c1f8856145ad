package metrics

import (
	"bytes"
	"mime"
	"strconv"
	"strings"
)

// The media types of both formats.
const (
	plainType = "text/plain; version=0.0.4; charset=utf-8"
	openType  = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

// Text is the snapshot in the format that the field Accept of a request asks
// for, and its media type.
func Text(s Snapshot, accept string) (text []byte, mediaType string) {
	w := &writer{open: asksForOpen(accept)}
	for _, f := range families() {
		w.family(f)
		f.write(&s, w)
	}
	if w.open {
		w.WriteString("# EOF\n")
		return w.Bytes(), openType
	}
	return w.Bytes(), plainType
}

// asksForOpen tells whether OpenMetrics is acceptable. Who asks for it prefers it.
func asksForOpen(accept string) bool {
	for _, item := range strings.Split(accept, ",") {
		media, parameters, err := mime.ParseMediaType(item)
		if err == nil && media == "application/openmetrics-text" {
			version := parameters["version"]
			return (version == "" || strings.HasPrefix(version, "1.")) && parameters["q"] != "0"
		}
	}
	return false
}

// writer writes one text.
type writer struct {
	bytes.Buffer
	open bool // OpenMetrics
	name string
}

func (w *writer) family(f family) {
	w.name = f.name
	called := f.name
	if f.kind == counter {
		// OpenMetrics calls the family by the name without _total, and its sample
		// by that with it; Prometheus both by that with it.
		w.name += "_total"
		if !w.open {
			called = w.name
		}
	}
	w.WriteString("# HELP " + called + " " + f.help + "\n# TYPE " + called + " " + string(f.kind) + "\n")
}

// sample writes a line. labels are names and values in turn.
func (w *writer) sample(suffix string, value float64, labels ...string) {
	w.WriteString(w.name + suffix)
	for i := 0; i < len(labels); i += 2 {
		open := ","
		if i == 0 {
			open = "{"
		}
		w.WriteString(open + labels[i] + `="` + escaper.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD")) + `"`)
	}
	if len(labels) > 0 {
		w.WriteString("}")
	}
	w.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

var escaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// float is a number as OpenMetrics has it in le: 1.0.
func float(f float64) string {
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
