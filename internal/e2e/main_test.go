package e2e

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// eachLoads is for tests of what happens when each worker loads the application.
const eachLoads = "--preload=false"

// preload: all tests are to run with --preload.
var preload = os.Getenv("GOWSGI_TEST_PRELOAD") != ""

func TestMain(m *testing.M) {
	if _, err := os.Stat(program()); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: no program to test at %s: run make build, or name one in GOWSGI_BIN\n", program())
		os.Exit(1)
	}
	if signal.Ignored(syscall.SIGHUP) { // under nohup; what is caught here is not ignored by servers
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	status := m.Run()
	removeBundles()
	_ = os.RemoveAll(certificate().folder)
	os.Exit(status)
}

// checkout is the top of the tree: go test runs in the package's folder.
func checkout() string {
	here, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Dir(filepath.Dir(here))
}

// program is the file that the tests run.
func program() string {
	if bin := os.Getenv("GOWSGI_BIN"); bin != "" {
		return bin
	}
	return filepath.Join(checkout(), "bin", "gowsgi")
}

// Testapps is the folder of the applications, or what is at path in it.
func Testapps(path ...string) string {
	return filepath.Join(append([]string{checkout(), "testapps"}, path...)...)
}
