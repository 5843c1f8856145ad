package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
)

func TestHello(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- serve(ctx, listener, "app.py") }()
	for path, want := range map[string]string{"/": "Hello from Python\n", "/go": "Hello from Go\n"} {
		response, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != 200 || string(body) != want {
			t.Errorf("%s: %d, %q, %v", path, response.StatusCode, body, err)
		}
	}
	stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
}
