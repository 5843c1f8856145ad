package logging

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// seen is what a terminal is sent, but for the time.
func seen(t *testing.T, colors bool, do func(*slog.Logger)) string {
	t.Helper()
	var text bytes.Buffer
	do(slog.New(newHandler(form{level: slog.LevelInfo, terminal: true, screen: true, colors: colors}, appendTo(&text))))
	var lines []string
	for line := range strings.Lines(text.String()) {
		rest := strings.TrimPrefix(line, faint)
		if len(rest) > 12 && rest[2] == ':' {
			if _, err := time.Parse("15:04:05.000", rest[:12]); err == nil {
				line = strings.TrimPrefix(strings.TrimPrefix(rest[12:], plain), " ")
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

func TestATerminalHasTheMessageFirst(t *testing.T) {
	got := seen(t, false, func(log *slog.Logger) {
		log = log.With("worker", 1)
		log.Info("application loaded", "event", "application.loaded", "seconds", 0.5)
		log.Warn("a request is slow", "uri", "/a b", "took", time.Second, "error", errors.New("x=y"), "empty", "")
		log.WithGroup("g").Error("it raised", "k", "v", "traceback", "Traceback:\n  File \"a.py\"\n")
		log.Debug("not seen")
		log.Log(t.Context(), LevelCritical, "c", slog.Group("h", "i", 1))
	})
	want := `INFO  application loaded worker=1 event=application.loaded seconds=0.5
WARN  a request is slow worker=1 uri="/a b" took=1s error="x=y" empty=""
ERROR it raised worker=1 g.k=v
  Traceback:
    File "a.py"
CRIT  c worker=1 h.i=1
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestColoursAreOursAlone(t *testing.T) {
	got := seen(t, true, func(log *slog.Logger) {
		log.Error("\x1b[2Jm\u202e\n\x1b[1mrest", "k\x1b", "v\x1b[31m\x9b", "traceback", "\x1b]0;evil\x07\nx")
	})
	for _, ours := range []string{plain, bold, faint, red} {
		got = strings.ReplaceAll(got, ours, "")
	}
	if strings.ContainsAny(got, "\x1b\x07\u202e\u009b") || !strings.Contains(got, `\x1b[2Jm\u202e`) {
		t.Errorf("%q", got)
	}
}

func TestOwnFramesAreMarked(t *testing.T) {
	got := seen(t, true, func(log *slog.Logger) {
		log.Error("raised", "traceback", `Traceback (most recent call last):
  File "/srv/venv/lib/python3.11/site-packages/flask/app.py", line 1, in wsgi_app
    response = self.handle()
  File "/srv/shop/views.py", line 7, in basket
    total = 1 / 0
  File "<frozen importlib._bootstrap>", line 241, in _call
ZeroDivisionError: division by zero
`)
	})
	if !strings.Contains(got, bold+`    File "/srv/shop/views.py", line 7, in basket`+plain+"\n"+bold+"      total = 1 / 0"+plain+"\n") ||
		strings.Contains(got, bold+`    File "/srv/venv`) || strings.Contains(got, bold+"      response") || strings.Contains(got, bold+`    File "<frozen`) || strings.Contains(got, bold+"  Zero") {
		t.Errorf("%s", got)
	}
}

func TestWhenThereAreColours(t *testing.T) {
	for _, c := range []struct {
		word, no       string
		terminal, json bool
		screen, colors bool
	}{
		{"auto", "", true, false, true, true},
		{"", "", true, false, true, true},
		{"auto", "1", true, false, true, false},
		{"auto", "", false, false, false, false},
		{"always", "1", false, false, true, true},
		{"never", "", true, false, true, false},
		{"never", "", false, false, false, false},
		{"always", "", true, true, false, false},
	} {
		f := form{terminal: c.terminal, json: c.json}
		f.paint(c.word, c.no)
		if f.screen != c.screen || f.colors != c.colors {
			t.Errorf("%+v: screen %v, colours %v", c, f.screen, f.colors)
		}
	}
}
