package e2e

import (
	"bytes"
	"compress/gzip"
	"path/filepath"
	"strings"
	"testing"
)

// A client that many programs are written with, and Flask, which has the server send
// its files.
func TestRequestsAndFlaskGetOnWithFiles(t *testing.T) {
	root := folderOf(t, "data.large", "page.js", "folder/index.html")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte("page.js")) // into memory
	_ = w.Close()
	putFile(t, filepath.Join(root, "page.js.gz"), packed.String())
	client := filepath.Join(Venv(t, "file_clients"), "bin", "python")
	s := Start(t, Options{
		Target: "flask_files:application", Venv: Venv(t, "flask_site"), Env: []string{"DATA=" + root},
		Args: []string{"--static", "/static=" + root, "--sendfile-root", root},
	})
	Parallel(t, 3, func(t testing.TB, _ int) {
		if said := must(t, client, Testapps("file_clients", "download.py"), s.URL, root); strings.TrimSpace(said) != "all is well" {
			t.Errorf("%s", said)
		}
	})
}
