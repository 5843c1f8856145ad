package statsd

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
	s := New(Config{Address: udp.LocalAddr().String(), Prefix: "shop.", Tags: "env:prod,a", Failed: unexpected(t)}, f)
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
	unix := listen(t, path)
	defer unix.Close()
	s := New(Config{Address: "unix://" + path, Failed: unexpected(t)}, tally.Figures{})
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
	s := New(Config{Address: udp.LocalAddr().String(), Failed: unexpected(t)}, tally.Figures{})
	defer s.Close(tally.Figures{}, 0)
	udp.Close()
	for range 3 {
		s.news <- news{tally.Figures{}, 1}
	}
}

// An agent that is updated goes and comes, and is sent to again. That it is not
// there is said once each time.
func TestAServerThatGoesAndComes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	said := make(chan error, 10)
	var f tally.Figures
	s := New(Config{Address: "unix:" + path, Failed: func(err error) { said <- err }}, f)
	defer s.Close(tally.Figures{}, 0)
	for range 3 {
		for range 2 { // nobody is there
			s.news <- news{f, 1}
		}
		if err := <-said; !strings.Contains(err.Error(), "statsd at "+path+" cannot be reached") {
			t.Error(err)
		}
		unix := listen(t, path)
		f.Request("GET", 200, 0, 0)
		s.news <- news{f, 7}
		if lines := received(t, unix, "gunicorn.workers:7"); !slices.Contains(lines, "gunicorn.requests:1|c") {
			t.Errorf("%q", lines)
		}
		// Another one has its place, without a moment in which there was none.
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		other := listen(t, path)
		unix.Close()
		f.Request("GET", 200, 0, 0)
		s.news <- news{f, 8}
		if lines := received(t, other, "gunicorn.workers:8"); !slices.Contains(lines, "gunicorn.requests:1|c") {
			t.Errorf("%q", lines)
		}
		other.Close()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if len(said) > 0 {
		t.Errorf("said again: %v", <-said)
	}
}

func listen(t *testing.T, path string) net.PacketConn {
	t.Helper()
	conn, err := net.ListenPacket("unixgram", path)
	if errors.Is(err, syscall.EINVAL) {
		t.Skipf("the folder for tests is too deep for a socket: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func unexpected(t *testing.T) func(error) {
	return func(err error) { t.Error(err) }
}
