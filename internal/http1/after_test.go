package http1

import "testing"

// Every combination there is, held against the rules one by one.
func TestAfterEveryEnd(t *testing.T) {
	flags := []bool{false, true}
	n := 0
	for in := inIdle; in <= inBroken+1; in++ {
		for out := outIdle; out <= outBroken+1; out++ {
			for _, reuse := range flags {
				for _, ahead := range flags {
					for _, pipelined := range flags {
						for _, small := range flags {
							n++
							s := situation{in, out, reuse, ahead, pipelined, small}
							got := after(s)
							for _, rule := range []struct {
								name   string
								broken bool
							}{
								{"a response that is not whole is reset", (got == stepReset) != (out != outDone || in > inBroken)},
								{"it goes on only if everything is done and nobody said no", (got == stepWait || got == stepHead) != (out == outDone && in == inDone && reuse)},
								{"what is there is read before anything is waited for", got == stepWait && ahead || got == stepHead && !ahead},
								{"only a small rest is read, and only for a next request", (got == stepDrain) != (out == outDone && in == inBody && reuse && small)},
								{"who may be sending gets to read the answer", got == stepClose && (ahead || in != inIdle && in != inDone || in == inDone && pipelined)},
								{"nobody lingers without need", got == stepLinger && !ahead && (in == inIdle || in == inDone && !pipelined)},
							} {
								if rule.broken {
									t.Errorf("%+v: %d: %s", s, got, rule.name)
								}
							}
						}
					}
				}
			}
		}
	}
	if n != 7*6*16 {
		t.Errorf("%d combinations", n)
	}
}
