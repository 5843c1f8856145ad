package nursery

import (
	"bytes"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/load"
)

func TestMessagesAreRead(t *testing.T) {
	for text, want := range map[string]Message{
		"l4:0.251:00:":                          &Loaded{Seconds: 0.25},
		"l1:21:318:pump\nanother one;x":         &Loaded{Seconds: 2, Native: 3, Threads: []string{"pump", "another one;x"}},
		"x3:why8:line\n\x00:n":                  &Failed{Message: "why", Traceback: "line\n\x00:n"},
		"f3:123":                                &Forked{PID: 123},
		"e2:11":                                 &Forked{Err: syscall.EAGAIN},
		"u":                                     &Unsupported{},
		"r1:42:306:django4:text0:8:{\"a\":1}\n": &Said{Kind: 4, Level: 30, Logger: "django", Text: "text", Extra: "{\"a\":1}\n"},
		"s1:510:  File x\n\n":                   &Stack{Lines: "  File x\n"},
		"s1:50:0:":                              &Stack{},
	} {
		if got, err := decode([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "z", "f", "f3:12", "f-1:1", "f99999999999999999999:1", "x5", "l1:xx:1:", "e7:no fork", "r1:x1:10:0:"} {
		if got, err := decode([]byte(text)); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestPlans(t *testing.T) {
	value := "/lib"
	plan := Plan{
		Executable: "/venv/bin/python", Targets: []load.Target{{Spec: "site:app"}}, Path: []string{"/a", "/b"}, Board: true, Capture: true, Ignored: []syscall.Signal{syscall.SIGHUP},
		Restore: map[string]*string{"LD_LIBRARY_PATH": &value, "GOMAXPROCS": nil},
	}
	text, err := plan.encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"x/venv/bin/python", "t\x1fsite:app", "b", "c", "p/b\x00p/a", "i1", "uGOMAXPROCS\x00eLD_LIBRARY_PATH=/lib"} {
		if !bytes.Contains(text, []byte(field+"\x00")) {
			t.Errorf("no %q in %q", field, text)
		}
	}
	plan.Targets[0].Spec = "a\x00b"
	if _, err := plan.encode(); err == nil {
		t.Error("a NUL is taken")
	}
	plan.Targets[0].Spec = strings.Repeat("a", longestPlan)
	if _, err := plan.encode(); err == nil {
		t.Error("a plan is taken that is too long")
	}
}

// What it said last is why it ended; the kernel first tells of what it left unread.
func TestWhoEndsWithSomethingUnreadIsHeard(t *testing.T) {
	if !Supported {
		t.Skip("there are no nurseries on this system")
	}
	ours, theirs, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if err := ours.Begin(Plan{}); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Write([]byte("u")); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	ours.Cut()
	var said []Message
	ours.Messages(func(m Message) { said = append(said, m) })
	if len(said) != 1 {
		t.Fatalf("%v", said)
	}
	if _, ok := said[0].(*Unsupported); !ok {
		t.Errorf("%T", said[0])
	}
}
