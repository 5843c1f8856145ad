package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// hopByHop are fields that applications set; true: the connection ends.
var hopByHop = []struct {
	name, value string
	closes      bool
}{
	{"Connection", "keep-alive", false},
	{"connection", "Keep-Alive, X-After", false},
	{"Connection", "upgrade", false},
	{"Connection", "close", true},
	{"CONNECTION", "Keep-Alive , Close", true},
	{"Keep-Alive", "timeout=5", false},
	{"Proxy-Connection", "keep-alive", false},
	{"Proxy-Authorization", "Basic", false},
	{"TE", "trailers", false},
	{"Trailer", "X-After", false},
	{"Trailers", "X-After", false},
	{"transfer-encoding", "chunked", false},
	{"Transfer-Encoding", "identity", false},
	{"Upgrade", "h2c", false},
}

func TestHopByHopFieldsAreLeftOut(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "hop_by_hop", mode)
		Parallel(t, 3*len(hopByHop), func(t testing.TB, i int) {
			field := hopByHop[i%len(hopByHop)]
			for _, query := range []string{"", "&stream"} {
				checkHopByHop(t, s, field.name, field.value, query, field.closes)
			}
		})
		warned := []string{
			"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer", "Trailers",
			"Transfer-Encoding", "Upgrade",
		}
		count := func(name string) int {
			return strings.Count(s.Log(), "event=response.hop_by_hop field="+name+" ")
		}
		for _, name := range warned {
			Eventually(t, "a warning about "+name, func() bool { return count(name) > 0 })
		}
		s.Signal(t, syscall.SIGHUP) // another deployment hears of it anew
		s.WaitLog(t, "event=reload.done")
		for _, name := range warned {
			Eventually(t, "another warning about "+name, func() bool { // an old worker may still answer
				Parallel(t, 8, func(t testing.TB, _ int) {
					Dial(t, s.Server).Get("/?value=x&name="+name).Want(t, 200, "answer")
				})
				return count(name) > 1
			})
		}
		s.Stop(t)
		for _, name := range warned {
			if n := count(name); n != 2 {
				t.Errorf("%d warnings about %s of two deployments", n, name)
			}
		}
		if n := strings.Count(s.Log(), "event=response.hop_by_hop"); n != 2*len(warned) {
			t.Errorf("%d warnings", n)
		}
	})
}

func checkHopByHop(t testing.TB, s Contract, name, value, query string, closes bool) {
	t.Helper()
	c := Dial(t, s.Server)
	defer c.Close()
	response := c.Get("/?" + url.Values{"name": {name}, "value": {value}}.Encode() + query)
	response.Want(t, 200, "answer")
	if response.Value("X-After") != "here" || response.Value("Content-Type") != "text/plain" {
		t.Errorf("%s: %s: %+v", name, value, response)
	}
	if closes {
		if response.Value("Connection") != "close" {
			t.Errorf("%s: %s: %+v", name, value, response)
		}
		c.Closed()
		return
	}
	for _, field := range response.Fields {
		if strings.EqualFold(field.Name, name) && !strings.EqualFold(name, "Transfer-Encoding") {
			t.Errorf("%s: %s went out: %+v", name, value, response)
		}
	}
	c.StaysOpen("/")
}

// RFC 9110, 11.7.1: it is the answer's, and goes to the client.
func TestProxyAuthenticate(t *testing.T) {
	s := startContract(t, "hop_by_hop", modes[0])
	response := Dial(t, s.Server).Get("/?name=Proxy-Authenticate&value=Basic")
	response.Want(t, 200, "answer")
	if got := response.Value("Proxy-Authenticate"); got != "Basic" {
		t.Errorf("%q", got)
	}
	if strings.Contains(s.Log(), "hop_by_hop") {
		t.Error(fmt.Sprint("warned of it: ", s.Log()))
	}
}
