package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// scrape reads the metrics at an address, by series.
func scrape(t testing.TB, address string) map[string]float64 {
	t.Helper()
	client := http.Client{Timeout: deadline}
	defer client.CloseIdleConnections()
	response, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", response.StatusCode, err)
	}
	return series(t, string(text))
}

func series(t testing.TB, text string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "} ")
		if value == "" {
			name, value, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		} else {
			name += "}"
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		values[name] = number
	}
	return values
}

// What was counted stays when workers are replaced, and killed.
func TestMetricsSurviveWorkers(t *testing.T) {
	address := freeAddr(t)
	s := Start(t, Options{Target: "sleeps:application", Args: []string{"-w", "2", "--threads", "2", "--metrics", address}})
	client := s.Client(t)
	const each = 40
	ask := func() {
		for range each {
			if r := client.Get("/hello"); r.Status != http.StatusOK {
				t.Fatalf("status %d", r.Status)
			}
		}
	}
	got := `gowsgi_requests_total{mount="/",method="GET",status="2xx"}`
	counted := func(n int) {
		t.Helper()
		m := scrape(t, address)
		if m[got] != float64(n) || m[`gowsgi_request_seconds_count{mount="/"}`] < float64(n) || m[`gowsgi_request_python_seconds_count{mount="/"}`] < float64(n) {
			t.Errorf("%v requests, %v times, %v inside Python; want %d", m[got], m[`gowsgi_request_seconds_count{mount="/"}`], m[`gowsgi_request_python_seconds_count{mount="/"}`], n)
		}
	}
	ask()
	counted(each)
	s.Signal(t, syscall.SIGHUP)
	s.WaitLog(t, "event=reload.done")
	ask()
	counted(2 * each)
	for _, pid := range s.WorkerPIDs() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	Eventually(t, "new workers serve", func() bool {
		m := scrape(t, address)
		return m[`gowsgi_worker_ends_total{cause="died"}`] == 2 && m[`gowsgi_workers{phase="serving"}`] == 2
	})
	ask()
	counted(3 * each)

	client.Get("/raise")
	client.Post("/hello", "text/plain", "12345")
	client.Get("/log")
	m := scrape(t, address)
	for name, want := range map[string]float64{
		`gowsgi_requests_total{mount="/",method="GET",status="5xx"}`:  1,
		`gowsgi_requests_total{mount="/",method="POST",status="2xx"}`: 1,
		`gowsgi_request_body_bytes_total{mount="/"}`:                  5,
		`gowsgi_log_events_total{event="application.raised"}`:         1,
		`gowsgi_log_events_total{event="worker.died"}`:                2,
		`gowsgi_log_events_total{event="reload.done"}`:                1,
		`gowsgi_worker_ends_total{cause="died"}`:                      2,
		`gowsgi_worker_ends_total{cause="replaced"}`:                  2,
		`gowsgi_worker_starts_total`:                                  6,
		`gowsgi_reloads_total{outcome="done"}`:                        1,
		`gowsgi_reloads_total{outcome="failed"}`:                      0,
		`gowsgi_ready`:                                                1,
	} {
		if m[name] != want {
			t.Errorf("%s is %v, want %v", name, m[name], want)
		}
	}
	if m[`gowsgi_response_body_bytes_total{mount="/"}`] < 3*each*5 || m[`gowsgi_python_allocated_blocks{worker="1"}`] < 1000 || m[`gowsgi_worker_resident_bytes{worker="2"}`] < 1<<20 {
		t.Errorf("bytes %v, blocks %v, memory %v", m[`gowsgi_response_body_bytes_total{mount="/"}`], m[`gowsgi_python_allocated_blocks{worker="1"}`], m[`gowsgi_worker_resident_bytes{worker="2"}`])
	}
}

// No counter falls, however often it is asked while workers are replaced under
// load.
func TestNoCounterFallsWhileAReloadRuns(t *testing.T) {
	address := freeAddr(t)
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2, Threads: 2}, Args: []string{"--metrics", address}})
	b := keepBusy(t, p)
	last := scrape(t, address)
	look := func() {
		now := scrape(t, address)
		for name, before := range last {
			family, _, _ := strings.Cut(name, "{")
			grows := strings.HasSuffix(family, "_total") || strings.HasSuffix(family, "_count") || strings.HasSuffix(family, "_bucket") || strings.HasSuffix(family, "_sum")
			if value, there := now[name]; grows && !strings.HasPrefix(name, "gowsgi_python_") && (!there || value < before) {
				t.Errorf("%s fell from %v to %v (%v)", name, before, value, there)
			}
		}
		last = now
	}
	p.Edition(t, 2)
	replaced := p.Replaced(t, 2)
	b.Event(t, "HUP", func() { p.Send(t, syscall.SIGHUP) }, func() bool { look(); return replaced() })
	look()
	b.Finish(t)
}

// Why requests were refused, and where they took too long.
func TestRefusalsAndTimeoutsAreCounted(t *testing.T) {
	address := freeAddr(t)
	s := Start(t, Options{Target: "sleeps:application", Args: []string{
		"--threads", "1", "--backlog-requests", "1", "--timeout", "1", "--queue-timeout", "0", "--metrics", address,
		"--mount", "/app", "--limit-request-body", "10", "--slow-request-threshold", "0",
	}})
	client := s.Client(t)
	if r := client.Get("/elsewhere"); r.Status != http.StatusNotFound {
		t.Errorf("outside of the mount: %d", r.Status)
	}
	if r := client.Post("/app/hello", "text/plain", "much too long"); r.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", r.Status)
	}
	done := make(chan int)
	for range 6 {
		go func() { done <- s.Client(t).Get("/app/sleep?seconds=2").Status }()
	}
	statuses := map[int]int{}
	for range 6 {
		statuses[<-done]++
	}
	m := scrape(t, address)
	for name, want := range map[string]float64{
		`gowsgi_requests_refused_total{reason="outside_mount"}`:          1,
		`gowsgi_requests_refused_total{reason="too_large"}`:              1,
		`gowsgi_requests_refused_total{reason="queue_full"}`:             float64(statuses[503]),
		`gowsgi_requests_timed_out_total{where="application"}`:           float64(statuses[504]),
		`gowsgi_requests_total{mount="/app",method="POST",status="4xx"}`: 1,
		`gowsgi_request_queue_seconds_count{mount="/app"}`:               0,
	} {
		if m[name] != want {
			t.Errorf("%s is %v, want %v (answers: %v)", name, m[name], want, statuses)
		}
	}
	if statuses[503] == 0 || statuses[504] == 0 {
		t.Errorf("answers: %v", statuses)
	}
}

// The application's own listener answers, for who may ask.
func TestMetricsOnAPathOfTheApplication(t *testing.T) {
	s := Start(t, Options{Target: "sleeps:application", Args: []string{"-w", "2", "--metrics-path", "/metrics"}})
	if !strings.Contains(s.Log(), "gowsgi answers /metrics itself") {
		t.Error("nothing is said of the application's own path")
	}
	client := s.Client(t)
	for range 20 {
		client.Get("/hello")
	}
	request := client.Request("GET", "/metrics", nil)
	request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	r := client.Do(request)
	if r.Status != http.StatusOK || !strings.HasSuffix(r.Body, "# EOF\n") || r.Header.Get("Content-Type") != "application/openmetrics-text; version=1.0.0; charset=utf-8" {
		t.Errorf("status %d, %s\n%s", r.Status, r.Header.Get("Content-Type"), r.Body)
	}
	if m := series(t, client.Get("/metrics").Body); m[`gowsgi_requests_total{mount="/",method="GET",status="2xx"}`] < 20 {
		t.Errorf("of both workers there are %v requests", m[`gowsgi_requests_total{mount="/",method="GET",status="2xx"}`])
	}
	request = client.Request("GET", "/metrics", nil)
	request.Header.Set("X-Forwarded-For", "192.0.2.1")
	if r := client.Do(request); r.Status != http.StatusForbidden || strings.Contains(r.Body, "gowsgi_") {
		t.Errorf("through a proxy: %d %s", r.Status, r.Body)
	}
	unix := Start(t, Options{Target: "sleeps:application", Unix: true, Args: []string{"--metrics-path", "/metrics"}})
	if r := unix.Client(t).Get("/metrics"); r.Status != http.StatusForbidden {
		t.Errorf("over a unix socket: %d", r.Status)
	}
}

// Lines of the access log that a full disk costs are counted, also those of
// workers that are gone, and of no others.
func TestLostLinesOfTheAccessLogAreCounted(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("no /dev/full here")
	}
	address := freeAddr(t)
	s := Start(t, Options{Target: "sleeps:application", Args: []string{"-w", "2", "--metrics", address, "--access-logfile", full}})
	const each = 30
	lost := func(lines int) {
		t.Helper()
		Eventually(t, fmt.Sprintf("%d lines are counted", lines), func() bool {
			return scrape(t, address)["gowsgi_access_log_lost_lines_total"] >= float64(lines)
		})
		if n := scrape(t, address)["gowsgi_access_log_lost_lines_total"]; n != float64(lines) {
			t.Errorf("%v lines are said to be lost of %d", n, lines)
		}
	}
	for range each {
		s.Client(t).Get("/hello")
	}
	lost(each)
	s.Signal(t, syscall.SIGHUP)
	s.WaitLog(t, "event=reload.done")
	lost(each)
	for range each {
		s.Client(t).Get("/hello")
	}
	lost(2 * each)
	written := freeAddr(t)
	s = Start(t, Options{Target: "sleeps:application", Args: []string{"--metrics", written, "--access-logfile", "-"}})
	s.Client(t).Get("/hello")
	s.WaitOut(t, "GET /hello")
	if n := scrape(t, written)["gowsgi_access_log_lost_lines_total"]; n != 0 {
		t.Errorf("%v lines are said to be lost that are there", n)
	}
}

// A reload that takes a path from the application says so, and says nothing twice.
func TestAReloadSaysWhatItTakesFromTheApplication(t *testing.T) {
	p := startProject(t, ProjectOptions{Settings: Settings{More: `health_path = "/-"`}})
	for n, settings := range []string{`health_path = "/-"`, "health_path = \"/-\"\nmetrics_path = \"/metrics\"", "health_path = \"/-\"\nmetrics_path = \"/metrics\""} {
		p.Configure(t, Settings{More: settings})
		p.Send(t, syscall.SIGHUP)
		Eventually(t, "it is reloaded", func() bool { return p.Logged("reload.done") == n+1 })
		for path, times := range map[string]int{"/-/live": 1, "/-/ready": 1, "/metrics": min(n, 1)} {
			if said := strings.Count(p.Log(), "gowsgi answers "+path+" itself"); said != times {
				t.Errorf("after %d reloads that of %s was said %d times, want %d", n+1, path, said, times)
			}
		}
	}
}

// An upgrade hands the address over; a reload moves it.
func TestMetricsMove(t *testing.T) {
	first, second := freeAddr(t), freeAddr(t)
	p := startProject(t, ProjectOptions{Settings: Settings{More: fmt.Sprintf("metrics = %q", first)}})
	p.Configure(t, Settings{More: fmt.Sprintf("metrics = %q", second)})
	p.Send(t, syscall.SIGHUP)
	p.WaitLog(t, "event=reload.done")
	scrape(t, second)
	if conn, err := net.Dial("tcp", first); err == nil {
		conn.Close()
		t.Error("the old address still listens")
	}
	started := scrape(t, second)["gowsgi_start_time_seconds"]
	succeeded := p.Succeeded(t, 1)
	p.Send(t, syscall.SIGUSR2)
	Eventually(t, "the upgrade is done", succeeded)
	Eventually(t, "the new gowsgi is measured", func() bool {
		response, err := http.Get("http://" + second + "/metrics")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return series(t, string(text))["gowsgi_start_time_seconds"] > started
	})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := Run(t, Options{}, "-b", freeAddr(t), "--venv", PlainVenv(t), "--metrics", taken.Addr().String(), "sleeps:application")
	if r.Status != 1 || !strings.Contains(r.Errors, "for --metrics: address already in use") {
		t.Errorf("status %d: %s", r.Status, r.Errors)
	}
}

// Scrapers that hang or flood keep nobody from being served.
func TestBadScrapers(t *testing.T) {
	address := freeAddr(t)
	s := Start(t, Options{Target: "sleeps:application", Args: []string{"--metrics", address}})
	for i := range 20 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, []string{"GET /met", "\x00\xff\r\n\r\n", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", ""}[i%4])
	}
	scrape(t, address)
	if r := s.Client(t).Get("/hello"); r.Status != http.StatusOK {
		t.Errorf("status %d", r.Status)
	}
}

// Health without Python: also when the GIL is held and all threads are busy.
func TestHealth(t *testing.T) {
	address := freeAddr(t)
	s := Start(t, Options{Target: "holds_gil:application", Args: []string{
		"--health-path", "/-", "--threads", "1", "--backlog-requests", "1", "--timeout", "0", "--deadlock-timeout", "0", "--metrics", address,
	}})
	client := s.Client(t)
	health := func(path string) (int, string) {
		r := client.Get(path)
		return r.Status, r.Body
	}
	if status, text := health("/-/ready"); status != 200 || text != "ready\n" {
		t.Errorf("%d %s", status, text)
	}
	ended := make(chan int, 2)
	for range 2 {
		go func() { ended <- s.Client(t).Get("/hold?seconds=4").Status }()
	}
	Eventually(t, "one holds the thread and one waits", func() bool { // at first the first of them waits, too
		m := scrape(t, address)
		return m[`gowsgi_threads_busy{worker="1"}`] == 1 && m[`gowsgi_queue_length{worker="1"}`] == 1
	})
	Eventually(t, "the queue is full", func() bool { status, _ := health("/-/ready"); return status == 503 })
	if status, text := health("/-/ready"); status != 503 || text != "not ready: the queue is full\n" {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := health("/-/live"); status != 200 {
		t.Errorf("alive: %d", status)
	}
	Eventually(t, "gowsgi itself says so, too", func() bool { // what it knows of its workers is a moment old
		status, text := ready(t, address)
		return status == 503 && text == "not ready: the queue is full\n"
	})
	if m := scrape(t, address); m[`gowsgi_queue_length{worker="1"}`] > 1 || m["gowsgi_ready"] != 1 {
		t.Errorf("queue %v, ready %v", m[`gowsgi_queue_length{worker="1"}`], m["gowsgi_ready"])
	}
	for range 2 {
		<-ended
	}
	Eventually(t, "it is ready again", func() bool { status, _ := health("/-/ready"); return status == 200 })
}

// ready asks whether requests may be sent, at the address of --metrics.
func ready(t testing.TB, address string) (status int, text string) {
	t.Helper()
	client := http.Client{Timeout: deadline}
	defer client.CloseIdleConnections()
	response, err := client.Get("http://" + address + "/-/ready")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// That no worker serves is said with its reason: to load balancers, Prometheus,
// systemd and gowsgi status. One that is forked would have what was loaded before.
func TestNoWorkerServes(t *testing.T) {
	t.Parallel() // it mostly waits
	m, address := startManager(t), freeAddr(t)
	control := "unix:" + filepath.Join(shortFolder(t), "control")
	p := prepareProject(t)
	p.Edition(t, 1)
	p.serve(t, ProjectOptions{
		Settings: Settings{Workers: 1, Threads: 2}, Env: []string{"NOTIFY_SOCKET=" + m.path},
		Args: []string{eachLoads, "--metrics", address, "--control", control, "--name", "shop"},
	})
	m.Told(t, "READY=1\nSTATUS=shop, 1 worker of 2 threads\n", 1)
	p.Answer(t) // so it is known to work, and is tried for ever
	p.Write(t, "editions.py", "import os\nos._exit(3)\n")
	_ = syscall.Kill(p.Workers(t)[0], syscall.SIGKILL)
	m.Told(t, "\nSTATUS=not ready: no worker serves\n", 1)
	m.Told(t, "\nSTATUS=not ready: no worker serves; worker 1 waits to be started: it cannot start\n", 1)
	if status, text := ready(t, address); status != 503 || text != "not ready: no worker serves\n" {
		t.Errorf("%d %s", status, text)
	}
	if samples := scrape(t, address); samples["gowsgi_ready"] != 0 || samples[`gowsgi_workers{phase="serving"}`] != 0 {
		t.Errorf("ready %v, serving %v", samples["gowsgi_ready"], samples[`gowsgi_workers{phase="serving"}`])
	}
	p.Edition(t, 2)
	Eventually(t, "it is ready again", func() bool { status, _ := ready(t, address); return status == 200 })
	if p.Answer(t) != "2" {
		t.Error("the worker is of another edition")
	}
	m.ToldAgain(t, "\nSTATUS=shop, 1 worker of 2 threads\n", 1)
	told := m.told.String()
	if n := strings.Count(told, "STATUS="); n > 12 {
		t.Errorf("systemd was told %d times:\n%s", n, told)
	}
	p.terminate(t)
	m.Told(t, "STOPPING=1", 1)
	if _, after, _ := strings.Cut(m.Mark(t, "MARK=1"), "STOPPING=1"); strings.Contains(after, "shop") || strings.Contains(after, "not ready") {
		t.Errorf("while it stopped systemd was told %s", after)
	}
}

// Between SIGTERM and the end of accepting there is time for a load balancer.
func TestShutdownDelay(t *testing.T) {
	address := freeAddr(t)
	m := startManager(t)
	s := Start(t, Options{Target: "sleeps:application", Env: []string{"NOTIFY_SOCKET=" + m.path}, Args: []string{
		"-w", "2", "--health-path", "/-", "--shutdown-delay", "1h", "--metrics", address,
	}})
	s.Signal(t, syscall.SIGTERM)
	m.Told(t, "STOPPING=1\nSTATUS=not ready, stops in 1h0m0s\n", 1)
	s.WaitLog(t, "event=gowsgi.leaving")
	Eventually(t, "all workers say that they are not ready", func() bool {
		for range 10 {
			if r := s.Client(t).Get("/-/ready"); r.Status != 503 || r.Body != "not ready: gowsgi is about to stop\n" {
				return false
			}
		}
		return true
	})
	if r := s.Client(t).Get("/hello"); r.Status != http.StatusOK {
		t.Errorf("a request meanwhile: %d", r.Status)
	}
	if m := scrape(t, address); m["gowsgi_ready"] != 0 {
		t.Error("its metrics say that it is ready")
	}
	if status, text := ready(t, address); status != 503 || text != "not ready: gowsgi is about to stop\n" {
		t.Errorf("%d %s", status, text)
	}
	// A worker that takes another's place says the same.
	for _, pid := range s.WorkerPIDs() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	Eventually(t, "new workers are not ready either", func() bool {
		m := scrape(t, address)
		return m[`gowsgi_worker_ends_total{cause="died"}`] == 2 && m[`gowsgi_workers{phase="serving"}`] == 2 && s.Client(t).Get("/-/ready").Status == 503
	})
	s.Signal(t, syscall.SIGTERM) // who says it twice means it
	if status := s.Wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
