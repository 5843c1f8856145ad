package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/gowsgi/gowsgi/internal/python"
	"github.com/gowsgi/gowsgi/internal/version"
)

func writeVersion(w io.Writer) {
	fmt.Fprintf(w, "gowsgi %s\n", version.Version)
	fmt.Fprintf(w, "Go %s %s/%s\n", strings.TrimPrefix(runtime.Version(), "go"), runtime.GOOS, runtime.GOARCH)
	if names := python.Inside().Names(); len(names) > 0 {
		fmt.Fprintf(w, "workers for CPython %s\n", strings.Join(names, ", "))
	} else {
		fmt.Fprintln(w, "no workers inside: make build puts them there")
	}
}
