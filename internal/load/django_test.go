package load_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/load"
)

// settings stands for Django's: it remembers who asked it itself.
const settings = `
import json, types

class Settings:
    asked = []
    def __init__(self, configured, written):
        self.configured, self._wrapped = configured, types.SimpleNamespace(**written)
    def __getattr__(self, name):
        self.asked.append(name)
        raise AttributeError(name)

def answer(configured, written, mount):
    sys.modules["django.conf"] = types.SimpleNamespace(settings=Settings(configured, written))
    try:
        return static_files(mount)
    except Refused as error:
        return "refused: %s" % error

def ask(cases):
    before = static_missing()
    answers = [answer(*case) for case in cases]
    assert not Settings.asked, Settings.asked
    return [before] + answers

def static_missing():
    try:
        return static_files("")
    except Refused as error:
        return "refused: %s" % error
`

func TestDjangosSettingsSayWhereItsStaticFilesAre(t *testing.T) {
	folder := t.TempDir()
	cases := []struct {
		configured bool
		written    map[string]any
		mount      string
		want       string
	}{
		{true, map[string]any{"STATIC_URL": "static/", "STATIC_ROOT": "/srv/files"}, "", "/static/\n/srv/files"},
		{true, map[string]any{"STATIC_URL": "static/", "STATIC_ROOT": "/srv/files"}, "/app", "/app/static/\n/srv/files"},
		{true, map[string]any{"STATIC_URL": "/static/", "STATIC_ROOT": "/srv/files"}, "/app", "/static/\n/srv/files"},
		{true, map[string]any{"STATIC_URL": "static/", "STATIC_ROOT": "/srv/files", "FORCE_SCRIPT_NAME": "/x/"}, "/app", "/x/static/\n/srv/files"},
		{true, map[string]any{"STATIC_URL": "/m%C3%A9dia/", "STATIC_ROOT": "files"}, "", "/média/\n" + folder + "/files"},
		{true, map[string]any{"STATIC_URL": "https://cdn.example.org/s/", "STATIC_ROOT": "/x"}, "", "refused: static: django: STATIC_URL is 'https://cdn.example.org/s/', which is at another host: leave django out of static"},
		{true, map[string]any{"STATIC_URL": "/static/"}, "", "refused: static: django: STATIC_ROOT is not set: set it to a folder, which manage.py collectstatic fills"},
		{true, map[string]any{"STATIC_URL": nil, "STATIC_ROOT": "/x"}, "", "refused: static: django: STATIC_URL is not set: set it, or leave django out of static"},
		{false, map[string]any{}, "", "refused: static: django asks Django's settings, and the application has none: write /path=DIR for django"},
	}
	var input [][]any
	for _, c := range cases {
		input = append(input, []any{c.configured, c.written, c.mount})
	}
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	program := os.Getenv("GOWSGI_TEST_PYTHON")
	if program == "" {
		program = "python3"
	}
	cmd := exec.Command(program, "-I", "-c", load.Django()+settings+"print(json.dumps(ask(json.loads(sys.stdin.read()))))")
	cmd.Dir, cmd.Stdin, cmd.Stderr = folder, strings.NewReader(string(text)), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []string
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(cases)+1 {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.HasPrefix(answers[0], "refused: ") {
		t.Errorf("without Django: %q", answers[0])
	}
	for i, c := range cases {
		if answers[i+1] != c.want {
			t.Errorf("%v: %q, want %q", c.written, answers[i+1], c.want)
		}
	}
}
