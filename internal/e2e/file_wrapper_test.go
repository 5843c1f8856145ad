package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// startFiles serves testapps/file_wrapper.py with data.bin and data.gz.
func startFiles(t *testing.T, mode Mode) (Contract, string) {
	t.Helper()
	s := startContract(t, "file_wrapper", mode)
	var data strings.Builder
	for i := 0; data.Len() < 300_000; i++ {
		fmt.Fprintf(&data, "line %d of the file\n", i)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, data.String()) // into memory
	_ = w.Close()
	for name, content := range map[string][]byte{"data.bin": []byte(data.String()), "data.gz": packed.Bytes(), "empty.bin": nil} {
		if err := os.WriteFile(filepath.Join(s.folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s, data.String()
}

func TestFileWrapper(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s, data := startFiles(t, mode)
		third := strings.SplitN(data, "\n", 4)[3]
		for _, kind := range []string{"plain", "unbuffered", "update", "temporary", "named", "spooled", "memory", "gzip", "iterable", "own"} {
			t.Run(kind, func(t *testing.T) {
				want := func(s string) string {
					if kind == "own" {
						return strings.Replace(strings.ToUpper(s), "HEAD ", "head ", 1)
					}
					return s
				}
				cases := map[string]string{
					"": data, "&block=1000": data, "&length=" + itoa(len(data)): data, "&length=1234": data[:1234], "&use=write": "head " + data,
					"&use=iterate": data, "&use=middleware": data,
				}
				if kind != "iterable" {
					cases["&read=17"], cases["&lines=3"] = data[17:], third
					cases["&read=100000&seek=5&read=0"], cases["&seek=200000&length=1000"] = data[5:], data[200_000:201_000]
					cases["&seek=300000"], cases["&seek=250000"] = data[300_000:], data[250_000:]
					cases["&lines=3&length=100&use=write"] = "head " + third[:95]
				}
				for query, body := range cases {
					checkFile(t, s, kind, query, want(body))
				}
			})
		}
		t.Run("a text-mode file is no file of bytes", func(t *testing.T) {
			c := Dial(t, s.Server)
			uri := "/?kind=text&id=" + s.Key()
			if response := c.Get(uri); response.Status != 500 {
				t.Errorf("status %d", response.Status)
			}
			if record := s.WaitRecord(t, "application.raised", uri); !strings.Contains(record, "str") {
				t.Errorf("%q", record)
			}
		})
		t.Run("a pipe", func(t *testing.T) { checkFile(t, s, "pipe", "", data[:1000]) })
		t.Run("an empty file", func(t *testing.T) { checkFile(t, s, "plain", "&path="+filepath.Join(s.folder, "empty.bin"), "") })
		t.Run("files without blocks", func(t *testing.T) {
			sparse := filepath.Join(s.folder, "sparse.bin")
			write(t, sparse, "")
			if err := os.Truncate(sparse, 100_000); err != nil {
				t.Fatal(err)
			}
			checkFile(t, s, "plain", "&path="+sparse, strings.Repeat("\x00", 100_000))
			checkFile(t, s, "plain", "&seek=99999&path="+sparse, "\x00")
		})
		t.Run("files whose size is not theirs", func(t *testing.T) {
			for _, path := range []string{"/proc/version", "/proc/filesystems", "/proc/sys/kernel/ostype", "/sys/class/net/lo/mtu", "/sys/kernel/profiling"} {
				content, err := os.ReadFile(path)
				if err != nil {
					t.Logf("%v", err) // not everywhere
					continue
				}
				for _, kind := range []string{"plain", "unbuffered"} {
					checkFile(t, s, kind, "&path="+path, string(content))
					checkFile(t, s, kind, "&read=1&path="+path, string(content[1:]))
				}
			}
		})
		t.Run("read to the end", func(t *testing.T) { checkFile(t, s, "plain", "&read=10000000", "") })
		t.Run("HEAD, 204 and 304", func(t *testing.T) { checkFileWithoutBody(t, s, data) })
		t.Run("a file shorter than its Content-Length", func(t *testing.T) {
			for _, kind := range []string{"plain", "memory"} {
				c := Dial(t, s.Server)
				uri := "/?kind=" + kind + "&length=400000"
				c.Send("GET " + uri + " HTTP/1.1\r\nHost: x\r\n\r\n")
				if response := c.WantBroken("GET"); response.Body != data {
					t.Errorf("%s: %d bytes", kind, len(response.Body))
				}
				s.WaitRecord(t, "response.short", uri)
			}
		})
		t.Run("50 at once", func(t *testing.T) {
			Parallel(t, 50, func(t testing.TB, i int) {
				for range 3 {
					checkFile(t, s, []string{"plain", "gzip", "temporary"}[i%3], fmt.Sprintf("&seek=%d", i*1000), data[i*1000:])
				}
			})
		})
	})
}

// checkFile asks twice, over both versions of HTTP, and whether the file was
// closed.
func checkFile(t testing.TB, s Contract, kind, query, want string) {
	t.Helper()
	key := s.Key()
	c := Dial(t, s.Server)
	response := c.Get("/?kind=" + kind + "&id=" + key + query)
	if response.Status != 200 || response.Body != want {
		t.Errorf("%s%s: status %d, %d bytes, want %d: %.100q…", kind, query, response.Status, len(response.Body), len(want), response.Body)
	}
	if closed := c.Get("/closed?id=" + key); closed.Body != "True" {
		t.Errorf("%s%s: closed: %+v", kind, query, closed)
	}
	old := Dial(t, s.Server)
	old.Send("GET /?kind=" + kind + query + " HTTP/1.0\r\n\r\n")
	if response := old.Response("GET"); response.Status != 200 || response.Body != want {
		t.Errorf("%s%s, HTTP/1.0: status %d, %d bytes, want %d", kind, query, response.Status, len(response.Body), len(want))
	}
}

func checkFileWithoutBody(t *testing.T, s Contract, data string) {
	for _, kind := range []string{"plain", "memory", "gzip"} {
		c, key := Dial(t, s.Server), s.Key()
		c.Send("HEAD /?kind=" + kind + "&id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
		response := c.Response("HEAD")
		if length := response.Value("Content-Length"); response.Status != 200 || kind == "plain" && length != itoa(len(data)) {
			t.Errorf("HEAD %s: %+v", kind, response)
		}
		c.Get("/closed?id="+key).Want(t, 200, "True")
		for _, status := range []string{"204+No+Content", "304+Not+Modified"} {
			if response := c.Get("/?kind=" + kind + "&status=" + status); itoa(response.Status) != status[:3] {
				t.Errorf("%+v", response)
			}
		}
	}
}

// A client that does not read gets a file, or a list, without a thread: the
// only one there is answers others meanwhile.
func TestSlowReaderHoldsNoThread(t *testing.T) {
	s, _ := startFiles(t, modes[1])
	path := filepath.Join(s.folder, "large.bin")
	if err := os.WriteFile(path, bytes.Repeat([]byte("0123456789abcdef"), 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	slow := Dial(t, s.Server)
	slow.Send("GET /?kind=plain&path=" + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	slow.ReadUntil("\r\n\r\n")
	for range 5 {
		if response := Dial(t, s.Server).Get("/?kind=memory"); response.Status != 200 {
			t.Errorf("%+v", response)
		}
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(slow.r, 32<<20)); n != 32<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
	t.Run("a file that shrinks while it is sent", func(t *testing.T) {
		slow := Dial(t, s.Server)
		if tcp, ok := slow.Conn.(interface{ SetReadBuffer(int) error }); ok {
			_ = tcp.SetReadBuffer(64 << 10)
		}
		uri := "/?kind=plain&shrinks&path=" + path
		slow.Send("GET " + uri + " HTTP/1.1\r\nHost: x\r\n\r\n")
		slow.ReadUntil("\r\n\r\n")
		if err := syscall.Truncate(path, 100); err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, slow.r) // to the end of the connection
		if n >= 32<<20 {
			t.Errorf("%d bytes, %v", n, err)
		}
		s.WaitRecord(t, "response.short", uri)
	})
}
