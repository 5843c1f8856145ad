package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTargets(t *testing.T) {
	for target, want := range map[string]string{
		"startup_targets":                   "application",
		"startup_app":                       "app only",
		"startup_targets:other":             "other",
		"startup_targets:app":               "app",
		"startup_targets:Holder.Inner.wsgi": "Holder.Inner.wsgi",
		"startup_targets:instance":          "Callable",
		"startup_targets:make()":            "make () []",
		"startup_targets:make('x', y=1)":    "make ('x',) [('y', 1)]",
		`startup_targets:make("a:b(c)", [1, {"k": None}], -2.5, z=(True,))`: "make ('a:b(c)', [1, {'k': None}], -2.5) [('z', (True,))]",
		"startup_targets:make_one('ü', debug=True)":                         "ü True",
		"startup_file.wsgi":                                   "startup_file.wsgi True True",
		"./startup_file.wsgi":                                 "startup_file.wsgi True True",
		"startup_file.wsgi:second":                            "second",
		Testapps("startup_file.wsgi"):                         "startup_file.wsgi True True",
		"startup_targets.py":                                  "application",
		"startup_targets.py:make(5)":                          "make (5,) []",
		Testapps("startup_targets.py") + ":Holder.Inner.wsgi": "Holder.Inner.wsgi",
	} {
		t.Run(strings.ReplaceAll(target, "/", "|"), func(t *testing.T) {
			s := Start(t, Options{Target: target})
			s.Client(t).Get("/").Want(t, 200, want)
		})
	}
	t.Run("a package in another folder", func(t *testing.T) {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "site", "__init__.py"), "")
		write(t, filepath.Join(folder, "inner_package", "__init__.py"), "")
		write(t, filepath.Join(folder, "inner_package", "wsgi.py"), "from startup_targets import named\napplication = named('packed')\n")
		for _, args := range [][]string{
			{"--chdir", folder, "--pythonpath", Testapps()},
			{"--pythonpath", folder + "," + Testapps()},
		} {
			s := Start(t, Options{Target: "inner_package.wsgi", Args: args, Dir: t.TempDir()})
			s.Client(t).Get("/").Want(t, 200, "packed")
		}
	})
}

// A file is no module of its base name: what is imported by that name is what it
// would be without the file.
func TestFilesNamedAfterLibraries(t *testing.T) {
	folder := t.TempDir()
	const app = `import base64, %[1]s

class Holder:
    pass

def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/raise":
        raise ValueError("on purpose")
    return [b"%%r" %% (%[1]s.__file__ == __file__), b" %[1]s"]
`
	for file, module := range map[string]string{
		"site.wsgi": "site", "base64.wsgi": "base64", "neighbour.wsgi": "neighbour", "colorsys.wsgi": "colorsys", "site.py": "site",
		"w (2).wsgi": "wave", "a b.txt": "wave",
	} {
		t.Run(file, func(t *testing.T) {
			var path string
			for _, where := range []string{"of ", "in (parentheses):"} {
				path = filepath.Join(folder, where+strings.ReplaceAll(file, ".", "-"), file)
				write(t, path, fmt.Sprintf(app, module))
				write(t, filepath.Join(filepath.Dir(path), "neighbour.py"), "")
				for _, target := range []string{path, path + ":application"} {
					t.Run(target[len(folder)+1:], func(t *testing.T) {
						s := Start(t, Options{Target: target})
						s.Client(t).Get("/").Want(t, 200, "False "+module)
						s.Client(t).Get("/raise")
						s.WaitLog(t, `File "`+path+`", line 9, in application`)
					})
				}
			}
			// The bytecode of neighbour.wsgi would take the place of neighbour.py's.
			cached, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "__pycache__", module+".*"))
			if filepath.Ext(file) == ".wsgi" && (len(cached) > 0) != (module == "neighbour") {
				t.Errorf("bytecode in %q", cached)
			}
		})
	}
}

// What is called with environ and start_response is an application, however it is
// made; what cannot be is told from it by its looks.
func TestCallables(t *testing.T) {
	for _, name := range []string{
		"function", "with_default", "all_defaults", "stars", "generator", "ByInit", "ByNew", "ByMeta", "instance", "method", "class_method",
		"static_method", "partial_method", "partial", "keyword_partial", "wrapped_view", "create_wrapped", "signed", "strange",
	} {
		t.Run(name, func(t *testing.T) {
			Start(t, Options{Target: "startup_callables:" + name}).Client(t).Get("/").Want(t, 200, name)
		})
	}
	asgi := []string{"is an ASGI application", "a2wsgi.ASGIMiddleware"}
	for target, says := range map[string][]string{
		"create_app": {`"startup_callables:create_app()"`}, "create_with_default": {`"startup_callables:create_with_default()"`},
		"create_with_defaults": {`"startup_callables:create_with_defaults()"`}, "make_keyword": {`"startup_callables:make_keyword()"`},
		"Maker": {`"startup_callables:Maker()"`}, "configured": {`"startup_callables:configured(…)"`},
		"asgi": asgi, "Asgi3": asgi, "asgi3": asgi, "Asgi2": asgi, "asgi2": asgi, "coroutine": asgi, "stream": asgi, "asgi_partial": asgi,
		"make_asgi()": asgi,
	} {
		t.Run(target, func(t *testing.T) {
			result := Run(t, Options{Dir: Testapps()}, "-b", freeAddr(t), "--venv", PlainVenv(t), "startup_callables:"+target)
			if result.Status != 1 {
				t.Errorf("exit status %d", result.Status)
			}
			checkComplaint(t, result, append(says, "startup_callables:"+target), "")
		})
	}
	t.Run("Django's", func(t *testing.T) {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "mysite", "asgi.py"), "async def application(scope, receive, send):\n    pass\n")
		result := Run(t, Options{Dir: folder}, "-b", freeAddr(t), "--venv", PlainVenv(t), "mysite.asgi")
		checkComplaint(t, result, []string{"mysite.asgi is an ASGI application", "mysite.wsgi:application"}, "")
	})
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What cannot start says so in one line, and ends with status 1.
func TestTargetsThatCannotStart(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "syntax.py"), "def application(environ, start_response):\n    return [b'x'\n")
	write(t, filepath.Join(folder, "broken.wsgi"), "import syntax\n")
	write(t, filepath.Join(folder, "nul.py"), "application = '\x00'\n")
	for _, test := range []struct {
		name, target string
		env          []string
		line         []string // in the line that says why
		traceback    string   // in the traceback before it; "" for none
	}{
		{"no module", "no_such_module:application", nil, []string{`no_such_module`, "--chdir", "--pythonpath"}, ""},
		{"no module in a package", "xml.no_such_module", nil, []string{"xml.no_such_module"}, ""},
		{"no package", "no_such_package.wsgi", nil, []string{"no_such_package"}, ""},
		{"a dot for the colon", "startup_targets.application", nil, []string{"write startup_targets:application"}, ""},
		{"a dot for the colon in a package", "xml.sax.handler.version", nil, []string{"write xml.sax.handler:version"}, ""},
		{"dots further down", "startup_targets.Holder.Inner.wsgi", nil, []string{"write startup_targets:Holder.Inner.wsgi"}, ""},
		{"a dot for the colon, and no such attribute", "startup_targets.missing", nil, []string{"no module named", "startup_targets.missing"}, ""},
		{"no attribute", "startup_targets:missing", nil, []string{"startup_targets", "missing"}, ""},
		{"no attribute further down", "startup_targets:Holder.Inner.missing", nil, []string{"Holder.Inner.missing"}, ""},
		{"no default name", "contract", nil, []string{"contract", `"application"`, `"app"`}, ""},
		{"not callable", "startup_targets:number", nil, []string{"startup_targets:number", "not callable", "int"}, ""},
		{"a factory that takes something else", "startup_targets:make_one()", nil, []string{"make_one()", "TypeError"}, "TypeError"},
		{"a factory that takes less", "startup_targets:make_one(1, 2, debug=3)", nil, []string{"make_one(", "TypeError"}, "TypeError"},
		{"a factory that raises", "startup_targets:make()", []string{"TARGET_FAILS=1"}, []string{"make()", "RuntimeError", "on purpose"}, "startup_targets.py"},
		{"a factory that returns nothing", "startup_targets:make_none()", nil, []string{"make_none()", "not callable", "NoneType"}, ""},
		{"arguments that are no literals", "startup_targets:make(open)", nil, []string{"literal"}, ""},
		{"arguments that are calls", "startup_targets:make(print('x'))", nil, []string{"literal"}, ""},
		{"arguments without end", "startup_targets:make(1", nil, []string{"make(1"}, ""},
		{"arguments and more", "startup_targets:make(1).other", nil, []string{"make(1).other"}, ""},
		{"arguments spread", "startup_targets:make(**{'a': 1})", nil, []string{"literal"}, ""},
		{"a file that is not there", "./no_such_file.wsgi", nil, []string{"no_such_file.wsgi"}, ""},
		{"a file that is not there, or a module", "no_such_file.wsgi", nil, []string{"there is no file", "/no_such_file.wsgi", "no module named"}, ""},
		{"a folder", "./", nil, []string{"./"}, ""},
		{"a file without the name", "startup_file.wsgi:missing", nil, []string{"startup_file.wsgi", "missing"}, ""},
		{"a module that raises", "startup_raises", nil, []string{"startup_raises", "RuntimeError", "deliberate, at import"}, "startup_raises.py"},
		{"a file that raises", "startup_raises.py", nil, []string{"startup_raises.py", "RuntimeError", "deliberate, at import"}, "in fail"},
		{"a module that lacks another", "startup_raises", []string{"RAISES=import"}, []string{"ModuleNotFoundError", "no_such_dependency"}, "startup_raises.py"},
		{"a module that exits", "startup_raises", []string{"RAISES=exit"}, []string{"startup_raises", "SystemExit"}, "startup_raises.py"},
		{"a module that is interrupted", "startup_raises", []string{"RAISES=interrupt"}, []string{"KeyboardInterrupt"}, "startup_raises.py"},
		{"a syntax error", filepath.Join(folder, "syntax.py"), nil, []string{"SyntaxError"}, "syntax.py"},
		{"a syntax error further down", filepath.Join(folder, "broken.wsgi"), nil, []string{"SyntaxError"}, "syntax.py"},
		{"no Python text", filepath.Join(folder, "nul.py"), nil, []string{"nul.py"}, "null bytes"},
		{"a file in parentheses that is not there", "./no (such)/file.wsgi", nil, []string{"no (such)/file.wsgi"}, ""},
		{"parentheses without a colon", "startup_targets(1)", nil, []string{"startup_targets(1)", "module:make"}, ""},
		{"no name after the colon", "startup_targets:", nil, []string{"startup_targets:"}, ""},
		{"no module before it", ":application", nil, []string{":application"}, ""},
		{"a name that is none", "startup_targets:a b", nil, []string{"a b"}, ""},
		{"dots only", "..", nil, []string{"no module named"}, ""},
	} {
		for _, workers := range []string{"1", "2"} {
			t.Run(test.name+", "+workers, func(t *testing.T) {
				result := Run(t, Options{Dir: Testapps(), Env: test.env}, "-b", freeAddr(t), "--venv", PlainVenv(t), "--workers", workers, test.target)
				if result.Status != 1 {
					t.Errorf("exit status %d", result.Status)
				}
				checkComplaint(t, result, test.line, test.traceback)
			})
		}
	}
}

func checkComplaint(t *testing.T, result Result, parts []string, traceback string) {
	t.Helper()
	if crash := crashLog.FindString(result.Errors); crash != "" || strings.Contains(result.Errors, ".go:") {
		t.Errorf("a Go stack: %q", crash)
	}
	lines := strings.Split(strings.TrimRight(result.Errors, "\n"), "\n")
	complaints := 0
	for i, line := range lines {
		said := true
		for _, part := range parts {
			said = said && strings.Contains(line, part)
		}
		// A traceback's own last line is no message, nor is the start's line.
		if said && !strings.HasPrefix(line, "    ") && !strings.Contains(line, "msg=starting") && !isTracebackLine(lines, i) {
			complaints++
		}
	}
	if complaints != 1 {
		t.Errorf("%d lines say %q:\n%s", complaints, parts, result.Errors)
	}
	if n := strings.Count(result.Errors, "Traceback (most recent call last)"); traceback == "" && n > 0 {
		t.Errorf("%d tracebacks:\n%s", n, result.Errors)
	} else if traceback != "" && (n > 1 || !strings.Contains(result.Errors, traceback)) {
		t.Errorf("%d tracebacks, wanted with %q:\n%s", n, traceback, result.Errors)
	}
	if n := strings.Count(result.Errors, "msg=starting"); n > 1 {
		t.Errorf("%d starts", n)
	}
}

// isTracebackLine: "RuntimeError: …" at the end of a traceback, possibly indented.
func isTracebackLine(lines []string, i int) bool {
	first := strings.TrimLeft(lines[i], " |")
	name, _, _ := strings.Cut(first, ":")
	return !strings.ContainsAny(name, " =") && (strings.HasSuffix(name, "Error") || name == "SystemExit" || name == "KeyboardInterrupt")
}

// Python passes over it in silence.
func TestFoldersOfPythonpathThatAreNotThereAreNamed(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "there", "app.py"), "def application(environ, start_response):\n    start_response('200 OK', [])\n    return []\n")
	below := filepath.Join(folder, "there", "app.py", "x") // a file
	args := []string{"--chdir", folder, "--pythonpath", "there,absent," + below}
	s := Start(t, Options{Target: "app", Args: args})
	for _, path := range []string{filepath.Join(folder, "absent"), below} {
		if !strings.Contains(s.Log(), "level=WARN msg=\"--pythonpath "+path+": there is no such folder") {
			t.Errorf("%s is not named in %s", path, s.Log())
		}
	}
	if n := strings.Count(s.Log(), "event=settings.note"); n != 2 {
		t.Errorf("%d notes", n)
	}
	result := Run(t, Options{}, append(args, "--venv", PlainVenv(t), "--check-config", "app")...)
	if out := strings.Join(strings.Fields(result.Out), " "); result.Status != 0 || !strings.Contains(out, "note --pythonpath "+filepath.Join(folder, "absent")+": there is no such folder") {
		t.Errorf("status %d, %s", result.Status, result.Out)
	}
}
