package logging

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// finished is a record as text: its line and, below it, its blocks.
type finished struct {
	text   []byte // valid until the emitter returns
	record slog.Record
	local  slog.Handler // for another attempt; nil if there is no other place
}

// emitter takes finished records, one at a time.
type emitter func(f finished) error

func appendTo(w io.Writer) emitter {
	return func(f finished) error {
		_, err := w.Write(f.text)
		return err
	}
}

// handler is slog's TextHandler, except for text of several lines: of a message
// the first is the record's and the others, and a record's own attributes with
// such a value, become an indented block below its line, under the attribute's key
// if it is none that is known by its looks. Attributes in groups and those that With
// adds are left to TextHandler. In JSON, it is slog's JSONHandler.
type handler struct {
	form
	inner slog.Handler // writes to out
	out   *output
	local slog.Handler // see finished
}

// output passes on what inner writes, with the rest of the record.
type output struct {
	emit emitter
	loss *loss // nil: what is not written is another's concern

	mu    sync.Mutex // held while a record is handled
	next  finished   // all but the text
	block []byte
	text  []byte // the last one's, for the next
}

func newHandler(f form, emit emitter) *handler {
	out := &output{emit: emit}
	if f.json {
		return &handler{form: f, inner: slog.NewJSONHandler(out, f.options()), out: out}
	}
	if f.screen {
		return &handler{form: f, inner: &screen{to: out, level: f.level, colors: f.colors}, out: out}
	}
	return &handler{form: f, inner: slog.NewTextHandler(out, f.options()), out: out}
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(inner slog.Handler) slog.Handler { return inner.WithAttrs(attrs) })
}

func (h *handler) WithGroup(name string) slog.Handler {
	return h.with(func(inner slog.Handler) slog.Handler { return inner.WithGroup(name) })
}

func (h *handler) with(change func(slog.Handler) slog.Handler) slog.Handler {
	changed := *h
	changed.inner = change(h.inner)
	if h.local != nil {
		changed.local = change(h.local)
	}
	return &changed
}

func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	line, block := record, []byte(nil)
	if !h.json {
		line, block = split(record)
	}
	if h.colors {
		block = markFrames(block)
	}
	if h.untimed {
		line.Time = time.Time{}
	}
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.next, h.out.block = finished{record: record, local: h.local}, block
	err := h.inner.Handle(ctx, line)
	if h.out.loss != nil {
		h.account(ctx, err)
	}
	return err
}

// account counts a record that could not be written, or says how many could not
// be before this one. Lock: out's, held.
func (h *handler) account(ctx context.Context, err error) {
	now := time.Now()
	if err != nil {
		h.out.loss.lose(err, now)
		return
	}
	lost := h.out.loss.Back(now)
	if lost == 0 {
		return
	}
	back := slog.NewRecord(now, slog.LevelWarn, "records can be written again, and some were lost", 0)
	back.AddAttrs(slog.String("event", "log.back"), slog.Int("lost", lost))
	h.out.next, h.out.block = finished{record: back}, nil
	if h.untimed {
		back.Time = time.Time{}
	}
	if err := h.inner.Handle(ctx, back); err != nil {
		h.out.loss.Lose(lost, now)
	}
}

// split takes the values of several lines out of a record.
func split(record slog.Record) (line slog.Record, block []byte) {
	message, rest, several := strings.Cut(strings.TrimRight(record.Message, "\n"), "\n")
	if several {
		block = appendBlock(block, rest)
	}
	line = slog.NewRecord(record.Time, record.Level, message, record.PC)
	record.Attrs(func(a slog.Attr) bool {
		if a.Value = a.Value.Resolve(); a.Value.Kind() == slog.KindString && strings.Contains(a.Value.String(), "\n") {
			block = appendValue(block, a.Key, a.Value.String())
		} else {
			line.AddAttrs(a)
		}
		return true
	})
	return line, block
}

// plainBlocks are the keys of what everybody knows who sees it.
var plainBlocks = []string{tracebackKey, "stack", "report"}

func appendValue(block []byte, key, text string) []byte {
	if slices.Contains(plainBlocks, key) {
		return appendBlock(block, text)
	}
	block = append(append(append(block, indent...), spelledOut(key)...), "=\n"...)
	for line := range bytes.Lines(appendBlock(nil, text)) {
		block = append(append(block, indent...), line...)
	}
	return block
}

const indent = "  "

// Write is called by inner, once a record.
func (o *output) Write(line []byte) (int, error) {
	o.next.text = line
	if len(o.block) > 0 {
		o.text = append(append(o.text[:0], line...), o.block...)
		o.next.text = o.text
	}
	return len(line), o.emit(o.next)
}

// appendBlock appends text indented, and with control characters spelled out:
// they could move a terminal's cursor over what stands there already.
func appendBlock(block []byte, text string) []byte {
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		block = append(block, indent...)
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
