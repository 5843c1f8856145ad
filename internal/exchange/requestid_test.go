package exchange

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/gowsgi/gowsgi/internal/forwarded"
	"github.com/gowsgi/gowsgi/internal/proxies"
)

func TestRequestIDIsTheTrustedProxysIfItIsSane(t *testing.T) {
	own := regexp.MustCompile(`^[0-9a-f]{12}-[0-9a-f]+$`)
	for _, test := range []struct {
		client string
		sent   []string
		taken  bool
	}{
		{"127.0.0.1", []string{"a-1/é"}, false},
		{"127.0.0.1", []string{"a-1/b+c=~"}, true},
		{"", []string{"over a unix socket"}, false},
		{"", []string{"over-a-unix-socket"}, true},
		{"10.0.0.1", []string{"a-1"}, false},
		{"127.0.0.1", nil, false},
		{"127.0.0.1", []string{""}, false},
		{"127.0.0.1", []string{"a\nb"}, false},
		{"127.0.0.1", []string{strings.Repeat("x", 128)}, true},
		{"127.0.0.1", []string{strings.Repeat("x", 129)}, false},
	} {
		x := namedExchange(t)
		x.peer.Host = test.client
		x.r.Header["X-Request-Id"] = test.sent
		got := x.requestID()
		if test.taken && got != test.sent[0] || !test.taken && !own.MatchString(got) {
			t.Errorf("%s, %q: %q", test.client, test.sent, got)
		}
	}
}

// namedExchange is one with what it takes to have a name.
func namedExchange(t *testing.T) *exchange {
	t.Helper()
	peers, err := proxies.Parse([]string{"127.0.0.1", "unix"})
	if err != nil {
		t.Fatal(err)
	}
	return &exchange{h: &Handler{forwarded: forwarded.NewReader(peers, forwarded.For), ids: newRequestIDs()}, r: httptest.NewRequest("GET", "/", nil), peer: address{Host: "127.0.0.1", Port: "1"}}
}

func TestRequestIDStaysTheSameForWhoeverAsks(t *testing.T) {
	first, second := namedExchange(t), namedExchange(t)
	second.h = first.h
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			id := first.requestID()
			mu.Lock()
			defer mu.Unlock()
			seen[id] = true
		})
	}
	all.Wait()
	if len(seen) != 1 || seen[second.requestID()] {
		t.Errorf("%v, %s", seen, second.requestID())
	}
}
