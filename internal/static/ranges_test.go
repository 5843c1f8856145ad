package static

import (
	"slices"
	"strings"
	"testing"
)

// RFC 9110, 14.1.2 and 14.2.
func TestRanges(t *testing.T) {
	many := strings.Repeat("0-0,", mostRanges)
	for _, c := range []struct {
		field string
		size  int64
		what  wanted
		spans []span
	}{
		{"bytes=0-499", 10000, wantsSome, []span{{0, 500}}},
		{"bytes=500-999", 10000, wantsSome, []span{{500, 500}}},
		{"bytes=-500", 10000, wantsSome, []span{{9500, 500}}},
		{"bytes=9500-", 10000, wantsSome, []span{{9500, 500}}},
		{"bytes=0-0,-1", 10000, wantsSome, []span{{0, 1}, {9999, 1}}},
		{"bytes= 0-999, 4500-5499, -1000", 10000, wantsSome, []span{{0, 1000}, {4500, 1000}, {9000, 1000}}},
		{"bytes=500-600,601-999", 10000, wantsSome, []span{{500, 101}, {601, 399}}},
		{"BYTES=1-2", 10, wantsSome, []span{{1, 2}}},
		{"bytes=,1-2,,", 10, wantsSome, []span{{1, 2}}},
		{"bytes=0-99", 10, wantsSome, []span{{0, 10}}},
		{"bytes=-99", 10, wantsSome, []span{{0, 10}}},
		{"bytes=5-99999999999999999999999", 10, wantsSome, []span{{5, 5}}},
		{"bytes=5-5,20-30", 10, wantsSome, []span{{5, 1}}},
		{"bytes=10-", 10, wantsNone, nil},
		{"bytes=10-20,30-", 10, wantsNone, nil},
		{"bytes=-0", 10, wantsNone, nil},
		{"bytes=99999999999999999999-", 10, wantsNone, nil},
		{"bytes=0-", 0, wantsNone, nil},
		{"bytes=-1", 0, wantsAll, nil},
		{"bytes=", 10, wantsAll, nil},
		{"bytes=,", 10, wantsAll, nil},
		{"bytes", 10, wantsAll, nil},
		{"bytes=5", 10, wantsAll, nil},
		{"bytes=-", 10, wantsAll, nil},
		{"bytes=5-4", 10, wantsAll, nil},
		{"bytes=+1-2", 10, wantsAll, nil},
		{"bytes=1-2-3", 10, wantsAll, nil},
		{"bytes=--1", 10, wantsAll, nil},
		{"bytes=0x1-2", 10, wantsAll, nil},
		{"bytes=1 - 2", 10, wantsAll, nil},
		{"bytes=0-1,x", 10, wantsAll, nil},
		{"items=0-5", 10, wantsAll, nil},
		{"", 10, wantsAll, nil},
		// What would cost more than the whole.
		{"bytes=0-,0-", 10, wantsAll, nil},
		{"bytes=" + many + "0-0", 1000, wantsAll, nil},
		{"bytes=" + many[:len(many)-1], 1000, wantsSome, slices.Repeat([]span{{0, 1}}, mostRanges)},
		{"bytes=" + strings.Repeat(",", 8000) + "1-2", 10, wantsAll, nil},
	} {
		what, spans := readRange([]string{c.field}, c.size)
		if what != c.what || what == wantsSome && !slices.Equal(spans, c.spans) {
			t.Errorf("%.60s of %d: %v %v, want %v %v", c.field, c.size, what, spans, c.what, c.spans)
		}
	}
	if what, _ := readRange([]string{"bytes=0-1", "bytes=2-3"}, 10); what != wantsAll {
		t.Error("two fields")
	}
	if what, _ := readRange(nil, 10); what != wantsAll {
		t.Error("no field")
	}
}

func FuzzRanges(f *testing.F) {
	f.Add("bytes=0-0,-1", int64(10))
	f.Add("bytes=5-,9-99999999999999999999", int64(1))
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		what, spans := readRange([]string{field}, size)
		sum := int64(0)
		for _, s := range spans {
			if what == wantsSome && (s.from < 0 || s.size <= 0 || s.from+s.size > size) {
				t.Errorf("%q of %d: %v", field, size, s)
			}
			sum += s.size
		}
		if what == wantsSome && (len(spans) == 0 || len(spans) > mostRanges || sum > size) {
			t.Errorf("%q of %d: %v", field, size, spans)
		}
	})
}
