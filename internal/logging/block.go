package logging

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// blockHandler is slog's TextHandler, except for a record's own attributes
// whose value is text of several lines: these become an indented block before
// the record's line. Attributes in groups and those that With adds are left to
// TextHandler.
type blockHandler struct {
	text slog.Handler // writes to block
	out  *blockWriter
}

// blockWriter puts the block of the record that is being written before it.
type blockWriter struct {
	mu    sync.Mutex // held while a record is handled
	w     io.Writer
	block []byte
}

func newBlockHandler(w io.Writer, options *slog.HandlerOptions) *blockHandler {
	out := &blockWriter{w: w}
	return &blockHandler{text: slog.NewTextHandler(out, options), out: out}
}

func (h *blockHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.text.Enabled(ctx, level)
}

func (h *blockHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &blockHandler{text: h.text.WithAttrs(attrs), out: h.out}
}

func (h *blockHandler) WithGroup(name string) slog.Handler {
	return &blockHandler{text: h.text.WithGroup(name), out: h.out}
}

func (h *blockHandler) Handle(ctx context.Context, record slog.Record) error {
	var block []byte
	line := slog.NewRecord(record.Time, record.Level, record.Message, record.PC)
	record.Attrs(func(a slog.Attr) bool {
		if a.Value = a.Value.Resolve(); a.Value.Kind() == slog.KindString && strings.Contains(a.Value.String(), "\n") {
			block = appendBlock(block, a.Value.String())
		} else {
			line.AddAttrs(a)
		}
		return true
	})
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.block = block
	return h.text.Handle(ctx, line)
}

// Write is called by the TextHandler, once a record.
func (b *blockWriter) Write(line []byte) (int, error) {
	if len(b.block) == 0 {
		return b.w.Write(line)
	}
	n, err := b.w.Write(append(b.block, line...))
	return max(0, n-len(b.block)), err
}

// appendBlock appends text indented, and with control characters spelled out:
// they could move a terminal's cursor over what stands there already.
func appendBlock(block []byte, text string) []byte {
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		block = append(block, "  "...)
		for _, char := range strings.TrimRight(line, "\r\n") {
			if char == '\t' || !unicode.IsControl(char) {
				block = append(block, string(char)...)
			} else {
				quoted := strconv.QuoteRune(char)
				block = append(block, quoted[1:len(quoted)-1]...)
			}
		}
		block = append(block, '\n')
	}
	return block
}
