package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// calm is the worker's memory once it changes no more.
func calm(t testing.TB, pid int) int64 {
	t.Helper()
	size, same := int64(0), 0
	Eventually(t, "the worker's memory stays as it is", func() bool {
		now := rollup(t, pid, "Rss:")
		if same++; now != size {
			size, same = now, 0
		}
		return same >= 20
	})
	return size
}

// hello asks for /hello on a connection as many times as there are in the batch, and
// reads the answers.
func hello(t testing.TB, c net.Conn, r *bufio.Reader, batch int) {
	t.Helper()
	const request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
	if _, err := io.WriteString(c, strings.Repeat(request, batch)); err != nil {
		t.Fatal(err)
	}
	for range batch {
		status, err := r.ReadSlice('\n')
		if err != nil || string(status) != "HTTP/1.1 200 OK\r\n" {
			t.Fatalf("%q, %v", status, err)
		}
		line := status
		for len(line) > 2 {
			if line, err = r.ReadSlice('\n'); err != nil {
				t.Fatal(err)
			}
		}
		var body [5]byte
		if _, err := io.ReadFull(r, body[:]); err != nil || string(body[:]) != "hello" {
			t.Fatalf("%q, %v", body, err)
		}
	}
}

// connections have each had one answer, and are closed when the test ends. r is used
// by one after the other.
func connections(t testing.TB, s *Server, n int, r *bufio.Reader) []net.Conn {
	t.Helper()
	var all []net.Conn
	for range n {
		c, err := net.DialTimeout(s.network, s.Addr, deadline)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		r.Reset(c)
		hello(t, c, r, 1)
		all = append(all, c)
	}
	return all
}

// Connections that wait cost the worker little, however many there are; all of them
// are kept, and served afterwards.
func TestIdleConnectionsAreSmallAndKept(t *testing.T) {
	const few, many, each = 1000, 10_000, 2 << 10
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if files.Max < 12_000 { // the worker leaves an eighth of them to the application
		t.Skipf("the machine allows %d open files, 12,000 are needed: ulimit -Hn", files.Max)
	}
	s := startContract(t, "pool_threads", modes[0])
	pid := s.WorkerPIDs()[0]
	r := bufio.NewReader(nil)
	connections(t, s.Server, 50, r) // what is made once is not theirs
	before := calm(t, pid)
	all := connections(t, s.Server, few, r)
	grown := calm(t, pid) - before
	t.Logf("%d connections have %d bytes each", few, grown/few)
	if grown > few*each {
		t.Errorf("that is more than %d", each)
	}
	all = append(all, connections(t, s.Server, many-few, r)...)
	grown = calm(t, pid) - before
	t.Logf("%d connections have %d bytes each", many, grown/many)
	if grown > many*each {
		t.Errorf("that is more than %d", each)
	}
	for i, c := range all {
		r.Reset(c)
		_ = c.SetDeadline(time.Now().Add(deadline))
		hello(clientTB{t, i}, c, r, 1)
	}
}

// What a million requests leave behind is less than a byte each: one at a time, and
// several at once.
func TestAMillionRequestsLeaveNothing(t *testing.T) {
	const most = 1_000_000 // bytes, and requests
	s := startContract(t, "pool_threads", modes[0])
	pid := s.WorkerPIDs()[0]
	ask := func(requests int) {
		t.Helper()
		const clients = 50
		Parallel(t, clients, func(t testing.TB, client int) {
			c := Dial(t, s.Server)
			defer c.Close()
			batch := []int{1, 8}[client%2]
			for range requests / clients / batch {
				c.patience()
				hello(t, c.Conn, c.r, batch)
			}
		})
	}
	ask(10_000)
	before := calm(t, pid)
	ask(most)
	Eventually(t, fmt.Sprintf("the worker has %d bytes and at most %d more", before, most), func() bool {
		return rollup(t, pid, "Rss:")-before <= most
	})
	t.Logf("the worker has grown by %d bytes, from %d", rollup(t, pid, "Rss:")-before, before)
}
