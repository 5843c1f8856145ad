package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/mounts"
	"github.com/gowsgi/gowsgi/internal/nursery"
	"github.com/gowsgi/gowsgi/internal/scarcity"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
)

// nurse is a nursery (package nursery). Apart from watch, only the supervisor's
// loop uses it.
type nurse struct {
	cmd        *exec.Cmd
	generation int // of the deployment that it loads
	socket     *nursery.Socket
	board      *scoreboard.Board // for the report of a crash; nil: none
	oom        int64             // oomKills when it was started
	started    time.Time
	loaded     time.Time              // zero: not yet
	orders     []*worker              // that have no answer yet, in order
	forks      int                    // orders that it has followed
	ending     bool                   // as soon as there are no orders
	asked      time.Duration          // after how long it was last asked where it is, for the log
	questions  []func(*nursery.Stack) // where it is, that have no answer yet, in order

	failed             bool // it cannot load the application; message says why
	message, traceback string
}

func (n *nurse) pid() int { return n.cmd.Process.Pid }

func (n *nurse) kill() { _ = n.cmd.Process.Kill() }

// end lets it go: it has nothing to finish but what it was ordered, since a
// worker that it forks at this moment would be nobody's.
func (n *nurse) end() {
	n.ending = true
	if len(n.orders) == 0 {
		n.kill()
	}
}

// answered takes the first order off the list; nil if there was none.
func (n *nurse) answered() *worker {
	if len(n.orders) == 0 {
		return nil
	}
	w := n.orders[0]
	n.orders = n.orders[1:]
	if n.ending {
		n.end()
	}
	return w
}

// ask asks where loading is. then gets the answer; nil: there will be none.
func (n *nurse) ask(then func(*nursery.Stack)) {
	if !n.loaded.IsZero() || len(n.questions) >= mostOpen {
		then(nil)
		return
	}
	n.questions = append(n.questions, then)
	n.socket.Ask()
}

// forget gives up questions that find no answer any more.
func (n *nurse) forget() {
	for _, then := range n.questions {
		then(nil)
	}
	n.questions = nil
}

// startNursery starts the process and tells it its plan.
func (s *supervisor) startNursery() error {
	if !nursery.Supported {
		s.servePlainly("this system cannot fork what has loaded an application")
		return nil
	}
	if err := s.adopt(); err != nil {
		s.servePlainly("gowsgi cannot become the parent of forked workers: " + err.Error())
		return nil
	}
	socket, theirs, err := nursery.Pair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	files := []*os.File{theirs}
	n := &nurse{generation: s.generation, socket: socket, board: reportBoard(), started: time.Now(), oom: oomKills()}
	if n.board != nil {
		files = append(files, n.board.File())
	}
	n.cmd = s.Program.Command(files...)
	n.cmd.Args[0] = "gowsgi: nursery [" + label(s.Settings) + "]"
	n.cmd.Args = append(n.cmd.Args, nursery.Flag)
	plan := nursery.Plan{
		Executable: s.Python.Executable, Targets: mounts.Targets(&s.Settings), Path: searchPath(s.Settings),
		Capture: s.Settings.CaptureOutput, Restore: s.dress(n.cmd), Board: n.board != nil, Ignored: s.ignored,
	}
	if err := n.cmd.Start(); err != nil {
		_ = socket.Close()
		_ = n.board.Close()
		return err
	}
	s.preload.nursery = n
	s.nurseries[n] = struct{}{}
	s.children.Store(n.pid(), n)
	s.Log.Debug("nursery started", "event", "nursery.started", "pid", n.pid())
	if err := socket.Begin(plan); err != nil {
		n.failed, n.message = true, "worker 1 cannot be told what to load: "+err.Error()
		n.kill()
	}
	go n.watch(
		func(m nursery.Message) { s.post(func() { s.nurserySaid(n, m) }) },
		func() { s.post(func() { s.nurseryGone(n) }) },
	)
	s.askLater(n, firstLoading)
	if timeout := s.Settings.StartupTimeout; timeout > 0 {
		s.after(timeout, func() {
			if _, here := s.nurseries[n]; here && n.loaded.IsZero() && !n.failed {
				n.failed, n.message = true, tooLong(1, timeout)
				n.ask(func(stack *nursery.Stack) { // it has a moment to say where it hangs
					if stack != nil {
						n.traceback = stack.Text()
					}
					n.kill()
				})
				s.after(patience, n.kill)
			}
		})
	}
	return nil
}

// reportBoard is a board that is for its last report alone; nil if there is none.
func reportBoard() *scoreboard.Board {
	board, err := scoreboard.New()
	if err == nil {
		err = scoreboard.OpenReport(int(board.File().Fd()))
	}
	if err != nil {
		_ = board.Close()
		return nil
	}
	return board
}

// searchPath is what goes in front of sys.path: pythonpath, then the working
// directory.
func searchPath(settings config.Settings) []string {
	base := settings.Chdir
	if base == "" {
		base, _ = os.Getwd() // no folder: what is relative is not found
	}
	var path []string
	for _, folder := range append(settings.Pythonpath[:len(settings.Pythonpath):len(settings.Pythonpath)], ".") {
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(base, folder)
		}
		path = append(path, filepath.Clean(folder))
	}
	return path
}

// watch passes on what the nursery says and, last, that it is gone.
func (n *nurse) watch(said func(nursery.Message), gone func()) {
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = n.cmd.Wait() // ProcessState says it better
		n.socket.Cut()
	}()
	n.socket.Messages(said)
	<-exited
	_ = n.socket.Close()
	gone()
}

func (s *supervisor) nurserySaid(n *nurse, message nursery.Message) {
	switch m := message.(type) {
	case *nursery.Loaded:
		n.forget() // a question that came too late
		if n == s.preload.nursery && s.stopping == no && !n.failed {
			s.nurseryLoaded(n, m)
		}
	case *nursery.Failed:
		n.failed, n.message, n.traceback = true, s.whyNotLoaded(m), m.Traceback
	case *nursery.Unsupported:
		if n == s.preload.nursery {
			s.servePlainly("its gowsgi-worker was built without that")
			s.arrange()
		}
	case *nursery.Forked:
		if w := n.answered(); w != nil {
			if m.Err == nil {
				n.forks++
			}
			s.forked(w, m, n.pid())
		}
	case *nursery.Stack:
		if len(n.questions) > 0 {
			then := n.questions[0]
			n.questions = n.questions[1:]
			then(m)
		}
	case *nursery.Said:
		logging.Said(*m).To(s.Log)
	}
}

// whyNotLoaded is what a nursery says, in a worker's words.
func (s *supervisor) whyNotLoaded(m *nursery.Failed) string {
	message := m.Message
	if m.Start {
		// An exception comes with its traceback, which ends with what it is.
		lines := strings.Split(strings.TrimSpace(message), "\n")
		message = fmt.Sprintf("embed: start CPython as %s: %s", s.Python.Executable, lines[len(lines)-1])
	}
	// It tells little itself of an address space that is too small.
	if m.Start || strings.HasSuffix(message, " raised MemoryError") {
		if space := scarcity.OfAddressSpace(); space != "" {
			message += ": " + space
		}
	}
	return message
}

func (s *supervisor) nurseryLoaded(n *nurse, m *nursery.Loaded) {
	n.loaded = time.Now()
	attrs := []any{"event", "nursery.loaded", "pid", n.pid(), "seconds", m.Seconds}
	if m.Native > 0 {
		attrs = append(attrs, "other_threads", m.Native)
	}
	s.Log.Info("application loaded, workers are forked", attrs...)
	if len(m.Threads) > 0 {
		const which = "the application starts threads while it is loaded, which forked workers do not have"
		threads := strings.Join(m.Threads, "; ")
		if !s.Settings.PreloadThreads {
			s.Log.Warn(which+": each worker loads it for itself; start them in gowsgi.on_worker_start, or insist with --preload-threads",
				"event", "nursery.threads", "threads", threads)
			s.servePlainly("")
			s.arrange()
			return
		}
		s.Log.Warn(which+" (--preload-threads)", "event", "nursery.threads", "threads", threads)
	}
	s.arrange()
}

// firstLoading is how long loading may take before the log says where it is; then
// twice as long, and so on.
const firstLoading = 5 * time.Second

// askLater has the log say that the application is still being loaded after wait.
func (s *supervisor) askLater(n *nurse, wait time.Duration) {
	s.after(wait-n.asked, func() {
		if _, here := s.nurseries[n]; here && n.loaded.IsZero() && !n.failed && s.stopping == no {
			n.asked = wait
			n.ask(func(stack *nursery.Stack) { s.nurseryHangs(n, stack) })
			s.askLater(n, 2*wait)
		}
	})
}

// nurseryHangs has the log say where loading is; nil: nowhere, by now.
func (s *supervisor) nurseryHangs(n *nurse, stack *nursery.Stack) {
	if stack != nil && n.loaded.IsZero() && !n.failed {
		s.Log.Warn("the application is still being loaded", "worker", 1, "event", "application.loading",
			"seconds", n.asked.Seconds(), "startup_timeout_seconds", s.Settings.StartupTimeout.Seconds(), "stack", stack.Text())
	}
}

// nurseryGone is the last that is heard of a nursery.
func (s *supervisor) nurseryGone(n *nurse) {
	delete(s.nurseries, n)
	s.children.Delete(n.pid())
	n.forget()
	cause := cause(n.cmd.ProcessState, n.oom)
	report := n.board.Report()
	_ = n.board.Close()
	present := n == s.preload.nursery
	if present {
		s.preload.nursery = nil
	}
	if n == s.reload.preload.nursery {
		s.reload.preload.nursery = nil
	}
	for _, w := range n.orders {
		s.forked(w, &nursery.Forked{Err: errors.New(cmp.Or(n.message, "the process that has loaded the application "+cause))}, n.pid())
	}
	switch {
	case !present || s.stopping != no:
		if n.ending { // which is all there is to know: it was killed
			cause = "is not needed any more"
		}
		s.Log.Debug("nursery stopped", "event", "nursery.stopped", "pid", n.pid(), "cause", cause)
	case n.loaded.IsZero():
		if n.message == "" {
			n.message = fmt.Sprintf("worker 1 %s before it had loaded the application", cause)
			if space := scarcity.OfAddressSpace(); space != "" { // there is no end that would tell
				n.message += ": " + space
			}
		}
		s.nurseryFailed(n.message, cmp.Or(n.traceback, report))
	default:
		attrs := []any{"event", "nursery.died", "pid", n.pid(), "cause", cause}
		if report != "" {
			attrs = append(attrs, "report", report)
		}
		s.Log.Error("nursery died: the application is loaded anew for the next workers", attrs...)
		if time.Since(n.loaded) >= settled {
			s.preload.failures = 0
		}
		s.nurseryRests()
	}
}
