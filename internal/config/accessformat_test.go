package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestAccessFormatsAreTakenApart(t *testing.T) {
	for format, want := range map[string]AccessFormat{
		"":             {},
		"json":         {JSON: true},
		"plain":        {Parts: []AccessPart{{Text: "plain"}}},
		"100%%":        {Parts: []AccessPart{{Text: "100%"}}},
		"%%%(h)s":      {Parts: []AccessPart{{Text: "%"}, {Atom: "h"}}},
		"%({x-id}i)s!": {Parts: []AccessPart{{Atom: "i", Argument: "x-id"}, {Text: "!"}}},
		"%(unknown)s":  {Parts: []AccessPart{{Atom: "unknown"}}},
		"%({}i)s":      {Parts: []AccessPart{{Atom: "{}i"}}},
		"%h %>s":       {Apache: true, Parts: []AccessPart{{Atom: "h"}, {Text: " "}, {Atom: "s"}}},
		"%{X-Id}i%D":   {Apache: true, Parts: []AccessPart{{Atom: "i", Argument: "X-Id"}, {Atom: "D"}}},
		"%{ms}T%T":     {Apache: true, Parts: []AccessPart{{Atom: "T", Argument: "ms"}, {Atom: "T"}}},
		"%a %{c}a 5%%": {Apache: true, Parts: []AccessPart{{Atom: "a"}, {Text: " "}, {Atom: "a", Argument: "c"}, {Text: " 5%"}}},
	} {
		if got, err := ParseAccessFormat(format); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v\nwant %+v", format, got, err, want)
		}
	}
}

func TestNamedAccessFormatsAreApaches(t *testing.T) {
	for name, atoms := range map[string]string{"common": "hlutrsb", "combined": "hlutrsbii", "vhost_combined": "vphlutrsOii"} {
		format, err := ParseAccessFormat(name)
		got := ""
		for _, part := range format.Parts {
			got += part.Atom
		}
		if err != nil || !format.Apache || got != atoms {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestWrongAccessFormatsAreNamed(t *testing.T) {
	for format, says := range map[string]string{
		"%(h)s %h":   "mixes Gunicorn's",
		"%h %(h)s":   "mixes Gunicorn's",
		"%(h)":       `"%(h)", which is no atom`,
		"%()s":       `"%()s", which is no atom`,
		"%(hs":       "no atom",
		"%(h) s":     "no atom",
		"%(h)d":      "no atom",
		"%(h %(r)s":  "no atom",
		"%h %":       "ends within",
		"%h %>":      "ends within",
		"%h %{x":     "ends within",
		"%h %{x}":    "ends within",
		"%h %Z":      `"%Z", which is no atom that gowsgi knows`,
		"%200h":      `"%2"`,
		"100% sure":  `"% "`,
		"%h %i":      `"%i" without a name; write %{NAME}i`,
		"%h %{}i":    "write %{NAME}i",
		"%h %{x}h":   "write %h",
		"%h %{x}T":   "write %T or %{s}T or %{ms}T or %{us}T",
		"%h %{%T}t":  "%{msec_frac}t",
		"%{x}n":      `"%{x}n", which is no atom`,
		"a\nb":       "a line of text",
		"%(h)s \xff": "a line of text",
	} {
		if _, err := ParseAccessFormat(format); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", format, err)
		}
	}
}
