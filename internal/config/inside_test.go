package config

import (
	"errors"
	"testing"
)

func TestWordsForABundleThatAreNoApplication(t *testing.T) {
	inside := &Inside{
		Name: "the settings inside site", Target: "shop:app", Program: "site", Commands: []string{"python", "flask", "manage"},
		Module: func(name string) bool { return name == "shop" || name == "flask" || name == "other" },
	}
	const line = "command line: target: "
	for args, want := range map[string]string{
		"": "", "shop": "", "other": "", "flask": "", "other:app": "", "x:app": "", "./x.py": "", "-b :80 other": "",
		"shell":                    line + `"shell" is no application of this bundle, and there is no command shell in it: site --help lists those that there are`,
		"pip list --outdated":      line + "there is no command pip in it: site --help lists those that there are",
		"shell --plain":            line + "there is no command shell in it: site --help lists those that there are",
		"shop:app --plain":         "--plain: there is no such option; gowsgi --help lists them",
		"exec ls -l":               line + "there is no command exec in it: site --help lists those that there are",
		"-b :80 manage migrate":    line + "manage is run if it comes first, and settings are variables then, such as GOWSGI_BUNDLE_DIR: write site manage migrate",
		"--timeout 9 python x.py":  line + "python is run if it comes first, and settings are variables then, such as GOWSGI_BUNDLE_DIR: write site python x.py",
		"manage.py migrate":        line + "manage.py is called manage in it: write site manage migrate",
		"tool.py now":              line + "scripts are run by the Python inside: write site python tool.py now",
		"run":                      line + "site needs no run: write site",
		"run --workers 2 shop:app": line + "site needs no run: write site",
		"help":                     line + "site has no command help: write site --help",
		"shop:app 8000":            line + `"8000" is an address: write site --bind 127.0.0.1:8000`,
		"shop:app other:app":       line + `one application expected, but there are 2: "shop:app", "other:app"; options are written with --`,
	} {
		_, err := LoadOver(inside, words(args), nil, files{}.read)
		got := ""
		var problems *Problems
		if errors.As(err, &problems) && len(problems.List) == 1 {
			got = problems.List[0].String()
		} else if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", args, got, want)
		}
	}
}
