package static

import (
	"strconv"
	"strings"
)

// coding is a content coding that a sibling of a file may have.
type coding struct{ name, suffix string }

// codings are those that are looked for, the one that is smallest as a rule first.
var codings = [...]coding{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}}

// hasCoding tells whether a file is packed itself, and has no siblings.
func hasCoding(name string) bool {
	for _, c := range codings {
		if strings.HasSuffix(name, c.suffix) {
			return true
		}
	}
	return false
}

// weights are what an Accept-Encoding gives to codings: thousandths.
type weights struct {
	of    [len(codings)]int // -1: not named
	other int               // *
}

// weigh reads Accept-Encoding (RFC 9110, 12.5.3).
func weigh(fields []string) weights {
	w := weights{of: [len(codings)]int{-1, -1, -1}}
	for _, field := range fields {
		for element := range strings.SplitSeq(field, ",") {
			name, parameters, _ := strings.Cut(element, ";")
			name = strings.TrimSpace(name)
			q := quality(parameters)
			if name == "*" {
				w.other = q
				continue
			}
			for i, c := range codings {
				if strings.EqualFold(name, c.name) || c.name == "gzip" && strings.EqualFold(name, "x-gzip") {
					w.of[i] = q
				}
			}
		}
	}
	return w
}

// quality is a weight (RFC 9110, 12.4.2); what is none counts for nothing.
func quality(parameters string) int {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return int(q*1000 + 0.5)
	}
	return 1000
}

func (w *weights) weight(i int) int {
	if w.of[i] >= 0 {
		return w.of[i]
	}
	return w.other
}

// choose picks what a client can read best; versions are the file itself and then its
// siblings. One that can be read by a client is as good as the file itself, and
// smaller.
func choose(versions []*version, accept []string) *version {
	best := versions[0]
	if len(versions) == 1 || len(accept) == 0 {
		return best
	}
	w, most := weigh(accept), 0
	for _, v := range versions[1:] {
		for i, c := range codings {
			if c.name == v.coding && w.weight(i) > most {
				best, most = v, w.weight(i)
			}
		}
	}
	return best
}
