//go:build linux

package lane

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gowsgi/gowsgi/internal/http1"
)

func serveUntil(t *testing.T, all *sync.WaitGroup) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		all.Wait()
		close(over)
	}()
	for done := false; !done; {
		select {
		case h := <-adopted:
			serve(t, h)
		case <-over:
			open, _, _ := shared.Count()
			done = open == 0 && len(adopted) == 0
		}
	}
}

func noEventIsLost(t *testing.T) {
	const clients, requests = 20, 500
	var all sync.WaitGroup
	for i := range clients {
		c := connect(t, http1.Parked{})
		all.Go(func() {
			const request = "GET /at/echo HTTP/1.1\r\nHost: x\r\n\r\n"
			random := rand.New(rand.NewPCG(1, uint64(i)))
			sent := make(chan struct{}, 3) // so far ahead of its answers is the client
			go func() {
				for range requests {
					for range random.IntN(200) { // some moment
						runtime.Gosched()
					}
					if _, err := io.WriteString(c, request); err != nil {
						t.Errorf("%d: %v", i, err)
					}
					sent <- struct{}{}
				}
			}()
			for range requests {
				<-sent
				response := make([]byte, 0, 256)
				for !strings.HasSuffix(string(response), "192.0.2.1 ") {
					b, err := c.r.ReadByte()
					if err != nil {
						t.Errorf("%d: %v after %q", i, err, response)
						return
					}
					response = append(response, b)
				}
			}
			c.Close()
		})
	}
	serveUntil(t, &all)
}

func noConnectionGetsAnothers(t *testing.T) {
	const clients, turns = 64, 100_000 / 64
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for n := range turns {
				c, fd := pair(t)
				openCount.Add(1)
				if !shared.Give(&http1.Parked{FD: fd, Requests: n % 2}) {
					t.Error("the lane does not take it")
					return
				}
				name := fmt.Sprintf("%d-%d", i, n)
				_, err := io.WriteString(c, "GET /at/echo?"+name+" HTTP/1.1\r\nHost: x\r\n\r\n")
				if n%3 == 0 { // gone while its request runs
					c.Close()
					continue
				}
				var answer strings.Builder
				for err == nil && !strings.HasSuffix(answer.String(), " /echo "+name+"  ") {
					var b byte
					if b, err = c.r.ReadByte(); err == nil {
						answer.WriteByte(b)
					}
				}
				c.Close()
				if err != nil {
					t.Errorf("%s: %v after %q", name, err, answer.String())
					return
				}
			}
		})
	}
	serveUntil(t, &all)
}
