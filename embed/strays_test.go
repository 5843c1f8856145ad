package embed_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gowsgi/gowsgi/embed"
)

const mine = "mine mine mine mine mine mine mine mine mine mine mine mine mine mine mine mine mine mine mine mine "

// askSlow sends a request that must get what is its own.
func askSlow(t *testing.T) {
	t.Helper()
	if a := ask(t, "/slow", nil, nil); string(a.body) != mine || a.status != 200 || len(a.header) > 0 {
		t.Errorf("%d %v, %d bytes: %.300q", a.status, a.header, len(a.body), a.body)
	}
}

// The thread waits for the client of a request that ends, and wakes in the next.
func TestWriterThatIsLeftBehindReachesNobody(t *testing.T) {
	for range 20 {
		req := submit(t, "/writer?500000", nil, nil) // half of the response buffer: it waits then
		for size := 0; ; {
			batch, state := req.Wait()
			if size += batch.Size(); state != embed.Running {
				break
			}
		}
		req.Release()
		for range 10 {
			askSlow(t)
		}
		ask(t, "/join", nil, nil)
	}
}

func TestBlockThatIsFreedLateReachesNobody(t *testing.T) {
	for range 10 {
		ask(t, "/loud_writer", nil, nil)
		askSlow(t)
		ask(t, "/join", nil, nil)
	}
}

func TestStartResponseThatIsLateReachesNobody(t *testing.T) {
	for range 10 {
		ask(t, "/starter", nil, nil)
		askSlow(t)
		ask(t, "/join", nil, nil)
	}
}

// Once there is a block for Go, the head is what Go may be reading: nobody changes it
// any more, however start_response is called.
func TestHeadStaysAsItWasWhenItCouldBeRead(t *testing.T) {
	for path, want := range map[string]string{"/head_again": "begun", "/head_when_freed": "body"} {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 50 {
					req := submit(t, path, nil, nil)
					first, body := "", ""
					for state := embed.Running; state == embed.Running; {
						var batch embed.Batch
						batch, state = req.Wait()
						if batch.IsEmpty() && state == embed.Running {
							continue
						}
						for _, block := range batch.Blocks(nil) {
							body += string(block)
						}
						now := fmt.Sprint(req.Status(), req.Reason(), req.Fields(nil))
						if first == "" {
							first = now
						}
						if req.Status() != 200 || now != first || len(req.Fields(nil)) != 50 {
							t.Errorf("%s: %.100s, then %.100s", path, first, now)
						}
					}
					if body != want {
						t.Errorf("%s: %q", path, body)
					}
					req.Release()
				}
			})
		}
		all.Wait()
	}
}

// Everything at once, with bodies that stream.
func TestStraysReachNobody(t *testing.T) {
	forget()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for range 60 {
				req := submitStream(t, "/careless?"+strconv.Itoa(rand.IntN(100)), io.NopCloser(strings.NewReader(strings.Repeat("a line\n", 1000))))
				drain(req)
				req.Release()
				body := bytes.Repeat([]byte{byte(rand.IntN(256))}, rand.IntN(10_000))
				req = submitStream(t, "/sums", io.NopCloser(bytes.NewReader(body)))
				if a := drain(req); !bytes.Equal(a.body, body) || a.result.Raised || len(a.header) > 0 {
					t.Errorf("%v %d bytes, want %d; %s", a.header, len(a.body), len(body), a.result.Error)
				}
				req.Release()
			}
		})
	}
	all.Wait()
	ask(t, "/join", nil, nil)
	if trouble := strings.Join(said(embed.Stderr), "\n"); trouble != "" {
		t.Errorf("a stray failed: %s", trouble)
	}
}

// What a thread adds to wsgi.errors while the request's last line is logged is not
// the beginning of another request's.
func TestLateTextIsNoLineOfTheNextRequest(t *testing.T) {
	forget()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	onRecord.Store(func(r embed.Record) {
		if r.Text == "the end of a request" {
			_, _ = write.Write([]byte{0})
			waitSaid(t, "added")
		}
	})
	defer onRecord.Store(func(embed.Record) {})
	ask(t, fmt.Sprintf("/half_line?%d", read.Fd()), nil, nil)
	ask(t, "/errors", nil, nil)
	ask(t, "/join", nil, nil)
	if got := strings.Join(said(embed.ErrorStream), "|"); got != "the end of a request|line|no newline" {
		t.Errorf("%q", got)
	}
}

// onRecord is called for each record, before it is kept.
var onRecord atomic.Value

// Records of a thread that outlives its request have its name, or none.
func TestLateRecordsHaveNoOtherName(t *testing.T) {
	var wrong, named, nameless atomic.Int64
	onRecord.Store(func(r embed.Record) {
		if r.Kind != embed.ErrorStream {
			return
		}
		name := ""
		r.WithLabel(func(label any) { name = *label.(*string) })
		switch name {
		case "":
			nameless.Add(1)
		case r.Text:
			named.Add(1)
		default:
			wrong.Add(1)
		}
	})
	defer onRecord.Store(func(embed.Record) {})
	var all sync.WaitGroup
	for client := range 6 {
		all.Go(func() {
			var name string // as the server's exchanges, it is used again
			for i := range 200 {
				req, err := app.Acquire()
				if err != nil {
					t.Error(err)
					return
				}
				name = fmt.Sprintf("of %d.%d", client, i)
				req.SetLabel(&name)
				req.SetBody(0)
				b, _ := req.Environ()
				b.Target("/errors_on?"+name[3:], "")
				if err := req.Submit(false); err != nil {
					t.Error(err)
				}
				drain(req)
				req.Release()
			}
		})
	}
	all.Wait()
	ask(t, "/join", nil, nil)
	t.Logf("%d named, %d nameless, %d wrong", named.Load(), nameless.Load(), wrong.Load())
	if wrong.Load() > 0 || named.Load() == 0 {
		t.Errorf("%d records have another request's name, %d their own", wrong.Load(), named.Load())
	}
	forget()
}

// A bell too many, here the watcher's, does not show a list before its length is
// known.
func TestListHasItsLengthFromTheFirstBlockOn(t *testing.T) {
	for range 50 {
		req := submit(t, "/long_list", nil, nil)
		for size := 0; ; {
			req.Wake()
			batch, state := req.Wait()
			if size += batch.Size(); size > 0 && req.ContentLength() != 3_000_000 {
				t.Fatalf("after %d bytes its length is %d", size, req.ContentLength())
			}
			if state != embed.Running {
				break
			}
		}
		req.Release()
	}
}

// counting is a body that tells how often it was read.
type counting struct {
	reads atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return copy(p, "x"), io.EOF
}

func (c *counting) Close() error { return nil }

// The bell of a request that has ended does not read the body of the next, whose
// client waits for 100 Continue.
func TestBodyThatNobodyAsksForIsNotRead(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // who passes bells on is late
	for range 200 {
		req := submitStreamAhead(t, "/byte", 10, io.NopCloser(strings.NewReader("x"))) // it rings, but does not wait
		for state := embed.Running; state == embed.Running; {
			req.Wake()
			_, state = req.Wait()
		}
		req.Release()
		var source counting
		req = submitStream(t, "/never", &source)
		drain(req)
		req.StopBody()
		if n := source.reads.Load(); n > 0 {
			t.Fatalf("the body was read %d times", n)
		}
		req.Release()
	}
}
