package logging

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
)

func TestRecordsAreCountedByTheirEvent(t *testing.T) {
	var events []string
	log := slog.New(Counting(New(Options{To: io.Discard}).Handler(), func(event string, level slog.Level, traceback bool) {
		events = append(events, fmt.Sprint(event, " ", level, " ", traceback))
	}))
	log.Info("x", "event", "a.info")
	log.Debug("x", "event", "a.debug") // nobody sees it
	log.Error("x")
	log.With("event", "b").With("worker", 1).Warn("x")
	log.WithGroup("g").Warn("x", "event", "c", "traceback", "T")
	if want := []string{"a.info INFO false", " ERROR false", "b WARN false", "c WARN true"}; !slices.Equal(events, want) {
		t.Errorf("counted %v, want %v", events, want)
	}
}
