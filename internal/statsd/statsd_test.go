package statsd

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/tally"
)

func received(t *testing.T, conn net.PacketConn, until string) []string {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	var lines []string
	for !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, until) }) {
		buf := make([]byte, 64<<10)
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			t.Fatalf("%v after %d lines", err, len(lines))
		}
		if n > longest {
			t.Errorf("a datagram of %d bytes", n)
		}
		lines = append(lines, strings.Split(string(buf[:n]), "\n")...)
	}
	return lines
}

func TestWhatHasBeenAddedIsSentUnderGunicornsNames(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	var f tally.Figures
	f.Request("GET", 200, 0, 0) // before
	s, err := New(Config{Address: udp.LocalAddr().String(), Prefix: "shop.", Tags: "env:prod,a"}, f)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(tally.Figures{}, 0)
	for range 4 {
		f.Request("GET", 200, 0, 0)
		f.Total.Observe(3 * time.Millisecond)
	}
	f.Request("GET", 503, 0, 0)
	f.Request("GET", 0, 0, 0) // its client had left
	f.Total.Observe(time.Hour)
	f.Logged[1] += 2
	s.news <- news{f, 3}
	lines := received(t, udp, "shop.gunicorn.workers")
	want := []string{
		"shop.gunicorn.request.status.200:4|c|#env:prod,a",
		"shop.gunicorn.request.status.503:1|c|#env:prod,a",
		"shop.gunicorn.requests:6|c|#env:prod,a",
		"shop.gunicorn.request.duration:3.75|ms|@0.25|#env:prod,a",
		"shop.gunicorn.request.duration:60000|ms|@1|#env:prod,a",
		"shop.gunicorn.log." + tally.Levels[1] + ":2|c|#env:prod,a",
		"shop.gunicorn.workers:3|g|#env:prod,a",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got  %q\nwant %q", lines, want)
	}
	s.news <- news{f, 3} // nothing new
	if lines := received(t, udp, "shop.gunicorn.workers"); len(lines) != 1 {
		t.Errorf("sent again: %q", lines)
	}
}

func TestManyLinesAreManyDatagrams(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	unix, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Skipf("the folder for tests is too deep for a socket: %v", err)
	}
	defer unix.Close()
	s, err := New(Config{Address: "unix://" + path}, tally.Figures{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(tally.Figures{}, 0)
	var f tally.Figures
	for status := tally.FirstStatus; status < 600; status++ {
		f.Request("GET", status, 0, 0)
	}
	s.news <- news{f, 1}
	if lines := received(t, unix, "gunicorn.workers"); len(lines) != 502 {
		t.Errorf("%d lines", len(lines))
	}
}

// Nobody hears of a server that is not there.
func TestNoServerIsNoHarm(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Address: udp.LocalAddr().String()}, tally.Figures{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(tally.Figures{}, 0)
	udp.Close()
	for range 3 {
		s.news <- news{tally.Figures{}, 1}
	}
	if _, err := New(Config{Address: "unix:/nowhere/at/all"}, tally.Figures{}); err == nil {
		t.Error("a socket that is not there was connected to")
	}
}
