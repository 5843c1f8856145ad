package e2e

import (
	"fmt"
	"strings"
	"testing"
)

func TestEnvironOfAUnixSocket(t *testing.T) {
	c := startContractTarget(t, "environ_dump:application", Options{Unix: true})
	d := exchangeDump(t, c.Server, "GET / HTTP/1.1\r\nHost: site.test:81\r\n\r\n")
	d.want(t, map[string]string{"SERVER_NAME": "site.test", "SERVER_PORT": "81", "REMOTE_ADDR": "", "HTTP_HOST": "site.test:81"})
	d = exchangeDump(t, c.Server, "GET / HTTP/1.0\r\n\r\n")
	for _, name := range []string{"SERVER_NAME", "SERVER_PORT"} { // PEP 3333: "can never be empty strings"
		if d.variables()[name] == "" {
			t.Errorf("%s is empty", name)
		}
	}
	d = exchangeDump(t, c.Server, "GET / HTTP/1.1\r\nHost: site.test\r\nX-Forwarded-Proto: https\r\n\r\n")
	d.want(t, map[string]string{"SERVER_NAME": "site.test", "SERVER_PORT": "443", "wsgi.url_scheme": "https"})
}

func TestSchemeComesFromATrustedProxyOnly(t *testing.T) {
	for _, test := range []struct {
		name   string
		args   []string
		fields string
		want   string
	}{
		{"nobody says anything", nil, "", "http"},
		{"the local host is trusted unless set otherwise", nil, "X-Forwarded-Proto: https", "https"},
		{"in any case of letters", nil, "x-forwarded-proto: HTTPS", "https"},
		{"the other two headers", nil, "X-Forwarded-Ssl: on", "https"},
		{"the other two headers, again", nil, "X-Forwarded-Protocol: ssl", "https"},
		{"http stays http", nil, "X-Forwarded-Proto: http", "http"},
		{"something else is not believed", nil, "X-Forwarded-Proto: ftp", "http"},
		{"another network", []string{"--forwarded-allow-ips", "10.0.0.0/8"}, "X-Forwarded-Proto: https", "http"},
		{"our network", []string{"--forwarded-allow-ips", "10.0.0.0/8,127.0.0.0/8"}, "X-Forwarded-Proto: https", "https"},
		{"all", []string{"--forwarded-allow-ips", "*"}, "X-Forwarded-Proto: https", "https"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startContract(t, "environ_dump", modes[0], test.args...)
			request := "GET / HTTP/1.1\r\nHost: x\r\n"
			if test.fields != "" {
				request += test.fields + "\r\n"
			}
			d := exchangeDump(t, s.Server, request+"\r\n")
			d.want(t, map[string]string{"wsgi.url_scheme": test.want})
			if strings.EqualFold(test.fields, "X-Forwarded-Proto: https") {
				if got := d.variables()["HTTP_X_FORWARDED_PROTO"]; !strings.EqualFold(got, "https") {
					t.Errorf("HTTP_X_FORWARDED_PROTO is %q", got)
				}
			}
		})
	}
}

func TestEnvironOfChunkedBodies(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "environ_dump", mode, "--request-buffer", "1000", "--request-spool", "0")
		spooling := startContract(t, "environ_dump", mode, "--request-buffer", "1000")
		head := "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		for _, size := range []int{0, 1, 999, 1000, 1001, 5000} {
			body := strings.Repeat("x", size)
			chunks := ""
			for rest := body; rest != ""; {
				n := min(len(rest), 300)
				chunks += fmt.Sprintf("%x;ext=1\r\n%s\r\n", n, rest[:n])
				rest = rest[n:]
			}
			d := exchangeDump(t, s.Server, head+chunks+"0\r\nX-Trailer: t\r\n\r\n")
			if d.Body != body {
				t.Errorf("size %d: a body of %d bytes", size, len(d.Body))
			}
			switch {
			case size > 0 && size < 1000: // read ahead: it might have had a length
				d.want(t, map[string]string{"CONTENT_LENGTH": fmt.Sprint(size)})
				d.absent(t, "HTTP_TRANSFER_ENCODING")
			case size > 1000:
				d.absent(t, "CONTENT_LENGTH")
				d.want(t, map[string]string{"HTTP_TRANSFER_ENCODING": "chunked"})
			}
			d.absent(t, "HTTP_X_TRAILER")
			if size > 0 { // with a file to wait in, the length of all is known
				d = exchangeDump(t, spooling.Server, head+chunks+"0\r\nX-Trailer: t\r\n\r\n")
				d.want(t, map[string]string{"CONTENT_LENGTH": fmt.Sprint(size)})
				d.absent(t, "HTTP_TRANSFER_ENCODING")
			}
		}
	})
}
