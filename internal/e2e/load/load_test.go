package load

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve is a server whose connections are dealt with by deal, each to its end.
func serve(t *testing.T, network string, deal func(n int, conn net.Conn, r *bufio.Reader)) net.Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				deal(n, conn, bufio.NewReader(conn))
			}()
		}
	}()
	return listener
}

// read reads a request and returns the right answer's body.
func read(r *bufio.Reader) (string, error) {
	request, err := http.ReadRequest(r)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(request.Body)
	query := request.URL.Query()
	text := fmt.Sprintf("%s 7 42 %d %08x\n", query.Get("id"), len(body), crc32.ChecksumIEEE(body))
	for i := range query.Get("blocks")[0] - '0' {
		text += fmt.Sprintf("%s %d\n", query.Get("id"), i)
	}
	return text, err
}

func write(conn net.Conn, fields, body string) {
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s", len(body), fields, body)
}

// right answers as long as the client asks; every nth answer is the last on
// its connection and says so.
func right(every int) func(int, net.Conn, *bufio.Reader) {
	return func(_ int, conn net.Conn, r *bufio.Reader) {
		for n := 1; ; n++ {
			body, err := read(r)
			if err != nil {
				return
			}
			if n == every {
				write(conn, "Connection: close\r\n", body)
				return
			}
			write(conn, "", body)
		}
	}
}

// until waits for the load to be as condition wants it.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 20 s")
		}
	}
}

func TestARightServerLosesNothing(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			listener := serve(t, network, right(10))
			l := Start(network, listener.Addr().String(), "first",
				Traffic{Name: "busy", Clients: 5},
				Traffic{Name: "posting", Clients: 2, Body: 64 << 10},
				Traffic{Name: "streaming", Clients: 2, Blocks: 5, Think: time.Millisecond})
			until(t, func() bool { return l.Present().Requests >= 500 })
			l.Window("second")
			until(t, func() bool { return l.Present().Requests >= 500 })
			if workers := l.Workers(); len(workers) != 1 || workers[0] != 42 {
				t.Errorf("workers %v", workers)
			}
			for i, w := range l.Stop() {
				if w.Failed() > 0 || w.Requests < 500 || w.Editions["7"] != w.Requests || w.Workers[42] != w.Requests {
					t.Error(w)
				}
				if w.Reopened > 0 || w.TurnedAway > 0 || w.Connections < w.Requests/12 {
					t.Error(w)
				}
				if w.Name != []string{"first", "second"}[i] || w.Latency(1) < w.Latency(0.99) || w.Latency(0.5) == 0 {
					t.Error(w)
				}
			}
		})
	}
}

func TestEachFailureIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		kind Kind
		deal func(conn net.Conn, r *bufio.Reader)
	}{
		"request read, no answer": {Closed, func(_ net.Conn, r *bufio.Reader) { _, _ = read(r) }},
		"request not read": {Reset, func(conn net.Conn, r *bufio.Reader) {
			_, _ = r.Peek(1)
			_ = conn.(*net.TCPConn).SetLinger(0)
		}},
		"half a head": {Broken, func(conn net.Conn, r *bufio.Reader) {
			_, _ = read(r)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n")
		}},
		"half a body": {Broken, func(conn net.Conn, r *bufio.Reader) {
			body, _ := read(r)
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body)+1, body)
		}},
		"no last chunk": {Broken, func(conn net.Conn, r *bufio.Reader) {
			body, _ := read(r)
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body)
		}},
		"another status": {Status, func(conn net.Conn, r *bufio.Reader) {
			_, _ = read(r)
			io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}},
		"somebody else's answer": {Wrong, func(conn net.Conn, r *bufio.Reader) {
			body, _ := read(r)
			write(conn, "", "x"+body)
		}},
		"an answer that lacks a block": {Wrong, func(conn net.Conn, r *bufio.Reader) {
			body, _ := read(r)
			write(conn, "", body[:strings.IndexByte(body, '\n')+1])
		}},
		"more than an answer": {Wrong, func(conn net.Conn, r *bufio.Reader) {
			body, _ := read(r)
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s\n", len(body), body)
		}},
		"no HTTP": {Wrong, func(conn net.Conn, r *bufio.Reader) {
			_, _ = read(r)
			io.WriteString(conn, "sorry\r\n\r\n")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			listener := serve(t, "tcp", func(n int, conn net.Conn, r *bufio.Reader) {
				if n%2 == 1 {
					right(3)(n, conn, r)
					return
				}
				c.deal(conn, r)
			})
			l := Start("tcp", listener.Addr().String(), "only", Traffic{Name: "busy", Clients: 1, Blocks: 1})
			until(t, func() bool { return l.Present().Requests >= 20 })
			w := l.Stop()[0]
			if w.Failed() != w.Failures[c.kind] || w.Failed() < 4 || w.Requests-w.Failed() < 12 {
				t.Errorf("want %s only, and answers on every other connection: %v", c.kind, w)
			}
			if len(w.Samples) != 1 || w.Samples[0].Traffic != "busy" || w.Samples[0].Worker != 0 {
				t.Errorf("samples %+v", w.Samples)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	listener := serve(t, "tcp", right(0))
	listener.Close()
	l := Start("tcp", listener.Addr().String(), "only", Traffic{Clients: 2})
	until(t, func() bool { return l.Present().Failures[Refused] >= 4 })
	l.Stopping()
	until(t, func() bool { return l.Present().TurnedAway == 2 }) // and the clients have ended
	if w := l.Stop()[0]; w.Failed() != w.Failures[Refused] {
		t.Error(w)
	}
}

func TestARequestThatIsNotAnsweredFailsInTheEnd(t *testing.T) {
	listener := serve(t, "tcp", func(n int, conn net.Conn, r *bufio.Reader) {
		if n > 0 {
			right(0)(n, conn, r)
			return
		}
		_, _ = read(r)
		_, _ = r.Peek(1) // until the client gives up
	})
	l := Start("tcp", listener.Addr().String(), "only", Traffic{Clients: 1, Patience: time.Second})
	until(t, func() bool { return l.Waiting(time.Now().Add(-10*time.Millisecond)) == 1 })
	until(t, func() bool { return l.Present().Requests > 10 })
	if w := l.Stop()[0]; w.Failed() != 1 || w.Failures[Timeout] != 1 {
		t.Error(w)
	}
	if l.Waiting(time.Now()) > 0 {
		t.Error("somebody still waits")
	}
}

// A client that thinks sees the end of its connection before it sends.
func TestAConnectionThatEndsWhileIdleIsOpenedAnew(t *testing.T) {
	listener := serve(t, "tcp", func(_ int, conn net.Conn, r *bufio.Reader) {
		if body, err := read(r); err == nil {
			write(conn, "", body)
		}
	})
	l := Start("tcp", listener.Addr().String(), "only", Traffic{Clients: 3, Think: 20 * time.Millisecond})
	until(t, func() bool { return l.Present().Requests >= 15 })
	if w := l.Stop()[0]; w.Failed() > 0 || w.Reopened < w.Requests-3 {
		t.Error(w)
	}
}

// What the server's kernel had is told from what it had not.
func TestRequestsThatComeTooLateAreToldFromLostOnes(t *testing.T) {
	for name, c := range map[string]struct {
		network string
		kind    Kind
		after   func(conn net.Conn, r *bufio.Reader) // the first answer
		arrived bool                                 // the second request comes before the end
	}{
		"closed before":            {"tcp", Raced, func(net.Conn, *bufio.Reader) {}, false},
		"closed before, unix":      {"unix", Raced, func(net.Conn, *bufio.Reader) {}, false},
		"read, then closed":        {"tcp", Closed, func(_ net.Conn, r *bufio.Reader) { _, _ = read(r) }, true},
		"read, then closed, unix":  {"unix", Closed, func(_ net.Conn, r *bufio.Reader) { _, _ = read(r) }, true},
		"not read":                 {"tcp", Reset, arrives, true},
		"not read, unix":           {"unix", Reset, arrives, true},
		"its beginning, then ends": {"tcp", Reset, func(_ net.Conn, r *bufio.Reader) { _, _ = r.Peek(1) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			closed := make(chan struct{})
			listener := serve(t, c.network, func(_ int, conn net.Conn, _ *bufio.Reader) {
				// A small buffer, so that not all of a long request fits.
				r := bufio.NewReaderSize(conn, 16)
				body, _ := read(r)
				write(conn, "", body)
				c.after(conn, r)
				conn.Close()
				close(closed)
			})
			client := newClient(&Load{network: c.network, address: listener.Addr().String()}, 1, Traffic{})
			defer client.hangUp()
			if _, failure := client.request(); failure != nil {
				t.Fatal(failure)
			}
			if !c.arrived {
				<-closed
			}
			_, failure := client.request()
			if failure == nil || failure.Kind != c.kind || failure.Worker != 42 {
				t.Errorf("%+v, want %s", failure, c.kind)
			}
		})
	}
}

// arrives waits for a byte without taking it from the kernel.
func arrives(conn net.Conn, _ *bufio.Reader) {
	for !ended(conn) { // it says so of anything that can be read
		time.Sleep(time.Millisecond)
	}
}

func TestLatencyIsThatOfTheSlowestButSoMany(t *testing.T) {
	w := newWindow("w")
	if w.Latency(1) != 0 {
		t.Error("of nothing")
	}
	for i := range 200 {
		w.latencies = append(w.latencies, time.Duration(i+1))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 100, 0.99: 198, 1: 200} {
		if got := w.Latency(q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
}
