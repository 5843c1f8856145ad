package e2e

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Prometheus' own library understands the metrics, in both formats, and finds the
// same in them.
func TestPrometheusReadsTheMetrics(t *testing.T) {
	venv := Venv(t, "prometheus_site")
	s := Start(t, Options{
		Target: "app:application", Dir: Testapps("prometheus_site"), Venv: venv,
		Args: []string{"-w", "2", "--metrics-path", "/-/metrics", "--health-path", "/-"},
	})
	client := s.Client(t)
	for _, path := range []string{"/", "/basket", "/-/live", "/metrics"} {
		client.Get(path)
	}
	read := func(accept, format string) map[string]bool {
		t.Helper()
		request := client.Request("GET", "/-/metrics", nil)
		request.Header.Set("Accept", accept)
		r := client.Do(request)
		cmd := exec.Command(filepath.Join(venv, "bin", "python"), Testapps("prometheus_site", "read.py"), format)
		cmd.Stdin = strings.NewReader(r.Body)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s\n%s", err, out, r.Body)
		}
		names := map[string]bool{}
		for line := range strings.Lines(string(out)) {
			name, _, _ := strings.Cut(line, " ")
			names[name] = true
		}
		return names
	}
	plain, open := read("text/plain", "plain"), read("application/openmetrics-text; version=1.0.0", "open")
	for name := range plain {
		if !open[name] {
			t.Errorf("%s is not in OpenMetrics", name)
		}
	}
	for _, name := range []string{"gowsgi_requests_total", "gowsgi_request_seconds_bucket", "gowsgi_python_gc_collections_total", "gowsgi_ready"} {
		if !plain[name] || len(plain) != len(open) {
			t.Errorf("%s: %v of %d and %d", name, plain[name], len(plain), len(open))
		}
	}
}

// An application that has /metrics keeps it, unless the settings take it away.
func TestMetricsOfAnApplicationWithItsOwn(t *testing.T) {
	for path, ours := range map[string]bool{"": false, "/gowsgi": false, "/metrics": true} {
		s := Start(t, Options{
			Target: "app:application", Dir: Testapps("prometheus_site"), Venv: Venv(t, "prometheus_site"),
			Args: []string{"--metrics-path", path},
		})
		s.Client(t).Get("/basket")
		r := s.Client(t).Get("/metrics")
		if r.Status != http.StatusOK || strings.Contains(r.Body, "shop_baskets_total 1.0") == ours || strings.Contains(r.Body, "gowsgi_requests_total") != ours {
			t.Errorf("with %q: status %d\n%s", path, r.Status, r.Body)
		}
		if strings.Contains(s.Log(), "gowsgi answers /metrics itself") != ours {
			t.Errorf("with %q it is not said, or without need", path)
		}
	}
}
