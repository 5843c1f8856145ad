package compress

import (
	"strconv"
	"strings"
)

// Coding is a content coding; empty for none.
type Coding string

// The codings, the better one first.
const (
	Zstd Coding = "zstd" // RFC 8878, with the window that RFC 9659 allows
	Gzip Coding = "gzip" // RFC 1952
)

// accepted is the coding that a client prefers, by its Accept-Encoding fields
// (RFC 9110, 12.5.3). Of codings that it likes equally the first is taken. No field
// is no wish for any; one that cannot be understood in all its elements says what the
// others say.
func accepted(fields []string) Coding {
	const unknown = -1.0
	zstd, gzip, identity, others := unknown, unknown, unknown, unknown
	for _, field := range fields {
		for element := range strings.SplitSeq(field, ",") {
			name, parameters, _ := strings.Cut(element, ";")
			weight, ok := weightOf(parameters)
			if !ok {
				continue
			}
			switch strings.ToLower(strings.Trim(name, " \t")) {
			case "zstd":
				zstd = weight
			case "gzip", "x-gzip": // RFC 9110, 8.4.1.3
				gzip = weight
			case "identity":
				identity = weight
			case "*":
				others = weight
			}
		}
	}
	if zstd == unknown {
		zstd = others
	}
	if gzip == unknown {
		gzip = others
	}
	best, coding := max(identity, 0), Coding("")
	switch {
	case zstd > 0 && zstd >= gzip:
		if zstd >= best {
			coding = Zstd
		}
	case gzip > 0 && gzip >= best:
		coding = Gzip
	}
	return coding
}

// weightOf is the weight among an element's parameters, 1 without (RFC 9110, 12.4.2).
// False: it is none.
func weightOf(parameters string) (weight float64, ok bool) {
	if strings.Trim(parameters, " \t") == "" {
		return 1, true
	}
	name, value, _ := strings.Cut(parameters, "=")
	value = strings.Trim(value, " \t")
	if !strings.EqualFold(strings.Trim(name, " \t"), "q") || strings.Trim(value, "0123456789.") != "" {
		return 0, false
	}
	weight, err := strconv.ParseFloat(value, 64)
	return weight, err == nil && weight <= 1
}
