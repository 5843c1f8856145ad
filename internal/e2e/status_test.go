package e2e

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/operator"
)

// asked is a gowsgi with a control socket of its own.
type asked struct {
	*Server
	control string
}

func startAsked(t testing.TB, o Options) asked {
	t.Helper()
	control := "unix:" + filepath.Join(shortFolder(t), "control")
	o.Args = append(o.Args, "--control", control)
	return asked{Start(t, o), control}
}

// ask runs one of gowsgi's commands.
func (a asked) ask(t testing.TB, command string, arguments ...string) Result {
	t.Helper()
	return Run(t, Options{}, append([]string{command, "--control", a.control}, arguments...)...)
}

func (a asked) state(t testing.TB) operator.State {
	t.Helper()
	var state operator.State
	a.read(t, &state, "status")
	return state
}

func (a asked) read(t testing.TB, value any, command string, arguments ...string) {
	t.Helper()
	result := a.ask(t, command, append([]string{"--json"}, arguments...)...)
	if err := json.Unmarshal([]byte(result.Out), value); err != nil || result.Status != 0 {
		t.Fatalf("gowsgi %s: status %d, %v\n%s%s", command, result.Status, err, result.Out, result.Errors)
	}
}

// A worker whose threads all hang in C, one with the GIL, says what it does: which
// requests, for how long, where in Python.
func TestStatusAndStacksWhileTheGILIsHeld(t *testing.T) {
	a := startAsked(t, Options{Target: "holds_gil:application", Args: []string{"--threads", "3", "--timeout", "0", "--deadlock-timeout", "0"}})
	client := a.Client(t)
	ended := make(chan Response, 5)
	go func() { ended <- client.Do(client.Request("GET", "/hold?seconds=12", nil)) }()
	Eventually(t, "the first request is inside", func() bool { return len(a.state(t).Workers[0].Running) == 1 })
	for range 4 {
		go func() { ended <- client.Do(client.Request("GET", "/hello", nil)) }()
	}
	var worker operator.Worker
	Eventually(t, "the status shows all five and the GIL", func() bool {
		worker = a.state(t).Workers[0]
		return len(worker.Running) == 5 && worker.GILHeld >= 1
	})
	oldest := worker.Running[0]
	if !worker.Answers || oldest.Target != "/hold?seconds=12" || oldest.Method != "GET" || oldest.Stage != "inside" ||
		!strings.HasPrefix(oldest.Thread, "gowsgi-") || oldest.Client != "127.0.0.1" || oldest.ID == "" {
		t.Errorf("the worker: %+v\nthe oldest request: %+v", worker, oldest)
	}
	if worker.RSS < 1<<20 || worker.PSS < 1<<20 || worker.Connections.Open < 1 || worker.Threads != 3 {
		t.Errorf("figures: %+v", worker)
	}
	stages := map[string]int{}
	for _, r := range worker.Running {
		stages[r.Stage]++
	}
	if stages["queued"] == 0 || stages["inside"]+stages["queued"] != 5 {
		t.Errorf("stages: %v", stages)
	}
	var stacks []operator.Stacks
	a.read(t, &stacks, "stacks", "1")
	if len(stacks) != 1 || !stacks[0].WithoutGIL {
		t.Errorf("the stacks were to be taken without the GIL: %+v", stacks)
	}
	text := a.ask(t, "stacks", oldest.ID)
	if !strings.Contains(text.Out, "holds_gil.py") || !strings.Contains(text.Out, "GET /hold?seconds=12") || !strings.Contains(text.Out, "keeps the GIL") {
		t.Errorf("the stack of the request:\n%s%s", text.Out, text.Errors)
	}
	table := a.ask(t, "status").Out
	if !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(oldest.ID)+` +1 .* inside +gowsgi-\d +127\.0\.0\.1 +GET /hold\?seconds=12$`).MatchString(table) ||
		!regexp.MustCompile(`(?m)^1 +\d+ +serving .* held \d`).MatchString(table) {
		t.Errorf("the table:\n%s", table)
	}
	for range 5 {
		if r := <-ended; r.Status != http.StatusOK {
			t.Errorf("status %d", r.Status)
		}
	}
}

// A worker that is stopped cannot answer. What it noted says what it did.
func TestStatusOfAWorkerThatIsStopped(t *testing.T) {
	a := startAsked(t, Options{Target: "sleeps:application", Args: []string{"-w", "2", "--threads", "1", "--timeout", "0"}})
	client := a.Client(t)
	ended := make(chan Response)
	go func() { ended <- client.Do(client.Request("GET", "/sleep?seconds=5", nil)) }()
	var busy operator.Worker
	Eventually(t, "one of the workers has the request", func() bool {
		for _, w := range a.state(t).Workers {
			if len(w.Running) == 1 {
				busy = w
			}
		}
		return busy.PID != 0
	})
	if err := syscall.Kill(busy.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(busy.PID, syscall.SIGCONT) }()
	for range 20 { // it is not asked without end
		a.state(t)
	}
	for _, w := range a.state(t).Workers {
		switch {
		case w.PID != busy.PID && !w.Answers:
			t.Errorf("the other one: %+v", w)
		case w.PID == busy.PID && (w.Answers || len(w.Running) != 1 || w.Running[0].Target != "/sleep?seconds=5"):
			t.Errorf("the stopped one: %+v", w)
		}
	}
	if table := a.ask(t, "status").Out; !strings.Contains(table, "does not answer") {
		t.Errorf("the table:\n%s", table)
	}
	_ = syscall.Kill(busy.PID, syscall.SIGCONT)
	if r := <-ended; r.Status != http.StatusOK {
		t.Errorf("status %d", r.Status)
	}
}

// What signals do, with an answer that says how it ended.
func TestOrders(t *testing.T) {
	t.Run("each worker loads", func(t *testing.T) { checkOrders(t, eachLoads) })
	t.Run("workers are forked", func(t *testing.T) {
		needsNursery(t)
		checkOrders(t, "--preload")
	})
}

func checkOrders(t *testing.T, load string) {
	folder := shortFolder(t)
	control := "unix:" + filepath.Join(folder, "control")
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2}, Args: []string{load, "--control", control}})
	a := asked{p.Server, control}
	order := func(want, command string, arguments ...string) {
		t.Helper()
		result := a.ask(t, command, arguments...)
		if result.Status != 0 || !strings.Contains(result.Out, want) {
			t.Errorf("gowsgi %s %v: status %d, want %q\n%s%s", command, arguments, result.Status, want, result.Out, result.Errors)
		}
	}
	refused := func(want, command string, arguments ...string) {
		t.Helper()
		result := a.ask(t, command, arguments...)
		if result.Status == 0 || !strings.Contains(result.Errors, want) || strings.Count(result.Errors, "\n") != 1 {
			t.Errorf("gowsgi %s %v: status %d, want %q\n%s%s", command, arguments, result.Status, want, result.Out, result.Errors)
		}
	}
	before := p.Workers(t)
	p.Edition(t, 2)
	order("reloaded: 2 workers serve", "reload")
	if now := p.Workers(t); p.Answer(t) != "2" || slices.Contains(now, before[0]) && slices.Contains(now, before[1]) {
		t.Errorf("edition %s by %v, before it was %v", p.Answer(t), now, before)
	}
	p.Write(t, "editions.py", "raise KeyError('no such region')\n")
	refused("the reload failed, and the old workers go on serving: ", "reload")
	if state := a.state(t); state.Reloads.Done != 1 || state.Reloads.Failed != 1 || !strings.Contains(state.Reloads.Last.Reason, "no such region") {
		t.Errorf("reloads: %+v", state.Reloads)
	}
	if load == eachLoads {
		refused("another worker 2 cannot start", "recycle", "2")
	} else { // what it is made of was loaded before
		order("worker 2 is process ", "recycle", "2")
	}
	p.Edition(t, 3)
	order("worker 1 is process ", "recycle", "1")
	refused("there is no worker 7", "recycle", "7")
	order("3 workers serve", "workers", "+1")
	order("1 worker serves", "workers", "-2")
	refused("one worker has to stay", "workers", "-1")
	order("2 workers serve", "workers", "2")
	refused("level must be", "log-level", "loud")
	order("records of debug and above", "log-level", "debug")
	order("worker 2 is process ", "recycle", "2")
	p.WaitLog(t, "event=worker.started worker=2") // debug

	state, table := a.state(t), a.ask(t, "status").Out
	if state.Phase != operator.Serving || state.PID != p.Supervisor(t) || state.Target != "editions:application" {
		t.Errorf("state: %+v", state)
	}
	if !strings.Contains(table, "reloads: 1 done, 1 failed") || !strings.Contains(table, "ended: gowsgi recycle") {
		t.Errorf("the table:\n%s", table)
	}

	old := p.Supervisor(t)
	succeeded := p.Succeeded(t, 2)
	p.Write(t, "editions.py", "import os\nos._exit(3)\n")
	refused("this one goes on", "upgrade")
	p.Edition(t, 4)
	order("serves now", "upgrade")
	Eventually(t, "the upgrade is done", succeeded)
	if now := a.state(t); now.PID == old || now.PID != p.Supervisor(t) {
		t.Errorf("the socket is that of %d, gowsgi is %d and was %d", now.PID, p.Supervisor(t), old)
	}
	order("gowsgi has stopped", "stop")
	refused("no gowsgi runs here", "status")
}

// Under load and through a reload, every question has its answer and no request
// is lost for one.
func TestStatusUnderLoadWhileAReloadRuns(t *testing.T) {
	control := "unix:" + filepath.Join(shortFolder(t), "control")
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2, Threads: 4}, Args: []string{"--control", control}})
	a := asked{p.Server, control}
	b := keepBusy(t, p)
	p.Edition(t, 2)
	asks := 0
	ask := func() {
		state := a.state(t)
		a.read(t, new([]operator.Stacks), "stacks")
		for _, w := range state.Workers {
			if w.Phase == operator.Serving && !w.Answers {
				t.Errorf("worker %d did not answer", w.Number)
			}
		}
		asks++
	}
	ask()
	replaced := p.Replaced(t, 2)
	b.Event(t, "HUP", func() { p.Send(t, syscall.SIGHUP) }, func() bool { ask(); return replaced() })
	ask()
	b.Finish(t)
	t.Logf("asked %d times", asks)
}

// While requests come as fast as they can, each question has an answer, and what
// it says is so.
func TestStatusWhileRequestsComeAsFastAsTheyCan(t *testing.T) {
	a := startAsked(t, Options{Target: "sleeps:application", Args: []string{"-w", "2", "--threads", "4"}})
	var over atomic.Bool
	var answered atomic.Int64
	var clients sync.WaitGroup
	for range 16 {
		client := a.Client(t)
		clients.Go(func() {
			for !over.Load() {
				if r := client.Get("/hello"); r.Status != http.StatusOK {
					t.Errorf("status %d", r.Status)
					return
				}
				answered.Add(1)
			}
		})
	}
	defer clients.Wait()
	defer over.Store(true)
	client := operator.NewClient(strings.TrimPrefix(a.control, "unix:"))
	defer client.Leave()
	ask := func(path string, value any) {
		t.Helper()
		if err := client.Ask(t.Context(), http.MethodGet, path, nil, value); err != nil {
			t.Fatal(err)
		}
	}
	id := regexp.MustCompile(`^[0-9a-f]{12}-[0-9a-f]+$`)
	one := func(r *control.Request) {
		t.Helper()
		if r.Method != "GET" || r.Target != "/hello" || !id.MatchString(r.ID) || r.Client != "127.0.0.1" || r.Age < 0 || r.Age > deadline.Seconds() {
			t.Errorf("a request that nobody has sent: %+v", r)
		}
	}
	before, shown := map[int]int64{}, 0
	for shown < 200 { // requests, in as many looks as that takes
		var state operator.State
		ask("/status", &state)
		if len(state.Workers) != 2 || state.Phase != operator.Serving {
			t.Fatalf("%+v", state)
		}
		for _, w := range state.Workers {
			ids := map[string]bool{}
			for _, r := range w.Running {
				one(&r)
				if ids[r.ID] || !slices.Contains([]string{control.Queued, control.Inside, control.Sending}, r.Stage) {
					t.Errorf("%+v among %v", r, ids)
				}
				ids[r.ID] = true
			}
			shown += len(w.Running)
			if !w.Answers || w.Requests < before[w.PID] || w.Busy > w.Threads || w.Threads > 4 || w.Connections.Idle > w.Connections.Open {
				t.Errorf("before it were %d requests: %+v", before[w.PID], w)
			}
			before[w.PID] = w.Requests
		}
		var stacks []operator.Stacks
		ask("/stacks", &stacks)
		for _, s := range stacks {
			if s.Silent || len(s.Threads) < 4 {
				t.Errorf("%+v", s)
			}
			for _, thread := range s.Threads {
				if thread.Request != nil {
					one(thread.Request)
				}
			}
		}
	}
	over.Store(true)
	clients.Wait()
	Eventually(t, "all that was answered is counted", func() bool {
		sum := int64(0)
		for _, w := range a.state(t).Workers {
			sum += w.Requests
		}
		return sum == answered.Load()
	})
}

func TestCommandsThatAreWrittenWrongly(t *testing.T) {
	for _, c := range []struct {
		line   string
		status int
		says   string
	}{
		{"status --no", 2, "unknown flag: --no"},
		{"reload now", 2, `"now" is too much`},
		{"recycle", 2, "it wants WORKER"},
		{"workers", 2, "it wants N|+N|-N"},
		{"status nobody-is-called-this", 1, "no gowsgi of yours is called"},
		{"stop --control unix:/nowhere", 1, "no gowsgi runs here: there is no socket /nowhere"},
	} {
		r := Run(t, Options{}, strings.Fields(c.line)...)
		if r.Status != c.status || !strings.Contains(r.Errors, c.says) || strings.Count(r.Errors, "\n") != 1 {
			t.Errorf("gowsgi %s: status %d, %q", c.line, r.Status, r.Errors)
		}
	}
	for _, command := range []string{"status", "stacks", "stop", "workers"} {
		if r := Run(t, Options{}, command, "--help"); r.Status != 0 || !strings.Contains(r.Out, "--control unix:PATH") {
			t.Errorf("gowsgi %s --help: status %d\n%s", command, r.Status, r.Out)
		}
	}
}

// Requests that take microseconds are served by one thread after the other: what two of
// them would do at once is hand the GIL to and fro.
func TestSmallRequestsKeepTheLimitAtOne(t *testing.T) {
	a := startAsked(t, Options{Target: "sleeps:application", Args: []string{"--threads", "8"}})
	var over atomic.Bool
	var clients sync.WaitGroup
	for range 64 {
		conn := Dial(t, a.Server)
		clients.Go(func() {
			answer := make([]byte, 4096)
			for !over.Load() {
				if _, err := conn.Write([]byte("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
					t.Error(err)
					return
				}
				if _, err := conn.Read(answer); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	client := operator.NewClient(strings.TrimPrefix(a.control, "unix:"))
	defer client.Leave()
	const looks = 100
	var limits []int64
	for range looks {
		var state operator.State
		if err := client.Ask(t.Context(), http.MethodGet, "/status", nil, &state); err != nil {
			t.Fatal(err)
		}
		limits = append(limits, state.Workers[0].Limit)
		time.Sleep(20 * time.Millisecond)
	}
	over.Store(true)
	clients.Wait()
	slices.Sort(limits)
	// Somebody else on the machine may make a thread wait for a core now and then.
	if limits[looks*3/4] > 1 {
		t.Errorf("the limit was %v", limits)
	}
	t.Log(limits)
}
