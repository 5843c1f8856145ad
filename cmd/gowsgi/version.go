package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/python"
	"github.com/gowsgi/gowsgi/internal/version"
)

func writeVersion(w io.Writer, site *bundle.Site) {
	fmt.Fprintf(w, "gowsgi %s\n", version.Version)
	fmt.Fprintf(w, "Go %s %s/%s\n", goVersion(), runtime.GOOS, runtime.GOARCH)
	if site != nil {
		fmt.Fprint(w, bundled(site))
		return
	}
	if names := python.Inside().Names(); len(names) > 0 {
		fmt.Fprintf(w, "workers for CPython %s\n", strings.Join(names, ", "))
	} else {
		fmt.Fprintln(w, "no workers inside: make build puts them there")
	}
}

// goVersion is that of Go, without the experiments that the build was told of.
func goVersion() string {
	version, _, _ := strings.Cut(strings.TrimPrefix(runtime.Version(), "go"), "-X:")
	version, _, _ = strings.Cut(version, " ")
	return version
}
