package e2e

import (
	"io"
	"net/http"
	"testing"
)

// The application below a path gets it as SCRIPT_NAME; the rest is a 404.
func TestMount(t *testing.T) {
	srv := Start(t, Options{Target: "environ_dump:application", Args: []string{"--mount", "/app"}})
	get := func(path string) (int, string) {
		response, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(body)
	}
	for path, info := range map[string]string{"/app": "", "/app/": "/", "/app/x%2Fy?q": "/x/y"} {
		status, body := get(path)
		vars := parseDump(t, status, body).variables()
		if vars["SCRIPT_NAME"] != "/app" || vars["PATH_INFO"] != info {
			t.Errorf("%s: SCRIPT_NAME %q, PATH_INFO %q", path, vars["SCRIPT_NAME"], vars["PATH_INFO"])
		}
	}
	for _, path := range []string{"/", "/apple", "/x/app"} {
		if status, body := get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
}
