// Slowclients takes a page slowly over and over, with many connections, and says "ready"
// when all of them have had something. It is a program of its own so that it costs the
// machine little beside what it is there to disturb. bench/front.py runs it.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// receiveBuffer is what the kernel takes of a page that nobody has asked for yet, bytes.
const receiveBuffer = 16 << 10

// step is how often a client takes something.
const step = 500 * time.Millisecond

func main() {
	address := flag.String("address", "", "host and port of the server; TLS")
	path := flag.String("path", "/", "of the page")
	clients := flag.Int("clients", 1000, "connections")
	rate := flag.Int("rate", 10_000, "bytes a second that each of them takes")
	flag.Parse()
	var first sync.WaitGroup
	for range *clients {
		first.Add(1)
		go func() {
			taken := sync.OnceFunc(first.Done)
			for {
				if err := take(*address, *path, *rate, taken); err != nil {
					log.Fatal(err)
				}
			}
		}()
	}
	first.Wait()
	fmt.Println("ready")
	select {}
}

// take takes a page over a connection of its own.
func take(address, path string, rate int, taken func()) error {
	// Clients do not breathe together.
	time.Sleep(rand.N(step)) //nolint:gosec // not a secret
	plain, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer plain.Close()
	if err := plain.(*net.TCPConn).SetReadBuffer(receiveBuffer); err != nil {
		return err
	}
	conn := tls.Client(plain, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) //nolint:gosec // a test's own certificate
	buffer := make([]byte, int(float64(rate)*step.Seconds()))
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path); err != nil {
		return err
	}
	for {
		n, err := io.ReadFull(conn, buffer)
		if n > 0 {
			taken()
		}
		if err != nil {
			return nil //nolint:nilerr // the page is over, and with it the connection
		}
		time.Sleep(step)
	}
}
