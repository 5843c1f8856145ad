package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestClientsThatAreKeptOut(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		out := startContract(t, "environ_dump", mode, "--deny", "127.0.0.0/8", "--forwarded-allow-ips", "192.0.2.1,unix", "--health-path", "/-", "--metrics-path", "/metrics")
		in := startContract(t, "environ_dump", mode, "--allow", "127.0.0.1", "--deny", "127.0.0.0/8,::1")
		Parallel(t, 10, func(t testing.TB, _ int) {
			for _, target := range []string{"/", "/-/live", "/metrics", "*"} {
				c := Dial(t, out.Server)
				c.ask(map[bool]string{true: "OPTIONS", false: "GET"}[target == "*"], target, "HTTP/1.1", "X-Forwarded-For: 10.0.0.1\r\n")
				c.Response("GET").Want(t, 403, "403 Forbidden\n")
				c.ask("POST", "/", "HTTP/1.1", "Content-Length: 3\r\n")
				c.Send("abc")
				c.Response("POST").Want(t, 403, "403 Forbidden\n")
			}
			c := Dial(t, in.Server)
			if r := c.Get("/"); r.Status != 200 {
				t.Errorf("%+v", r)
			}
			c.ask("GET", "/", "HTTP/1.1", "X-Forwarded-For: 127.0.0.2\r\n") // a proxy's client, who counts
			c.Response("GET").Want(t, 403, "403 Forbidden\n")
		})
		out.WaitLog(t, "event=request.denied ")
		out.Stop(t)
		if n := strings.Count(out.Log(), "event=request.denied"); n > 60 {
			t.Errorf("%d records", n)
		}
	})
	s := Start(t, Options{Target: "environ_dump:application", Unix: true, Args: []string{"--allow", "127.0.0.1"}})
	Dial(t, s).Get("/").Want(t, 403, "403 Forbidden\n")
	s = Start(t, Options{Target: "environ_dump:application", Unix: true, Args: []string{"--allow", "unix"}})
	if r := Dial(t, s).Get("/"); r.Status != 200 {
		t.Errorf("%+v", r)
	}
}

func TestClientsThatSendTooMuch(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "environ_dump", mode, "--limit-rate", "1/h", "--limit-rate-burst", "20", "--limit-rate-by", "x-key", "--health-path", "/-", "--metrics-path", "/m")
		var passed atomic.Int64
		Parallel(t, 10, func(t testing.TB, _ int) { // each to whatever worker there is
			for range 6 {
				r := Dial(t, s.Server).Get("/")
				wait, _ := strconv.Atoi(r.Value("Retry-After"))
				switch {
				case r.Status == 200:
					passed.Add(1)
				case r.Status != 429 || r.Body != "429 Too Many Requests\n" || wait < 3500 || wait > 3600:
					t.Errorf("%+v", r)
				}
			}
		})
		if n := passed.Load(); n < 20 || n > 22 {
			t.Errorf("%d requests of 60 passed, and 20 may", n)
		}
		for _, target := range []string{"/-/live", "/-/ready", "/m"} {
			if r := Dial(t, s.Server).Get(target); r.Status != 200 {
				t.Errorf("%s: %+v", target, r)
			}
		}
		c := Dial(t, s.Server)
		for range 3 { // the connection goes on, whatever is in the body
			c.ask("POST", "/", "HTTP/1.1", "Content-Length: 5\r\n")
			c.Send("12345")
			c.Response("POST").Want(t, 429, "429 Too Many Requests\n")
		}
		counts := Dial(t, s.Server).Get("/m").Body
		if !strings.Contains(counts, `gowsgi_requests_refused_total{reason="rate_limited"} `+strconv.Itoa(63-int(passed.Load()))+"\n") && mode.Workers == 1 {
			t.Errorf("%.3000s", counts)
		}
		for i, key := range []string{"a", "b", "a", "192.0.2.1"} {
			c.ask("GET", "/", "HTTP/1.1", "X-Key: "+key+"\r\n")
			if r := c.Response("GET"); r.Status != 200 {
				t.Errorf("%d: %+v", i, r)
			}
		}
	})
	t.Run("10,000 clients", func(t *testing.T) {
		s := startContract(t, "environ_dump", modes[2], "--limit-rate", "1/h", "--limit-rate-burst", "2", "--limit-rate-by", "X-Client")
		Parallel(t, 10, func(t testing.TB, i int) {
			c := Dial(t, s.Server)
			for n := range 1000 {
				c.ask("GET", "/", "HTTP/1.1", fmt.Sprintf("X-Client: 10.%d.%d.%d\r\n", i, n/250, n%250))
				if r := c.Response("GET"); r.Status != 200 {
					t.Fatalf("%+v", r)
				}
			}
		})
		c := Dial(t, s.Server)
		for i, status := range []int{200, 429, 429} {
			c.ask("GET", "/", "HTTP/1.1", "X-Client: 10.1.1.1\r\n")
			if r := c.Response("GET"); r.Status != status {
				t.Errorf("%d: %+v", i, r)
			}
		}
		if strings.Contains(s.Log(), "rates.crowded") {
			t.Error("the table is full")
		}
	})
	t.Run("from nobody whom the field is believed of", func(t *testing.T) {
		s := startContract(t, "environ_dump", modes[0], "--limit-rate", "1/h", "--limit-rate-burst", "1", "--limit-rate-by", "X-Client", "--forwarded-allow-ips", "10.0.0.1")
		c := Dial(t, s.Server)
		for i, status := range []int{200, 429, 429} {
			c.ask("GET", "/", "HTTP/1.1", fmt.Sprintf("X-Client: 10.1.1.%d\r\n", i))
			if r := c.Response("GET"); r.Status != status {
				t.Errorf("%d: %+v", i, r)
			}
		}
	})
	t.Run("through reloads, kills and forks", func(t *testing.T) {
		for _, preload := range []string{"--threads=8", "--preload"} {
			s := startContract(t, "environ_dump", modes[2], "--limit-rate", "1/h", "--limit-rate-burst", "10", preload)
			for range 10 {
				if r := Dial(t, s.Server).Get("/"); r.Status != 200 {
					t.Errorf("%+v", r)
				}
			}
			old := s.WorkerPIDs()
			s.Signal(t, syscall.SIGHUP)
			s.WaitLog(t, "event=reload.done")
			Dial(t, s.Server).Get("/").Want(t, 429, "429 Too Many Requests\n")
			for _, pid := range s.WorkerPIDs() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			Eventually(t, "others serve", func() bool {
				pids := s.WorkerPIDs()
				return len(pids) == 2 && pids[0] != old[0] && strings.Count(s.Log(), "event=worker.died") == 2 && strings.Count(s.Log(), "event=application.loaded") >= 6
			})
			Dial(t, s.Server).Get("/").Want(t, 429, "429 Too Many Requests\n")
		}
	})
}

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
}

func TestClientsWithPasswords(t *testing.T) {
	hash := func(password string) string {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(hash)
	}
	folder := t.TempDir()
	users := writeFile(t, folder, "users", "anna:"+hash("secret")+"\nbjörn:"+hash("a:b")+"\n")
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "environ_dump", mode, "--basic-auth", users, "--basic-auth-realm", "the site", "--health-path", "/-")
		Parallel(t, 10, func(t testing.TB, _ int) {
			c := Dial(t, s.Server)
			for i, fields := range []string{
				"", basic("anna", "Secret"), basic("anna", ""), basic("", ""), basic("nobody", "secret"), "Authorization: Bearer x\r\n",
				"Authorization: Basic !\r\n", "Authorization: Basic YW5uYQ==\r\n", basic("anna", "secret") + basic("anna", "secret"), "Authorization_: x\r\n",
				"Remote-User: anna\r\nREMOTE_USER: anna\r\n", strings.Replace(basic("anna", "secret"), "Authorization", "Authorization ", 1),
			} {
				c.ask("GET", "/", "HTTP/1.1", fields)
				r := c.Response("GET")
				if strings.Contains(fields, "Authorization :") {
					if r.Status != 400 {
						t.Errorf("%d: %+v", i, r)
					}
					c = Dial(t, s.Server)
					continue
				}
				if r.Status != 401 || r.Value("WWW-Authenticate") != `Basic realm="the site", charset="UTF-8"` || r.Body != "401 Unauthorized\n" {
					t.Errorf("%d: %+v", i, r)
				}
			}
			for user, password := range map[string]string{"anna": "secret", "björn": "a:b"} {
				for range 3 {
					c.ask("GET", "/", "HTTP/1.1", basic(user, password)+"X: y\r\n")
					r := c.Response("GET")
					d := parseDump(t, r.Status, r.Body)
					d.want(t, map[string]string{"REMOTE_USER": user, "AUTH_TYPE": "Basic", "HTTP_X": "y"})
					d.absent(t, "HTTP_AUTHORIZATION")
				}
			}
			if r := c.Get("/-/live"); r.Status != 200 {
				t.Errorf("%+v", r)
			}
			// A body that nobody wants is not asked for.
			c.ask("POST", "/", "HTTP/1.1", "Content-Length: 100000000\r\nExpect: 100-continue\r\n")
			if r := c.Response("POST"); r.Status != 401 {
				t.Errorf("%+v", r)
			}
		})
		s.WaitLog(t, "event=request.unauthorized ")
		if strings.Contains(s.Log(), "ecret") || strings.Contains(s.Log(), hash("x")[:4]) {
			t.Error("the log has passwords")
		}
	})
	t.Run("in the access log", func(t *testing.T) {
		s := startContract(t, "environ_dump", modes[0], "--basic-auth", users, "--limit-rate", "1/h", "--limit-rate-burst", "3", "--health-path", "/-", "--access-logfile", "-", "--access-logformat", "LINE %U %s <%u>")
		for i, c := range []struct {
			target, password string
			status           int
		}{{"/right", "secret", 200}, {"/wrong", "other", 401}, {"/-/live", "other", 200}, {"/again", "secret", 200}, {"/late", "other", 429}} {
			d := Dial(t, s.Server)
			d.ask("GET", c.target, "HTTP/1.1", basic("anna", c.password))
			if r := d.Response("GET"); r.Status != c.status {
				t.Errorf("%d: %+v", i, r)
			}
		}
		for _, line := range []string{"LINE /right 200 <anna>", "LINE /wrong 401 <anna>", "LINE /-/live 200 <->", "LINE /late 429 <->"} {
			s.WaitOut(t, line)
		}
	})
	t.Run("not asked for", func(t *testing.T) {
		s := startContract(t, "environ_dump", modes[0])
		d := exchangeDump(t, s.Server, "GET / HTTP/1.1\r\nHost: x\r\n"+basic("anna", "secret")+"\r\n")
		d.absent(t, "REMOTE_USER")
		d.absent(t, "AUTH_TYPE")
		d.want(t, map[string]string{"HTTP_AUTHORIZATION": strings.TrimSpace(strings.TrimPrefix(basic("anna", "secret"), "Authorization: "))})
	})
	t.Run("that change", func(t *testing.T) {
		path := writeFile(t, folder, "changing", "anna:"+hash("one")+"\n")
		s := startContract(t, "environ_dump", modes[2], "--basic-auth", path)
		status := func(password string) int {
			c := Dial(t, s.Server)
			c.ask("GET", "/", "HTTP/1.1", basic("anna", password))
			return c.Response("GET").Status
		}
		change := func(text string) {
			if err := os.Rename(writeFile(t, folder, "next", text), path); err != nil {
				t.Fatal(err)
			}
		}
		if status("one") != 200 {
			t.Error("the first one is not known")
		}
		change("anna:" + hash("two") + "\n")
		Eventually(t, "both workers have the second", func() bool {
			_ = status("two")
			return strings.Count(s.Log(), "event=passwords.reloaded users=1") == 2
		})
		for range 10 {
			if one, two := status("one"), status("two"); one != 401 || two != 200 {
				t.Errorf("the first one gets a %d, the second a %d", one, two)
			}
		}
		change("nonsense\n")
		Eventually(t, "both workers find the third no file", func() bool {
			if status("two") != 200 {
				t.Error("the second one is forgotten")
			}
			return strings.Count(s.Log(), "event=passwords.failed") == 2
		})
	})
	t.Run("that are gone", func(t *testing.T) {
		text := "anna:" + hash("one") + "\n"
		path := writeFile(t, folder, "going", text)
		s := startContract(t, "environ_dump", modes[0], "--basic-auth", path, "--health-path", "/-")
		status := func() int {
			c := Dial(t, s.Server)
			c.ask("GET", "/", "HTTP/1.1", basic("anna", "one"))
			return c.Response("GET").Status
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(s.WorkerPIDs()[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		s.WaitLog(t, "event=passwords.failed")
		if got := status(); got != 401 {
			t.Errorf("without a file it is a %d", got)
		}
		Dial(t, s.Server).Get("/-/ready").Want(t, 200, "ready\n")
		writeFile(t, folder, "going", text)
		Eventually(t, "the passwords are back", func() bool { return status() == 200 })
	})
	t.Run("of htpasswd", func(t *testing.T) {
		htpasswd, err := exec.LookPath("htpasswd")
		if err != nil {
			t.Skip(err)
		}
		path := filepath.Join(folder, "real")
		must(t, htpasswd, "-B", "-b", "-c", path, "anna", "secret")
		s := startContract(t, "environ_dump", modes[0], "--basic-auth", path)
		if curl, err := exec.LookPath("curl"); err == nil {
			if out := must(t, curl, "-sS", "-u", "anna:secret", s.URL); !strings.Contains(out, `"REMOTE_USER"`) {
				t.Errorf("%s", out)
			}
		}
		old := filepath.Join(folder, "old")
		must(t, htpasswd, "-m", "-b", "-c", old, "anna", "secret")
		for file, want := range map[string]string{old: "has no bcrypt hash", filepath.Join(folder, "no"): "there is no file " + filepath.Join(folder, "no") + ": make it with htpasswd -B -c", folder: "is no file"} {
			r := Run(t, Options{}, "--venv", PlainVenv(t), "--chdir", Testapps(), "--check-config", "--basic-auth", file, "environ_dump:application")
			if r.Status != 2 || !strings.Contains(r.Errors, "gowsgi: --basic-auth: ") || !strings.Contains(r.Errors, want) {
				t.Errorf("%s: %d %s", file, r.Status, r.Errors)
			}
		}
	})
}

// What an application that cannot be loaded says is not for those who are kept out.
func TestTracebacksAreForThoseWhoMayEnter(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, folder, "app.py", "raise ValueError('a secret')\n")
	for want, args := range map[bool][]string{true: {"--reload"}, false: {"--reload", "--deny", "10.0.0.1"}} {
		s := Start(t, Options{Dir: folder, Target: "app:application", Args: args})
		if r := Dial(t, s).Get("/"); r.Status != 500 || strings.Contains(r.Body, "a secret") != want {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// The first request of a worker is its own: it needs no password.
func TestNobodyKeepsOutAWarmup(t *testing.T) {
	users := writeFile(t, t.TempDir(), "users", "anna:$2y$05$......................nobody.has.a.password.of.this..\n")
	for _, args := range [][]string{{"--allow", "10.0.0.1"}, {"--deny", "unix,*"}, {"--limit-rate", "1/h", "--limit-rate-burst", "1"}, {"--basic-auth", users}} {
		s := startContract(t, "environ_dump", modes[2], append(args, "--warmup", "/")...)
		if r := Dial(t, s.Server).Get("/"); r.Status != map[string]int{"--limit-rate": 200, "--basic-auth": 401}[args[0]] && r.Status != 403 {
			t.Errorf("%s: %+v", args[0], r)
		}
	}
}

// Guesses leave the application, and who is known, what they need.
func TestGuessesOfPasswords(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), 8)
	if err != nil {
		t.Fatal(err)
	}
	users := writeFile(t, t.TempDir(), "users", "anna:"+string(hash)+"\n")
	s := startContract(t, "environ_dump", modes[0], "--basic-auth", users)
	ask := func(t testing.TB, password string) RawResponse {
		c := Dial(t, s.Server)
		c.ask("GET", "/", "HTTP/1.1", basic("anna", password))
		return c.Response("GET")
	}
	if r := ask(t, "secret"); r.Status != 200 {
		t.Fatalf("%+v", r)
	}
	Parallel(t, 60, func(t testing.TB, i int) {
		if r := ask(t, fmt.Sprint(i)); r.Status != 401 && (r.Status != 503 || r.Value("Retry-After") == "") { // 16 of one client are tried at once
			t.Errorf("%+v", r)
		}
		if r := ask(t, "secret"); r.Status != 200 {
			t.Errorf("%+v", r)
		}
	})
}
