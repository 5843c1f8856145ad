package e2e

import (
	"context"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Client is a browser without a screen: it keeps cookies and connections. It
// follows no redirects, so that a test sees them.
type Client struct {
	t    testing.TB
	http *http.Client
	base *url.URL
}

// Response is a response that was read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Client makes one with an empty cookie jar. It belongs to one test, or to one
// client of Parallel: whatever goes wrong on the way fails that t.
func (s *Server) Client(t testing.TB) *Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		DialContext:         func(context.Context, string, string) (net.Conn, error) { return s.dial() },
		TLSClientConfig:     s.secure,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 100,
		Protocols:           new(http.Protocols),
	}
	transport.Protocols.SetUnencryptedHTTP2(s.http2 && s.secure == nil)
	transport.Protocols.SetHTTP2(s.http2 && s.secure != nil)
	transport.Protocols.SetHTTP1(!s.http2)
	t.Cleanup(transport.CloseIdleConnections)
	return &Client{t: t, base: base, http: &http.Client{
		Jar: jar, Transport: transport, Timeout: startDeadline,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Request makes a request for a path of the server.
func (c *Client) Request(method, path string, body io.Reader) *http.Request {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.base.String()+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	return request
}

// Do sends a request and reads the response to its end.
func (c *Client) Do(request *http.Request) Response {
	c.t.Helper()
	response := c.Open(request)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: body breaks off after %d bytes: %v", request.Method, request.URL.Path, len(body), err)
	}
	return Response{Status: response.StatusCode, Header: response.Header, Body: string(body)}
}

// Open sends a request and leaves the response's body to the caller, who closes it.
func (c *Client) Open(request *http.Request) *http.Response {
	c.t.Helper()
	if c.base.Scheme == "https" && request.Header.Get("Referer") == "" { // as browsers do; Django asks for it
		request.Header.Set("Referer", c.base.String()+"/")
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	return response
}

// Get asks for a path.
func (c *Client) Get(path string) Response {
	c.t.Helper()
	return c.Do(c.Request("GET", path, nil))
}

// Post sends a body.
func (c *Client) Post(path, contentType, body string) Response {
	c.t.Helper()
	request := c.Request("POST", path, strings.NewReader(body))
	request.Header.Set("Content-Type", contentType)
	return c.Do(request)
}

// Form posts a form: name, value, name, value …
func (c *Client) Form(path string, pairs ...string) Response {
	c.t.Helper()
	return c.Post(path, "application/x-www-form-urlencoded", values(pairs).Encode())
}

// File is a file that Upload sends.
type File struct{ Field, Name, Type, Content string }

// Upload posts a form with a file as multipart/form-data.
func (c *Client) Upload(path string, file File, pairs ...string) Response {
	c.t.Helper()
	contentType, body := c.Multipart(file, pairs...)
	return c.Post(path, contentType, body)
}

// Multipart makes what Upload sends: the fields first, then the file.
func (c *Client) Multipart(file File, pairs ...string) (contentType, body string) {
	c.t.Helper()
	var text strings.Builder
	form := multipart.NewWriter(&text)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := form.WriteField(pairs[i], pairs[i+1]); err != nil {
			c.t.Fatal(err)
		}
	}
	part, err := form.CreatePart(map[string][]string{
		"Content-Disposition": {`form-data; name="` + file.Field + `"; filename="` + file.Name + `"`},
		"Content-Type":        {file.Type},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	_, _ = io.WriteString(part, file.Content) // into memory
	if err := form.Close(); err != nil {
		c.t.Fatal(err)
	}
	return form.FormDataContentType(), text.String()
}

// Cookie is the value of a cookie that the server has set; "" if there is none.
func (c *Client) Cookie(name string) string {
	for _, cookie := range c.http.Jar.Cookies(c.base) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

func values(pairs []string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

// Want fails the test unless status and body are exactly these.
func (r Response) Want(t testing.TB, status int, body string) {
	t.Helper()
	if r.Status != status || r.Body != body {
		t.Errorf("status %d, body %.500q; want %d, %.500q", r.Status, r.Body, status, body)
	}
}

// WantPart fails the test unless the status is this and all parts are in the body.
func (r Response) WantPart(t testing.TB, status int, parts ...string) {
	t.Helper()
	if r.Status != status {
		t.Errorf("status %d, want %d; body %.2000q", r.Status, status, r.Body)
		return
	}
	for _, part := range parts {
		if !strings.Contains(r.Body, part) {
			t.Errorf("no %q in the body: %.2000q", part, r.Body)
		}
	}
}

// WantRedirect fails the test unless the response leads to that path; a
// location without host, or with the server's, is the same.
func (r Response) WantRedirect(t testing.TB, path string) {
	t.Helper()
	location, err := url.Parse(r.Header.Get("Location"))
	if err != nil || r.Status < 301 || r.Status > 308 || location.RequestURI() != path {
		t.Errorf("status %d, Location %q; want a redirect to %s; body %.500q", r.Status, r.Header.Get("Location"), path, r.Body)
	}
}

// WantStream reads a body block by block and fails the test unless each block
// arrived before the next one was asked for: unlock lets the application go on.
func WantStream(t testing.TB, body io.Reader, blocks []string, unlock func(i int)) {
	t.Helper()
	for i, block := range blocks {
		arrived := make(chan error, 1)
		buffer := make([]byte, len(block))
		go func() {
			_, err := io.ReadFull(body, buffer)
			arrived <- err
		}()
		select {
		case err := <-arrived:
			if err != nil || string(buffer) != block {
				t.Fatalf("block %d: %q, %v; want %q", i, buffer, err, block)
			}
		case <-time.After(deadline):
			t.Fatalf("block %d did not arrive while the application waited", i)
		}
		unlock(i)
	}
	if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
		t.Errorf("after the last block: %.200q, %v", rest, err)
	}
}
