package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

const gibibyte = 1 << 30

// mib is MIB of testapps/large_bodies.py.
var mib = func() []byte {
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i)
	}
	return block
}()

// repeated reads as mib over and over.
type repeated struct{ position int }

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, mib[r.position:])
	r.position = (r.position + n) % len(mib)
	return n, nil
}

func repeatedHash(size int64) string {
	hash := sha256.New()
	_, _ = io.CopyN(hash, new(repeated), size) // neither can fail
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// watchMemory samples the worker's memory until the function that it returns is
// called, which fails the test if it grew by more than bound bytes.
func watchMemory(t testing.TB, s *Server, bound int64) func() {
	t.Helper()
	pid := s.WorkerPIDs()[0]
	before := RSS(t, pid)
	done, most := make(chan struct{}), make(chan int64)
	go func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		largest := before
		for {
			select {
			case <-ticker.C:
				largest = max(largest, RSS(clientTB{t, 0}, pid))
			case <-done:
				most <- largest
				return
			}
		}
	}()
	return func() {
		t.Helper()
		close(done)
		if grown := <-most - before; grown > bound {
			t.Errorf("the worker grew by %d MiB, from %d MiB", grown>>20, before>>20)
		}
	}
}

func TestLargeBodies(t *testing.T) {
	s := startContract(t, "large_bodies", modes[0], "--response-spool", "8M")
	c := s.Client(t)
	c.Get("/generator?size=3000000") // what the first requests need, they need once
	hash := repeatedHash(gibibyte)
	for _, chunks := range []bool{false, true} {
		t.Run(fmt.Sprintf("1 GiB up, chunked %v", chunks), func(t *testing.T) {
			check := watchMemory(t, s.Server, 32<<20)
			request := c.Request("POST", "/hash", io.LimitReader(new(repeated), gibibyte))
			if !chunks {
				request.ContentLength = gibibyte
			}
			c.Do(request).Want(t, 200, fmt.Sprintf("%d %s", gibibyte, hash))
			check()
		})
	}
	t.Run("1 GiB down", func(t *testing.T) {
		check := watchMemory(t, s.Server, 32<<20)
		response := c.Open(c.Request("GET", fmt.Sprintf("/generator?size=%d", gibibyte), nil))
		defer response.Body.Close()
		got := sha256.New()
		if n, err := io.Copy(got, response.Body); n != gibibyte || err != nil || fmt.Sprintf("%x", got.Sum(nil)) != hash {
			t.Errorf("%d bytes, %v", n, err)
		}
		check()
	})
	t.Run("10 uploads and downloads at once", func(t *testing.T) {
		const size = 20 << 20
		hash := repeatedHash(size)
		check := watchMemory(t, s.Server, 128<<20)
		Parallel(t, 10, func(t testing.TB, i int) {
			c := s.Client(t)
			if i%2 == 0 {
				c.Do(c.Request("POST", "/hash", io.LimitReader(new(repeated), size))).Want(t, 200, fmt.Sprintf("%d %s", size, hash))
				return
			}
			response := c.Get(fmt.Sprintf("/generator?size=%d", size))
			if got := fmt.Sprintf("%x", sha256.Sum256([]byte(response.Body))); got != hash {
				t.Errorf("%d bytes came down", len(response.Body))
			}
		})
		check()
	})
}

// dialSlowly opens a connection whose kernel takes little in advance.
func dialSlowly(t testing.TB, s *Server) *Conn {
	t.Helper()
	c := Dial(t, s)
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(64 << 10)
	}
	return c
}

func TestSlowReaders(t *testing.T) {
	t.Run("of a list hold no thread", func(t *testing.T) {
		s := startContract(t, "large_bodies", modes[1], "--response-spool", "8M")
		var slow []*Conn
		for range 3 {
			c := dialSlowly(t, s.Server)
			c.Send("GET /list?size=50000000 HTTP/1.1\r\nHost: x\r\n\r\n")
			c.ReadUntil("\r\n\r\n")
			slow = append(slow, c)
		}
		for range 10 {
			Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
		}
		for _, c := range slow {
			c.patience()
			body := make([]byte, 50_000_000)
			_, err := io.ReadFull(c.r, body)
			if want := bytes.Repeat(mib, 48)[:len(body)]; err != nil || !bytes.Equal(body, want) {
				t.Errorf("the list did not arrive as it was: %v", err)
			}
			c.StaysOpen("/hello")
		}
	})
	t.Run("of a generator cost no memory", func(t *testing.T) {
		s := startContract(t, "large_bodies", modes[0], "--response-spool", "8M")
		Dial(t, s.Server).Get("/generator?size=3000000")
		check := watchMemory(t, s.Server, 64<<20)
		var keys []string
		for range 4 {
			key := s.Key()
			keys = append(keys, key)
			c := dialSlowly(t, s.Server)
			c.Send("GET /endless?id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
			c.ReadUntil("\r\n\r\n")
			if _, err := io.CopyN(io.Discard, c.r, 100_000); err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		for range 50 { // others are served meanwhile
			Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
		}
		check()
		t.Run("and are let go of when they leave", func(t *testing.T) {
			for _, key := range keys {
				if notes := s.Notes(t, key); len(notes) > 0 {
					t.Errorf("%q while the client is there", notes)
				}
			}
		})
	})
	t.Run("of a generator free its thread when they leave", func(t *testing.T) {
		s := startContract(t, "large_bodies", modes[1], "--response-spool", "8M")
		for _, leave := range []func(c *Conn){(*Conn).Reset, func(c *Conn) { c.Close() }} {
			key := s.Key()
			c := dialSlowly(t, s.Server)
			c.Send("GET /endless?id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
			c.ReadUntil("\r\n\r\n")
			leave(c)
			s.WaitNotes(t, key, "closed")
			Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
		}
	})
}
