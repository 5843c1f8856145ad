package e2e

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// bodyOf is body_of of testapps/input_steps.py.
func bodyOf(size int) string {
	var block strings.Builder
	for i := range 60 {
		fmt.Fprintf(&block, "%d:%s\n", i, strings.Repeat("x", i))
	}
	return strings.Repeat(block.String(), size/block.Len()+1)[:size]
}

// chunked is a body in chunks of that size.
func chunked(body string, size int) string {
	var out strings.Builder
	for body != "" {
		n := min(size, len(body))
		fmt.Fprintf(&out, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return out.String() + "0\r\n\r\n"
}

// framings are the two ways to send a body: header fields and what follows.
var framings = map[string]func(body string) (fields, wire string){
	"Content-Length": func(body string) (string, string) {
		return fmt.Sprintf("Content-Length: %d\r\n", len(body)), body
	},
	"chunked": func(body string) (string, string) {
		return "Transfer-Encoding: chunked\r\n", chunked(body, 777)
	},
}

// readSteps are read, in any body, as a file would be.
var readSteps = []string{
	"read", "read:-1", "read:None", "read:0,read:1,read:2,read:1000000,read:5,read", "read:5,read:0,read",
	"readline,readline,readline:3,readline:0,readline:-1,readline:None,read",
	"readline:1,readline:2,readline:100000,read:7,readline", "readlines", "readlines:None", "readlines:-1,read",
	"readlines:1,readlines:20,readlines:0", "readlines:100000000,readline,read", "list", "next,next,read:3,next,list",
	"list,next,read,readline,readlines,read:10",
	"read:600,readline,read:65536,readlines:100,list", "readable",
}

var seekSteps = []string{
	"seekable,seek:0,read,seek:0,read", "read:7,seek:2,read:3,seek:1:1,read:2,tell", "seek:0:2,read,tell,seek:0,readline",
	"read,seek:0,readlines:30,seek:0:1,list,seek:0,list", "seek:-5,tell,read", "read,read,seek:0:0,next,tell",
	"tell,read:10,tell,read,tell,read,tell", "readline,tell,next,tell,readlines:20,tell,readlines:0,tell",
}

type stepsAnswer struct{ Got, Want []any }

func postSteps(t testing.TB, c *Conn, path, fields, wire string) stepsAnswer {
	t.Helper()
	// It may be more than fits, and more than is read before the test is over.
	go func() { _, _ = c.Write([]byte("POST " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + wire)) }()
	response := c.Response("POST")
	var answer stepsAnswer
	if err := json.Unmarshal([]byte(response.Body), &answer); response.Status != 200 || err != nil {
		t.Fatalf("%s: status %d, %v: %.300q", path, response.Status, err, response.Body)
	}
	return answer
}

func TestInputReadsLikeAFile(t *testing.T) {
	const buffer = 1000
	sizes := []int{0, 1, 2, 10, buffer - 1, buffer, buffer + 1, 2 * buffer, 65535, 65536, 65537, 300_000}
	Modes(t, func(t *testing.T, mode Mode) {
		for _, spool := range []int{0, 70_000, 1 << 20} { // larger ones stream, some of them out of a file first
			t.Run(fmt.Sprintf("spool %d", spool), func(t *testing.T) {
				s := startContract(t, "input_steps", mode, "--request-buffer", fmt.Sprint(buffer), "--request-spool", fmt.Sprint(spool))
				checkReadsLikeAFile(t, s, sizes, max(spool, buffer))
			})
		}
	})
}

// checkReadsLikeAFile sends bodies of these sizes; those up to whole are there before
// the application is called.
func checkReadsLikeAFile(t *testing.T, s Contract, sizes []int, whole int) {
	for framing, frame := range framings {
		t.Run(framing, func(t *testing.T) {
			Parallel(t, len(sizes), func(t testing.TB, i int) {
				fields, wire := frame(bodyOf(sizes[i]))
				c := Dial(t, s.Server) // one connection: a body read too far would show in the next request
				steps := readSteps
				if sizes[i] >= 10 && sizes[i] < whole { // BytesIO may stand beyond its end
					steps = append(steps[:len(steps):len(steps)], seekSteps...)
				}
				for _, do := range steps {
					answer := postSteps(t, c, fmt.Sprintf("/?do=%s&size=%d", do, sizes[i]), fields, wire)
					if !reflect.DeepEqual(answer.Got, answer.Want) {
						t.Errorf("%s with %d bytes: %v, want %v", do, sizes[i], answer.Got, answer.Want)
					}
				}
			})
		})
	}
	t.Run("a request without a body has an empty one", func(t *testing.T) {
		c := Dial(t, s.Server)
		for _, method := range []string{"GET", "POST", "DELETE"} {
			c.Send(method + " /?do=read,read:5,readline,readlines,list,next,tell,seekable,read&size=0 HTTP/1.1\r\nHost: x\r\n\r\n")
			response := c.Response(method)
			var answer stepsAnswer
			if err := json.Unmarshal([]byte(response.Body), &answer); err != nil || !reflect.DeepEqual(answer.Got, answer.Want) {
				t.Errorf("%s: %v %+v", method, err, response)
			}
		}
	})
	t.Run("a body that streams cannot be sought in", func(t *testing.T) {
		fields, wire := framings["Content-Length"](bodyOf(whole + 4000))
		answer := postSteps(t, Dial(t, s.Server), "/?do=seekable,seek:0,read:3,tell,seek:1:1", fields, wire)
		want := []any{false, "UnsupportedOperation", "0:\n", "UnsupportedOperation", "UnsupportedOperation"}
		if !reflect.DeepEqual(answer.Got, want) {
			t.Errorf("%v, want %v", answer.Got, want)
		}
	})
}

func TestInputTakesNoNonsense(t *testing.T) {
	s := startContract(t, "input_steps", modes[0])
	answer := postSteps(t, Dial(t, s.Server), "/?do=seek:-1,seek:0:3,seek:-20:1,seek:-20:2,read", "Content-Length: 10\r\n", bodyOf(10))
	want := []any{"ValueError", "ValueError", "ValueError", "ValueError", bodyOf(10)}
	if !reflect.DeepEqual(answer.Got, want) {
		t.Errorf("%v, want %v", answer.Got, want)
	}
}
