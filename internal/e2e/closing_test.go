package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

var closingKinds = []string{"generator", "iterator", "iterable", "list", "tuple"}

func TestCloseIsCalledOnce(t *testing.T) {
	endings := map[string]struct {
		query, method string
		blocks        int // that are asked for; -1: any number
	}{
		"to the end":                 {query: "", blocks: 3},
		"no blocks":                  {query: "&blocks=0", blocks: 0},
		"HEAD":                       {method: "HEAD", blocks: -1},
		"204":                        {query: "&status=204+No+Content", blocks: -1},
		"304":                        {query: "&status=304+Not+Modified&size=0", blocks: 3},
		"with a length":              {query: "&length=15", blocks: 3},
		"too short":                  {query: "&length=20", blocks: 3},
		"too long":                   {query: "&length=7", blocks: -1},
		"length 0":                   {query: "&length=0", blocks: -1},
		"after write()":              {query: "&write=first", blocks: 3},
		"large blocks":               {query: "&size=200000", blocks: 3},
		"raising at the first block": {query: "&fail=1", blocks: 1},
		"raising at the last block":  {query: "&fail=3", blocks: 3},
	}
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "closing", mode)
		var keys []string
		for ending, how := range endings {
			t.Run(ending, func(t *testing.T) {
				for _, kind := range closingKinds {
					if strings.Contains(how.query, "fail") && (kind == "list" || kind == "tuple") {
						continue // raises before there is anything to close
					}
					key := s.Key()
					keys = append(keys, key)
					c := Dial(t, s.Server)
					method := "GET"
					if how.method != "" {
						method = how.method
					}
					c.Send(method + " /?kind=" + kind + "&id=" + key + how.query + " HTTP/1.1\r\nHost: x\r\n\r\n")
					c.patience()
					_, _ = readResponse(c.r, method) // what arrives is for other tests to say
					Eventually(t, "closed", func() bool { return slices.Contains(s.Notes(t, key), "closed") })
					notes := s.Notes(t, key)
					if how.blocks >= 0 && !slices.Equal(notes, append(slices.Repeat([]string{"block"}, how.blocks), "closed")) {
						t.Errorf("%s: %q", kind, notes)
					}
				}
			})
		}
		t.Run("the client has left", func(t *testing.T) { keys = append(keys, checkCloseWithoutClient(t, s)...) })
		s.Stop(t)
		for _, key := range keys {
			notes := s.Notes(t, key)
			closed := slices.DeleteFunc(slices.Clone(notes), func(note string) bool { return note != "closed" })
			if len(closed) != 1 || notes[len(notes)-1] != "closed" {
				t.Errorf("%s: %q", key, notes)
			}
		}
	})
}

// checkCloseWithoutClient has clients leave at every point; the one thread of
// one mode must be free again each time.
func checkCloseWithoutClient(t *testing.T, s Contract) (keys []string) {
	for _, kind := range []string{"generator", "iterator", "iterable"} {
		for _, query := range []string{"", "&at=2", "&write=first", "&length=1000000"} {
			for name, leave := range map[string]func(c *Conn){"reset": (*Conn).Reset, "close": func(c *Conn) { c.Close() }} {
				key, gate := s.Key(), s.Gate(t)
				keys = append(keys, key)
				c := Dial(t, s.Server)
				c.Send(fmt.Sprintf("GET /?kind=%s&id=%s&blocks=endless&size=100000&gate=%s%s HTTP/1.1\r\nHost: x\r\n\r\n", kind, key, gate.Path, query))
				s.WaitNotes(t, key, "block")
				leave(c)
				gate.Open(1)
				Eventually(t, kind+" "+query+" closed after "+name, func() bool { return slices.Contains(s.Notes(t, key), "closed") })
			}
		}
		// The application waits for the client, which reads nothing, and leaves.
		key := s.Key()
		keys = append(keys, key)
		c := Dial(t, s.Server)
		c.Send(fmt.Sprintf("GET /?kind=%s&id=%s&blocks=endless&size=1000000 HTTP/1.1\r\nHost: x\r\n\r\n", kind, key))
		c.ReadUntil("xxxxx")
		c.Close()
		Eventually(t, kind+" closed", func() bool { return slices.Contains(s.Notes(t, key), "closed") })
	}
	Dial(t, s.Server).Get("/?kind=list&blocks=1").Want(t, 200, "xxxxx")
	return keys
}
