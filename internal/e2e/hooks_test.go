package e2e

import (
	"strings"
	"testing"
)

// What an application wants done in each worker is done once, in order, and a
// function that is a hook is the function that it was.
func TestHooksAreCalledInEachWorker(t *testing.T) {
	s := Start(t, Options{Target: "hooks"})
	s.Client(t).Get("/").Want(t, 200, "first second first raises")
	s.Client(t).Get("/late").Want(t, 200, "first second late first raises")
	s.Client(t).Get("/wrong").Want(t, 200, "first second late TypeError TypeError first raises")
	s.Stop(t)
	log := s.Log()
	if strings.Count(log, "the last hook\n") != 1 || !strings.Contains(log, "ValueError: on purpose, at the end") {
		t.Error("the hooks for the end were not called, or what one raised is not in the log")
	}
}

// A check is no worker.
func TestHooksAreNotCalledInACheck(t *testing.T) {
	result := Run(t, Options{Dir: Testapps()}, "--venv", PlainVenv(t), "--check-config", "hooks")
	if result.Status != 0 || strings.Contains(result.Errors, "the last hook") {
		t.Errorf("%+v", result)
	}
}
