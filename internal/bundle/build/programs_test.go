package build

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestGowsgiWithoutAHeadSaysHowToGetOne(t *testing.T) {
	for name, inside := range map[string]fstest.MapFS{
		"holds nothing that a bundle could begin with: build it with make build": {"head/.gitignore": {}},
		"build or download this gowsgi again":                                    {headFile: {Data: []byte("not packed")}},
	} {
		if _, err := head(inside); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
}
