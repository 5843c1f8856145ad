package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compressedBody is what testapps/compressed.py has to say.
func compressedBody(size int, noise bool) string {
	if !noise {
		const line = "<p>a line of text, and the next one as well</p>\n"
		return strings.Repeat(line, size/40+1)[:size]
	}
	var b strings.Builder
	for n := 0; b.Len() < size; n++ {
		sum := sha256.Sum256([]byte(itoa(n)))
		b.Write(sum[:])
	}
	return b.String()[:size]
}

// decode decodes a content coding, as far as there is something.
func decode(coding string, r io.Reader) (string, error) {
	var decoder io.Reader
	var err error
	switch coding {
	case "gzip":
		decoder, err = gzip.NewReader(r)
	case "zstd":
		decoder, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20)) // RFC 9659
	case "":
		decoder = r
	default:
		return "", fmt.Errorf("there is no such coding: %q", coding)
	}
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(decoder)
	return string(body), err
}

// ask asks for a path; fields are whole lines.
func (c *Conn) ask(method, path, proto, fields string) {
	c.t.Helper()
	c.Send(method + " " + path + " " + proto + "\r\nHost: x\r\n" + fields + "\r\n")
}

// wantCoded fails the test unless the body is this, in that coding.
func (r RawResponse) wantCoded(t testing.TB, coding, body string) {
	t.Helper()
	got, err := decode(coding, strings.NewReader(r.Body))
	if r.Status != 200 || r.Value("Content-Encoding") != coding || r.Value("Vary") != "Accept-Encoding" || got != body || err != nil {
		t.Errorf("status %d, fields %q, %d bytes of which %d come, %v; want %d in %q", r.Status, r.Fields, len(r.Body), len(got), err, len(body), coding)
	}
}

var codingsAsked = map[string]string{
	"Accept-Encoding: gzip\r\n": "gzip", "Accept-Encoding: gzip, deflate, br, zstd\r\n": "zstd", "Accept-Encoding: br\r\n": "", "": "",
	"Accept-Encoding: zstd;q=0.5\r\nAccept-Encoding: gzip\r\n": "gzip", "Accept-Encoding: *;q=0\r\n": "",
}

func TestBodiesThatAreCompressed(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "compressed", mode, "--compress")
		for _, way := range []string{"/list", "/blocks", "/write", "/file"} {
			for _, size := range []int{1024, 30_000, 3_000_000} {
				t.Run(fmt.Sprint(way, size), func(t *testing.T) { checkCompressed(t, s, way, size) })
			}
		}
		t.Run("each block goes out before the next", func(t *testing.T) { checkCompressedSteps(t, s) })
		t.Run("what is not whole", func(t *testing.T) { checkCompressedBroken(t, s) })
	})
}

func checkCompressed(t *testing.T, s Contract, way string, size int) {
	Parallel(t, 4, func(t testing.TB, i int) {
		noise, query := i%2 == 1, fmt.Sprintf("?size=%d", size)
		if noise {
			query += "&noise"
		}
		if i > 1 {
			query += "&declared"
		}
		body := compressedBody(size, noise)
		c := Dial(t, s.Server)
		for fields, coding := range codingsAsked {
			for _, proto := range []string{"HTTP/1.1", "HTTP/1.0"} {
				if proto == "HTTP/1.0" {
					c = Dial(t, s.Server)
				}
				c.ask("GET", way+query, proto, fields)
				response := c.Response("GET")
				response.wantCoded(t, coding, body)
				if way == "/list" && size < 1<<20 && len(response.Values("Content-Length")) != 1 {
					t.Errorf("a body that is there has no length: %q", response.Fields)
				}
				if proto == "HTTP/1.0" {
					c = Dial(t, s.Server)
				}
			}
		}
		if way == "/file" {
			query = strings.Replace(query, "&declared", "", 1) // it is not the length of the rest
			c.ask("GET", way+query+"&behind&field=Vary:Accept-Encoding", "HTTP/1.1", "Accept-Encoding: zstd\r\n")
			c.Response("GET").wantCoded(t, map[bool]string{true: "zstd"}[size >= 2048], body[size/2:])
		}
	})
}

// checkCompressedSteps: what has come so far can be read, though the response goes on.
func checkCompressedSteps(t *testing.T, s Contract) {
	Parallel(t, 4, func(t testing.TB, i int) {
		coding := []string{"gzip", "zstd"}[i%2]
		gate := s.Gate(t)
		c := Dial(t, s.Server)
		c.ask("GET", "/steps?gate="+gate.Path, "HTTP/1.1", "Accept-Encoding: "+coding+"\r\n")
		head := c.ReadUntil("\r\n\r\n")
		if !strings.Contains(head, "Content-Encoding: "+coding+"\r\n") || strings.Contains(head, "Content-Length") {
			t.Errorf("%q", head)
		}
		var sent bytes.Buffer
		for n, want := range []string{"block 0\n", "block 0\nblock 1\n", "block 0\nblock 1\nblock 2\n"} {
			for {
				if got, _ := decode(coding, bytes.NewReader(sent.Bytes())); got == want { // what is to come is missing
					break
				}
				size := 0
				if _, err := fmt.Sscanf(c.ReadUntil("\r\n"), "%x", &size); err != nil || size == 0 {
					t.Fatalf("before block %d: a chunk of %d bytes, %v", n, size, err)
				}
				sent.Write(c.ReadBytes(size + 2)[:size])
			}
			gate.Open(1)
		}
		for size := 1; size > 0; {
			_, _ = fmt.Sscanf(c.ReadUntil("\r\n"), "%x", &size)
			sent.Write(c.ReadBytes(size + 2)[:size])
		}
		if got, err := decode(coding, &sent); err != nil || got != "block 0\nblock 1\nblock 2\n" {
			t.Errorf("%q, %v", got, err)
		}
		c.StaysOpen("/none")
	})
}

// checkCompressedBroken: neither HTTP nor the coding takes what there is for all.
func checkCompressedBroken(t *testing.T, s Contract) {
	for _, coding := range []string{"gzip", "zstd"} {
		for _, path := range []string{"/short?size=50000", "/short?size=3000000&noise", "/short?size=2000", "/raises?size=50000&gate=", "/raises?size=3000000&noise"} {
			for _, proto := range []string{"HTTP/1.1", "HTTP/1.0"} {
				if strings.HasSuffix(path, "gate=") {
					gate := s.Gate(t)
					path = strings.TrimSuffix(path, "gate=") + "gate=" + gate.Path
					gate.Open(8)
				}
				c := Dial(t, s.Server)
				c.ask("GET", path, proto, "Accept-Encoding: "+coding+"\r\n")
				response := c.WantBroken("GET")
				if got, err := decode(coding, strings.NewReader(response.Body)); err == nil && got != "" {
					t.Errorf("%s %s %s: %d bytes pass for a whole", coding, path, proto, len(got))
				}
			}
		}
		c := Dial(t, s.Server)
		c.ask("GET", "/early", "HTTP/1.1", "Accept-Encoding: "+coding+"\r\n")
		c.Response("GET").Want(t, 500, "500 Internal Server Error\n")
	}
}

func TestResponsesThatAreNotCompressed(t *testing.T) {
	const ask = "Accept-Encoding: gzip\r\n"
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "compressed", mode, "--compress")
		for path, want := range map[string]struct {
			status           int
			coding, vary, as string // as: its ETag
		}{
			"/list?size=1023":                                             {200, "", "", ""},
			"/list?size=1023&field=ETag:%22a%22":                          {200, "", "", `"a"`},
			"/list?size=2000&type=image/png":                              {200, "", "", ""},
			"/list?size=2000&field=Content-Encoding:br":                   {200, "br", "", ""},
			"/list?size=2000&field=Cache-Control:private,no-transform":    {200, "", "", ""},
			"/list?size=2000&field=Set-Cookie:a%3Db":                      {200, "", "", ""},
			"/list?size=2000&status=206+Part&field=Content-Range:x":       {206, "", "", ""},
			"/list?size=2000&status=200+Part&field=Content-Range:x":       {200, "", "", ""},
			"/list?size=2000&field=ETag:%22a%22":                          {200, "gzip", "Accept-Encoding", `W/"a"`},
			"/list?size=2000&field=Vary:Cookie&field=Accept-Ranges:bytes": {200, "gzip", "Cookie, Accept-Encoding", ""},
			"/list?size=2000&status=404+Nothing":                          {404, "gzip", "Accept-Encoding", ""},
			"/none?status=204+Nothing":                                    {204, "", "", ""},
			"/none?status=304+Same&field=ETag:%22a%22":                    {304, "", "Accept-Encoding", `"a"`},
			"/none": {200, "", "", ""},
		} {
			c := Dial(t, s.Server)
			for _, method := range []string{"GET", "HEAD"} {
				c.ask(method, path, "HTTP/1.1", ask)
				r := c.Response(method)
				coding := r.Value("Content-Encoding")
				if method == "HEAD" && coding == "" { // its length is not known
					coding = want.coding
				}
				vary := r.Value("Vary")
				if method == "HEAD" && vary == "Accept-Encoding" {
					vary = want.vary
				}
				if r.Status != want.status || coding != want.coding || vary != want.vary || method == "GET" && r.Value("ETag") != want.as || want.coding == "gzip" && r.Value("Accept-Ranges") != "" {
					t.Errorf("%s %s: %d %q", method, path, r.Status, r.Fields)
				}
			}
		}
		c := Dial(t, s.Server)
		c.ask("GET", "/none?status=304+Same&field=ETag:%22a%22", "HTTP/1.1", ask+"If-None-Match: W/\"a\"\r\n")
		if r := c.Response("GET"); r.Value("ETag") != `W/"a"` {
			t.Errorf("%q", r.Fields)
		}
		c.ask("HEAD", "/list?size=2000&declared&field=ETag:%22a%22", "HTTP/1.1", ask)
		if r := c.Response("HEAD"); r.Value("Content-Encoding") != "gzip" || r.Value("Content-Length") != "" || r.Value("ETag") != `W/"a"` || r.Value("Transfer-Encoding") != "" {
			t.Errorf("HEAD: %q", r.Fields)
		}
		c.StaysOpen("/none")
	})
	t.Run("without the setting", func(t *testing.T) {
		s := startContract(t, "compressed", modes[0])
		c := Dial(t, s.Server)
		c.ask("GET", "/list?size=2000&field=ETag:%22a%22", "HTTP/1.1", ask)
		if r := c.Response("GET"); r.Body != compressedBody(2000, false) || r.Value("Vary") != "" || r.Value("ETag") != `"a"` {
			t.Errorf("%q", r.Fields)
		}
	})
	t.Run("but by other settings", func(t *testing.T) {
		s := startContract(t, "compressed", modes[0], "--compress", "--compress-types", "image/*", "--compress-cookies", "--compress-min-size", "100", "--compress-level", "1")
		c := Dial(t, s.Server)
		c.ask("GET", "/list?size=100&type=image/png&field=Set-Cookie:a%3Db", "HTTP/1.1", ask)
		c.Response("GET").wantCoded(t, "gzip", compressedBody(100, false))
	})
}

// Slow clients hold neither Python nor, once the application is done, an encoder: there
// are 64 of them for responses that are not there as a whole.
func TestSlowClientsOfCompressedResponses(t *testing.T) {
	for _, mode := range []Mode{modes[0], modes[2]} {
		for _, room := range []string{"1G", "100K", "0"} {
			t.Run(mode.Name+" "+room, func(t *testing.T) {
				s := startSpooled(t, "compressed", mode, "--compress", "--response-spool", room)
				const size = 12_000_000
				body := compressedBody(size, true)
				var slow []*Conn
				for i := range 6 {
					coding, way := []string{"gzip", "zstd"}[i%2], []string{"/blocks", "/list", "/file"}[i/2]
					c, key := dialSlowly(t, s.Server), s.Key()
					c.ask("GET", fmt.Sprintf("%s?noise&size=%d&id=%s", way, size, key), "HTTP/1.1", "Accept-Encoding: "+coding+"\r\n")
					if way == "/list" || way == "/blocks" && room == "1G" {
						s.WaitNotes(t, key, "closed")
					}
					slow = append(slow, c)
				}
				Dial(t, s.Server).Get("/none").Want(t, 200, "")
				Parallel(t, len(slow), func(t testing.TB, i int) {
					slow[i].Response("GET").wantCoded(t, []string{"gzip", "zstd"}[i%2], body)
					slow[i].StaysOpen("/none")
				})
				s.waitFiles(t, 0)
			})
		}
	}
	t.Run("so many that are done", func(t *testing.T) {
		s := startSpooled(t, "compressed", modes[0], "--compress")
		for range 70 {
			c, key := dialSlowly(t, s.Server), s.Key()
			c.ask("GET", "/blocks?noise&size=12000000&id="+key, "HTTP/1.1", "Accept-Encoding: zstd\r\n")
			s.WaitNotes(t, key, "closed")
		}
		c := Dial(t, s.Server)
		c.ask("GET", "/blocks?size=3000000", "HTTP/1.1", "Accept-Encoding: zstd\r\n")
		c.Response("GET").wantCoded(t, "zstd", compressedBody(3_000_000, false))
	})
	t.Run("so many that go on", func(t *testing.T) {
		s := startContract(t, "compressed", modes[0], "--compress", "--threads", "80")
		var steps []*Conn
		var gates []*Gate
		coded := 0
		for range 70 {
			gate := s.Gate(t)
			c := Dial(t, s.Server)
			c.ask("GET", "/steps?gate="+gate.Path, "HTTP/1.1", "Accept-Encoding: zstd\r\n")
			if strings.Contains(c.ReadUntil("\r\n\r\n"), "Content-Encoding: zstd") {
				coded++
			}
			steps, gates = append(steps, c), append(gates, gate)
		}
		if coded != 64 {
			t.Errorf("%d streams are compressed", coded)
		}
		for i := range steps {
			gates[i].Open(2)
			steps[i].ReadUntil("0\r\n\r\n")
		}
		c := Dial(t, s.Server)
		c.ask("GET", "/blocks?size=3000000", "HTTP/1.1", "Accept-Encoding: zstd\r\n")
		c.Response("GET").wantCoded(t, "zstd", compressedBody(3_000_000, false))
	})
}

// Clients that people have.
func TestClientsOfCompressedResponses(t *testing.T) {
	s := startContract(t, "compressed", modes[0], "--compress")
	body := compressedBody(300_000, false)
	if curl, err := exec.LookPath("curl"); err == nil {
		for _, way := range []string{"/list", "/blocks", "/file"} {
			head := filepath.Join(t.TempDir(), "head")
			out, err := exec.Command(curl, "-sS", "--compressed", "-D", head, s.URL+way+"?size=300000").Output()
			fields, _ := os.ReadFile(head)
			if err != nil || string(out) != body || !strings.Contains(string(fields), "Content-Encoding: ") {
				t.Errorf("curl --compressed %s: %v, %d bytes, %s", way, err, len(out), fields)
			}
		}
	}
	const clients = `
import hashlib, sys, requests, httpx
for way in ["/list", "/blocks", "/file"]:
    for get in [requests.get, httpx.get]:
        for accepts in ["gzip", "zstd"]:
            r = get(sys.argv[1] + way + "?size=300000", headers={"Accept-Encoding": accepts})
            assert r.headers["Content-Encoding"] == accepts, r.headers
            print(len(r.content), hashlib.sha256(r.content).hexdigest())
`
	venv := Venv(t, "compressed_clients")
	out, err := exec.Command(filepath.Join(venv, "bin", "python"), "-c", clients, s.URL).CombinedOutput()
	if want := strings.Repeat(told(body)+"\n", 12); err != nil || string(out) != want {
		t.Errorf("%v: %s", err, out)
	}
}
