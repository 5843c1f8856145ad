package logging

import (
	"bytes"
	"io"
	"log/slog"
	"strconv"
)

// prefixed writes records as systemd's journal wants them (sd-daemon(3)): each
// line is an entry of its own, and starts with its priority.
func prefixed(w io.Writer) emitter {
	return func(f finished) error {
		prefix := "<" + strconv.Itoa(severity(f.record.Level)) + ">"
		var lines []byte
		for line := range bytes.Lines(f.text) {
			lines = append(append(lines, prefix...), line...)
		}
		_, err := w.Write(lines)
		return err
	}
}

// Say writes what is no record, in whole lines: with its priority if it goes to
// systemd's journal.
func (f *File) Say(level slog.Level, text string) {
	emit := appendTo(f)
	if f.journal() {
		emit = prefixed(f)
	}
	_ = emit(finished{text: []byte(text), record: slog.Record{Level: level}}) // nobody is left to be told
}
