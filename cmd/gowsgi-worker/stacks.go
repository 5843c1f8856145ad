package main

import (
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/dump"
)

// How long loading may take before the log says where it is; then twice as long,
// and so on.
const firstLoading = 5 * time.Second

// stackPatience is how long stacks wait for the GIL.
const stackPatience = 500 * time.Millisecond

// watchLoading says in the log, ever more rarely, that the application is still
// being loaded, and where. The caller calls what it returns when that is over.
func (w *worker) watchLoading() (loaded func()) {
	began, over := time.Now(), make(chan struct{})
	go func() {
		for wait := firstLoading; ; wait *= 2 {
			select {
			case <-over:
				return
			case <-time.After(time.Until(began.Add(wait))):
			}
			w.log.Warn("the application is still being loaded", "event", "application.loading",
				"seconds", wait.Seconds(), "startup_timeout_seconds", w.plan.Settings.StartupTimeout.Seconds(), "stack", stacksNow(isMain))
		}
	}()
	return func() { close(over) }
}

// tellStack tells gowsgi where loading hangs.
func (w *worker) tellStack() {
	stack := stacksNow(isMain)
	if stack == "" { // it is loaded: a request of ours is where it hangs
		stack = stacksNow(nil)
	}
	w.report(control.Report{Kind: control.Stack, Traceback: stack})
}

func isMain(t embed.ThreadStack) bool { return t.Main }

// stacksNow are the stacks of the threads that are wanted and run something; nil
// wants all.
func stacksNow(wanted func(embed.ThreadStack) bool) string {
	var b strings.Builder
	taken := embed.StacksOutside(stackPatience)
	for _, t := range taken.Threads {
		if t.Text != "" && (wanted == nil || wanted(t)) {
			b.WriteString("Thread " + t.Name + ":\n" + dump.WithoutImporting(t.Text))
		}
	}
	if b.Len() > 0 && taken.WithoutGIL {
		b.WriteString(dump.Inexact)
	}
	return b.String()
}
