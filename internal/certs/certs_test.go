package certs

import (
	"bytes"
	"crypto/tls"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

var morning = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// What is used for new tickets was known a term before, and is known a term longer.
func TestTicketsAreKnownBeforeAndAfterTheyAreUsed(t *testing.T) {
	tickets, m := NewTickets(morning), &Material{Clients: None}
	var used [][]byte
	var known [][][]byte
	for day := range 10 {
		now := morning.Add(time.Duration(day) * Term)
		if day > 0 && (tickets.Rotate(now.Add(-time.Second)) || !tickets.Rotate(now)) || day == 0 && tickets.Rotate(now) {
			t.Fatalf("day %d: they change at the wrong time", day)
		}
		if err := tickets.Check(); err != nil {
			t.Fatal(err)
		}
		keys := m.With(tickets).Tickets
		used, known = append(used, keys[0]), append(known, keys)
	}
	has := func(day int, key []byte) bool {
		return slices.ContainsFunc(known[day], func(k []byte) bool { return bytes.Equal(k, key) })
	}
	for day := 1; day < len(used)-2; day++ {
		if !has(day-1, used[day]) || !has(day+1, used[day]) || has(day+2, used[day]) || bytes.Equal(used[day], used[day+1]) {
			t.Errorf("day %d: a day before %v, a day after %v, two days after %v", day, has(day-1, used[day]), has(day+1, used[day]), has(day+2, used[day]))
		}
	}
	if !tickets.Rotate(morning) {
		t.Error("a clock that was put back keeps them for ever")
	}
}

// Who was certified in another way, or not at all, has tickets of another key.
func TestTicketsHoldForOneWayOfCertifyingClients(t *testing.T) {
	tickets := NewTickets(morning)
	seen := map[string]bool{}
	for _, m := range []*Material{{Clients: None}, {Clients: Optional, CAs: []byte("a")}, {Clients: Required, CAs: []byte("a")}, {Clients: Required, CAs: []byte("b")}} {
		key := string(m.With(tickets).Tickets[0])
		if again := string(m.With(tickets).Tickets[0]); seen[key] || key != again {
			t.Errorf("%+v: the key is another's, or another one each time", m)
		}
		seen[key] = true
	}
}

// TestMain is also the process that inherits tickets.
func TestMain(m *testing.M) {
	if os.Getenv("INHERITS") == "" {
		os.Exit(m.Run())
	}
	if tickets := Inherit(); tickets != nil {
		os.Stdout.Write(bytes.Join(tickets.Secrets, []byte{'\n'}))
	}
	if os.Getenv(variable) != "" {
		os.Stdout.WriteString("the variable is left")
	}
}

func TestTicketsAreInherited(t *testing.T) {
	heir := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "INHERITS=yes", variable+"=7")
		return cmd
	}
	tickets, cmd := NewTickets(time.Now()), heir()
	cmd.ExtraFiles = []*os.File{os.Stderr}
	file, err := tickets.Hand(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if text := strings.Join(cmd.Env, "\n"); strings.Count(text, variable) != 1 || strings.Contains(text, variable+"=7") {
		t.Errorf("the environment is %q", text)
	}
	if out, err := cmd.Output(); err != nil || !bytes.Equal(out, bytes.Join(tickets.Secrets, []byte{'\n'})) {
		t.Errorf("%v: %q", err, out)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, number := range map[string]string{"no number": "x", "standard error": "2", "nothing open": "77", "another file": "3"} {
		cmd := heir()
		cmd.Env = append(cmd.Env, variable+"="+number)
		cmd.ExtraFiles = []*os.File{null}
		if out, err := cmd.Output(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v, %q", name, err, out)
		}
	}
}

func TestSuitesHaveTheNamesOfOpenSSL(t *testing.T) {
	for suite, want := range map[uint16]string{
		tls.TLS_AES_128_GCM_SHA256:                        "TLS_AES_128_GCM_SHA256",
		tls.TLS_CHACHA20_POLY1305_SHA256:                  "TLS_CHACHA20_POLY1305_SHA256",
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:         "ECDHE-RSA-AES128-GCM-SHA256",
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:       "ECDHE-ECDSA-AES256-GCM-SHA384",
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:   "ECDHE-RSA-CHACHA20-POLY1305",
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA:            "ECDHE-RSA-AES128-SHA",
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA:          "ECDHE-ECDSA-AES256-SHA",
	} {
		if got := cipher(suite); got != want {
			t.Errorf("%s is %s, want %s", tls.CipherSuiteName(suite), got, want)
		}
	}
}
