// Package e2e runs the built program against the applications in testapps/ and
// looks at it from outside only: command line, log, HTTP, exit status.
//
// Everything here is a test file; the clients that keep a server busy are a
// package of their own, load, which the benchmark uses as well. A test says Start with a target, gets a
// Server that is ready, and talks to it with a Client (net/http, cookies) or a
// Conn (exact bytes). The Server stops by itself when the test ends, and fails
// the test if the program did not exit with 0 or left a crash in its log.
//
// Settings, all of them environment variables:
//
//	GOWSGI_BIN           program under test; default bin/gowsgi of the checkout
//	GOWSGI_TEST_PYTHON   interpreter that the virtualenvs are made with; default python3
//	GOWSGI_TEST_PYTHONS  interpreters, separated by spaces, that Pythons loops over;
//	                     default GOWSGI_TEST_PYTHON alone
//	GOWSGI_TEST_PRELOAD  anything: the programs under test run with --preload, but for
//	                     tests of what happens when each worker loads (eachLoads)
//
// Virtualenvs are made once and kept under build/venvs.
package e2e
