//go:build linux

package server

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// common is what most proxies say, which the lane reads itself.
var common = []string{
	"X-Forwarded-For: 1.2.3.4\r\n",
	"x-forwarded-for:   1.2.3.4 , 10.0.0.1,\t10.127.255.255\r\n",
	"X-Forwarded-For: 1.2.3.4, 10.128.0.0\r\n",
	"X-Forwarded-For: 1.2.3.4, 192.0.2.127, 192.0.2.128\r\n",
	"X-Forwarded-For: 9.9.9.9, evil, 1.2.3.4\r\n",
	"X-Forwarded-For: 10.0.0.2, 127.0.0.1\r\n",
	"X-Forwarded-For: 255.255.255.255\r\n",
	"X-Forwarded-For: 2001:db8:7fff::1\r\n",
	"X-Forwarded-For: 8::8, 2001:DB8:7fff:0:0:0:0:1\r\n",
	"X-Forwarded-For: 2001:db8:8000::1\r\n",
	"X-Forwarded-For: 1:0:0:2:0:0:0:3\r\n",
	"X-Forwarded-For: 1:0:0:2:3:0:0:4\r\n",
	"X-Forwarded-For: 1:0:2:3:4:5:6:7\r\n",
	"X-Forwarded-For: 0:0:1:2:3:4:5:0\r\n",
	"X-Forwarded-For: 1:2:3:4:5:6:7::\r\n",
	"X-Forwarded-For: ::\r\n",
	"X-Forwarded-For: ::1\r\n",
	"X-Forwarded-For: a::\r\n",
	"X-Forwarded-For: 0001:02::0F0\r\n",
	"X-Forwarded-For: ::fffe:102:304\r\n",
	"X-Forwarded-For: ::1, fd00::7\r\n",
	"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-Port: 443\r\n",
	"X-Forwarded-Host: shop.example:444\r\n",
	"X-Forwarded-Host: shop.example:\r\nX-Forwarded-Proto: https\r\n",
	"X-Forwarded-Host: shop.example:444\r\nX-Forwarded-Port: 445\r\n",
	"X-Forwarded-Port: 1\r\n",
	"X-Forwarded-For:\r\nX-Forwarded-Host: \r\nX-Forwarded-Port:\r\n",
	"X-Forwarded-Server: inner\r\nX-Real-IP: 9.9.9.9\r\n",
	"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Protocol: SSL\r\n",
	"X-Forwarded-Proto: https\r\nX-Request-Id: own\r\n",
}

// uncommon is what others say, and what is nothing.
var uncommon = []string{
	"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n",
	"X-Forwarded-For: 1.2.3.4:99\r\n",
	"X-Forwarded-For: 1.2.3.4:999999\r\n",
	"X-Forwarded-For: [::2]:99\r\n",
	"X-Forwarded-For: [::2]\r\n",
	"X-Forwarded-For: [1.2.3.4]\r\n",
	"X-Forwarded-For: ::ffff:1.2.3.4\r\n",
	"X-Forwarded-For: ::ffff:102:304\r\n",
	"X-Forwarded-For: 5.5.5.5, ::ffff:a00:1\r\n",
	"X-Forwarded-For: ::1.2.3.4\r\n",
	"X-Forwarded-For: fe80::1%eth0\r\n",
	"X-Forwarded-For: 1.2.3.4,\r\n",
	"X-Forwarded-For: , ,1.2.3.4, ,10.0.0.1,,\r\n",
	"X-Forwarded-For: ,\r\n",
	"X-Forwarded-For: unknown\r\n",
	"X-Forwarded-For: 1.2.3.4, unknown, 10.0.0.1\r\n",
	"X-Forwarded-For: 1.2.3.4, unix:\r\n",
	"X-Forwarded-For: 1.2.3.256\r\n", "X-Forwarded-For: 01.2.3.4\r\n", "X-Forwarded-For: 1.2.3\r\n", "X-Forwarded-For: 1.2.3.4.\r\n",
	"X-Forwarded-For: 1:2:3:4:5:6:7:8:9\r\n", "X-Forwarded-For: 1:2:3:4:5:6:7\r\n", "X-Forwarded-For: 1::2::3\r\n",
	"X-Forwarded-For: 1:2:3:4:5:6:7:8::\r\n", "X-Forwarded-For: 1:2:3:4::5:6:7:8\r\n",
	"X-Forwarded-For: :1\r\n", "X-Forwarded-For: 1:\r\n", "X-Forwarded-For: :::\r\n", "X-Forwarded-For: 12345::\r\n",
	"X-Forwarded-Host: a, b\r\n", "X-Forwarded-Host: a,b\r\n", "X-Forwarded-Host: a,\r\n", "X-Forwarded-Host: [::1]:99\r\n",
	"X-Forwarded-Host: a b\r\n", "X-Forwarded-Host: a/b\r\n", "X-Forwarded-Host: a:b\r\n", "X-Forwarded-Host: :1\r\n", "X-Forwarded-Host: x@y\r\n",
	"X-Forwarded-Host: a\r\nX-Forwarded-Host: b\r\n", "X-Forwarded-Host: a:123456\r\n", "X-Forwarded-Host: \"\r\n", "X-Forwarded-Host: caf\xe9\r\n",
	"X-Forwarded-Host: " + strings.Repeat("long.", 100) + "\r\n",
	"X-Forwarded-Port: 0\r\n", "X-Forwarded-Port: 080\r\n", "X-Forwarded-Port: 65536\r\n", "X-Forwarded-Port: -1\r\n", "X-Forwarded-Port: 1, 2\r\n", "X-Forwarded-Port: 100000\r\n",
	"X-Forwarded-Prefix: /a\r\n", "X-Forwarded-Prefix: //a\r\n", "X-Forwarded-Prefix: /\r\n", "X-Forwarded-Prefix:\r\n",
	"Forwarded: for=1.2.3.4;proto=https;host=a\r\n", "Forwarded: for=\r\n", "Forwarded: nonsense\r\n", "Forwarded:\r\n",
	"X-Forwarded-For: 1.2.3.4\r\nForwarded: for=5.6.7.8\r\n",
	"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n",
	"X-Forwarded-For: " + strings.Repeat("10.0.0.1, ", 500) + "\r\n",
}

// What a proxy says of its clients means the same in the lane and on goroutines; and
// what one says who is not believed, nothing on either.
func TestLaneBelievesAlike(t *testing.T) {
	for protocol, name := range protocols {
		t.Run(name, func(t *testing.T) { believesAlike(t, protocol) })
	}
}

func believesAlike(t *testing.T, protocol int) {
	lane, other := ways()[0], ways()[1]
	for _, from := range []string{"127.0.0.1", "127.0.0.2"} { // the first is a proxy
		trusted := from == "127.0.0.1"
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		ask := func(w way, fields string) string {
			c, err := dial(&dialer, w.addresses, protocol)
			if err != nil {
				t.Fatal(err)
			}
			return talk(t, c, false, []byte("GET /answer/asked HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+fields+"\r\n"))
		}
		for i, fields := range append(append([]string{}, common...), uncommon...) {
			want := ask(other, fields)
			before := lane.servedInLane()
			if got := ask(lane, fields); got != want {
				t.Errorf("%q from %s\nin the lane:   %.3000q\non goroutines: %.3000q", fields, from, got, want)
			}
			if i < len(common) && trusted {
				// Not each time: whatever takes a tenth of a second is Go's.
				eventually(t, fmt.Sprintf("%q is served in the lane", fields), func() bool {
					return lane.servedInLane() > before || ask(lane, fields) == ""
				})
			}
			if own := fmt.Sprintf("REMOTE_ADDR=%s\n", from); !trusted && !strings.Contains(want, own) && !strings.HasPrefix(want, "HTTP/1.1 431") {
				t.Errorf("%q from somebody who is no proxy: %.3000q", fields, want)
			}
		}
	}
}

// Once it was said that a peer is not believed, the lane serves what it passes on.
func TestLaneServesPeersThatAreNotBelieved(t *testing.T) {
	lane := ways()[0]
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	ask := func(protocol int) {
		c, err := dial(&dialer, lane.addresses, protocol)
		if err != nil {
			t.Fatal(err)
		}
		talk(t, c, false, []byte("GET /answer/one HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"))
	}
	before := lane.servedInLane()
	if ask(0); lane.servedInLane() != before {
		t.Error("nobody has heard what the first one says")
	}
	eventually(t, "a later one is served in the lane", func() bool {
		ask(0)
		return lane.servedInLane() > before
	})
	// Where TLS ends here, what it says is taken away, and that is not the lane's.
	before = lane.servedInLane()
	for range 5 {
		ask(1)
	}
	if served := lane.servedInLane(); served != before {
		t.Errorf("the lane has served %d with TLS", served-before)
	}
}
