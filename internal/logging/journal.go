package logging

import (
	"bytes"
	"io"
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
