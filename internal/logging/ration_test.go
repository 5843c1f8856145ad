package logging

import (
	"testing"
	"time"
)

func TestRecordsAreRationed(t *testing.T) {
	var r Ration
	now := time.Now()
	written := 0
	for range 10 {
		if _, ok := r.Pass(now, 3); ok {
			written++
		}
	}
	if written != 3 {
		t.Errorf("%d records in one second", written)
	}
	if held := r.Left(now.Add(time.Second / 2)); held != 0 {
		t.Errorf("told of %d records too early", held)
	}
	if held := r.Left(now.Add(time.Second)); held != 7 {
		t.Errorf("told of %d records, not 7", held)
	}
	r.Pass(now.Add(2*time.Second), 1)
	r.Pass(now.Add(2*time.Second), 1)
	if held, ok := r.Pass(now.Add(3*time.Second), 1); held != 1 || !ok {
		t.Errorf("the next record tells of %d, %v", held, ok)
	}
}
