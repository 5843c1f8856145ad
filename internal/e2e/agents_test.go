package e2e

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// collector stands in for the endpoints of all agents: it takes what it is sent.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	sent map[string]string // by path
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{sent: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			if unpacked, err := gzip.NewReader(body); err == nil {
				body = unpacked
			}
		}
		text, _ := io.ReadAll(body)
		c.mu.Lock()
		c.sent[r.URL.Path] += string(text)
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(c.Close)
	return c
}

// got tells whether a request to path had text in its body.
func (c *collector) got(path, text string) func() bool {
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return strings.Contains(c.sent[path], text)
	}
}

// Each agent is started as its documentation says, and what it knows of a request
// arrives.
func TestAgents(t *testing.T) {
	venv := Venv(t, "agents_site")
	through := func(program string, arguments ...string) func(*exec.Cmd) {
		return func(cmd *exec.Cmd) {
			cmd.Args = append(append([]string{program}, arguments...), append([]string{cmd.Path}, cmd.Args[1:]...)...)
			cmd.Path = filepath.Join(venv, "bin", program)
		}
	}
	audit := filepath.Join(t.TempDir(), "audit.log")
	settings := filepath.Join(t.TempDir(), "newrelic.ini")
	// developer_mode: the agent's own stand-in for its endpoint, which has TLS.
	write(t, settings, fmt.Sprintf("[newrelic]\nlicense_key = %s\napp_name = shop\ndeveloper_mode = true\naudit_log_file = %s\nstartup_timeout = 30.0\n",
		strings.Repeat("0", 40), audit))
	for name, agent := range map[string]struct {
		env  func(url string) []string
		wrap func(*exec.Cmd)
		came func(c *collector) func() bool
	}{
		"OpenTelemetry": {
			func(url string) []string {
				return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + url, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none"}
			},
			through("opentelemetry-instrument"),
			func(c *collector) func() bool { return c.got("/v1/traces", "GET /hello") },
		},
		"Datadog": {
			func(url string) []string {
				return []string{"DD_TRACE_AGENT_URL=" + url, "DD_INSTRUMENTATION_TELEMETRY_ENABLED=false", "DD_REMOTE_CONFIGURATION_ENABLED=false"}
			},
			through("ddtrace-run"),
			func(c *collector) func() bool { return c.got("/v0.5/traces", "GET /hello") },
		},
		"Sentry": {
			func(url string) []string {
				return []string{"SENTRY_DSN=" + strings.Replace(url, "http://", "http://key@", 1) + "/1"}
			},
			nil,
			func(c *collector) func() bool { return c.got("/api/1/envelope/", `"transaction":"hello"`) },
		},
		"New Relic": {
			func(string) []string { return []string{"NEW_RELIC_CONFIG_FILE=" + settings} },
			through("newrelic-admin", "run-program"),
			func(*collector) func() bool {
				return func() bool {
					text, _ := os.ReadFile(audit)
					return strings.Contains(string(text), "WebTransaction/Function/app:hello")
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := startCollector(t)
			s := Start(t, Options{
				Target: "app:application", Dir: Testapps("agents_site"), Venv: venv, Env: append(agent.env(c.URL), "PATH="+filepath.Join(venv, "bin")+":"+os.Getenv("PATH")), Wrap: agent.wrap,
			})
			client := s.Client(t)
			for range 3 {
				client.Get("/hello").Want(t, 200, "hello")
			}
			s.Stop(t) // agents send what is left when Python ends
			Eventually(t, "what the agent knows has arrived", agent.came(c))
		})
	}
}
