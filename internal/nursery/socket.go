package nursery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/dump"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// Flag makes gowsgi-worker a nursery, if it is its last argument.
const Flag = "--nursery"

// Supported tells whether there can be nurseries on this system.
const Supported = runtime.GOOS == "linux"

// Streams is how many descriptors come behind those that a worker's plan has
// numbers for: standard output and error.
const Streams = 2

// Message is what a nursery says: a *Loaded, *Failed, *Forked, *Said, *Stack or
// *Unsupported.
type Message any

// Unsupported: it is a worker that was built without nurseries (embed/nursery.c
// says where), and ends.
type Unsupported struct{}

// Refuse says so, in that process.
func Refuse() { _, _ = unix.Write(control.FD, []byte("u")) }

// Loaded: the application is there, and workers can be ordered.
type Loaded struct {
	Seconds float64
	Threads []string // Python threads that the application has left running
	Native  int      // threads that are not Python's
}

// Failed: the application cannot be loaded, and the nursery ends.
type Failed struct {
	Message   string // one sentence
	Traceback string // Python's, if an exception was the reason
	Start     bool   // it was CPython that did not start; Message is what it says
}

// Forked is the answer to an order.
type Forked struct {
	PID int
	Err error // why there is none; nil: there is
}

// Stack is where the main thread was.
type Stack struct {
	Lines      string // empty if CPython is not there yet
	WithoutGIL bool   // it may not be exact
}

// Text is how a log has it.
func (s *Stack) Text() string {
	switch {
	case s.Lines == "":
		return ""
	case s.WithoutGIL:
		return "Thread MainThread:\n" + s.Lines + dump.Inexact
	}
	return "Thread MainThread:\n" + s.Lines
}

// Said is something of the application's for the log.
type Said logging.Said

// Socket is gowsgi's end of the conversation.
type Socket struct{ conn *net.UnixConn }

// Pair returns both ends; theirs is to be the nursery's descriptor 3.
func Pair() (*Socket, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|cloexec, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	file, theirs := os.NewFile(uintptr(fds[0]), "nursery"), os.NewFile(uintptr(fds[1]), "nursery")
	defer file.Close() // FileConn has its own copy
	conn, err := net.FileConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return &Socket{conn.(*net.UnixConn)}, theirs, nil
}

// talkTimeout is for a nursery that is stopped: another reads at once.
const talkTimeout = time.Second

// Begin tells the nursery its plan.
func (s *Socket) Begin(p Plan) error {
	plan, err := p.encode()
	if err != nil {
		return err
	}
	return s.send(plan, nil)
}

// Ask asks where loading hangs; the answer is a Stack. Only until it is Loaded.
func (s *Socket) Ask() { _ = s.send([]byte("?"), nil) }

// Order orders a worker. Its descriptors are sent, and stay the caller's.
func (s *Socket) Order(title string, files ...*os.File) error {
	var fds []int
	for _, file := range files {
		fds = append(fds, int(file.Fd()))
	}
	const longest = 4000
	return s.send([]byte(title[:min(len(title), longest)]), unix.UnixRights(fds...))
}

func (s *Socket) send(text, rights []byte) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(talkTimeout))
	_, _, err := s.conn.WriteMsgUnix(text, rights, nil)
	return err
}

// Cut ends the reading, too: the nursery is gone, but one of the application's
// processes may hold the other end.
func (s *Socket) Cut() { _ = s.conn.CloseRead() }

// Close gives the socket up.
func (s *Socket) Close() error { return s.conn.Close() }

// Messages passes on what the nursery says, until it says no more.
func (s *Socket) Messages(said func(Message)) {
	buffer := make([]byte, 256<<10)
	for {
		n, err := s.conn.Read(buffer)
		if errors.Is(err, syscall.ECONNRESET) {
			// It has ended with something of ours unread, which is told first, and once.
			// What it said before comes now.
			continue
		}
		if err != nil {
			return
		}
		if message, err := decode(buffer[:n]); err == nil {
			said(message)
		}
	}
}

// decode reads a kind and its fields, each with its length and a colon in front.
func decode(text []byte) (Message, error) {
	if len(text) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	kind := text[0]
	var fields [6]string
	n := 0
	for rest := text[1:]; len(rest) > 0 && n < len(fields); n++ {
		length, after, _ := bytes.Cut(rest, []byte(":"))
		size, err := strconv.Atoi(string(length))
		if err != nil || size < 0 || size > len(after) {
			return nil, fmt.Errorf("nursery: it says %q", text)
		}
		fields[n], rest = string(after[:size]), after[size:]
	}
	var errs [2]error
	number := func(i, field int) (number int) {
		number, errs[i] = strconv.Atoi(fields[field])
		return number
	}
	var message Message
	switch kind {
	case 'l':
		m := &Loaded{Native: number(0, 1)}
		m.Seconds, errs[1] = strconv.ParseFloat(fields[0], 64)
		if fields[2] != "" {
			m.Threads = strings.Split(fields[2], "\n")
		}
		message = m
	case 'x':
		message = &Failed{Message: fields[0], Traceback: fields[1], Start: fields[2] != ""}
	case 'f':
		message = &Forked{PID: number(0, 0)}
	case 'e':
		message = &Forked{Err: syscall.Errno(number(0, 0))}
	case 's':
		stack := &Stack{}
		if fields[1] != "" {
			stack.Lines = dump.WithoutImporting(fields[1])
		}
		for _, thread := range dump.Threads(fields[2]) {
			if strconv.FormatUint(thread.Ident, 10) == fields[0] {
				stack = &Stack{Lines: dump.WithoutImporting(thread.Text), WithoutGIL: true}
			}
		}
		message = stack
	case 'u':
		message = &Unsupported{}
	case 'r':
		message = &Said{
			Kind: number(0, 0), Level: number(1, 1), Logger: fields[2], Text: fields[3], Traceback: fields[4], Extra: fields[5],
		}
	default:
		return nil, fmt.Errorf("nursery: it says %q", text)
	}
	return message, errors.Join(errs[:]...)
}
