package e2e

import "testing"

// The numbers of closed streams are the next that the kernel gives out. What is
// written there without looking would go to the clients that have them.
func TestClosedStandardStreamsAreNoClients(t *testing.T) {
	for _, closes := range []string{"import", "request"} {
		t.Run("at "+closes, func(t *testing.T) {
			s := startContract(t, "closes_streams", Mode{Args: []string{"--access-logfile", "-"}, Env: []string{"CLOSES=" + closes}})
			asks := Dial(t, s.Server)
			if closes == "request" {
				asks.Get("/close").Want(t, 200, "/close")
			}
			var clients []*Conn
			for range 4 {
				c := Dial(t, s.Server)
				c.Get("/first").Want(t, 200, "/first")
				clients = append(clients, c)
			}
			for _, path := range []string{"/thread", "/errors"} {
				asks.Get(path).Want(t, 200, path)
			}
			asks.Get("/raise").Want(t, 500, "500 Internal Server Error\n")
			for _, said := range []string{"raised on purpose", "parent writes", "child writes"} {
				s.WaitLog(t, said)
			}
			s.WaitOut(t, `"GET /raise HTTP/1.1" 500`)
			for _, c := range clients {
				c.Silent()
				c.Get("/last").Want(t, 200, "/last")
			}
		})
	}
}
