package acme

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"go.uber.org/zap/zapcore"
)

// records passes on what certmagic logs: what goes wrong as an error, with the few
// attributes that say what it is about, and the rest where details are wanted. What it
// says besides, it says to nobody: no key can get into a log that way.
type records struct {
	log   *slog.Logger
	over  *atomic.Bool      // what is given up goes wrong
	ended func(name string) // no further attempt follows
	about []zapcore.Field
}

// Enabled is zap's question whether anybody listens.
func (r *records) Enabled(level zapcore.Level) bool {
	return r.log.Enabled(context.Background(), severity(level))
}

// With is zap's way to say what all that follows is about.
func (r *records) With(fields []zapcore.Field) zapcore.Core {
	return &records{log: r.log, over: r.over, ended: r.ended, about: append(append([]zapcore.Field{}, r.about...), fields...)}
}

// Check is zap's way to ask who listens.
func (r *records) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if r.Enabled(e.Level) {
		return to.AddCore(e, r)
	}
	return to
}

// Sync has nothing to do.
func (r *records) Sync() error { return nil }

// Write makes a record of an entry.
func (r *records) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if r.over.Load() {
		return nil
	}
	found := zapcore.NewMapObjectEncoder()
	for _, field := range append(append([]zapcore.Field{}, r.about...), fields...) {
		field.AddTo(found)
	}
	first := func(keys ...string) string {
		for _, key := range keys {
			if value, ok := found.Fields[key]; ok {
				if problem, ok := value.(map[string]any); ok { // RFC 7807
					value = problem["detail"]
				}
				return strings.ReplaceAll(fmt.Sprint(value), "\n", "; ")
			}
		}
		return ""
	}
	reason, name := first("error", "problem"), strings.Trim(first("identifier", "subject", "subjects", "identifiers"), "[]")
	if named := attempted.FindStringSubmatch(reason); named != nil {
		name, reason = cmp.Or(name, named[1]), named[2]
	}
	if named := prefixed.FindStringSubmatch(reason); named != nil {
		name, reason = cmp.Or(name, named[1]), strings.ReplaceAll(named[2], "["+named[1]+"] ", "")
	}
	level, message, event := severity(e.Level), "what certmagic does", "acme.detail"
	switch {
	case level == slog.LevelDebug || slices.Contains(quiet, e.Message):
		level = slog.LevelDebug
	case slices.Contains(conclusions, e.Message):
		message, event = "a certificate was not obtained, what is there is kept, and it will be tried again", "acme.failed"
	default:
		level, message, event = slog.LevelWarn, "something went wrong on the way to a certificate", "acme.trouble"
	}
	if event != "acme.failed" {
		reason = strings.TrimSuffix(e.Message+": "+reason, ": ")
	}
	attributes := []any{"event", event}
	for _, more := range []struct{ key, value string }{
		{"name", name},
		{"reason", reason},
		{"challenge", first("challenge_type")},
		{"again_in", first("retrying_in")},
	} {
		if more.value != "" {
			attributes = append(attributes, more.key, more.value)
		}
	}
	r.log.Log(context.Background(), level, message, attributes...)
	if event == "acme.failed" && e.Message != conclusions[0] {
		r.ended(name)
	}
	return nil
}

// prefixed is how certmagic says whose certificate an error is about, more than once.
var prefixed = regexp.MustCompile(`^\[([^\[\]]+)\] (?:Obtain: |Renew: )?(.*)$`)

// attempted is how it does where it gives up.
var attempted = regexp.MustCompile(`^([^ :]+): (?:obtaining|renewing|caching) certificate(?: after obtaining it)?: (.*)$`)

// conclusions are the messages that an attempt ends with in vain, each with the reason.
// After the first one certmagic makes another.
var conclusions = []string{
	"will retry", "final attempt; giving up", "job failed", "initiating certificate management",
	"final attempt; giving up until next scheduled renewal check finds the certificate still needs renewal",
}

// quiet are errors that say what another says, or that anybody can bring about by asking
// for a proof.
var quiet = []string{"could not get certificate from issuer", "validating authorization", "tls-alpn challenge"}

// severity: only what is an error there is more than a detail.
func severity(level zapcore.Level) slog.Level {
	if level >= zapcore.ErrorLevel {
		return slog.LevelError
	}
	return slog.LevelDebug
}
