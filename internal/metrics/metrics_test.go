package metrics

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/tally"
)

func sample() Snapshot {
	var f tally.Figures
	f.Request("GET", 200, 3, 5)
	f.Request("POST", 503, 0, 0)
	f.Total.Observe(3 * time.Millisecond)
	f.Total.Observe(time.Hour)
	f.Refused[tally.QueueFull] = 2
	return Snapshot{
		Version: "1", Python: "3.11.7", Ready: true,
		Sum:          tally.Sum{Mounts: map[string]*tally.Figures{"": &f, "/a\"b\\c\n\xff": {}}, Events: map[string]uint64{"request.slow": 7}},
		Workers:      []Worker{{Number: 1, Now: tally.Now{Connections: 5, Idle: 2}, Python: &control.Interpreter{Blocks: 9, Collections: [][3]int64{{1, 2, 3}}}}, {Number: 2}},
		Phases:       []string{"serving", "serving", "draining"},
		Nursery:      1024,
		Certificates: map[string]time.Time{"b.example.org": time.Unix(1_800_000_000, 0), "*.example.org": time.Unix(1_900_000_000, 0)},
		Reloads:      map[string]uint64{"done": 1}, WorkerEnds: map[string]uint64{"died": 1},
	}
}

var (
	labels = `(\{[a-z]+="([^"\\\n]|\\[\\"n])*"(,[a-z]+="([^"\\\n]|\\[\\"n])*")*\})?`
	line   = regexp.MustCompile(`^([a-z0-9_]+)` + labels + ` (-?[0-9.e+-]+|\+Inf)$`)
)

// Each line is one that both formats know; families stand together; counters end
// in _total.
func TestTheTextIsWellFormed(t *testing.T) {
	for accept, wantType := range map[string]string{
		"": plainType, "text/plain": plainType, "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;q=0.5": openType,
		"application/openmetrics-text; version=2.0.0": plainType, "\x00;;": plainType,
	} {
		text, mediaType := Text(sample(), accept)
		if mediaType != wantType {
			t.Errorf("accept %q: %s", accept, mediaType)
		}
		open := mediaType == openType
		kinds, current := map[string]string{}, ""
		for text := range strings.Lines(string(text)) {
			text = strings.TrimSuffix(text, "\n")
			if rest, ok := strings.CutPrefix(text, "# TYPE "); ok {
				name, kind, _ := strings.Cut(rest, " ")
				if kinds[name] != "" {
					t.Errorf("%s is there twice", name)
				}
				if kinds[name] = kind; kind == "counter" && strings.HasSuffix(name, "_total") == open {
					t.Errorf("accept %q: the counter is called %s", accept, name)
				}
				current = strings.TrimSuffix(name, "_total")
				continue
			}
			if strings.HasPrefix(text, "#") {
				continue
			}
			m := line.FindStringSubmatch(text)
			if m == nil || !strings.HasPrefix(m[1], current) {
				t.Errorf("accept %q: %q after %s", accept, text, current)
				continue
			}
			if !slices.Contains(Names(), m[1]) {
				t.Errorf("%s is no name that Names has", m[1])
			}
		}
		if strings.HasSuffix(string(text), "\n# EOF\n") != open {
			t.Errorf("accept %q: ends in %q", accept, text[len(text)-20:])
		}
	}
}

func TestTheValues(t *testing.T) {
	text, _ := Text(sample(), "")
	for _, want := range []string{
		`gowsgi_requests_total{mount="/",method="GET",status="2xx"} 1`,
		`gowsgi_requests_total{mount="/",method="POST",status="5xx"} 1`,
		`gowsgi_request_seconds_bucket{mount="/",le="0.0025"} 0`,
		`gowsgi_request_seconds_bucket{mount="/",le="0.005"} 1`,
		`gowsgi_request_seconds_bucket{mount="/",le="60.0"} 1`,
		`gowsgi_request_seconds_bucket{mount="/",le="+Inf"} 2`,
		`gowsgi_request_seconds_count{mount="/"} 2`,
		`gowsgi_request_seconds_sum{mount="/"} 3600.003`,
		`gowsgi_requests_refused_total{reason="queue_full"} 2`,
		`gowsgi_request_body_bytes_total{mount="/a\"b\\c\n` + "\uFFFD" + `"} 0`,
		`gowsgi_log_events_total{event="request.slow"} 7`,
		`gowsgi_connections{worker="1",state="active"} 3`,
		`gowsgi_workers{phase="serving"} 2`,
		`gowsgi_workers{phase="starting"} 0`,
		`gowsgi_nursery_resident_bytes 1024`,
		`gowsgi_certificate_expiry_seconds{name="*.example.org"} 1.9e+09` + "\n" + `gowsgi_certificate_expiry_seconds{name="b.example.org"} 1.8e+09`,
		`gowsgi_python_gc_collected_total{worker="1",generation="0"} 2`,
		`gowsgi_python_allocated_blocks{worker="1"} 9`,
	} {
		if !strings.Contains(string(text), "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
