// Hello is a Go program that serves a WSGI application beside pages of its own.
//
//	python3 embed/cgo_env.py go run ./wsgi/hello wsgi/hello/app.py
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/gowsgi/gowsgi/embed/wsgi"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:8000")
	if err != nil {
		log.Fatal(err)
	}
	if err := serve(ctx, listener, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// serve serves the application until the context ends.
func serve(ctx context.Context, listener net.Listener, target string) error {
	application, err := wsgi.Open(target, wsgi.Options{Threads: 4})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", application)
	mux.HandleFunc("/go", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Hello from Go") })
	server := http.Server{Handler: mux, ReadHeaderTimeout: 20 * time.Second}
	over := make(chan error, 1)
	go func() {
		<-ctx.Done()
		over <- server.Shutdown(context.Background()) // what runs is finished
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return errors.Join(<-over, application.Close())
}
