package e2e

import (
	"encoding/xml"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/summerwind/h2spec"
	"github.com/summerwind/h2spec/config"
)

// h2specDepartures are the cases that do not pass, and why.
var h2specDepartures = map[string]string{
	"http2/3.5: Sends invalid connection preface":                        "what is no preface is HTTP/1 on a port without TLS, and gets a 400",
	"http2/6.5.3: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE": "net/http ends a connection whose settings say one thing twice",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the connection-specific header field": "net/http answers 400, " +
		"which RFC 9113, 8.1.1, allows in the place of a reset",
	`http2/8.1.2.2: Sends a HEADERS frame that contains the TE header field with any value other than "trailers"`: "likewise",
}

// h2spec, whose cases are RFC 7540's and RFC 7541's.
func TestH2spec(t *testing.T) {
	s := startHTTP2(t)
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "report.xml")
	_, err = h2spec.Run(&config.Config{
		Host: host, Port: number, Path: "/", Timeout: 5 * time.Second, MaxHeaderLen: 4000, JUnitReport: report,
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Suites []struct {
			Cases []struct {
				Package string    `xml:"package,attr"`
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, suite := range suites.Suites {
		for _, c := range suite.Cases {
			cases++
			name, failed := c.Package+": "+c.Name, c.Failure != nil || c.Error != nil
			if _, known := h2specDepartures[name]; known != failed {
				t.Errorf("%s: failed %v", name, failed)
			}
		}
	}
	if cases < 140 {
		t.Errorf("only %d cases were run:\n%s", cases, text[:min(len(text), 2000)])
	}
}
