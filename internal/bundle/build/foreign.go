package build

import (
	"fmt"
	"slices"
	"strings"
)

// foreign are options of other programs that make one file of a site, and what to
// write in their place.
var foreign = []struct{ names, advice string }{
	{
		"--onefile --standalone --compressed --compress-pyc --compile-pyc --reproducible --no-modify --strip --clean --noconfirm --venv-copies",
		"that is what gowsgi build does anyway: leave this out",
	},
	{"--onedir", "one file is made, which unpacks itself at its first start: leave this out"},
	{
		"--add-data --add-binary --include-data-files --include-data-dir --collect-data --collect-binaries --sources-directory",
		"all that git would keep of the application's folder goes in, and all of the packages: write --include GLOB for what .gitignore names",
	},
	{
		"--hidden-import --hiddenimport --collect-submodules --collect-all --copy-metadata --recursive-copy-metadata --include-package --include-module",
		"all packages of the virtualenv go in: leave this out",
	},
	{"--exclude-module --nofollow-import-to", "all packages of the virtualenv go in: uninstall there what the site does not need, and write --exclude GLOB for the application's files"},
	{"--distpath --output-file --output-filename --output-dir --outfile", "write -o FILE"},
	{"--requirement --requirements -r", "packages come from the virtualenv: pip install them there, and name it with --venv"},
	{"--python --interpreter --site-packages --python-shebang", "the virtualenv has the Python and the packages: name it with --venv"},
	{"--paths", "write --pythonpath DIR"},
	{"--platform --target-arch --target-architecture --complete-platform", "it is made for the machine that it is built on: build it on one of that kind"},
	{"--runtime-tmpdir --runtime-pex-root --root", "write --bundle-dir DIR"},
}

// checkForeign says what to write for the first of such options.
func checkForeign(name string) error {
	for _, each := range foreign {
		if slices.Contains(strings.Fields(each.names), name) {
			return fmt.Errorf("%s: there is no such option: %s", name, each.advice)
		}
	}
	return nil
}
