package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/tally"
)

// docs/metrics.md names all metrics, with their types, and all fixed values of
// labels.
func TestTheDocumentationNamesAllMetrics(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families() {
		name := f.name
		if f.kind == counter {
			name += "_total"
		}
		found := false
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "| ") && strings.Contains(line, "`"+name+"`") && strings.Contains(line, "| "+string(f.kind)+" |") {
				found = true
			}
		}
		if !found {
			t.Errorf("nothing is said of the %s %s", f.kind, name)
		}
	}
	for _, list := range [][]string{tally.Refusals[:], tally.Timeouts[:], tally.Handshakes[:]} {
		for _, value := range list {
			if !strings.Contains(string(text), "`"+value+"`") {
				t.Errorf("nothing is said of %q", value)
			}
		}
	}
}

// What the dashboard asks for is there, under these names and with these labels.
func TestTheDashboardAsksForWhatThereIs(t *testing.T) {
	text, err := os.ReadFile("../../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	written, _ := Text(sample(), "")
	known := map[string][]string{} // labels by name
	for line := range strings.Lines(string(written)) {
		if m := sampleLine.FindStringSubmatch(line); m != nil {
			for _, label := range labelName.FindAllStringSubmatch(m[2], -1) {
				known[m[1]] = append(known[m[1]], label[1])
			}
			known[m[1]] = append(known[m[1]], "")
		}
	}
	ids, asked := map[int]bool{}, map[string]bool{}
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] || panel.Title == "" || len(panel.Targets) == 0 {
			t.Errorf("panel %d %q is there twice, or empty", panel.ID, panel.Title)
		}
		ids[panel.ID] = true
		for _, target := range panel.Targets {
			names := metricName.FindAllString(target.Expr, -1)
			if len(names) != 1 || !slices.Contains(Names(), names[0]) {
				t.Errorf("%s: %q asks for %v", panel.Title, target.Expr, names)
				continue
			}
			asked[names[0]] = true
			labels := strings.Split(strings.Join(byLabels.FindStringSubmatch(target.Expr + " by ()")[1:], ""), ",")
			for _, m := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
				labels = append(labels, m[1])
			}
			for _, label := range labels {
				if label = strings.TrimSpace(label); label != "instance" && !slices.Contains(known[names[0]], label) {
					t.Errorf("%s: %s has no label %q", panel.Title, names[0], label)
				}
			}
		}
	}
	if len(asked) < len(families())-5 {
		t.Errorf("only %d of %d metrics are shown", len(asked), len(families()))
	}
}

var (
	sampleLine  = regexp.MustCompile(`^([a-z0-9_]+)(\{.*\})? `)
	labelName   = regexp.MustCompile(`([a-z]+)="`)
	metricName  = regexp.MustCompile(`\bgowsgi_[a-z0-9_]+`)
	byLabels    = regexp.MustCompile(`by \(([a-z, ]*)\)`)
	legendLabel = regexp.MustCompile(`\{\{([a-z]+)\}\}`)
)
