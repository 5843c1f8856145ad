package embed_test

import (
	"testing"
	"time"
)

func TestPythonKnowsOfItsMemory(t *testing.T) {
	m, ok := app.Measure(time.Minute)
	if !ok || m.Blocks < 1000 || len(m.Collections) == 0 {
		t.Errorf("%+v, %v", m, ok)
	}
}
