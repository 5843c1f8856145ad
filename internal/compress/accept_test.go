package compress

import (
	"strings"
	"testing"
)

func TestTheCodingThatAClientPrefers(t *testing.T) {
	for fields, want := range map[string]Coding{
		"": "", "gzip": Gzip, "zstd": Zstd, "br": "", "deflate": "", "identity": "", "*": Zstd, "*;q=0": "",
		"gzip, deflate, br, zstd": Zstd, "gzip, deflate, br": Gzip, "GZIP": Gzip, "x-gzip": Gzip, "gzipped": "",
		"gzip;q=0": "", "gzip;q=0.0": "", "gzip;q=0.000, zstd;q=0": "", "gzip;q=0, *": Zstd, "zstd;q=0, *": Gzip, "zstd;q=0, *;q=0.1": Gzip,
		"zstd;q=0.5, gzip": Gzip, "zstd;q=0.5, gzip;q=0.4": Zstd, "zstd;q=0.001": Zstd, "gzip;q=1.0, zstd;q=1": Zstd,
		"identity, gzip;q=0.5": "", "identity;q=0.5, gzip": Gzip, "identity, gzip": Gzip, "identity;q=0": "", "identity;q=0, gzip;q=0.1": Gzip,
		"gzip;q=0.1, *;q=0": Gzip, "*;q=0.1, identity;q=0.2": "",
		" gzip ; q=0.5 ,\tzstd ; Q=0.4": Gzip, ",,gzip,,": Gzip, ";q=1": "",
		"gzip;q=": "", "gzip;q=x": "", "gzip;q=-1": "", "gzip;q=2": "", "gzip;q=1e-1": "", "gzip;q=NaN": "", "gzip;q=0x1": "", "gzip;level=9": "",
		"gzip;q=1.1, zstd;q=0.1": Zstd, "gzip;q=0\ngzip": Gzip, "gzip\nzstd": Zstd, "br\n": "",
	} {
		if got := accepted(strings.Split(fields, "\n")); got != want {
			t.Errorf("%q: %q, want %q", fields, got, want)
		}
	}
	if got := accepted(nil); got != "" {
		t.Errorf("a client that says nothing gets %q", got)
	}
}
