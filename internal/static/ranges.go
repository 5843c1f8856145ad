package static

import (
	"strconv"
	"strings"
)

// span is a part of a file.
type span struct{ from, size int64 }

// contentRange is RFC 9110, 14.4.
func (s span) contentRange(of int64) string {
	return "bytes " + strconv.FormatInt(s.from, 10) + "-" + strconv.FormatInt(s.from+s.size-1, 10) + "/" + strconv.FormatInt(of, 10)
}

// mostRanges is how many parts a request may want. Each costs a head, so a few bytes of
// many ranges would be many bytes to send (RFC 9110, 17.15).
const mostRanges = 16

// What a Range field asks for.
type wanted int

const (
	wantsAll  wanted = iota // there is none, or it is to be ignored
	wantsSome               // spans
	wantsNone               // nothing that there is: 416
)

// readRange reads a Range field for a file of that size (RFC 9110, 14.1.2). It is
// ignored if it is malformed, has another unit, more parts than mostRanges, or more
// bytes than the file.
func readRange(values []string, size int64) (wanted, []span) {
	if len(values) != 1 {
		return wantsAll, nil
	}
	unit, set, found := strings.Cut(values[0], "=")
	if !found || !strings.EqualFold(strings.TrimSpace(unit), "bytes") || strings.Count(set, ",") >= 2*mostRanges {
		return wantsAll, nil
	}
	var spans []span
	named, sum := 0, int64(0)
	for spec := range strings.SplitSeq(set, ",") {
		spec = strings.Trim(spec, " \t")
		if spec == "" {
			continue // RFC 9110, 5.6.1.2
		}
		s, satisfiable, ok := readSpan(spec, size)
		if named++; !ok || named > mostRanges {
			return wantsAll, nil
		}
		if satisfiable {
			spans = append(spans, s)
			sum += s.size
		}
	}
	switch {
	case named == 0, sum > size:
		return wantsAll, nil
	case len(spans) == 0:
		return wantsNone, nil
	case size == 0: // the last bytes of nothing: no Content-Range says so
		return wantsAll, nil
	}
	return wantsSome, spans
}

// readSpan reads 0-499, 500- or -500.
func readSpan(spec string, size int64) (s span, satisfiable, ok bool) {
	first, last, found := strings.Cut(spec, "-")
	if !found {
		return s, false, false
	}
	if first == "" {
		n, ok := readPosition(last)
		n = min(n, size)
		return span{size - n, n}, strings.Trim(last, "0") != "", ok
	}
	from, ok := readPosition(first)
	to := size - 1
	if ok && last != "" {
		var end int64
		if end, ok = readPosition(last); end < from {
			return s, false, false
		}
		to = min(to, end)
	}
	if !ok {
		return s, false, false
	}
	return span{from, to - from + 1}, from < size, true
}

// readPosition reads digits; a number that is too large is as large as can be.
func readPosition(digits string) (int64, bool) {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 1<<63 - 1, true
	}
	return n, true
}
