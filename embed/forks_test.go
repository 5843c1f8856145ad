package embed_test

import (
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/gowsgi/gowsgi/embed"
)

// drip is a body that comes a byte at a time, without end until it is closed.
type drip struct {
	end  chan struct{}
	once sync.Once
}

func (d *drip) Read(p []byte) (int, error) {
	select {
	case <-d.end:
		return 0, io.EOF
	default:
		return copy(p, "x"), nil
	}
}

func (d *drip) Close() error {
	d.once.Do(func() { close(d.end) })
	return nil
}

// While a body streams, Go and C take the request's lock all the time: one of them
// has it at some of the forks.
func TestForkedChildrenWaitForNobody(t *testing.T) {
	const forks = 300
	source := &drip{end: make(chan struct{})}
	req := submitStream(t, "/upload?300", source)
	defer req.Release()
	var lines strings.Builder
	for {
		batch, state := req.Wait()
		for _, block := range batch.Blocks(nil) {
			lines.Write(block)
		}
		if strings.HasSuffix(lines.String(), "end\n") {
			_ = source.Close()
		}
		if state != embed.Running {
			break
		}
	}
	if got := lines.String(); got != strings.Repeat("'read and wrote'\n", forks)+"end\n" {
		t.Errorf("%d bytes: %.500s; %s", len(got), strings.ReplaceAll(got, "'read and wrote'\n", ""), req.Result().Error)
	}
}

func TestForkedChildHasNoClient(t *testing.T) {
	if a := ask(t, "/endless", nil, nil); string(a.body) != "256" {
		t.Errorf("the child: %q %s", a.body, a.result.Error)
	}
}

func TestForkedChildrenThatReturnEnd(t *testing.T) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 30 {
				if a := ask(t, "/returns", nil, nil); string(a.body) != "1" {
					t.Errorf("the child: %q %s", a.body, a.result.Error)
				}
			}
		})
	}
	all.Wait()
}
