package wsgi_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/embed/wsgi"
)

var application *wsgi.Application

func TestMain(m *testing.M) {
	var err error
	application, err = wsgi.Open("testdata/app.py", wsgi.Options{
		Python: os.Getenv("GOWSGI_TEST_PYTHON"), Mount: "/app", Timeout: 2 * time.Second, RequestBuffer: 10_000,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	if _, err := wsgi.Open("testdata/app.py", wsgi.Options{}); err == nil {
		panic("a second CPython in one process")
	}
	status := m.Run()
	if err := application.Close(); err != nil {
		panic(err)
	}
	os.Exit(status)
}

// both runs a test over HTTP/1 and HTTP/2 of net/http.
func both(t *testing.T, test func(t *testing.T, url string, client *http.Client)) {
	for _, name := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.Handle("/app/", application)
			server := httptest.NewUnstartedServer(mux)
			if name == "HTTP/2" {
				server.EnableHTTP2 = true
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			test(t, server.URL+"/app", server.Client())
		})
	}
}

func read(t *testing.T, response *http.Response, err error) (*http.Response, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("after %q: %v", body, err)
	}
	return response, string(body)
}

func TestApplicationInAServerOfItsOwn(t *testing.T) {
	both(t, func(t *testing.T, url string, client *http.Client) {
		get, err := client.Get(url + "/path")
		response, body := read(t, get, err)
		if want := "GET /app /path " + strings.TrimSuffix(response.Proto, "2.0") + map[bool]string{true: "2"}[response.ProtoMajor == 2] + " 127.0.0.1"; response.StatusCode != 200 || body != want {
			t.Errorf("%d, %q; want %q", response.StatusCode, body, want)
		}
		if response.Header.Get("X-Own") != "spelling" || response.Header.Get("Content-Length") == "" {
			t.Errorf("%v", response.Header)
		}
		get, err = client.Head(url + "/path")
		if _, body := read(t, get, err); body != "" {
			t.Errorf("HEAD has %q", body)
		}
	})
}

func TestBodiesOfAllSizes(t *testing.T) {
	both(t, func(t *testing.T, url string, client *http.Client) {
		var all sync.WaitGroup
		for _, size := range []int{0, 1, 9_999, 10_000, 10_001, 3_000_000} {
			for _, known := range []bool{true, false} {
				all.Go(func() {
					content := strings.Repeat("line\n", size/5+1)[:size]
					for _, path := range []string{"/echo", "/lines"} {
						var body io.Reader = strings.NewReader(content)
						if !known {
							body = struct{ io.Reader }{body} // without a length
						}
						response, err := client.Post(url+path, "text/plain", body)
						if err != nil {
							t.Error(err)
							return
						}
						got, err := io.ReadAll(response.Body)
						response.Body.Close()
						if string(got) != content || err != nil {
							t.Errorf("%s, %d bytes: %d came back, %v", path, size, len(got), err)
						}
					}
				})
			}
		}
		all.Wait()
		post, err := client.Post(url+"/first", "text/plain", strings.NewReader(strings.Repeat("x", 200_000)))
		if _, body := read(t, post, err); body != "first\n200000" {
			t.Errorf("%q", body)
		}
	})
}

func TestResponseThatIsNotWhole(t *testing.T) {
	both(t, func(t *testing.T, url string, client *http.Client) {
		response, err := client.Get(url + "/raises")
		if err == nil {
			_, err = io.ReadAll(response.Body)
			response.Body.Close()
		}
		if err == nil {
			t.Error("it looks whole")
		}
	})
}

func TestSilentApplication(t *testing.T) {
	both(t, func(t *testing.T, url string, client *http.Client) {
		get, err := client.Get(url + "/silent")
		if response, body := read(t, get, err); response.StatusCode != 504 || body != "504 Gateway Timeout\n" {
			t.Errorf("%d, %q", response.StatusCode, body)
		}
	})
}

func TestEarlyHints(t *testing.T) {
	both(t, func(t *testing.T, url string, client *http.Client) {
		link := ""
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			link = h.Get("Link")
			return nil
		}})
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/hints", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if final, _ := read(t, response, err); link != "</style.css>" || final.Header["Link"] != nil {
			t.Errorf("hints %q, then %v", link, final.Header)
		}
	})
}

func TestClientThatLeaves(t *testing.T) {
	both(t, func(t *testing.T, url string, client *http.Client) {
		ctx, leave := context.WithCancel(context.Background())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/endless", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, response.Body, 100_000); err != nil {
			t.Fatal(err)
		}
		leave()
		response.Body.Close()
		get, err := client.Get(url + "/left")
		if _, body := read(t, get, err); body != "True" {
			t.Error("the application was not told")
		}
	})
}

// What is left of a body is no request, however net/http goes on.
func TestUnreadBodyIsNoRequest(t *testing.T) {
	var seen []string
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.RequestURI)
		mu.Unlock()
		application.ServeHTTP(w, r)
	}))
	defer server.Close()
	evil := "GET /app/evil HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, size := range []int{100, 9_000, 20_000, 300_000} {
		c, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		body := bytes.Repeat([]byte(evil), size/len(evil)+1)
		go func() {
			_, _ = io.WriteString(c, "POST /app/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk(body)+"0\r\n\r\n")
		}()
		_, _ = io.Copy(io.Discard, io.LimitReader(c, 100))
		c.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	for _, uri := range seen {
		if uri != "/app/x" {
			t.Errorf("%s was carried out", uri)
		}
	}
}

func chunk(data []byte) string {
	const hex = "0123456789abcdef"
	size := ""
	for n := len(data); n > 0; n /= 16 {
		size = string(hex[n%16]) + size
	}
	return size + "\r\n" + string(data) + "\r\n"
}
