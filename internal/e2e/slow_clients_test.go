package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// slowClients has one thread, so that a client who held one would be noticed.
func slowClients(t *testing.T, mode Mode) Contract {
	t.Helper()
	return startContract(t, "hangs", mode, "--request-buffer", "1000", "--request-spool", "0", "--response-spool", "8M", "--header-timeout", "1",
		"--body-timeout", "1", "--write-timeout", "1", "--min-rate", "1000000", "--timeout", "0")
}

func TestClientsThatAreTooSlowAreCut(t *testing.T) {
	for _, mode := range []Mode{{Name: "1 thread", Args: modes[1].Args}, modes[1]} {
		t.Run(mode.Name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			checkTooSlow(t, slowClients(t, mode))
		})
	}
}

func checkTooSlow(t *testing.T, s Contract) {
	t.Run("with the head", func(t *testing.T) {
		Parallel(t, 20, func(t testing.TB, i int) {
			c := Dial(t, s.Server)
			c.Send("GET /hello HTTP/1.1\r\nHost: x\r\nX: y\r\n"[:10+i])
			Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
			c.Response("GET").Want(t, 408, "408 Request Timeout\n")
			c.Closed()
		})
	})
	t.Run("with a body that is read ahead", func(t *testing.T) {
		key := s.Key()
		Parallel(t, 20, func(t testing.TB, _ int) {
			c := Dial(t, s.Server)
			c.Send("POST /read?id=" + key + " HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n" + strings.Repeat("x", 300))
			Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
			c.Response("POST").Want(t, 408, "408 Request Timeout\n")
			c.Closed()
		})
		if notes := s.Notes(t, key); len(notes) > 0 {
			t.Errorf("the application was called: %q", notes)
		}
		Eventually(t, "every one of them is in the log", func() bool {
			return len(s.Records("client.slow", "/read?id="+key)) == 20
		})
	})
	t.Run("with a chunked body", func(t *testing.T) {
		c := Dial(t, s.Server)
		c.Send("POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nxxx")
		c.Response("POST").Want(t, 408, "408 Request Timeout\n")
		c.Closed()
	})
	t.Run("with a body that streams", func(t *testing.T) {
		key := s.Key()
		c := Dial(t, s.Server)
		c.Send("POST /read?id=" + key + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat("x", 3000))
		c.Response("POST").Want(t, 408, "408 Request Timeout\n")
		c.Closed()
		s.WaitNotes(t, key, "called", "OSError")
		s.WaitRecord(t, "client.slow", "/read?id="+key)
	})
	t.Run("with a body that nobody wants", func(t *testing.T) {
		c := Dial(t, s.Server)
		c.Send("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\nX: " + strings.Repeat("y", 20_000) + "\r\n\r\nxxx")
		if response := c.Response("POST"); response.Status != 431 {
			t.Errorf("%+v", response)
		}
		c.Closed()
	})
	t.Run("with taking a response", func(t *testing.T) {
		for _, size := range []string{"100", "100000", "5000000"} {
			key := s.Key()
			c := Dial(t, s.Server)
			c.Get("/hello").Want(t, 200, "hello")
			c.Send("GET /endless?size=" + size + "&id=" + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
			record := s.WaitRecord(t, "client.slow", "/endless?size="+size+"&id="+key)
			if strings.Contains(record, " sent=0") || !strings.Contains(record, " sent=") {
				t.Errorf("the record does not say how much was sent: %s", record)
			}
			s.WaitNotes(t, key, "called", "closed")
			c.WantBroken("GET")
		}
		Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
	})
	t.Run("with taking a file", func(t *testing.T) {
		largeFile(t, s)
		c := Dial(t, s.Server)
		c.Send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
		s.WaitRecord(t, "client.slow", "/file")
		c.WantBroken("GET")
		Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
	})
}

// largeFile makes a file of 32 MiB, more than all buffers on the way hold.
func largeFile(t *testing.T, s Contract) string {
	t.Helper()
	content := bodyOf(32 << 20)
	if err := os.WriteFile(filepath.Join(s.folder, "large"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return content
}

// The deadline fires again and again and finds that something was taken.
func TestClientsThatAreSlowButKeepTheirPaceAreNotCut(t *testing.T) {
	s := startContract(t, "hangs", modes[0], "--request-buffer", "1000", "--request-spool", "0", "--response-spool", "8M", "--body-timeout", "2", "--write-timeout", "2",
		"--min-rate", "1", "--timeout", "1")
	content := largeFile(t, s)
	t.Run("with a body", func(t *testing.T) {
		c := Dial(t, s.Server)
		c.Send("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 6000\r\n\r\n")
		for range 5 {
			c.Send(strings.Repeat("x", 1200))
			oneTimeout(t, s)
		}
		c.Response("POST").Want(t, 200, "6000")
	})
	t.Run("with taking a file", func(t *testing.T) {
		c := Dial(t, s.Server)
		c.Send("GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		c.ReadUntil("\r\n\r\n")
		got := make([]byte, 0, len(content))
		for len(got) < len(content) {
			got = append(got, c.ReadBytes(min(len(content)-len(got), 4<<20))...)
			if len(got) < 24<<20 {
				oneTimeout(t, s)
			}
		}
		if string(got) != content {
			t.Error("not the file's content")
		}
		c.Closed()
	})
}
