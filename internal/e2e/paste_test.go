package e2e

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

func TestPaste(t *testing.T) {
	s := startSite(t, "paste_site", "Paste", modes[0])
	s.check(t)
	t.Run("urlmap cuts the mount from the path, and lint finds nothing", func(t *testing.T) {
		s.get(t, s.Client(t), "/mounted/a%20b/c").Want(t, 200, "script=/mounted path=/a b/c")
	})
	t.Run("gzipper compresses what the client wants compressed", func(t *testing.T) {
		c := s.Client(t)
		s.get(t, c, "/zipped/plain").Want(t, 200, "script=/zipped path=/plain")
		request := c.Request("GET", "/zipped/small", nil)
		request.Header.Set("Accept-Encoding", "gzip")
		response := c.Do(request)
		unzipped, err := gzip.NewReader(strings.NewReader(response.Body))
		if err != nil {
			t.Fatalf("%v: %+v", err, response)
		}
		text, err := io.ReadAll(unzipped)
		if err != nil || string(text) != "script=/zipped path=/small" {
			t.Errorf("%q, %v", text, err)
		}
	})
}
