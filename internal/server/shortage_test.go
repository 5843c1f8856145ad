package server

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// poor is a listener that cannot accept the first connections.
type poor struct {
	net.Listener
	errors []error
}

func (p *poor) Accept() (net.Conn, error) {
	if len(p.errors) > 0 {
		err := p.errors[0]
		p.errors = p.errors[1:]
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
	}
	client, server := net.Pipe()
	_ = client.Close()
	return server, nil
}

func (p *poor) Addr() net.Addr { return pipeAddress{} }

func TestShortageIsSaidOnceAndGoesAway(t *testing.T) {
	var text bytes.Buffer
	short := &shortage{log: slog.New(slog.NewTextHandler(&text, nil))}
	l := &listener{short: short, Listener: &poor{errors: []error{syscall.EMFILE, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}}}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if log := text.String(); strings.Count(log, "event=listener.shortage") != 1 || !strings.Contains(log, "limit=") {
		t.Errorf("%q", log)
	}
	if held, ok := short.pass(time.Now().Add(2 * shortageSilence)); !ok || held != 4 {
		t.Errorf("after a while: %v, %d suppressed", ok, held)
	}
}

func TestOtherErrorsOfAcceptAreNoShortage(t *testing.T) {
	l := &listener{short: &shortage{log: slog.New(slog.DiscardHandler)}, Listener: &poor{errors: []error{syscall.EPERM}}}
	if _, err := l.Accept(); err == nil {
		t.Error("it is hidden")
	}
}
