package operator

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gowsgi/gowsgi/internal/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a gowsgi.
type fake struct {
	state   State
	ordered chan Order
}

func (f *fake) State(context.Context) (State, error) { return f.state, nil }

func (f *fake) Stacks(_ context.Context, worker int) ([]Stacks, error) {
	return []Stacks{{Worker: 1, Threads: []control.Thread{
		{Name: "gowsgi-1", Stack: "here", Request: &control.Request{ID: "a-1"}}, {Name: "MainThread"},
	}}}, nil
}

func (f *fake) Do(ctx context.Context, o Order) (Outcome, error) {
	if o.Kind == OrderRecycle && o.Worker == 9 {
		return Outcome{}, Refusal("there is no worker 9")
	}
	if f.ordered != nil {
		select {
		case f.ordered <- o:
		case <-ctx.Done():
			return Outcome{}, ctx.Err()
		}
	}
	return Outcome{Done: true, Message: o.Kind}, nil
}

// folder is a short one: a socket's path may have about 100 bytes only.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "op")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func serve(t testing.TB, path string, subject Subject) *Server {
	t.Helper()
	socket, err := Listen(path, false)
	if err != nil {
		t.Fatal(err)
	}
	server := Serve(socket, subject, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { server.Close(time.Second) })
	return server
}

func client(t testing.TB, path string) *Client {
	c := NewClient(path)
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

func TestOnlyTheOwnerCanConnect(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	serve(t, path, &fake{})
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
}

// A path that a socket can have is one that the control socket can have.
func TestAPathAsLongAsASocketCanHave(t *testing.T) {
	dir := folder(t)
	const most = 103 // macOS'; Linux' is 107
	path := filepath.Join(dir, strings.Repeat("x", most-len(dir)-1))
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatalf("%d bytes: %v", len(path), err)
	}
	l.Close()
	serve(t, path, &fake{})
	if err := client(t, path).Ask(t.Context(), http.MethodGet, "/status", nil, &State{}); err != nil {
		t.Error(err)
	}
}

func TestASocketAppearsWithItsPermissions(t *testing.T) {
	dir := folder(t)
	socket, err := Listen(filepath.Join(dir, "s"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.listener.Close()
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestQuestionsAndOrders(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	serve(t, path, &fake{state: State{Name: "shop", Workers: []Worker{{Number: 1, Cause: "was killed"}}}})
	c := client(t, path)
	var state State
	if err := c.Ask(t.Context(), http.MethodGet, "/status", nil, &state); err != nil || state.Name != "shop" || state.Workers[0].Cause != "was killed" {
		t.Errorf("status is %+v, %v", state, err)
	}
	var stacks []Stacks
	err := c.Ask(t.Context(), http.MethodGet, "/stacks", url.Values{"request": {"a-1"}}, &stacks)
	if err != nil || len(stacks) != 1 || len(stacks[0].Threads) != 1 || stacks[0].Threads[0].Stack != "here" {
		t.Errorf("the stack of the request is %+v, %v", stacks, err)
	}
	var outcome Outcome
	if err := c.Ask(t.Context(), http.MethodPost, "/reload", nil, &outcome); err != nil || !outcome.Done || outcome.Message != "reload" {
		t.Errorf("a reload is %+v, %v", outcome, err)
	}
	for path, wrong := range map[string]string{
		"/stacks?request=x":         `no thread runs the request "x"`,
		"/stacks?worker=x":          "worker must be",
		"/nothing":                  "there is no GET /nothing here",
		"/reload":                   "there is no GET /reload here",
		"POST /recycle?worker=9":    "there is no worker 9",
		"POST /recycle":             "worker must be",
		"POST /workers?count=0":     "count must be",
		"POST /workers?count=513":   "count must be",
		"POST /workers?more=-99999": "more must be",
		"POST /log-level":           "level must be",
	} {
		method, path, post := strings.Cut(path, " ")
		if !post {
			method, path = http.MethodGet, method
		}
		path, raw, _ := strings.Cut(path, "?")
		query, _ := url.ParseQuery(raw)
		if err := c.Ask(t.Context(), method, path, query, &outcome); err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s %s?%s: %v", method, path, raw, err)
		}
	}
}

// What is in the way stays.
func TestOnlyADeadSocketIsReplaced(t *testing.T) {
	dir := folder(t)
	file, link, sub := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "folder")
	target := filepath.Join(dir, "target")
	for _, err := range []error{
		os.WriteFile(file, []byte("precious"), 0o600), os.WriteFile(target, []byte("precious"), 0o600), os.Symlink(target, link), os.Mkdir(sub, 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{file, link, sub} {
		if _, err := Listen(path, true); err == nil || !strings.Contains(err.Error(), "is in the way") {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{file, target} {
		if text, err := os.ReadFile(path); string(text) != "precious" {
			t.Errorf("%s holds %q, %v", path, text, err)
		}
	}

	path := filepath.Join(dir, "s")
	first := serve(t, path, &fake{state: State{PID: 1}})
	if _, err := Listen(path, false); err == nil || !strings.Contains(err.Error(), "belongs to a gowsgi that runs") {
		t.Errorf("the socket of one that lives: %v", err)
	}
	dead := filepath.Join(dir, "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	serve(t, dead, &fake{state: State{PID: 3}})

	// An upgrade: whoever is connected to the old one stays so.
	old := client(t, path)
	var state State
	if err := old.Ask(t.Context(), http.MethodGet, "/status", nil, &state); err != nil || state.PID != 1 {
		t.Fatalf("%+v, %v", state, err)
	}
	socket, err := Listen(path, true)
	if err != nil {
		t.Fatal(err)
	}
	second := Serve(socket, &fake{state: State{PID: 2}}, slog.New(slog.DiscardHandler))
	defer second.Close(time.Second)
	if err := old.Ask(t.Context(), http.MethodGet, "/status", nil, &state); err != nil || state.PID != 1 {
		t.Errorf("who was connected before: %+v, %v", state, err)
	}
	first.Close(time.Second)
	if err := client(t, path).Ask(t.Context(), http.MethodGet, "/status", nil, &state); err != nil || state.PID != 2 {
		t.Errorf("after the old one's end: %+v, %v", state, err)
	}
}

func TestAPathThatIsNoneIsOneSentence(t *testing.T) {
	for path, want := range map[string]string{
		filepath.Join(folder(t), strings.Repeat("x", 200)): "too long",
		filepath.Join(folder(t), "missing", "s"):           "no such file or directory",
		"/proc/self/s":                                     "cannot be made",
	} {
		_, err := Listen(path, false)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Clients that hang, talk nonsense or come by the hundred keep nobody else out
// for long.
func TestBadClientsDisturbNobody(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	serve(t, path, &fake{})
	hang := func(say string) net.Conn {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, say)
		return conn
	}
	for _, nonsense := range []string{"\x00\x01\x02\r\n\r\n", "GET /" + strings.Repeat("x", 100_000) + " HTTP/1.1\r\n\r\n", "POST /reload HTTP/9.9\r\n\r\n"} {
		answer, _ := bufio.NewReader(hang(nonsense)).ReadString('\n')
		if strings.Contains(answer, "200") {
			t.Errorf("%.20q got %q", nonsense, answer)
		}
	}
	for range 3 {
		hang("GET /status HT")
	}
	var state State
	if err := client(t, path).Ask(t.Context(), http.MethodGet, "/status", nil, &state); err != nil {
		t.Error(err)
	}
	// A flood: those that are one too many are closed at once, the others have
	// their place.
	var last net.Conn
	for range 2 * mostClients {
		last = hang("")
	}
	if _, err := last.Read(make([]byte, 1)); err == nil {
		t.Error("the last of a flood was served")
	}
	for range 20 { // closed before or after it has asked
		err := NewClient(path).Ask(t.Context(), http.MethodGet, "/status", nil, &state)
		if err == nil || !strings.Contains(err.Error(), "too many ask it at once") {
			t.Fatalf("who is one too many is told %v", err)
		}
	}
}

// slow is a gowsgi whose orders take longer than a client may take to ask.
type slow struct {
	fake
	patience time.Duration
}

func (s *slow) Do(ctx context.Context, o Order) (Outcome, error) {
	select {
	case <-time.After(5 * s.patience):
		return Outcome{Done: true, Message: o.Kind}, nil
	case <-ctx.Done():
		return Outcome{}, ctx.Err()
	}
}

// The time that a client has is for asking. What it asks for takes its own.
func TestAnOrderMayTakeLongerThanAsking(t *testing.T) {
	const patience = 100 * time.Millisecond
	path := filepath.Join(folder(t), "s")
	socket, err := Listen(path, false)
	if err != nil {
		t.Fatal(err)
	}
	server := serveWithin(patience, socket, &slow{patience: patience}, slog.New(slog.DiscardHandler))
	defer server.Close(time.Second)
	c := client(t, path)
	for range 2 { // on the same connection
		var outcome Outcome
		if err := c.Ask(t.Context(), http.MethodPost, "/reload", nil, &outcome); err != nil || !outcome.Done {
			t.Errorf("%+v, %v", outcome, err)
		}
	}
}

// Nobody reads what comes with a question: it could be large, and is wanted by
// nobody.
func TestBodiesAreNotRead(t *testing.T) {
	for _, what := range []string{"GET /status", "GET /stacks?worker=1", "POST /reload", "POST /nothing"} {
		method, target, _ := strings.Cut(what, " ")
		request := httptest.NewRequest(method, target, readerFunc(func([]byte) (int, error) {
			t.Errorf("the body of %s was read", what)
			return 0, io.EOF
		}))
		request.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		Handler(&fake{}).ServeHTTP(httptest.NewRecorder(), request)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// What goes wrong on the socket is a record of the log like any other.
func TestTroubleIsLogged(t *testing.T) {
	var text strings.Builder
	var mu sync.Mutex
	path := filepath.Join(folder(t), "s")
	socket, err := Listen(path, false)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(p)
	}), nil))
	server := Serve(socket, nil, log) // to ask nobody is a panic
	defer server.Close(time.Second)
	if err := client(t, path).Ask(t.Context(), http.MethodGet, "/status", nil, &State{}); err == nil {
		t.Error("nobody answered")
	}
	server.Close(time.Second)
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(text.String(), "level=WARN") || !strings.Contains(text.String(), "event=control.failed") {
		t.Errorf("the log: %s", text.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A client that leaves ends its question, and one that waits gets its answer when
// the server closes.
func TestClosingWaitsForAnswers(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	subject := &fake{ordered: make(chan Order)}
	server := serve(t, path, subject)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	impatient, waiting := client(t, path), client(t, path)
	go func() { left <- impatient.Ask(ctx, http.MethodPost, "/upgrade", nil, &Outcome{}) }()
	leave()
	if err := <-left; err == nil {
		t.Error("who has left got an answer")
	}
	asked := make(chan error)
	go func() { asked <- waiting.Ask(t.Context(), http.MethodPost, "/stop", nil, &Outcome{}) }()
	for o := range subject.ordered {
		if o.Kind == OrderStop {
			break
		}
	}
	server.Close(time.Minute)
	if err := <-asked; err != nil {
		t.Error(err)
	}
}

func TestWhoIsMeant(t *testing.T) {
	dir := folder(t)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("TMPDIR", dir)
	only := func() string { // the folders of this user may hold those of others
		for _, f := range folders() {
			if strings.HasPrefix(f, dir) {
				return f
			}
		}
		panic("none")
	}()
	if err := private(only); err != nil {
		t.Fatal(err)
	}
	ask := func(control, pid, name string) string {
		t.Helper()
		c, err := Find(t.Context(), control, pid, name)
		if err != nil {
			return err.Error()
		}
		defer c.http.CloseIdleConnections()
		var state State
		if err := c.Ask(t.Context(), http.MethodGet, "/status", nil, &state); err != nil {
			return err.Error()
		}
		return state.Name
	}
	serve(t, filepath.Join(only, "101"+suffix), &fake{state: State{Name: "test-shop", Target: "shop:app", PID: 101}})
	serve(t, filepath.Join(only, "102"+suffix), &fake{state: State{Name: "test-blog", Target: "blog:app", PID: 102}})
	serve(t, filepath.Join(only, "103"+suffix), &fake{state: State{Name: "test-blog", Target: "blog:app", PID: 103}})
	if got := ask("", "", ""); !strings.HasPrefix(got, "which one: ") {
		t.Errorf("of three: %q", got)
	}
	dead := filepath.Join(only, "104"+suffix)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	serve(t, filepath.Join(dir, "site"+suffix), &fake{state: State{Name: "beside"}})
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ control, pid, name, want string }{
		{"", "", "test-shop", "test-shop"},
		{"", "", "shop:app", "test-shop"},
		{"", "", "102", "test-blog"},
		{"", "", "test-blog", "which one: test-blog (102), test-blog (103)? Say so with --name and its name or process id"},
		{"", "", "nobody", `no gowsgi of yours is called "nobody"`},
		{"unix:" + filepath.Join(only, "101"+suffix), "", "", "test-shop"},
		{"unix:" + filepath.Join(dir, "x"), "", "", "no gowsgi runs here: there is no socket"},
		{"", write("site.pid", strconv.Itoa(os.Getpid())+"\n"), "", "beside"},
		{"", write("no-number.pid", "x"), "", "is no pid file"},
		{"", write("dead.pid", "999999999"), "", "is dead: there is no process 999999999"},
		{"", filepath.Join(dir, "no.pid"), "", "cannot be read: no such file or directory"},
	} {
		if got := ask(c.control, c.pid, c.name); !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if _, err := os.Lstat(dead); err == nil {
		t.Error("the socket of one that is dead is still there")
	}
	// What anybody can write to is not looked at.
	if err := os.Chmod(only, 0o777); err != nil {
		t.Fatal(err)
	}
	if got := ask("", "", "test-shop"); !strings.Contains(got, "no gowsgi of yours") {
		t.Errorf("found in a folder that is everybody's: %s", got)
	}
	if private(only) == nil {
		t.Error("a folder that is everybody's is a place for a socket")
	}
}

// One that is stopped accepts, since the kernel does, and says nothing. It keeps
// nobody waiting without end, nor from hearing of another one.
func TestOneThatDoesNotAnswer(t *testing.T) {
	dir := folder(t)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	only := filepath.Join(dir, "gowsgi")
	if err := private(only); err != nil {
		t.Fatal(err)
	}
	stopped := filepath.Join(only, "100"+suffix) // the first that is looked at
	l, err := net.Listen("unix", stopped)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	serve(t, filepath.Join(only, "101"+suffix), &fake{state: State{Name: "test-shop", PID: 101}})
	var asked sync.WaitGroup
	asked.Go(func() {
		if c, err := Find(t.Context(), "", "", "test-shop"); err != nil || c.path != filepath.Join(only, "101"+suffix) {
			t.Errorf("the other one: %v", err)
		}
	})
	for name, want := range map[string]string{"": stopped + ", which does not answer", "100": stopped + " does not answer: is it stopped?"} {
		asked.Go(func() {
			if _, err := Find(t.Context(), "", "", name); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %v", name, err)
			}
		})
	}
	asked.Wait()
	c := client(t, stopped)
	c.patience = 50 * time.Millisecond
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if err := c.Ask(t.Context(), method, "/reload", nil, new(any)); err == nil || !strings.HasSuffix(err.Error(), "does not answer: is it stopped?") {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// Whoever listens may be no gowsgi.
func TestStrangersAreNotBelieved(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	says := make(chan string, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, <-says)
			conn.Close()
		}
	}()
	for _, text := range []string{"", "hello\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}"} {
		says <- text
		err := client(t, path).Ask(t.Context(), http.MethodGet, "/status", nil, &State{})
		if err == nil || !strings.Contains(err.Error(), "no gowsgi") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
