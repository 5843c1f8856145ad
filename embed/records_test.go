package embed_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/embed"
)

// records are what the application has said.
var records struct {
	sync.Mutex
	all []embed.Record
}

func record(r embed.Record) {
	if r.Text == "panic!" {
		var nothing *embed.Record
		*nothing = r
	}
	if f, ok := onRecord.Load().(func(embed.Record)); ok {
		f(r)
	}
	records.Lock()
	defer records.Unlock()
	records.all = append(records.all, r)
}

func forget() {
	records.Lock()
	defer records.Unlock()
	records.all = nil
}

// recorded are the records of a kind since forget.
func recorded(kind int) []embed.Record {
	records.Lock()
	defer records.Unlock()
	return slices.DeleteFunc(slices.Clone(records.all), func(r embed.Record) bool { return r.Kind != kind })
}

// said are their texts.
func said(kind int) []string {
	var texts []string
	for _, r := range recorded(kind) {
		texts = append(texts, r.Text)
	}
	return texts
}

// deadline is for what should happen at once; only a failing test waits for it.
const deadline = 30 * time.Second

// eventually waits until condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for expired := time.After(deadline); !condition(); {
		select {
		case <-ticker.C:
		case <-expired:
			t.Fatalf("not within %v: %s", deadline, what)
		}
	}
}

// waitSaid waits until the application has printed a line.
func waitSaid(t testing.TB, line string) {
	t.Helper()
	eventually(t, "the application prints "+line, func() bool { return slices.Contains(said(embed.Stdout), line) })
}

func TestPrintedLinesAreRecords(t *testing.T) {
	forget()
	req := submit(t, "/prints", nil, nil)
	defer req.Release()
	drain(req)
	if got := strings.Join(said(embed.Stdout), "|"); got != "to stdout|one\ntwo|begun, ended|bütes|\\udcff cannot be encoded|flushed|left over" {
		t.Errorf("printed %q", got)
	}
	if got := strings.Join(said(embed.Stderr), "|"); got != "to stderr" {
		t.Errorf("printed to standard error %q", got)
	}
	for _, r := range append(recorded(embed.Stdout), recorded(embed.Stderr)...) {
		if r.Request != req {
			t.Errorf("%q does not belong to its request", r.Text)
		}
	}
}

func TestCapturedStreamsLookLikeFiles(t *testing.T) {
	got := string(ask(t, "/attributes", nil, nil).body)
	if got != "1 False utf-8 <stdout> True False False|2 False utf-8 <stderr> True False False" {
		t.Errorf("%s", got)
	}
}

func TestLinesOfDifferentRequestsAreNotMixed(t *testing.T) {
	forget()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { ask(t, fmt.Sprintf("/many?r%d", i), nil, nil) })
	}
	all.Wait()
	lines := said(embed.Stdout)
	if len(lines) != 400 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if parts := strings.Fields(line); len(parts) != 3 || parts[0] != parts[2] {
			t.Errorf("mixed up: %q", line)
		}
	}
}

func TestThreadThatEndsLeavesItsLine(t *testing.T) {
	forget()
	ask(t, "/thread", nil, nil)
	eventually(t, "the line is there", func() bool { return len(said(embed.Stdout)) > 0 })
	if r := recorded(embed.Stdout)[0]; r.Text != "last words" || r.Request != nil {
		t.Errorf("%+v", r)
	}
}

func TestForkedChildWritesToItsDescriptors(t *testing.T) {
	forget()
	if got := string(ask(t, "/fork", nil, nil).body); got != "printed\nto stderr\nlogged\n" {
		t.Errorf("the child wrote %q", got)
	}
	if got := strings.Join(said(embed.Stdout), "|"); got != "the parent's" {
		t.Errorf("the parent printed %q", got)
	}
}

func TestLoggingWithoutConfigurationKeepsItsLevels(t *testing.T) {
	forget()
	req := submit(t, "/logs", nil, nil)
	defer req.Release()
	drain(req)
	got := recorded(embed.Logged)
	if len(got) != 2 {
		t.Fatalf("logged %+v", got)
	}
	for i, want := range []embed.Record{
		{Level: 30, Text: "stock of tea is low"},
		{Level: 40, Text: "lost an order", Traceback: "Traceback"},
	} {
		r := got[i]
		if r.Level != want.Level || r.Logger != "shop.orders" || r.Request != req || r.Text != want.Text || !strings.HasPrefix(r.Traceback, want.Traceback) {
			t.Errorf("%+v", r)
		}
	}
	if !strings.HasSuffix(got[1].Traceback, "ValueError: on purpose") {
		t.Errorf("no traceback: %q", got[1].Traceback)
	}
}

func TestLogHandlerCanBeConfigured(t *testing.T) {
	forget()
	ask(t, "/handler", nil, nil)
	got := recorded(embed.Logged)
	if len(got) != 4 || got[0].Text != "<in detail>" || got[0].Level != 10 || got[0].Logger != "configured" || got[0].Extra != "" {
		t.Fatalf("logged %+v", got)
	}
	if r := got[1]; r.Text != "one\ntwo" || r.Traceback != "" || r.Extra != `{"user": "jo", "count": 3, "paid": null, "items": {"tea": [1.5]}}` {
		t.Errorf("logged %+v", r)
	}
	if r := got[2]; r.Extra != `{"circle": "[[...]]", "nan": "nan"}` {
		t.Errorf("logged %+v", r)
	}
	if r := got[3]; r.Text != "three\nfour" || !strings.HasPrefix(r.Traceback, "Traceback ") || r.Extra != "" {
		t.Errorf("logged %+v", r)
	}
	if trouble := strings.Join(said(embed.Stderr), ""); !strings.Contains(trouble, "--- Logging error ---") || !strings.Contains(trouble, "TypeError") {
		t.Errorf("a record that cannot be formatted left %q", trouble)
	}
}

func TestStreamsKnowTheRecordThatLoggingWrites(t *testing.T) {
	forget()
	ask(t, "/streams", nil, nil)
	for kind, want := range map[int]string{
		embed.ErrorStream: "begun,  0|logged 0\nand on 10 streams|begun, begun, begun,  0|logged 3\nand on 40 streams|bare 0",
		embed.Stdout:      "begun, begun,  0|logged 1\nand on 20 streams|begun, begun,  0",
		embed.Stderr:      "logged 2\nand on 30 streams|bare 0|",
	} {
		var got []string
		for _, r := range recorded(kind) {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %d %s", r.Text, r.Level, r.Logger)))
		}
		if text := strings.Join(got, "|"); text != want && (kind != embed.Stderr || !strings.HasPrefix(text, want)) {
			t.Errorf("%q, want %q", text, want)
		}
	}
	for _, r := range recorded(embed.Stderr)[2:] { // what logging says of a record that cannot be formatted
		if r.Logger != "" {
			t.Errorf("%+v", r)
		}
	}
}

var faultOnMainThread any // what TestMain's call of fault has recovered

func fault() (recovered any) {
	defer func() { recovered = recover() }()
	var nothing *int
	*nothing = 1
	return nil
}

// Go's own faults are panics still, in front of and behind CPython's handlers.
func TestNilDereferenceInGoIsAPanic(t *testing.T) {
	if faultOnMainThread == nil {
		t.Error("on Python's main thread: no panic")
	}
	check := func() {
		t.Helper()
		if fault() == nil {
			t.Error("on a goroutine's thread: no panic")
		}
		// In a call from Python, on Python's thread.
		if got := string(ask(t, "/panic", nil, nil).body); got != "survived" {
			t.Errorf("on a Python thread: %q", got)
		}
	}
	check()
	ask(t, "/guard", nil, nil)
	check()
	ask(t, "/unguard", nil, nil)
	check()
}
