package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
)

// Ways of a worker, in behave.
const (
	behave = "GOWSGI_TEST_BEHAVE"
	// If this names a file that exists, its content replaces behave.
	behaveFile = "GOWSGI_TEST_BEHAVE_FILE"

	fails     = "reports Failed"
	exits     = "exits with status 3 before it is ready"
	crashes   = "is killed by SIGSEGV before it is ready"
	secondBad = "reports Failed if it is worker 2"
	secondOut = "neither reports nor ends if it is worker 2"
	patient   = "waits for requests that do not end"
	stubborn  = "ignores orders and SIGQUIT"
	neverDone = "neither reports nor ends"
	idles     = "says at once that it is idle"
	wornOut   = "asks to be replaced if it is worker 1"
	flaps     = "exits when it is told to serve"
	flapsOne  = "exits when it is told to serve if it is worker 1, else neither reports nor ends"
	litters   = "leaves a process behind that holds the control socket"
)

// seen is what a worker shows of itself at /seen.
type seen struct {
	PID         int
	Args        []string
	Env         []string
	Dir         string
	Plan        control.Plan
	NonBlocking []bool // of each listening socket
}

// workerMain speaks the worker's side of the control socket and serves HTTP:
//
//	/seen   what the worker knows, as JSON
//	/die    notes the request and kills itself
//	/wait   its process id, and "done" when the worker is told to stop
func workerMain() int {
	way := os.Getenv(behave)
	if text, err := os.ReadFile(os.Getenv(behaveFile)); err == nil {
		way = string(text)
	}
	signal.Ignore(syscall.SIGINT)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGQUIT)

	conn := os.NewFile(control.FD, "control")
	unix.CloseOnExec(control.FD)
	var plan control.Plan
	incoming := json.NewDecoder(conn)
	if err := incoming.Decode(&plan); err != nil {
		panic(err)
	}
	report := func(r control.Report) { _ = json.NewEncoder(conn).Encode(r) }
	switch {
	case way == fails, way == secondBad && plan.Worker == 2:
		report(control.Report{
			Kind: control.Failed, Message: "the application x:app cannot be imported",
			Traceback: "Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'x'\n",
		})
		return 1
	case way == exits:
		return 3
	case way == crashes:
		// Go catches the signal; a shell does not.
		panic(syscall.Exec("/bin/sh", []string{"sh", "-c", "ulimit -c 0; kill -SEGV $$"}, os.Environ()))
	case way == neverDone, way == secondOut && plan.Worker == 2, way == flapsOne && plan.Worker != 1:
		<-told
		select {}
	case way == litters:
		child := exec.Command("sleep", "600")
		child.ExtraFiles = []*os.File{conn}
		if err := child.Start(); err != nil {
			panic(err)
		}
	}
	return serve(way, plan, incoming, told, report)
}

func serve(way string, plan control.Plan, incoming *json.Decoder, told <-chan os.Signal, report func(control.Report)) int {
	stop := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/seen", func(w http.ResponseWriter, _ *http.Request) {
		dir, _ := os.Getwd()
		s := seen{PID: os.Getpid(), Args: os.Args, Env: os.Environ(), Dir: dir, Plan: plan}
		for _, l := range plan.Listeners {
			flags, _ := unix.FcntlInt(uintptr(l.FD), unix.F_GETFL, 0)
			s.NonBlocking = append(s.NonBlocking, flags&unix.O_NONBLOCK != 0)
		}
		_ = json.NewEncoder(w).Encode(s)
	})
	board, err := scoreboard.Open(plan.Scoreboard)
	if err != nil {
		panic(err)
	}
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		board.Begin(1, r.Method, r.RequestURI)
		defer board.End(1)
		fmt.Fprintln(w, os.Getpid())
		_ = http.NewResponseController(w).Flush()
		<-stop
		if way == patient {
			select {}
		}
		fmt.Fprintln(w, "done")
	})
	mux.HandleFunc("/die", func(_ http.ResponseWriter, r *http.Request) {
		board.Begin(0, r.Method, r.RequestURI)
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	})
	server := &http.Server{Handler: mux}
	for _, l := range plan.Listeners {
		opened, err := net.FileListener(os.NewFile(uintptr(l.FD), l.Address))
		if err != nil {
			panic(err)
		}
		go func() { _ = server.Serve(opened) }()
	}
	orders := make(chan control.Order)
	go func() {
		for {
			var order control.Order
			if incoming.Decode(&order) != nil {
				os.Exit(drain(server, stop)) // the supervisor is gone
			}
			orders <- order
		}
	}()
	report(control.Report{Kind: control.Ready, Seconds: 0.25})
	if way == idles {
		report(control.Report{Kind: control.Idle})
	}
	if way == wornOut && plan.Worker == 1 {
		report(control.Report{Kind: control.Replace, Message: "it is worn out"})
	}
	for {
		select {
		case <-told:
			if way != stubborn {
				return 0
			}
		case order := <-orders:
			if order.Kind == control.Serve && (way == flaps || way == flapsOne) {
				return 3
			}
			if way != stubborn && order.Kind == control.Drain {
				if order.Last {
					shutDown(plan.Listeners)
				}
				go func() { os.Exit(drain(server, stop)) }()
			}
		}
	}
}

// drain lets requests finish and takes no new ones.
func drain(server *http.Server, stop chan struct{}) int {
	close(stop)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = server.Shutdown(ctx)
	return 0
}

// shutDown ends the sockets for every process that has them.
func shutDown(listeners []control.Listener) {
	for _, l := range listeners {
		if !l.Borrowed {
			_ = unix.Shutdown(l.FD, unix.SHUT_RDWR)
		}
	}
}
