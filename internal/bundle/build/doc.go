// Package build makes bundles (package bundle): gowsgi build. It finds what a
// site needs, instead of being told:
//
//   - the packages, by asking the site's interpreter what it sees (probe.py);
//   - the standard library, without what nobody serves with (stdlib.go);
//   - the application's folder, as git sees it, without secrets (application.go);
//   - the shared libraries that all of these name, and that are not the C
//     library's (libraries.go).
//
// Bytecode is compiled here and never looked at again. Nothing of this machine
// goes in: no date, no path, no order of a directory. So the same files give the
// same bundle.
//
// # Rules of .gitignore
//
// Two libraries were compared with git check-ignore, over 44 paths and 30
// patterns: go-git's gitignore was wrong in one thing, which can be translated
// ([!a] for [^a], see ignore.go); sabhiram/go-gitignore in nine, and knows no
// .gitignore below the first.
package build
