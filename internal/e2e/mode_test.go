package e2e

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
)

// Mode is a way to run the program in which every application must behave alike.
type Mode struct {
	Name             string
	Args             []string
	Env              []string // NAME=value
	Threads, Workers int
	Cut              bool // through a proxy that cuts what clients send
}

// modes are all of them; the first is the default. The last two have nothing to do
// with the CPython: on those after the first they are left out (Makefile, e2e).
var modes = allModes[:len(allModes)-min(2, 2*len(os.Getenv("GOWSGI_TEST_BRIEF")))]

var allModes = []Mode{
	{Name: "8 threads", Args: []string{"--threads", "8"}, Threads: 8, Workers: 1, Cut: cuts},
	{Name: "1 thread", Args: []string{"--threads", "1"}, Threads: 1, Workers: 1},
	{Name: "2 workers", Args: []string{"--workers", "2"}, Threads: 8, Workers: 2},
	{Name: "goroutines alone", Args: []string{"--threads", "8"}, Env: []string{"GOWSGI_LANE=off"}, Threads: 8, Workers: 1, Cut: cuts},
	{Name: "TLS", Args: append([]string{"--threads", "8"}, certificate().args()...), Threads: 8, Workers: 1},
}

// protocolModes are more for tests whose clients are all of Client's and Dial's.
var protocolModes = []Mode{
	{Name: "h2", Args: []string{"--threads", "8", "--http2-cleartext", "prior-knowledge"}, Threads: 8, Workers: 1},
	{Name: "h2 with TLS", Args: append([]string{"--threads", "8", "--http-protocols", "h2"}, certificate().args()...), Threads: 8, Workers: 1},
}

// Protocols is Modes, and once more over HTTP/2, without TLS and with it.
func Protocols(t *testing.T, body func(t *testing.T, mode Mode)) {
	t.Helper()
	Modes(t, body)
	if cuts || os.Getenv("GOWSGI_TEST_BRIEF") != "" {
		return // it has nothing to do with how HTTP/1 is cut, nor with the CPython
	}
	for _, mode := range protocolModes {
		t.Run(mode.Name, func(t *testing.T) { body(t, mode) })
	}
}

// Modes runs a test's body once per mode, each in a subtest of that name; if some cut
// what clients send, only in those.
func Modes(t *testing.T, body func(t *testing.T, mode Mode)) {
	t.Helper()
	for _, mode := range modes {
		if cuts && !mode.Cut {
			continue
		}
		t.Run(mode.Name, func(t *testing.T) { body(t, mode) })
	}
}

// Parallel runs body as n clients that set off together, and waits for all.
// Fatal on the t that body gets ends that client only.
func Parallel(t testing.TB, n int, body func(t testing.TB, i int)) {
	t.Helper()
	var all sync.WaitGroup
	off := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-off
			body(clientTB{t, i}, i)
		})
	}
	close(off)
	all.Wait()
}

// clientTB is the test as one of several goroutines sees it: testing's own
// FailNow may be called from the test's goroutine only.
type clientTB struct {
	testing.TB
	client int
}

func (c clientTB) FailNow() {
	c.Fail()
	runtime.Goexit()
}

func (c clientTB) Error(args ...any) {
	c.Helper()
	c.TB.Errorf("client %d: %s", c.client, fmt.Sprint(args...))
}

func (c clientTB) Errorf(format string, args ...any) {
	c.Helper()
	c.TB.Errorf("client %d: "+format, append([]any{c.client}, args...)...)
}

func (c clientTB) Fatal(args ...any) {
	c.Helper()
	c.Error(args...)
	c.FailNow()
}

func (c clientTB) Fatalf(format string, args ...any) {
	c.Helper()
	c.Errorf(format, args...)
	c.FailNow()
}
