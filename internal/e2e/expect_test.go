package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// RFC 9110, 10.1.1: who asks whether to go on gets the answer at once if the body
// is to be read ahead, else at the first read.
func TestExpectContinue(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "input_steps", mode, "--request-buffer", "1000", "--request-spool", "0")
		for _, size := range []int{10, 5000} {
			for framing, frame := range framings {
				fields, wire := frame(bodyOf(size))
				t.Run(fmt.Sprintf("%d bytes, %s", size, framing), func(t *testing.T) {
					gate, key := s.Gate(t), s.Key()
					c := Dial(t, s.Server)
					c.Send(fmt.Sprintf("POST /?do=read&size=%d&id=%s&gate=%s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n%s\r\n",
						size, key, gate.Path, fields))
					ahead := size <= 1000 && framing == "Content-Length"
					if !ahead {
						s.WaitNotes(t, key, "called")
						c.Silent()
						gate.Open(1)
					}
					if response := c.Response("POST"); response.Status != 100 {
						t.Fatalf("instead of 100: %+v", response)
					}
					if ahead { // without the application
						if notes := s.Notes(t, key); len(notes) > 0 {
							t.Errorf("the application was called: %q", notes)
						}
						gate.Open(1)
					}
					c.Send(wire)
					response := c.Response("POST")
					if got, want, _ := strings.Cut(response.Body, `"want"`); response.Status != 200 || strings.Trim(got, `{"got: ,`) != strings.Trim(want, `: }`) {
						t.Errorf("%+v", response)
					}
					c.StaysOpen("/?never")
				})
			}
		}
		t.Run("an application that never reads answers without a 100", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("POST /?never HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
			response := c.Response("POST")
			response.Want(t, 200, "did not read")
			if response.Value("Connection") != "close" {
				t.Errorf("nobody knows whether the body comes, and another request may follow: %+v", response)
			}
		})
		t.Run("a body that is read ahead is asked for at once", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("POST /?never HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
			if response := c.Response("POST"); response.Status != 100 {
				t.Errorf("%+v", response)
			}
			c.Send("0123456789")
			c.Response("POST").Want(t, 200, "did not read")
			c.StaysOpen("/?never")
		})
		t.Run("a client that does not wait", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("POST /?do=read HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
			response := c.Response("POST")
			if response.Status == 100 {
				response = c.Response("POST")
			}
			response.Want(t, 200, `{"got": ["hello"]}`)
			c.StaysOpen("/?never")
		})
		t.Run("HTTP/1.0 has no 100", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("POST /?do=read HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
			c.Response("POST").Want(t, 200, `{"got": ["hello"]}`)
		})
		t.Run("something else that is expected", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Send("POST /?do=read HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\nContent-Length: 5\r\n\r\n")
			if response := c.Response("POST"); response.Status != 417 {
				t.Errorf("%+v", response)
			}
		})
	})
}
