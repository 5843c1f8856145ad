package supervisor

import (
	"strings"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/nursery"
)

// Where workers cannot be forked they are started, and one sentence says so.
func TestPreloadIsPassedOverWhereItCannotBe(t *testing.T) {
	s := settings(2)
	s.Preload = true
	p := started(t, s)
	p.seen(p.address(1))
	log := p.log.String()
	if n := strings.Count(log, "event=nursery.unsupported"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log)
	}
	if strings.Contains(log, "event=nursery.died") || strings.Contains(log, "event=nursery.failed") {
		t.Error("it is taken for a failure")
	}
	if nursery.Supported && !strings.Contains(log, "its gowsgi-worker was built without that") {
		t.Error("it is not said why")
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}
