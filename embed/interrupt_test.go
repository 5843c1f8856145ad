package embed_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/environ"
)

// submitStream sends a request whose body comes from source.
func submitStream(t *testing.T, target string, source io.ReadCloser) *embed.Request {
	t.Helper()
	return submitStreamAhead(t, target, 0, source)
}

// submitStreamAhead is the same, but some of the body was read before.
func submitStreamAhead(t *testing.T, target string, ahead int, source io.ReadCloser) *embed.Request {
	t.Helper()
	req, err := app.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := req.Body(1000, 0); err != nil {
		t.Fatal(err)
	}
	req.StreamBody(source, ahead, -1, func() { _ = source.Close() })
	b, err := req.Environ()
	if err != nil {
		t.Fatal(err)
	}
	b.Set(environ.RequestMethod, "POST")
	b.Target(target, "")
	if err := req.Submit(false); err != nil {
		t.Fatal(err)
	}
	return req
}

func wantTimeout(t *testing.T, a answer) {
	t.Helper()
	if !a.result.Raised || !strings.Contains(a.result.Error, "gowsgi.RequestTimeout: the request took longer than the server allows") {
		t.Errorf("raised %q", a.result.Error)
	}
}

func TestInterruptEndsALoopThatCatchesExceptions(t *testing.T) {
	forget()
	req := submit(t, "/spin", nil, nil)
	defer req.Release()
	waitSaid(t, "spins")
	req.Interrupt(req.Generation())
	a := drain(req)
	wantTimeout(t, a)
	if !strings.Contains(a.result.Error, "in spin\n    pass") && !strings.Contains(a.result.Error, "in spin\n    while True:") {
		t.Errorf("it does not say where: %q", a.result.Error)
	}
}

func TestApplicationCanAnswerItsTimeout(t *testing.T) {
	forget()
	req := submit(t, "/catch", nil, nil)
	defer req.Release()
	waitSaid(t, "spins")
	req.Interrupt(req.Generation())
	if a := drain(req); a.status != 503 || string(a.body) != "the request took longer than the server allows" {
		t.Errorf("%d %q %s", a.status, a.body, a.result.Error)
	}
}

func TestInterruptWakesWhoWaitsForTheBody(t *testing.T) {
	forget()
	source, _, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	req := submitStream(t, "/read", source)
	defer req.Release()
	waitSaid(t, "reads")
	req.Interrupt(req.Generation())
	wantTimeout(t, drain(req))
}

// One that is taken back, as it is there, leaves nothing behind that other threads
// would look for: those that are traced never stopped to.
func TestInterruptThatIsTakenBackIsGone(t *testing.T) {
	for range 5 {
		TestInterruptWakesWhoWaitsForTheBody(t)
		if a := ask(t, "/joined", nil, nil); string(a.body) != "ended" {
			t.Fatalf("a new thread is %s", a.body)
		}
	}
}

func TestInterruptWakesWhoWaitsForTheClient(t *testing.T) {
	req := submit(t, "/outrun", nil, nil)
	defer req.Release()
	req.Wait() // it has produced something; nobody takes more
	req.Interrupt(req.Generation())
	wantTimeout(t, drain(req))
}

// One that was caught is over: what the request waits for later is not disturbed.
func TestInterruptHitsOnce(t *testing.T) {
	forget()
	source, sink, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	req := submitStream(t, "/catch_and_read", source)
	defer req.Release()
	waitSaid(t, "spins")
	req.Interrupt(req.Generation())
	_, _ = sink.WriteString("body")
	_ = sink.Close()
	if a := drain(req); string(a.body) != "body" {
		t.Errorf("%q %s", a.body, a.result.Error)
	}
}

func TestInterruptDisturbsNoThreadOfTheApplication(t *testing.T) {
	forget()
	source, sink, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	req := submitStream(t, "/read_elsewhere", source)
	defer req.Release()
	waitSaid(t, "waits")
	req.Interrupt(req.Generation())
	waitSaid(t, "interrupted")
	_, _ = sink.WriteString("body")
	_ = sink.Close()
	if a := drain(req); string(a.body) != "body" {
		t.Errorf("%q %s", a.body, a.result.Error)
	}
}

// interruptUntil interrupts a request again and again, and once more when it has
// ended.
func interruptUntil(ended <-chan struct{}, req *embed.Request, generation uint64) {
	ticker := time.NewTicker(time.Duration(1+rand.IntN(2000)) * time.Microsecond)
	defer ticker.Stop()
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		case <-ticker.C:
		}
		req.Interrupt(generation)
	}
}

// Requests that end at the moment they are interrupted: whatever comes of
// them, nobody else gets their exception.
func TestLateInterruptHitsNobody(t *testing.T) {
	var all sync.WaitGroup
	var hit, missed atomic.Int64
	for range 16 {
		all.Go(func() {
			for range 400 {
				req := submit(t, "/short?"+strconv.Itoa(rand.IntN(20)), nil, nil)
				generation := req.Generation()
				ended := make(chan struct{})
				go interruptUntil(ended, req, generation)
				a := drain(req)
				close(ended)
				switch {
				case !a.result.Raised && string(a.body) == "done":
					missed.Add(1)
				case strings.Contains(a.result.Error, "RequestTimeout"):
					hit.Add(1)
				default:
					t.Errorf("%q %s", a.body, a.result.Error)
				}
				req.Release()
				if a := ask(t, "/short?3", nil, nil); string(a.body) != "done" {
					t.Errorf("the next request: %q %s", a.body, a.result.Error)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d hit, %d missed", hit.Load(), missed.Load())
	if hit.Load() == 0 || missed.Load() == 0 {
		t.Error("they were not interrupted at their end")
	}
}

func find(s embed.Stacks, match func(embed.ThreadStack) bool) embed.ThreadStack {
	if i := slices.IndexFunc(s.Threads, match); i >= 0 {
		return s.Threads[i]
	}
	return embed.ThreadStack{Name: "none"}
}

// pipe makes a request that waits until the returned function is called.
func pipe(t *testing.T, path string) (req *embed.Request, release func()) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	req = submit(t, fmt.Sprintf("%s?%d", path, read.Fd()), nil, nil)
	return req, func() {
		_ = write.Close()
		drain(req)
		req.Release()
		_ = read.Close()
	}
}

func TestStacksSayWhatEveryThreadDoes(t *testing.T) {
	forget()
	ask(t, "/janitor", nil, nil)
	defer ask(t, "/dismiss", nil, nil)
	req, release := pipe(t, "/doze")
	defer release()
	waitSaid(t, "dozes")
	var s embed.Stacks
	var dozing, janitor embed.ThreadStack
	eventually(t, "the stacks are there", func() bool { // its line is out before one dozes, and a thread starts before it runs
		s = app.Stacks(deadline)
		dozing = find(s, func(t embed.ThreadStack) bool { return t.Request == req })
		// Not one that is about to end, of the test before.
		janitor = find(s, func(t embed.ThreadStack) bool { return t.Name == "janitor" && strings.Contains(t.Text, "in sweep") })
		return strings.Contains(dozing.Text, "os.read") && janitor.Name == "janitor"
	})
	if s.WithoutGIL || dozing.Generation != req.Generation() || dozing.Name != fmt.Sprintf("gowsgi-%d", dozing.Pool+1) {
		t.Errorf("%+v", s)
	}
	lines := strings.Split(dozing.Text, "\n")
	if !strings.Contains(lines[0], `app.py", line `) || !strings.Contains(dozing.Text, "in doze\n    os.read(int(environ[\"QUERY_STRING\"]), 1)") {
		t.Errorf("the stack: %s", dozing.Text)
	}
	if janitor.Pool != -1 || janitor.Request != nil || !strings.Contains(janitor.Text, "in sweep") {
		t.Errorf("%+v", janitor)
	}
	for i := range 4 {
		if s.Threads[i].Pool != i {
			t.Errorf("thread %d of the pool is %+v", i, s.Threads[i])
		}
	}
}

func TestGILThatCannotBeHadIsNoticed(t *testing.T) {
	if n := app.Unresponsive(); n > deadline {
		t.Errorf("unresponsive for %v", n)
	}
	req, release := pipe(t, "/hog")
	eventually(t, "the GIL is missed", func() bool { return app.Unresponsive() > 10*time.Millisecond })
	second := submit(t, "/short?1", nil, nil)
	third := submit(t, "/spin", nil, nil)
	third.Interrupt(third.Generation())
	s := app.Stacks(20 * time.Millisecond)
	hog := find(s, func(t embed.ThreadStack) bool { return t.Request == req })
	if !s.WithoutGIL || hog.Generation != req.Generation() || hog.Name != fmt.Sprintf("gowsgi-%d", hog.Pool+1) {
		t.Errorf("%+v", s)
	}
	outer, inner, found := strings.Cut(hog.Text, "in hog\n")
	if !found || !strings.Contains(outer, "in application\n") || inner != "" {
		t.Errorf("the stack: %s", hog.Text)
	}
	eventually(t, "the second request is on its thread", func() bool { return app.Stats().Inside == 2 })
	release()
	a := drain(second)
	if string(a.body) != "done" || second.GILWait() <= 0 {
		t.Errorf("%q after %v", a.body, second.GILWait())
	}
	second.Release()
	wantTimeout(t, drain(third)) // though it may not have begun when it was interrupted
	third.Release()
	eventually(t, "the GIL is back", responsive)
}
