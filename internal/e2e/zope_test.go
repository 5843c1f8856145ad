package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestZope(t *testing.T) {
	s := zope{startSite(t, "zope_site", "Zope", modes[0])}
	s.check(t)
	t.Run("a page template", func(t *testing.T) {
		s.get(t, s.Client(t), "/?who=K%C3%A4the+%26+co").
			WantPart(t, 200, "<title>index_html</title>", "<b>Käthe &amp; co</b>")
	})
	t.Run("the management interface asks for a password", s.checkLogin)
	t.Run("50 clients add files to the object database", s.checkFiles)
	t.Run("a request is repeated after a conflict", s.checkConflict)
}

type zope struct{ site }

// manage sends a request as the instance's first user.
func (s zope) manage(c *Client, method, path, contentType string, body io.Reader) Response {
	request := c.Request(method, path, body)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.SetBasicAuth("admin", "a demo password")
	return c.Do(request)
}

func (s zope) checkLogin(t *testing.T) {
	c := s.Client(t)
	refused := s.get(t, c, "/manage_main")
	if challenge := refused.Header.Get("WWW-Authenticate"); refused.Status != 401 || challenge != `basic realm="Zope", charset="UTF-8"` {
		t.Errorf("status %d, WWW-Authenticate %q", refused.Status, challenge)
	}
	s.manage(c, "GET", "/manage_main", "", nil).WantPart(t, 200, "acl_users", "index_html")
}

func (s zope) checkFiles(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	c := s.Client(t)
	for i := range 50 {
		body := fmt.Sprintf("id=client%d&title=Folder+%d", i, i)
		s.manage(c, "POST", "/manage_addFolder", form, strings.NewReader(body))
	}
	Parallel(t, 50, func(t testing.TB, i int) {
		c := s.Client(t)
		content := strings.Repeat(fmt.Sprintf("content of client %d\n", i), 1000+i%2*20_000)
		contentType, body := c.Multipart(File{Field: "file", Name: "data.txt", Type: "text/plain", Content: content}, "id", "data", "title", "Data")
		folder := fmt.Sprintf("/client%d", i)
		if added := s.manage(c, "POST", folder+"/manage_addProduct/OFSP/manage_addFile", contentType, strings.NewReader(body)); added.Status != 302 {
			t.Errorf("add a file: status %d, %.500q", added.Status, added.Body)
		}
		s.manage(c, "GET", folder+"/manage_main", "", nil).WantPart(t, 200, fmt.Sprintf("Folder %d", i), "data")
		got := s.get(t, c, folder+"/data")
		if got.Status != 200 || got.Body != content || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: status %d, %s, %d bytes; want the %d that were added", folder, got.Status, got.Header.Get("Content-Type"), len(got.Body), len(content))
		}
		part := c.Request("GET", folder+"/data", nil)
		part.Header.Set("Range", "bytes=8-15")
		c.Do(part).Want(t, 206, "of clien")
	})
}

// Zope reads the form before it meets the conflict, and winds wsgi.input back
// to read it again.
func (s zope) checkConflict(t *testing.T) {
	Parallel(t, 8, func(t testing.TB, i int) {
		text := strings.Repeat(fmt.Sprintf("%d,", i), 20*i)
		s.Client(t).Form("/conflict", "name", "again", "text", text).Want(t, 200, "name=again text="+text)
	})
}
