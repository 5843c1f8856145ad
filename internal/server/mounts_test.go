//go:build linux

package server

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
)

// testMounts are those of ways. There is one application in this process, which tells
// the path that it was called under.
var testMounts = []config.Mount{
	{Path: "/m", Target: "m"},
	{Path: "/m/n", Target: "n"},
	{Path: "/ü", Target: "u"},
	{Path: "/m", Target: "hosts", Hosts: []string{"shop.example", "[::1]"}},
	{Path: "/h", Target: "h", Hosts: []string{"shop.example"}},
	{Path: "/m/n", Target: "wild", Hosts: []string{"*.wild.example"}},
	{Path: "/h", Target: "dot", Hosts: []string{".dot.example"}},
	{Path: "/h", Target: "deep", Hosts: []string{"deep.dot.example"}},
}

var (
	someHosts = []string{
		"x", "shop.example", "SHOP.example:80", "shop.example.", "shop.example.:80", "xshop.example", "shop.example.x", "[::1]", "[::1]:8", "[::2]",
		"wild.example", "a.wild.example", ".wild.example", "a.b.WILD.example:1", "xwild.example", "dot.example", "a.dot.example", "deep.dot.example", "adot.example", ":80", "", "a:b",
	}
	somePaths = []string{
		"/answer/asked", "/m/answer/asked", "/m/n/answer/asked", "/m/nn/answer/asked", "/h/answer/asked", "/%6d/answer/asked", "/m%2fanswer/asked", "/m%2Fn/answer/asked", "/%C3%BC/answer/asked",
		"/m//answer/asked", "//m/answer/asked", "/m/../answer/asked", "/M/answer/asked", "/m", "/m/n", "/h?x", "/m%", "/m%2", "/%", "/m%00",
		"http://shop.example/m/answer/asked", "http://a.wild.example/m/n/answer/asked", "http://x/h/answer/asked",
	}
)

// Whatever the host and the path, the lane and an exchange have it go to the same
// application, below the same path.
func TestLaneChoosesTheSameMount(t *testing.T) {
	for _, host := range someHosts {
		for _, path := range somePaths {
			request := []byte(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host))
			if got, want := ways()[0].talk(t, 0, false, request), ways()[1].talk(t, 0, false, request); got != want {
				t.Errorf("%q\nin the lane:   %.500q\non goroutines: %.500q", request, got, want)
			}
		}
	}
	// The host that a proxy is believed to say is the one that counts, and what it has cut
	// off stands before the mount.
	for fields, want := range map[string]string{
		"Host: x\r\nX-Forwarded-Host: shop.example\r\n":                                 "/h",
		"Host: shop.example\r\nX-Forwarded-Host: x\r\n":                                 "",
		"Host: x\r\nForwarded: for=192.0.2.1;host=a.dot.example\r\n":                    "/h",
		"Host: shop.example\r\nX-Forwarded-Prefix: /cut\r\n":                            "/cut/h",
		"Host: x\r\nX-Forwarded-Prefix: /cut\r\nX-Forwarded-Host: deep.dot.example\r\n": "/cut/h",
	} {
		request := []byte("GET /h/answer/asked HTTP/1.1\r\n" + fields + "Connection: close\r\n\r\n")
		got, other := ways()[0].talk(t, 0, false, request), ways()[1].talk(t, 0, false, request)
		script := scriptName.FindStringSubmatch(got)
		if got != other || want != "" && (script == nil || script[1] != want) || want == "" && script != nil {
			t.Errorf("%q: %q, not below %q\nin the lane:   %.500q\non goroutines: %.500q", request, script, want, got, other)
		}
	}
	// And with pieces of what matters in any order.
	pieces := []string{"/", "m", "n", "h", "%6D", "%2f", "%", "//", "..", ".", "?", "%c3%bc", "answer/asked"}
	labels := []string{"shop", "example", "dot", "wild", "deep", ".", "..", ":", "80", "[", "]", "::1", "X"}
	for range 3000 {
		path, host := "/", ""
		for range 1 + rand.IntN(6) {
			path += pieces[rand.IntN(len(pieces))]
			host += labels[rand.IntN(len(labels))]
		}
		request := []byte(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host))
		if got, want := ways()[0].talk(t, 0, false, request), ways()[1].talk(t, 0, false, request); got != want {
			t.Fatalf("%q\nin the lane:   %.500q\non goroutines: %.500q", request, got, want)
		}
	}
}

var scriptName = regexp.MustCompile(`(?m)^SCRIPT_NAME=(.*)$`)

// A request that somebody else's server brings, such as net/http's for HTTP/2 whose
// :authority is the host, comes to the same application as one over HTTP/1.1.
func TestForeignRequestsComeToTheSameMount(t *testing.T) {
	for _, host := range someHosts {
		if host == "" || host == ":80" || strings.HasPrefix(host, "a:") {
			continue // no :authority
		}
		for _, path := range somePaths {
			if strings.HasPrefix(path, "http:") || strings.HasSuffix(path, "%") || strings.HasSuffix(path, "%2") {
				continue // nor :path
			}
			over1 := ways()[1].talk(t, 0, false, []byte(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)))
			r := httptest.NewRequest("GET", path, nil)
			r.RequestURI, r.Host, r.Proto, r.ProtoMajor, r.ProtoMinor = path, host, "HTTP/2.0", 2, 0
			w := httptest.NewRecorder()
			ways()[1].handler.ServeHTTP(w, r)
			got, want := scriptName.FindStringSubmatch(w.Body.String()), scriptName.FindStringSubmatch(over1)
			if (got == nil) != (want == nil) || got != nil && got[1] != want[1] {
				t.Errorf("%s%s: %q, not %q", host, path, got, want)
			}
		}
	}
}
