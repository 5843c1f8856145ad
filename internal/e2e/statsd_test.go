package e2e

import (
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What Gunicorn sends to statsd, gowsgi does: the requests of all workers, also of
// those that are gone.
func TestStatsd(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	s := Start(t, Options{Target: "sleeps:application", Args: []string{
		"-w", "2", "--statsd-host", udp.LocalAddr().String(), "--statsd-prefix", "shop", "--dogstatsd-tags", "env:test",
	}})
	client := s.Client(t)
	const each = 20
	ask := func() {
		for range each {
			client.Get("/hello")
		}
	}
	ask()
	s.Signal(t, syscall.SIGHUP)
	s.WaitLog(t, "event=reload.done")
	ask()
	client.Get("/raise")
	s.Signal(t, syscall.SIGTERM)
	sums := map[string]float64{}
	for _ = udp.SetReadDeadline(time.Now().Add(deadline)); sums["shop.gunicorn.requests"] < 2*each+1; {
		buf := make([]byte, 64<<10)
		n, _, err := udp.ReadFrom(buf)
		if err != nil {
			t.Fatalf("%v after %v", err, sums)
		}
		for line := range strings.Lines(string(buf[:n])) {
			name, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
			value, tags, _ := strings.Cut(rest, "|#")
			if tags != "env:test" {
				t.Errorf("%q", line)
			}
			amount, _, _ := strings.Cut(value, "|")
			number, err := strconv.ParseFloat(amount, 64)
			if err != nil {
				t.Errorf("%q: %v", line, err)
			}
			if strings.HasSuffix(value, "|g") {
				sums[name] = number
			} else {
				sums[name] += number
			}
		}
	}
	if sums["shop.gunicorn.request.status.200"] != 2*each || sums["shop.gunicorn.request.status.500"] != 1 ||
		sums["shop.gunicorn.log.exception"] != 1 || sums["shop.gunicorn.request.duration"] == 0 {
		t.Errorf("sums: %v", sums)
	}
	if status := s.Wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
