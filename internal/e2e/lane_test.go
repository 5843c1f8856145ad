package e2e

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The one thread that there is waits for connections when a goroutine has a request
// for it: it is woken each time. The pauses are what clients do: they have nobody
// lead for a moment now and then, when the lookout reads.
func TestTheOnlyThreadIsWokenForEachRequest(t *testing.T) {
	s := startContract(t, "input_streams", modes[1])
	Parallel(t, 3, func(t testing.TB, _ int) {
		c := Dial(t, s.Server)
		for range 2500 {
			c.Send("POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
			if r := c.Response("POST"); r.Status != 200 {
				t.Fatalf("%+v", r)
			}
			time.Sleep(rand.N(4 * time.Millisecond))
		}
	})
}
