package e2e

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// Who is not trusted speaks HTTP/1, as always, and is told so.
func TestHTTP2IsForProxies(t *testing.T) {
	s := startHTTP2(t, "--forwarded-allow-ips", "192.0.2.1")
	c := DialPlain(t, s.Server)
	c.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if a := c.Response("PRI"); a.Status != 505 {
		t.Errorf("%+v", a)
	}
	c.Closed()
	s.WaitLog(t, "forwarded_allow_ips")
	c = DialPlain(t, s.Server)
	c.StaysOpen("/")
	c.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if a := c.Response("PRI"); a.Status != 505 {
		t.Errorf("%+v", a)
	}
}

// HTTP/1 and HTTP/2 share a port, however a preface is cut.
func TestHTTP2PrefaceInPieces(t *testing.T) {
	for _, lane := range []string{"on", "off"} {
		t.Run("lane "+lane, func(t *testing.T) {
			s := startContract(t, "streams", Mode{Args: []string{"--http2-cleartext", "prior-knowledge", "--header-timeout", "2"}, Env: []string{"GOWSGI_LANE=" + lane}})
			Parallel(t, len(http2.ClientPreface)-1, func(t testing.TB, i int) {
				c := DialPlain(t, s.Server)
				c.Send(http2.ClientPreface[:i+1])
				c.Silent()
				c.Send(http2.ClientPreface[i+1:])
				f := http2.NewFramer(c.Conn, c.Conn)
				if first, err := f.ReadFrame(); err != nil || first.Header().Type != http2.FrameSettings {
					t.Errorf("%v, %v", first, err)
				}
			})
			c := DialPlain(t, s.Server)
			c.Send("P")
			c.Silent()
			c.Send("OST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
			if a := c.Response("POST"); a.Body != "3" {
				t.Errorf("%+v", a)
			}
			c = DialPlain(t, s.Server)
			c.Send("PRI * HTTP/2.0\r\n\r\nSM\r")
			if a := c.Response("PRI"); a.Status != 408 {
				t.Errorf("a preface that never ends: %+v", a)
			}
		})
	}
}

// Requests that ask for another protocol get the application's answer by HTTP/1.1
// (RFC 9110, 7.8), whatever body they have, and the connection goes on.
func TestUpgradesAreAnswered(t *testing.T) {
	for _, args := range [][]string{nil, {"--http2-cleartext", "prior-knowledge"}} {
		s := startContract(t, "streams", Mode{Args: args})
		for name, fields := range map[string]string{
			"h2c":       "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
			"websocket": "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
			"TLS":       "Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n",
		} {
			t.Run(fmt.Sprint(name, args), func(t *testing.T) {
				c := DialPlain(t, s.Server)
				for range 2 {
					c.Send("GET /environ HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n")
					if a := c.Response("GET"); a.Status != 200 || !strings.Contains(a.Body, "HTTP_UPGRADE=") {
						t.Errorf("%+v", a)
					}
					c.Send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n" + fields + "\r\n" + http2.ClientPreface)
					if a := c.Response("POST"); a.Status != 200 || a.Body != "24" {
						t.Errorf("%+v", a)
					}
				}
			})
		}
	}
}
