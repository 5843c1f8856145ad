//go:build linux

package lane

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/http1"
)

func whatIsNotPlainIsHandedOver(t *testing.T) {
	long := strings.Repeat("l", 200)
	for _, request := range []string{
		"G",
		"GET /at/echo HTTP/1.1\r\nHost: x\r\n",
		"\x16\x03\x01",
		"GET  /at/echo HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /at/echo HTTP/1.1\r\nHost: x\r\nX-Name: " + long + long + long + long + long + "\r\n\r\n",
		"GET /at/echo HTTP/1.1\r\n\r\n",
		"GET /at/echo HTTP/2.0\r\n\r\n",
		"GET http://x/at/echo HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /at/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /at/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody",
		"POST /at/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nbod",
		"POST /at/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n" + long,
		"GET /at/echo HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
		"GET /at/echo HTTP/1.1\r\nHost: x\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n",
		"GET /at/echo HTTP/1.1\r\nHost: x\r\nX_Name: 1\r\n\r\n",
		"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /attic HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		for _, behind := range []string{"", "GET /at/echo"} {
			c := connect(t, http1.Parked{Requests: 2, Visits: 5, Pipelined: true})
			c.send(request + behind)
			h := next(t)
			if h.kind != http1.Reads || h.in != request+behind {
				t.Errorf("%.80q: kind %d, %.100q", request, h.kind, h.in)
			}
			if p := h.parked; p.Requests != 2 || p.Visits != 5 || !p.Pipelined || p.Remote.Host != "192.0.2.1" || p.Remote.Port != "4711" {
				t.Errorf("%.80q: %+v", request, p)
			}
			h.hangUp()
		}
	}
	quiet(t)
}

func pipelineIsHandedOver(t *testing.T) {
	const plain, other = "GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n", "GET /at/echo HTTP/1.1\r\nHost: x\r\nX_Name: 1\r\n\r\n"
	for plains := range 5 {
		text := strings.Repeat(plain, plains) + other + plain
		for cut := 1; cut < len(text); cut++ {
			c := connect(t, http1.Parked{})
			c.send(text[:cut])
			// Either all plain ones of the first piece are answered, or what is cut was handed over.
			for range min(plains, cut/len(plain)) {
				c.want("GET /echo  192.0.2.1 ")
			}
			c.send(text[cut:])
			h := next(t)
			rest := readAll(t, h.parked.FD, len(text)-h.parked.Requests*len(plain)-len(h.in))
			if got := h.in + rest; got != text[h.parked.Requests*len(plain):] || h.parked.Requests > plains {
				t.Fatalf("cut at %d of %q: after %d requests %q", cut, text, h.parked.Requests, got)
			}
			for range h.parked.Requests - min(plains, cut/len(plain)) {
				c.want("GET /echo  192.0.2.1 ")
			}
			h.hangUp()
			c.ended()
		}
	}
	quiet(t)
}

func readAll(t *testing.T, fd, size int) string {
	t.Helper()
	got := make([]byte, size)
	for at := 0; at < size; {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patient/time.Millisecond)); err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
		n, err := unix.Read(fd, got[at:])
		if err != nil && !errors.Is(err, unix.EINTR) || n == 0 {
			t.Fatalf("after %d of %d bytes: %v", at, size, err)
		}
		at += max(n, 0)
	}
	return string(got)
}

func gate(t *testing.T) (path string, open func()) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(r.Fd())) // Go's is not blocking, and its finalizer is not ours
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
		_ = unix.Close(fd)
	})
	return fmt.Sprint(fd), func() { _, _ = w.Write([]byte{1}) }
}

func rest(t *testing.T, h *taken) string {
	t.Helper()
	var body strings.Builder
	r := h.request.Request
	r.Wake()
	for {
		batch, state := r.Wait()
		for _, block := range batch.Blocks(nil) {
			body.Write(block)
		}
		if state != 0 { // not Running
			return body.String()
		}
	}
}

func serve(t *testing.T, h taken) {
	t.Helper()
	out, in := "", h.in
	if h.request != nil {
		out = rest(t, &h)
		if h.answer.Begun {
			out = string(h.answer.Rest) + out
		}
		h.request.Request.Release()
	}
	for in != "" {
		head, behind, whole := strings.Cut(in, "\r\n\r\n")
		if !whole {
			in += readAll(t, h.parked.FD, 1)
			continue
		}
		in = behind
		target := strings.Fields(head)[1]
		_, query, _ := strings.Cut(target, "?")
		out += "GET /echo " + query + " " + h.parked.Remote.Host + " "
	}
	if n, err := unix.Write(h.parked.FD, []byte(out)); n != len(out) && !errors.Is(err, unix.EPIPE) {
		t.Errorf("%q: %d, %v", out, n, err)
	}
	if h.parked.Visits = 0; !shared.Give(&h.parked) {
		t.Error("the lane does not take it back")
	}
}

func slowRequestIsGos(t *testing.T) {
	fd, open := gate(t)
	request := "POST /at/wait/" + fd + "?q HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
	c := connect(t, http1.Parked{Requests: 1})
	c.send(request + "ab" + "GET /at/next")
	h := next(t)
	if h.kind != http1.Runs || h.head != request || h.in != "GET /at/next" || h.answer.Begun || h.request.BodySize != 2 || h.parked.Requests != 2 || h.request.Number == 0 {
		t.Errorf("%+v", h)
	}
	open()
	if body := rest(t, &h); body != "POST /wait/"+fd+" q 192.0.2.1 ab" {
		t.Errorf("%q", body)
	}
	h.request.Request.Release()
	h.hangUp()
	c.ended()
	quiet(t)
}

func streamIsGos(t *testing.T) {
	fd, open := gate(t)
	c := connect(t, http1.Parked{})
	c.send("GET /at/pieces/" + fd + " HTTP/1.1\r\nHost: x\r\n\r\n")
	h := next(t)
	if h.kind != http1.Runs || h.request == nil {
		t.Fatalf("%+v", h)
	}
	open()
	if body := string(h.answer.Rest) + rest(t, &h); h.answer.Begun || body != "first last" {
		t.Errorf("%q of %+v", body, h.answer)
	}
	h.request.Request.Release()
	h.hangUp()
	c.ended()
	quiet(t)
}

// A response that no socket holds.
const (
	large  = 64 * block
	block  = 64 << 10
	asking = "GET /at/large/64 HTTP/1.1\r\nHost: x\r\n\r\n"
)

// waiting is how many bytes have come that nobody has read.
func (c *client) waiting() (n int) {
	c.Helper()
	raw, err := c.Conn.(*net.UnixConn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	if err != nil {
		c.Fatal(err)
	}
	return n
}

func bodyOf(response string) string {
	_, body, _ := strings.Cut(response, "\r\n\r\n")
	return body
}

// checkLarge looks at the whole of the large response.
func checkLarge(t *testing.T, got string) {
	t.Helper()
	body := bodyOf(got)
	if len(body) != large {
		t.Fatalf("%d bytes of %d", len(body), large)
	}
	for i := range large / block {
		if want := strings.Repeat(fmt.Sprintf("%08d", i), block/8); body[i*block:(i+1)*block] != want {
			t.Fatalf("block %d is %.80q", i, body[i*block:])
		}
	}
}

// It takes what has come each time that nothing more fits: no thread finds room at once.
func whoLagsBehindIsWaitedFor(t *testing.T) {
	for range 20 { // a machine that stands still is a slow client
		c := connect(t, http1.Parked{})
		c.send(asking)
		var got strings.Builder
		for len(bodyOf(got.String())) < large && len(adopted) == 0 {
			n, looks := c.waiting(), 0
			eventually(t, "no more comes", func() bool {
				if now := c.waiting(); now > n || now == 0 {
					n, looks = now, 0
				}
				looks++
				return looks > 1000 || len(adopted) > 0
			})
			_, _ = io.CopyN(&got, c, int64(c.waiting()))
		}
		if len(adopted) == 0 {
			checkLarge(t, got.String())
			c.Close()
			quiet(t)
			return
		}
		h := next(t)
		h.request.Request.Abort(h.request.Request.Generation())
		rest(t, &h)
		h.request.Request.Release()
		h.hangUp()
		quiet(t)
	}
	t.Error("it was Go's each time")
}

func whoTakesNothingIsGos(t *testing.T) {
	c := connect(t, http1.Parked{})
	c.send(asking)
	h := next(t)
	if h.kind != http1.Runs || !h.answer.Begun || len(h.answer.Rest) == 0 || h.answer.Declared != large {
		t.Fatalf("%d, %+v", h.kind, h.answer)
	}
	behind := string(h.answer.Rest) + rest(t, &h)
	h.request.Request.Release()
	h.hangUp()
	before, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	checkLarge(t, string(before)+behind)
	quiet(t)
}

func fileIsSent(t *testing.T) {
	before := served()
	for range 20 {
		c := connect(t, http1.Parked{})
		for range 3 {
			c.send("GET /at/file/1 HTTP/1.1\r\nHost: x\r\n\r\n")
			c.want(strings.Repeat("0", 1<<16))
		}
		c.Close()
	}
	eventually(t, "all were the lane's", func() bool { return served() == before+60 })
	quiet(t)
}

func served() int64 {
	_, _, _, n := shared.Count()
	return n
}

// Where the file stands tells what is left of it.
func fileThatIsNotTakenIsGos(t *testing.T) {
	c := connect(t, http1.Parked{})
	c.send(strings.Replace(asking, "/large/", "/file/", 1))
	h := next(t)
	if h.kind != http1.Runs || !h.answer.Begun || h.answer.Declared != large || h.answer.Written == 0 {
		t.Fatalf("%d, %+v", h.kind, h.answer)
	}
	behind := string(h.answer.Rest) + rest(t, &h)
	file, size, err := h.request.Request.File()
	if err != nil || h.answer.Written+size != large {
		t.Fatalf("%d bytes are left, %v, after %d", size, err, h.answer.Written)
	}
	left, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	h.request.Request.Release()
	h.hangUp()
	before, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	checkLarge(t, string(before)+behind+string(left))
	quiet(t)
}

func failureIsGos(t *testing.T) {
	c := connect(t, http1.Parked{})
	c.send("GET /at/raises HTTP/1.1\r\nHost: x\r\n\r\n")
	h := next(t)
	if h.kind != http1.Runs || h.answer.Begun {
		t.Fatalf("%+v", h)
	}
	rest(t, &h)
	if result := h.request.Request.Result(); !strings.Contains(fmt.Sprintf("%+v", result), "raised") {
		t.Errorf("%+v", result)
	}
	h.request.Request.Release()
	h.hangUp()
	quiet(t)
}

func moreThanInStock(t *testing.T) {
	const n = 200
	var opens []func()
	for range n {
		fd, open := gate(t)
		opens = append(opens, open)
		connect(t, http1.Parked{}).send("GET /at/wait/" + fd + " HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	var running []taken
	for range n {
		h := next(t)
		switch {
		case h.kind == http1.Runs:
			running = append(running, h)
		case h.kind != http1.Reads || !strings.HasPrefix(h.in, "GET /at/wait/"):
			t.Errorf("%+v", h)
		}
		if h.kind != http1.Runs {
			h.hangUp()
		}
	}
	if len(running) < 16 {
		t.Errorf("only %d began", len(running))
	}
	for _, open := range opens {
		open()
	}
	for _, h := range running {
		rest(t, &h)
		h.request.Request.Release()
		h.hangUp()
	}
	quiet(t)
}

// Many come at once; those that fail are Go's, the others are answered.
func failureIsTheOnlyOne(t *testing.T) {
	const n = 12 // fewer than are in stock
	for range 20 {
		var all []*client
		for range n {
			all = append(all, connect(t, http1.Parked{}))
		}
		for i, c := range all {
			c.send([]string{"GET /at/echo", "GET /at/raises"}[i%2] + " HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		for i, c := range all {
			if i%2 == 0 {
				c.want("GET /echo  192.0.2.1 ")
			}
			c.Close()
		}
		for range n / 2 {
			h := next(t)
			if !strings.HasPrefix(h.head, "GET /at/raises ") {
				t.Errorf("%+v", h)
			}
			rest(t, &h)
			h.request.Request.Release()
			h.hangUp()
		}
	}
	quiet(t)
}

// A reset would overtake the answer if the connection were closed.
func endWithSomethingBehindIsGos(t *testing.T) {
	for _, last := range []string{"GET /at/echo HTTP/1.0\r\n\r\n", "GET /at/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"} {
		c := connect(t, http1.Parked{})
		c.send(last + "GET /at/never HTTP/1.1\r\nHost: x\r\n\r\n")
		if r := c.want("GET /echo  192.0.2.1 "); !r.Close {
			t.Error("it says that it stays")
		}
		h := next(t)
		if h.kind != http1.Lingers || h.request != nil {
			t.Errorf("%+v", h)
		}
		h.hangUp()
	}
	quiet(t)
}
