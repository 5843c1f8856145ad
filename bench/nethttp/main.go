// Command nethttp is the yardstick: what net/http itself costs for the answer of bench/apps/hello.py.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: nethttp ADDRESS:PORT")
		os.Exit(2)
	}
	server := &http.Server{Addr: os.Args[1], Handler: http.HandlerFunc(hello), ReadHeaderTimeout: 10 * time.Second}
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", "14")
	// A client that has gone is nobody's error here.
	_, _ = w.Write([]byte("Hello, World!\n"))
}
