package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// aFalteringApp notes when it is started, and ends its worker at import as often
// as the file "falters" has characters.
const aFalteringApp = `
import os
import time

from lossless import answer

with open("starts", "a") as starts:
    starts.write(f"{time.monotonic()}\n")
with open("falters", "r+") as falters:
    if text := falters.read():
        falters.truncate(len(text) - 1)
        os._exit(3)


def application(environ, start_response):
    return answer(environ, start_response, "1")
`

// falter serves it, and has its worker die, after it has answered or before, and
// so many others after it at import.
func falter(t *testing.T, times int, answers bool) *Project {
	t.Helper()
	p := prepareProject(t)
	p.Write(t, "editions.py", aFalteringApp)
	p.Write(t, "falters", "")
	p.serve(t, ProjectOptions{Settings: Settings{Workers: 1}, Args: []string{eachLoads}})
	if answers {
		p.Answer(t)
	}
	p.Write(t, "falters", strings.Repeat("x", times))
	if err := syscall.Kill(p.Workers(t)[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return p
}

// pauses are the times between the starts of workers after the first of them.
func (p *Project) pauses(t *testing.T) (pauses []time.Duration) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.folder, "starts"))
	if err != nil {
		t.Fatal(err)
	}
	var starts []float64
	for _, field := range strings.Fields(string(text))[1:] {
		at, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		starts = append(starts, at)
	}
	for i := range starts[1:] {
		pauses = append(pauses, time.Duration((starts[i+1]-starts[i])*float64(time.Second)))
	}
	return pauses
}

// waits are the pauses that the log speaks of.
func (p *Project) waits(t *testing.T) (waits []time.Duration) {
	t.Helper()
	for line := range strings.Lines(p.Log()) {
		if _, text, found := strings.Cut(line, "event=worker.delayed worker=1 wait_seconds="); found {
			wait, err := time.ParseDuration(strings.TrimSpace(text) + "s")
			if err != nil {
				t.Fatal(err)
			}
			waits = append(waits, wait)
		}
	}
	return waits
}

// checkPauses fails the test unless the waits grow and were kept: they are the
// last of the pauses, as the first attempts are not delayed.
func (p *Project) checkPauses(t *testing.T) {
	t.Helper()
	pauses, waits := p.pauses(t), p.waits(t)
	if len(waits) == 0 || len(waits) > len(pauses) || !slices.IsSorted(waits) {
		t.Fatalf("waits %v, between starts %v", waits, pauses)
	}
	for i, pause := range pauses[len(pauses)-len(waits):] {
		if wait := time.Second << i; waits[i] != wait || pause < wait {
			t.Errorf("wait %d was %v, and %v in the log", i, pause, waits[i])
		}
	}
}

func TestWorkerThatDiesAtStartIsTriedAgainUntilItServes(t *testing.T) {
	t.Parallel() // it mostly waits
	p := falter(t, 2, true)
	Eventually(t, "it serves again", func() bool { return p.Logged("application.loaded") == 2 })
	p.Answer(t)
	p.checkPauses(t)
	if failed := p.Logged("worker.failed"); failed != 2 || !strings.Contains(p.Log(), "exited with status 3 before it had loaded the application") {
		t.Errorf("the log speaks of %d failures of 2", failed)
	}
}

// It is known to work, and what keeps it from loading may pass.
func TestDeploymentThatHasAnsweredIsTriedForEver(t *testing.T) {
	t.Parallel() // it mostly waits
	p := falter(t, 100, true)
	Eventually(t, "it goes on after five starts that failed", func() bool {
		return p.Logged("worker.failed") == 5 && p.Logged("worker.delayed") == 4
	})
	p.Write(t, "falters", "")
	p.Send(t, syscall.SIGHUP)
	Eventually(t, "it is served", func() bool { return p.Logged("application.loaded") == 2 })
	p.Answer(t)
}

func TestFiveDeathsAtStartInARowEndWhatNeverAnswered(t *testing.T) {
	t.Parallel() // it mostly waits
	p := falter(t, 100, false)
	if status := p.Wait(t); status != 1 {
		t.Errorf("exit status %d", status)
	}
	if pauses := p.pauses(t); len(pauses) != 4 {
		t.Errorf("pauses between starts: %v", pauses)
	}
	p.checkPauses(t)
	lines := strings.Split(strings.TrimSpace(p.Log()), "\n")
	want := "gowsgi: worker 1 failed to start 5 times in a row (--start-limit), the last time because: " +
		"worker 1 exited with status 3 before it had loaded the application"
	if last := lines[len(lines)-1]; last != want {
		t.Errorf("the last line is no reason: %s", last)
	}
	for _, name := range names(t, p.folder) {
		if !slices.Contains([]string{"__pycache__", "editions.py", "falters", "gowsgi.toml", "starts"}, name) {
			t.Errorf("%s is left", name)
		}
	}
}

// The first start is not tried again: somebody sits in front of it, or a
// supervisor of its own has it.
func TestDeathAtTheFirstStartEndsTheProgram(t *testing.T) {
	for name, c := range map[string]struct{ code, cause string }{
		"exits":     {"os._exit(3)", "exited with status 3"},
		"is killed": {"os.kill(os.getpid(), 9)", "was killed by SIGKILL"},
		"crashes":   {"__import__('ctypes').string_at(0)", "was killed by SIGSEGV"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := shortFolder(t)
			write(t, filepath.Join(folder, "dies.py"), fmt.Sprintf("import os\nopen('starts', 'a').write('x')\n%s\n", c.code))
			result := Run(t, Options{Dir: folder}, "--venv", PlainVenv(t), "-b", "unix:s", "-p", "pid", "dies")
			lines := strings.Split(strings.TrimSpace(result.Errors), "\n")
			last := lines[len(lines)-1]
			if result.Status != 1 || !strings.HasPrefix(last, "gowsgi: worker 1 "+c.cause) || !strings.HasSuffix(last, " before it had loaded the application") {
				t.Errorf("exit status %d, %s", result.Status, result.Errors)
			}
			if text, _ := os.ReadFile(filepath.Join(folder, "starts")); string(text) != "x" {
				t.Errorf("started %d times", len(text))
			}
			if left := names(t, folder); slices.Contains(left, "s") || slices.Contains(left, "pid") {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
