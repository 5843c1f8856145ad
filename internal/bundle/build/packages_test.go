package build

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPackagesComeFromWhereverTheInterpreterSeesThem(t *testing.T) {
	site := folder(t, map[string]string{
		"lib/python3.11/site-packages/pkg/__init__.py":                 "",
		"lib/python3.11/site-packages/pkg-1.dist-info/direct_url.json": "file:///home/me",
		"lib/python3.11/site-packages/pip/__init__.py":                 "",
		"lib/python3.11/site-packages/pip-23.dist-info/METADATA":       "",
		"lib/python3.11/site-packages/paths.pth":                       "/home/me/src\n../up\nwithin\n",
		"lib/python3.11/site-packages/code.pth":                        "# comment\nimport os; os.environ\n/home/me\n",
		"lib/python3.11/site-packages/__editable__.ed-1.pth":           "import __editable___ed_1_finder; __editable___ed_1_finder.install()\n",
		"lib/python3.11/site-packages/__editable___ed_1_finder.py":     "MAPPING = {}\n",
		"lib/python3.11/site-packages/__pycache__/x.pyc":               "",
		"lib/python3.11/site-packages/pkg/locale/django.po":            "",
		"lib/python3.11/site-packages/pkg/locale/django.mo":            "",
		"lib/python3.11/site-packages/pkg/locale/alone.po":             "",
		"bin/tool": "#!/home/me/venv/bin/python\nimport sys\n", "bin/long": "#!/bin/sh\n'''exec' /home/me/venv/bin/python \"$0\" \"$@\"\n' '''\nimport sys\n",
		"bin/binary": "\x7fELF",
	})
	written := folder(t, map[string]string{"ed/__init__.py": "", "ed/sub/x.py": "", "mod.py": "", "src/other.py": ""})
	application := folder(t, map[string]string{"src/app.py": ""})
	packages := filepath.Join(site, "lib/python3.11/site-packages")
	answer := probed{
		Prefix: site, Purelib: packages, Platlib: packages, Stdlib: "/usr/lib/python3.11", ScriptsFolder: filepath.Join(site, "bin"),
		Path: []string{packages, filepath.Join(written, "src"), filepath.Join(application, "src")}, Scripts: []string{"tool", "long", "binary", "missing", "pip"},
		Editable: map[string]map[string]string{
			filepath.Join(packages, "__editable___ed_1_finder.py"): {"ed": filepath.Join(written, "ed"), "ns.mod": filepath.Join(written, "mod")},
		},
	}
	c := newCollection()
	if err := c.addPackages(answer, application, []string{"app"}, false); err != nil {
		t.Fatal(err)
	}
	const at = "venv/lib/python3.11/site-packages/"
	for path, content := range map[string]string{
		at + "pkg/__init__.py": "", at + "pkg/locale/django.mo": "", at + "pkg/locale/alone.po": "", at + "ed/__init__.py": "", at + "ed/sub/x.py": "", at + "ns/mod.py": "", "paths/1/src/other.py": "",
		at + "paths.pth": "within\n", at + "code.pth": "import os; os.environ\n",
		at + pathFile:   "../../../../paths/1/src\n../../../../app/src\n../../../../app\n",
		"venv/bin/tool": "#!/bin/sh\n'''exec' \"$(dirname \"$0\")/python\" \"$0\" \"$@\"\n' '''\nimport sys\n",
		"venv/bin/long": "#!/bin/sh\n'''exec' \"$(dirname \"$0\")/python\" \"$0\" \"$@\"\n' '''\nimport sys\n",
	} {
		s, there := c.sources[path]
		if !there || content != "" && string(s.content) != content {
			t.Errorf("%s: %q, %v", path, s.content, there)
		}
		delete(c.sources, path)
	}
	for path := range c.sources {
		t.Errorf("%s goes in", path)
	}
	answer.Editable[filepath.Join(packages, "__editable___ed_1_finder.py")]["gone"] = "/nonexistent/gone"
	if err := newCollection().addPackages(answer, application, nil, false); err == nil || !strings.Contains(err.Error(), "install it again") {
		t.Error(err)
	}
}
