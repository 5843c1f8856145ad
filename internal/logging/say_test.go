package logging

import (
	"bytes"
	"log/slog"
	"os"
	"testing"
)

func TestWordsAreWordsWhereNobodyTakesRecords(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	(&File{file: writer}).Say(slog.LevelError, "why\ngowsgi: because\n")
	writer.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(reader); err != nil || got.String() != "why\ngowsgi: because\n" {
		t.Errorf("got %q, %v", got.String(), err)
	}
}
