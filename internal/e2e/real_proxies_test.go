package e2e

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The configurations of docs/internet.md, run by the proxies that they are for. Where
// one is not installed its test is left out; .ci/run installs them.

// documentedProxy is the nth block of a language in docs/internet.md, from 0, with its
// addresses replaced.
func documentedProxy(t *testing.T, language string, nth int, replaced ...string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/internet.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```"+language+"\n")
	if len(blocks) < nth+2 {
		t.Fatalf("there are %d blocks of %s", len(blocks)-1, language)
	}
	block, _, _ := strings.Cut(blocks[nth+1], "```")
	for i := 0; i < len(replaced); i += 2 {
		if !strings.Contains(block, replaced[i]) {
			t.Fatalf("there is no %q in:\n%s", replaced[i], block)
		}
		block = strings.ReplaceAll(block, replaced[i], replaced[i+1])
	}
	return block
}

// startProxy runs a proxy that listens on addr until the test ends.
func startProxy(t *testing.T, addr, program string, args ...string) {
	t.Helper()
	log := newLog()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	t.Cleanup(func() {
		// The whole group: a worker that outlives its master would keep the log open.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(deadline):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			t.Errorf("%s does not end", program)
			<-exited
		}
		if t.Failed() {
			t.Logf("%s:\n%s", program, log)
		}
	})
	Eventually(t, program+" listens", func() bool {
		select {
		case <-exited:
			t.Fatalf("%s has ended:\n%s", program, log)
		default:
		}
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func installed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path = "/usr/sbin/" + program
		if _, err := os.Stat(path); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	return path
}

// askThrough asks through the proxy as a client that says it is somebody else.
func askThrough(t *testing.T, addr, path string, want map[string]string) {
	t.Helper()
	proxied := &Server{network: "tcp", Addr: addr}
	Parallel(t, 10, func(t testing.TB, i int) {
		from := fmt.Sprintf("127.0.1.%d", i+1)
		dialer := net.Dialer{Timeout: deadline, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := dialer.Dial("tcp", proxied.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c := &Conn{t: t, Conn: conn, r: bufio.NewReader(conn)}
		for range 10 {
			d := c.dump(t, "GET "+path+" HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"+
				"X-Forwarded-Host: evil\r\nX-Forwarded-Port: 99\r\nForwarded: for=6.6.6.6;host=evil;proto=https\r\n\r\n")
			d.want(t, map[string]string{"REMOTE_ADDR": from, "wsgi.url_scheme": "http", "HTTP_HOST": "shop.example"})
			d.want(t, want)
		}
	})
}

func TestBehindNginx(t *testing.T) {
	nginx := installed(t, "nginx")
	for nth, test := range []struct {
		path string
		args []string
		want map[string]string
	}{
		{"/x", nil, map[string]string{"SCRIPT_NAME": "", "PATH_INFO": "/x"}},
		{"/shop/x", []string{"--forwarded-fields", "for,proto,prefix"}, map[string]string{"SCRIPT_NAME": "/shop", "PATH_INFO": "/x"}},
	} {
		t.Run(test.path, func(t *testing.T) {
			s := startContractTarget(t, "environ_dump:application", Options{Unix: true, Args: test.args})
			folder, addr := t.TempDir(), freeAddr(t)
			config := "daemon off; error_log stderr; pid " + folder + "/pid; events {} http { access_log off; "
			if os.Geteuid() == 0 {
				config = "user root; " + config // the folder of the socket is this user's alone
			}
			for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
				config += kind + "_temp_path " + folder + "/" + kind + "; "
			}
			config += documentedProxy(t, "nginx", nth, "/run/site/gowsgi.sock", s.Addr, "listen 80;", "listen "+addr+";") + "}"
			file := filepath.Join(folder, "nginx.conf")
			if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			startProxy(t, addr, nginx, "-c", file, "-p", folder, "-e", "stderr")
			askThrough(t, addr, test.path, test.want)
		})
	}
}

func TestBehindHAProxy(t *testing.T) {
	haproxy := installed(t, "haproxy")
	for _, test := range []struct {
		name     string
		nth      int
		replaced []string
		args     []string
		bytes    bool // are passed on, not requests
	}{
		{name: "requests"},
		{name: "bytes, version 2", nth: 1, args: []string{"--proxy-protocol", "v2"}, bytes: true},
		{name: "bytes, version 1", nth: 1, replaced: []string{"send-proxy-v2", "send-proxy"}, args: []string{"--proxy-protocol"}, bytes: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startContractTarget(t, "environ_dump:application", Options{Unix: true, Args: test.args})
			folder, addr := t.TempDir(), freeAddr(t)
			config := "defaults\n    timeout connect 30s\n    timeout client 30s\n    timeout server 30s\n\n" +
				documentedProxy(t, "haproxy", test.nth, append(test.replaced, "/run/site/gowsgi.sock", s.Addr, "bind :80", "bind "+addr)...)
			file := filepath.Join(folder, "haproxy.cfg")
			if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			startProxy(t, addr, haproxy, "-db", "-f", file)
			if !test.bytes {
				askThrough(t, addr, "/x", nil)
				return
			}
			host, port, _ := net.SplitHostPort(addr)
			askThroughBytes(t, addr, map[string]string{"SERVER_NAME": host, "SERVER_PORT": port})
		})
	}
}

// askThroughBytes is askThrough for a proxy that does not look at requests: what the client
// says is its own, and it is no proxy.
func askThroughBytes(t *testing.T, addr string, want map[string]string) {
	t.Helper()
	Parallel(t, 10, func(t testing.TB, i int) {
		from := fmt.Sprintf("127.0.1.%d", i+1)
		for range 5 {
			c := dialFrom(t, &Server{network: "tcp", Addr: addr}, from)
			for range 3 {
				d := c.dump(t, "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n\r\n")
				_, port, _ := net.SplitHostPort(c.LocalAddr().String())
				d.want(t, map[string]string{"REMOTE_ADDR": from, "REMOTE_PORT": port, "wsgi.url_scheme": "http"})
				d.want(t, want)
			}
			c.Close()
		}
	})
}

func TestBehindCaddy(t *testing.T) {
	caddy := installed(t, "caddy")
	s := startContractTarget(t, "environ_dump:application", Options{Unix: true})
	folder, addr := t.TempDir(), freeAddr(t)
	config := "{\n    admin off\n    auto_https off\n}\n" +
		documentedProxy(t, "caddy", 0, "/run/site/gowsgi.sock", s.Addr, "example.org", "http://:"+addr[strings.LastIndexByte(addr, ':')+1:])
	file := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	startProxy(t, addr, caddy, "run", "--adapter", "caddyfile", "--config", file)
	askThrough(t, addr, "/x", nil)
}
