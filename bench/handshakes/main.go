// Command handshakes makes TLS connections one after the other, each with one
// request, and reports how many: what bench/front.py runs. Its output is one line
// of JSON.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type report struct {
	Requests   int64 `json:"requests"`
	Resumed    int64 `json:"resumed"`
	Errors     int64 `json:"errors"`
	DurationUS int64 `json:"duration_us"`
}

func main() {
	address := flag.String("address", "", "host:port")
	clients := flag.Int("clients", 8, "at the same time")
	seconds := flag.Float64("seconds", 5, "how long")
	resume := flag.Bool("resume", false, "resume a session of each client's")
	flag.Parse()
	var r report
	var all sync.WaitGroup
	began := time.Now()
	end := began.Add(time.Duration(*seconds * float64(time.Second)))
	for range *clients {
		all.Go(func() {
			config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}} //nolint:gosec // the certificate is the benchmark's own
			if *resume {
				config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			}
			for time.Now().Before(end) {
				resumed, err := once(*address, config)
				switch {
				case err != nil:
					atomic.AddInt64(&r.Errors, 1)
					time.Sleep(time.Millisecond) // else a server that is down is asked a million times
				default:
					atomic.AddInt64(&r.Requests, 1)
					if resumed {
						atomic.AddInt64(&r.Resumed, 1)
					}
				}
			}
		})
	}
	all.Wait()
	r.DurationUS = time.Since(began).Microseconds()
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// once connects, asks and reads the answer to the connection's end, behind which
// TLS 1.3 has sent its tickets.
func once(address string, config *tls.Config) (resumed bool, err error) {
	c, err := tls.Dial("tcp", address, config)
	if err != nil {
		return false, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return false, err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); err != nil {
		return false, err
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return false, err
	}
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("status %d", response.StatusCode)
	}
	return c.ConnectionState().DidResume, nil
}
