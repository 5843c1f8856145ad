//go:build linux

package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/exchange"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// ways are a server with the lane and one without, for the whole process: a pool
// has one lane.
var ways = sync.OnceValue(func() [2]way {
	var ways [2]way
	for i, lane := range []string{"on", "off"} {
		s := config.Defaults()
		s.HeaderTimeout, s.KeepAlive, s.LimitRequestFields = 20*time.Second, 20*time.Second, 30
		s.Static, s.DocumentRoot, s.SendfileRoot = []string{"/static=testdata/files"}, "testdata/files", []string{"/files=testdata/files"}
		s.ForwardedAllowIPs = []string{"127.0.0.1", "10.0.0.0/9", "192.0.2.128/25", "2001:db8::/33", "fd00::7"}
		s.ForwardedFields = []string{"for", "proto", "host", "port", "prefix", "forwarded"}
		s.AddField, s.RemoveField = []string{"X-Added: always", "x-B: 1", "X-Added: twice"}, []string{"server", "SET-cookie"}
		s.Target, s.Mounts = "x", testMounts
		page, err := tally.New(len(s.Applications()))
		if err != nil {
			panic(err)
		}
		os.Setenv("GOWSGI_LANE", lane)
		srv, err := New(app, s, slog.New(slog.DiscardHandler), nil, exchange.Hooks{Page: page, Counts: true}, nil)
		if err != nil {
			panic(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		narrow, err := (&net.ListenConfig{Control: narrowTo(unix.SO_SNDBUF)}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		secure, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		narrowSecure, err := (&net.ListenConfig{Control: narrowTo(unix.SO_SNDBUF)}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		store := certs.NewStore("http/1.1")
		if err := store.Use(testCertificate()); err != nil {
			panic(err)
		}
		srv.Secure(store)
		srv.Start([]Listener{{Listener: l}, {Listener: narrow}, {Listener: secure, TLS: true}, {Listener: narrowSecure, TLS: true}})
		ways[i] = way{srv, [2]string{l.Addr().String(), secure.Addr().String()}, [2]string{narrow.Addr().String(), narrowSecure.Addr().String()}, page}
	}
	return ways
})

// testCertificate is one for every way.
var testCertificate = sync.OnceValue(func() *certs.Material {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	like := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"x"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, like, like, key.Public(), key)
	if err != nil {
		panic(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return &certs.Material{Clients: certs.None, Pairs: []certs.Pair{{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}}}
})

type way struct {
	*Server
	addresses [2]string // without TLS, and with it
	narrow    [2]string // where its sockets hold little
	page      *tally.Page
}

// protocols are what a way is talked to with.
var protocols = [2]string{"plain text", "TLS"}

// dial is a connection to one of the addresses of a way.
func dial(dialer *net.Dialer, addresses [2]string, protocol int) (halves, error) {
	c, err := dialer.Dial("tcp", addresses[protocol])
	if err != nil {
		return nil, err
	}
	plain := c.(*net.TCPConn)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if protocol == 0 {
		return plain, nil
	}
	secure := tls.Client(&torn{TCPConn: plain}, &tls.Config{InsecureSkipVerify: true})
	// What comes with the handshake's end is Go's: the lane may have it afterwards.
	if _, err := io.WriteString(secure, "GET /answer/one HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(bufio.NewReader(secure), nil)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, r.Body)
	time.Sleep(200 * time.Microsecond)
	return secure, err
}

// halves is a connection whose sending direction can be ended.
type halves interface {
	net.Conn
	CloseWrite() error
}

// torn has every third record arrive in two pieces, mostly.
type torn struct {
	*net.TCPConn
	records int
}

func (c *torn) Write(p []byte) (int, error) {
	c.records++
	at := len(p) * (c.records % 7) / 7
	if c.records%3 != 0 || at == 0 {
		return c.TCPConn.Write(p)
	}
	if n, err := c.TCPConn.Write(p[:at]); err != nil {
		return n, err
	}
	time.Sleep(200 * time.Microsecond)
	_, _ = c.TCPConn.Write(p[at:]) // who writes all of it at once does not hear of a reset, either
	return len(p), nil
}

// talk sends the pieces, and then ends its direction if it ends; and returns all that comes back, with what differs from
// answer to answer taken out.
func (w way) talk(t testing.TB, protocol int, ends bool, pieces ...[]byte) string {
	t.Helper()
	c, err := dial(new(net.Dialer), w.addresses, protocol)
	if err != nil {
		t.Fatal(err)
	}
	return talk(t, c, ends, pieces...)
}

// talk is it on a connection.
func talk(t testing.TB, c halves, ends bool, pieces ...[]byte) string {
	t.Helper()
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	wrote := make(chan error, 1)
	go func() {
		defer close(wrote)
		for _, piece := range pieces {
			if _, err := c.Write(piece); err != nil {
				wrote <- err // it was hung up on; who reads may not hear of it any more
				return
			}
			if len(pieces) > 1 {
				time.Sleep(200 * time.Microsecond) // so that they arrive apart, mostly
			}
		}
		if ends {
			_ = c.CloseWrite()
		}
	}()
	answer, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("after %q: %v", answer, err)
	}
	reset := err != nil || <-wrote != nil
	return merge(answer) + fmt.Sprint(reset)
}

// varying is what of a head differs from answer to answer: the date, and whether the
// length of what an iterator produces is known before the head goes out, which depends
// on who is quicker.
var varying = regexp.MustCompile(`(?i)\r\nDate: [A-Z][^\r]*|\r\nContent-Length: [0-9]+|\r\nTransfer-Encoding: chunked`)

var chunk = regexp.MustCompile(`^([0-9a-f]+)\r\n`)

// merge has the chunks of each response as one: into how many a body is cut depends
// on who is quicker.
func merge(answer []byte) string {
	var out bytes.Buffer
	for len(answer) > 0 {
		head, rest, found := bytes.Cut(answer, []byte("\r\n\r\n"))
		out.Write(varying.ReplaceAll(head, nil))
		if found {
			out.WriteString("\r\n\r\n")
		}
		answer = rest
		if !found || !bytes.Contains(head, []byte("Transfer-Encoding: chunked")) {
			continue
		}
		for {
			line := chunk.FindSubmatch(answer)
			if line == nil {
				break
			}
			size, _ := strconv.ParseInt(string(line[1]), 16, 32)
			answer = answer[len(line[0]):]
			if size == 0 {
				answer = bytes.TrimPrefix(answer, []byte("\r\n"))
				break
			}
			piece := answer[:min(int(size), len(answer))]
			out.Write(piece)
			answer = bytes.TrimPrefix(answer[len(piece):], []byte("\r\n"))
		}
	}
	return out.String()
}

// heads are requests for %s, plain ones and others.
var heads = []string{
	"GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET %s?a=1&b=%%20 HTTP/1.1\r\nHost: x:80\r\nUser-Agent: u\r\nAccept: */*\r\nX-Own: 1\r\nX-Other-Own: 2\r\n\r\n",
	"HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET %s HTTP/1.0\r\n\r\n",
	"GET %s HTTP/1.0\r\nConnection: keep-alive\r\nHost:\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	"\r\nGET %s HTTP/1.1\nHost: x\n\n",
	"OPTIONS %s HTTP/1.1\r\nHost: x\r\n\r\n",
	"PURGE %s HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nGET /",
	"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	"PUT %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
	"GET http://h:1%s HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: HTTPS\r\nX-Forwarded-Ssl: on\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: http\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nX-Own: 1\r\nx-own: 2\r\nCookie: a\r\nCookie: b\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nX_Own: 1\r\nScript_name: /x\r\nProxy: evil\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nTE: trailers\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nX-L: caf\xe9\r\nX-Empty:\r\nReferer: http://a/?b=c#d\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: a:b:c\r\n\r\n",
	"GET %s HTTP/1.1\r\n\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Many: 1\r\n", 40) + "\r\n",
	"GET %s HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("l", 9000) + "\r\n\r\n",
	"GET %s%%zz%%4 HTTP/1.1\r\nHost: x\r\n\r\n",
	"* %s HTTP/3.0\r\n\r\n",
}

var answers = []string{
	"one", "none", "empty", "several", "declared", "large", "large-blocks", "short", "long", "no-content", "not-modified", "own-status",
	"own-date", "file", "short-file", "writes-file", "shrinks", "no-content-file", "no-file", "raises", "raises-late", "asked", "hop-by-hop", "closes", "write", "hints", "mixed",
}

// A pool has one lane. Who comes second has none, at once.
func TestASecondLaneIsNone(t *testing.T) {
	ways() // the first
	t.Setenv("GOWSGI_LANE", "on")
	for range 1000 {
		srv, err := New(app, config.Defaults(), slog.New(slog.DiscardHandler), nil, exchange.Hooks{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		srv.Drain(0, time.Second, true)
	}
}

// Who sends records that say nothing does not wait from the beginning each time: such a
// connection is a goroutine's, which waits once.
func TestRecordsThatSayNothingAreNoLanes(t *testing.T) {
	w := ways()[0]
	open := func() int {
		n, _, _, _ := w.lane.Count()
		return n
	}
	eventually(t, "nobody is in the lane", func() bool { return open() == 0 })
	c, err := dial(new(net.Dialer), w.addresses, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, "the lane has the connection", func() bool { return open() == 1 })
	const ignored = "\x14\x03\x03\x00\x01\x01" // RFC 8446, D.4
	if _, err := io.WriteString(c.(*tls.Conn).NetConn().(*torn).TCPConn, ignored); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lane does not have it any more", func() bool { return open() == 0 })
	for range 3 {
		if _, err := io.WriteString(c, "GET /answer/one HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatal(r, err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
	}
	if n := open(); n != 0 {
		t.Errorf("%d in the lane", n)
	}
}

// narrowTo makes one of a socket's buffers small.
func narrowTo(buffer int) func(_, _ string, raw syscall.RawConn) error {
	return func(_, _ string, raw syscall.RawConn) (err error) {
		return errors.Join(raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, buffer, 4096) }), err)
	}
}

// A client that takes little at a time gets each byte once, in whatever piece the lane
// was when it had to stop.
func TestLaneAndClientsThatAreSlow(t *testing.T) {
	narrow := net.Dialer{Control: narrowTo(unix.SO_RCVBUF)}
	var all string
	for range 6 {
		for _, answer := range []string{"medium", "medium-declared", "medium-blocks", "file", "mixed", "writes-file", "one", "write"} {
			all += "GET /answer/" + answer + " HTTP/1.1\r\nHost: x\r\n\r\n"
		}
	}
	all += "GET /answer/one HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for protocol, name := range protocols {
		t.Run(name, func(t *testing.T) { slowClient(t, &narrow, protocol, all) })
	}
}

func slowClient(t *testing.T, narrow *net.Dialer, protocol int, all string) {
	var answers [2]string
	for i, w := range ways() {
		c, err := dial(narrow, w.narrow, protocol)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, all); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(iotest.OneByteReader(bufio.NewReader(c)))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		answers[i] = merge(text)
	}
	if answers[0] != answers[1] {
		at := 0
		for at < min(len(answers[0]), len(answers[1])) && answers[0][at] == answers[1][at] {
			at++
		}
		t.Errorf("%d and %d bytes, from %d on other ones: %.200q and %.200q", len(answers[0]), len(answers[1]), at, answers[0][at:], answers[1][at:])
	}
}

// lengthMayBeKnown are answers whose length is known if they end before their head
// goes out: who is quicker decides.
var lengthMayBeKnown = map[string]bool{"several": true, "large-blocks": true, "raises-late": true, "hints": true, "mixed": true}

// ends are answers that are their connection's last.
var ends = map[string]bool{"closes": true, "short": true, "raises-late": true}

// What the lane answers, and what it hands over, is answered as without it; and so is
// what comes behind.
func TestLaneAnswersAlike(t *testing.T) {
	for protocol, name := range protocols {
		t.Run(name, func(t *testing.T) { answersAlike(t, protocol) })
	}
}

func answersAlike(t *testing.T, protocol int) {
	before, served := [2]tally.Figures{*ways()[0].page.Figures, *ways()[1].page.Figures}, ways()[0].servedInLane()
	const after = "GET /answer/one HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n"
	for i, head := range heads {
		for j, answer := range answers {
			if strings.Contains(head, "1.0\r\nConnection: keep-alive") && lengthMayBeKnown[answer] {
				continue // then the connection goes on, else it ends
			}
			request := fmt.Sprintf(head, "/answer/"+answer) + after
			want := ways()[1].talk(t, protocol, false, []byte(request))
			cuts := []int{10, len(request) - len(after) - 2}
			if !ends[answer] && !strings.Contains(head, "close") && !strings.Contains(head, "HTTP/1.0") {
				// Else what comes behind may come after the connection's end, which is a reset.
				cuts = append(cuts, len(request)-len(after), len(request)-5)
			}
			for _, at := range []int{len(request), cuts[(i+j)%len(cuts)]} {
				if got := ways()[0].talk(t, protocol, false, []byte(request[:at]), []byte(request[at:])); got != want {
					t.Errorf("%q, cut at %d\nin the lane:   %.300q\non goroutines: %.300q", request, at, got, want)
					break
				}
			}
		}
	}
	if ways()[0].servedInLane() < served+100 {
		t.Error("hardly anything was served in the lane")
	}
	// Nothing was lost, and nothing counted twice, on either way.
	lane, other := ways()[0].page.Figures, ways()[1].page.Figures
	t.Cleanup(func() {
		if a, b := countsOf(lane, &before[0], 1), countsOf(other, &before[1], 2); a != b {
			t.Errorf("in the lane, on goroutines:\n%s\n%s", a, b)
		}
	})
	eventually(t, "both ways have counted alike", func() bool { return countsOf(lane, &before[0], 1) == countsOf(other, &before[1], 2) })
}

// Files, too: in the application's place, and because it names them.
func TestFilesAreServedAlike(t *testing.T) {
	const after = "GET /answer/one HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n"
	for i, head := range heads {
		for _, target := range []string{
			"/static/page.txt", "/static/nothing", "/static", "/%73tatic/page.txt", "/page.txt", "//page.txt", "/%70age.txt",
			"/answer/names-file", "/answer/names-nothing", "/answer/names-outside",
		} {
			request := fmt.Sprintf(head, target) + after
			want := ways()[1].talk(t, 0, false, []byte(request))
			for _, at := range []int{len(request), 10 + i%7} {
				if got := ways()[0].talk(t, 0, false, []byte(request[:at]), []byte(request[at:])); got != want {
					t.Errorf("%q, cut at %d\nin the lane:   %.300q\non goroutines: %.300q", request, at, got, want)
					break
				}
			}
		}
	}
}

// countsOf are the requests since then by method and class, and by status, times n.
func countsOf(f, since *tally.Figures, n uint64) string {
	var b strings.Builder
	for method, classes := range f.Requests {
		for class, count := range classes {
			count -= since.Requests[method][class]
			fmt.Fprintf(&b, "%s %s: %d\n", tally.Methods[method], tally.Classes[class], n*count)
		}
	}
	for i, count := range f.Statuses {
		if count -= since.Statuses[i]; count > 0 {
			fmt.Fprintf(&b, "%d: %d\n", i+tally.FirstStatus-1, n*count)
		}
	}
	return b.String()
}

// Whatever comes, and however it is cut, both ways answer alike.
func FuzzLane(f *testing.F) {
	for _, target := range []string{"/page.txt", "/static/page.txt", "//pag%65.txt", "/answer/names-file"} {
		f.Add([]byte(fmt.Sprintf(heads[0], target)+fmt.Sprintf(heads[0], "/answer/asked")), 3, 20)
	}
	for i, head := range heads {
		f.Add([]byte(fmt.Sprintf(head, "/answer/"+answers[i%len(answers)])+fmt.Sprintf(heads[0], "/answer/asked")), 3, 20)
	}
	for _, fields := range common {
		f.Add([]byte("GET /answer/asked HTTP/1.1\r\nHost: x\r\n"+fields+"\r\n"), 30, 60)
	}
	f.Fuzz(func(t *testing.T, data []byte, first, second int) {
		if len(data) > 4<<10 {
			return
		}
		first, second = max(0, min(first, len(data))), max(0, min(second, len(data)))
		first, second = min(first, second), max(first, second)
		// Who ends its direction while its request is queued for a tenth of a second has left
		// (docs/design.md, 7): on a busy machine that happens to one of the two. It does not
		// happen each time.
		var got, want string
		protocol := (first + second) % 2
		for range 4 {
			want = ways()[1].talk(t, protocol, true, data)
			if got = ways()[0].talk(t, protocol, true, data[:first], data[first:second], data[second:]); got == want {
				return
			}
			// What comes behind an answer that ends the connection is reset, and whoever sends in
			// pieces hears of it.
			if got == ways()[1].talk(t, protocol, true, data[:first], data[first:second], data[second:]) {
				return
			}
		}
		t.Errorf("%q, cut at %d and %d\nin the lane:   %.2000q\non goroutines: %.2000q", data, first, second, got, want)
	})
}

// A request that comes while another one runs, and with it the end of its client's
// direction: whoever reads the one hears of the other, too, and ends the connection.
func TestAnEndThatComesWhileARequestRunsIsSeen(t *testing.T) {
	for i := range 10 {
		for _, w := range ways() {
			c, err := dial(new(net.Dialer), w.addresses, i%2)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second)) // half of keep_alive
			_, _ = io.WriteString(c, "GET /0.1/0 HTTP/1.1\r\nHost: x\r\n\r\n")
			eventually(t, "it runs", func() bool { return len(w.Running()) == 1 })
			_, _ = io.WriteString(c, "GET /answer/one HTTP/1.1\r\nHost: x\r\n\r\n")
			_ = c.CloseWrite()
			if answer, err := io.ReadAll(c); err != nil || bytes.Count(answer, []byte("HTTP/1.1 200")) != 2 {
				t.Errorf("%v after %q", err, answer)
			}
		}
	}
}
