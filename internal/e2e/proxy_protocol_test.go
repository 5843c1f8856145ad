package e2e

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// announcementV1 is a header of the PROXY protocol, version 1.
func announcementV1(from, to netip.AddrPort) string {
	family := "TCP4"
	if from.Addr().Is6() {
		family = "TCP6"
	}
	return fmt.Sprintf("PROXY %s %s %s %d %d\r\n", family, from.Addr(), to.Addr(), from.Port(), to.Port())
}

// announcementV2 is one of version 2, with as many bytes behind the addresses.
func announcementV2(from, to netip.AddrPort, more int) string {
	family := byte(0x11)
	if from.Addr().Is6() {
		family = 0x21
	}
	addresses := append(from.Addr().AsSlice(), to.Addr().AsSlice()...)
	addresses = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(addresses, from.Port()), to.Port())
	if more > 0 {
		addresses = append(binary.BigEndian.AppendUint16(append(addresses, 0x04), uint16(more-3)), make([]byte, more-3)...)
	}
	return "\r\n\r\n\x00\r\nQUIT\n\x21" + string(binary.BigEndian.AppendUint16([]byte{family}, uint16(len(addresses)))) + string(addresses)
}

func announcement(i int, from, to string) string {
	source, destination := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	switch i % 3 {
	case 0:
		return announcementV1(source, destination)
	case 1:
		return announcementV2(source, destination, 0)
	default:
		return announcementV2(source, destination, 1000)
	}
}

func TestEnvironOfAnnouncedClients(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		log := filepath.Join(t.TempDir(), "access")
		s := startContract(t, "environ_dump", mode, "--proxy-protocol", "--proxy-allow-from", "127.0.0.1", "--forwarded-allow-ips", "10.0.0.0/8",
			"--access-logfile", log, "--access-logformat", "%(h)s")
		Parallel(t, 20, func(t testing.TB, i int) {
			client, port, server := fmt.Sprintf("203.0.113.%d", i), fmt.Sprint(1000+i), "192.0.2.1:443"
			if i%2 == 1 {
				client, server = fmt.Sprintf("2001:db8::%x", i+1), "[2001:db8::ffff]:443"
			}
			from := netip.AddrPortFrom(netip.MustParseAddr(client), uint16(1000+i)).String()
			c := dialAnnounced(t, s.Server, "127.0.0.1", announcement(i, from, server))
			for range 5 {
				d := c.dump(t, "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
				d.want(t, map[string]string{"REMOTE_ADDR": client, "REMOTE_PORT": port, "SERVER_PORT": "443", "SERVER_NAME": netip.MustParseAddrPort(server).Addr().String()})
			}
			c.Close()

			// With its request in the same piece, and from a proxy behind the one that passes on bytes.
			announced := announcement(i, "10.1.1.1:99", "192.0.2.1:443")
			if s.secure != nil {
				c, announced = dialAnnounced(t, s.Server, "127.0.0.1", announced), ""
			} else {
				c = Dial(t, s.Server)
			}
			d := c.dump(t, announced+"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6, "+client+"\r\n\r\n")
			d.want(t, map[string]string{"REMOTE_ADDR": client})
			d.absent(t, "REMOTE_PORT")
			c.Close()

			// The proxy itself.
			Dial(t, s.Server).dump(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").want(t, map[string]string{"REMOTE_ADDR": "127.0.0.1"})

			// Somebody else is believed nothing.
			if s.secure == nil {
				c = dialAnnounced(t, s.Server, "127.0.0.2", announcement(i, from, server))
				c.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				if response := c.Response("GET"); response.Status != 400 {
					t.Errorf("%+v", response)
				}
			} else {
				dialer := net.Dialer{Timeout: deadline, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
				conn, err := dialer.Dial("tcp", s.Addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(deadline))
				_, _ = io.WriteString(conn, announcement(i, from, server)) // it may be hung up on
				if err := tls.Client(conn, s.secure).Handshake(); err == nil {
					t.Error("TLS behind a header that nobody may send")
				}
			}
			dialFrom(t, s.Server, "127.0.0.2").dump(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").want(t, map[string]string{"REMOTE_ADDR": "127.0.0.2"})
		})
		s.WaitLog(t, "event=proxy.no_header")
		if s.secure == nil {
			s.WaitLog(t, "a header of the PROXY protocol, where")
		}
		s.Stop(t)
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for line := range strings.Lines(string(text)) {
			counts[strings.TrimSpace(line)]++
		}
		if counts["203.0.113.0"] != 6 || counts["2001:db8::2"] != 6 || counts["127.0.0.1"] != 20 || (counts["127.0.0.2"] != 40 && s.secure == nil) || len(counts) != 22 {
			t.Errorf("the access log: %v", counts)
		}
	})
}

func TestAnnouncedClientsOnAUnixSocket(t *testing.T) {
	for _, mode := range []Mode{modes[0], allModes[3]} {
		t.Run(mode.Name, func(t *testing.T) {
			args := append(slices.Clone(mode.Args), "--proxy-protocol", "v2")
			s := startContractTarget(t, "environ_dump:application", Options{Unix: true, Args: args, Env: mode.Env})
			c := Dial(t, s.Server)
			c.Send(announcement(1, "203.0.113.9:99", "192.0.2.1:443"))
			for range 3 {
				d := c.dump(t, "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
				d.want(t, map[string]string{"REMOTE_ADDR": "203.0.113.9", "REMOTE_PORT": "99", "SERVER_NAME": "192.0.2.1", "SERVER_PORT": "443"})
			}
		})
	}
}

func TestWhoMayAnnounceClientsOnAUnixSocket(t *testing.T) {
	s := startContractTarget(t, "environ_dump:application", Options{Unix: true, Args: []string{"--proxy-protocol", "--proxy-allow-from", "127.0.0.1"}})
	c := Dial(t, s.Server)
	c.Send(announcement(0, "203.0.113.9:99", "192.0.2.1:443") + "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if response := c.Response("GET"); response.Status != 400 {
		t.Errorf("%+v", response)
	}
}

func TestLimitOfAnnouncedClients(t *testing.T) {
	for _, mode := range []Mode{modes[0], allModes[3]} {
		t.Run(mode.Name, func(t *testing.T) {
			s := startContract(t, "environ_dump", mode, "--proxy-protocol", "--max-connections-per-address", "2")
			ask := func(from string) (*Conn, int) {
				c := Dial(t, s.Server)
				c.Send(announcement(0, from, "192.0.2.1:443") + "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				return c, c.Response("GET").Status
			}
			var open []*Conn
			for _, from := range []string{"203.0.113.1:1", "203.0.113.2:1", "203.0.113.1:2", "203.0.113.2:2", "203.0.113.3:1"} {
				c, status := ask(from)
				if status != 200 {
					t.Errorf("%s: %d", from, status)
				}
				open = append(open, c)
			}
			if _, status := ask("203.0.113.1:3"); status != 503 {
				t.Errorf("one more: %d", status)
			}
			s.WaitLog(t, "event=connections.crowded client=203.0.113.1 ")
			open[0].Close()
			Eventually(t, "there is room again", func() bool {
				c, status := ask("203.0.113.1:4")
				c.Close()
				return status == 200
			})
		})
	}
}

// Connections whose header is on its way when their worker is replaced are served.
func TestReloadsLoseNoAnnouncedClient(t *testing.T) {
	s := startContract(t, "environ_dump", modes[2], "--proxy-protocol")
	var over atomic.Bool
	Parallel(t, 21, func(t testing.TB, i int) {
		if i == 20 {
			defer over.Store(true)
			for n := 1; n <= 3; n++ {
				s.Signal(t, syscall.SIGHUP)
				Eventually(t, "it is reloaded", func() bool { return strings.Count(s.Log(), "event=reload.done") >= n })
			}
			return
		}
		for n := 0; !over.Load() || n < 3; n++ {
			c := Dial(t, s.Server)
			header := announcement(n, fmt.Sprintf("203.0.113.%d:%d", i, 1+n%60000), "192.0.2.1:443")
			c.Send(header[:n%len(header)])
			c.Send(header[n%len(header):])
			d := c.dump(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			d.want(t, map[string]string{"REMOTE_ADDR": fmt.Sprintf("203.0.113.%d", i)})
			c.Close()
		}
	})
}
