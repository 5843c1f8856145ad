package operator

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/listen"
)

// Subject is a gowsgi that can be asked. Its methods are safe for concurrent
// use and return when it is known what to say, or with ctx's error. Other errors
// are one sentence for the user.
type Subject interface {
	State(ctx context.Context) (State, error)
	// Stacks are those of one worker, or of all for 0.
	Stacks(ctx context.Context, worker int) ([]Stacks, error)
	Do(ctx context.Context, order Order) (Outcome, error)
}

// Refusal is an order that makes no sense here and now: a sentence.
type Refusal string

func (r Refusal) Error() string { return string(r) }

const (
	// mostClients are connected at once.
	mostClients = 32
	// A client has this long to ask, and to take its answer.
	clientPatience = 10 * time.Second
	longestHead    = 8 << 10
)

// Server answers on one socket.
type Server struct {
	http     *http.Server
	listener net.Listener
	remove   func()
}

// Serve answers for subject on a socket that Listen has opened, until Close.
func Serve(s *Socket, subject Subject, log *slog.Logger) *Server {
	return serveWithin(clientPatience, s, subject, log)
}

func serveWithin(patience time.Duration, s *Socket, subject Subject, log *slog.Logger) *Server {
	server := &Server{
		http: &http.Server{
			Handler: Handler(subject), ReadTimeout: patience, IdleTimeout: patience, MaxHeaderBytes: longestHead,
			// Not WriteTimeout, which would count from the request: an order can
			// take its time.
			ErrorLog: slog.NewLogLogger(log.With("event", "control.failed").Handler(), slog.LevelWarn),
		},
		listener: listen.Few(s.listener, mostClients),
		remove:   s.remove,
	}
	go func() { _ = server.http.Serve(server.listener) }()
	return server
}

// Hide takes the socket's file away: another gowsgi may have that place. Those who
// are connected stay so. On nil it does nothing.
func (s *Server) Hide() {
	if s != nil {
		s.remove()
	}
}

// Close ends the server. Clients that wait for an answer get it, if there is one
// within patience. On nil it does nothing.
func (s *Server) Close(patience time.Duration) {
	if s == nil {
		return
	}
	s.Hide()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}

// Handler answers for subject.
func Handler(subject Subject) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		write(w, http.StatusOK, map[string]any{"gowsgi": paths})
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		state, err := subject.State(r.Context())
		answer(w, state, err)
	})
	mux.HandleFunc("GET /stacks", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query() // not FormValue, which would read a body
		worker, request := 0, query.Get("request")
		if text := query.Get("worker"); text != "" {
			var err error
			if worker, err = strconv.Atoi(text); err != nil || worker < 1 {
				answer(w, nil, Refusal("worker must be a worker's number, such as 1"))
				return
			}
		}
		stacks, err := subject.Stacks(r.Context(), worker)
		if err == nil && request != "" {
			stacks, err = ofRequest(stacks, request)
		}
		answer(w, stacks, err)
	})
	for _, kind := range []string{OrderReload, OrderStop, OrderUpgrade, OrderWorkers, OrderLogLevel, OrderRecycle} {
		mux.HandleFunc("POST /"+kind, func(w http.ResponseWriter, r *http.Request) {
			order, err := readOrder(kind, r)
			if err != nil {
				answer(w, nil, err)
				return
			}
			outcome, err := subject.Do(r.Context(), order)
			answer(w, outcome, err)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		write(w, http.StatusNotFound, problem{"there is no " + r.Method + " " + r.URL.Path + " here: GET / says what there is"})
	})
	return mux
}

// paths are what there is to be asked.
var paths = []string{
	"GET /status", "GET /stacks?worker=N", "GET /stacks?request=ID",
	"POST /reload", "POST /stop", "POST /stop?now=1", "POST /upgrade", "POST /workers?count=N", "POST /workers?more=N",
	"POST /log-level?level=LEVEL", "POST /recycle?worker=N",
}

// readOrder reads an order from the query.
func readOrder(kind string, r *http.Request) (Order, error) {
	query := r.URL.Query()
	order := Order{Kind: kind, Level: query.Get("level"), AtOnce: query.Get("now") != ""}
	var err error
	switch {
	case kind == OrderRecycle:
		if order.Worker, err = strconv.Atoi(query.Get("worker")); err != nil || order.Worker < 1 {
			return order, Refusal("worker must be a worker's number, such as 1")
		}
	case kind == OrderWorkers && query.Get("more") != "":
		order.More = true
		if order.Count, err = strconv.Atoi(query.Get("more")); err != nil || order.Count == 0 || abs(order.Count) > mostWorkers {
			return order, Refusal("more must be a number of workers, such as 1 or -1")
		}
	case kind == OrderWorkers:
		if order.Count, err = strconv.Atoi(query.Get("count")); err != nil || order.Count < 1 || order.Count > mostWorkers {
			return order, Refusal("count must be a number of workers from 1 to " + strconv.Itoa(mostWorkers))
		}
	case kind == OrderLogLevel && order.Level == "":
		return order, Refusal("level must be debug, info, warning, error or critical")
	}
	return order, nil
}

// mostWorkers is what --workers allows.
const mostWorkers = 512

func abs(n int) int { return max(n, -n) }

// ofRequest picks the thread that runs a request.
func ofRequest(all []Stacks, id string) ([]Stacks, error) {
	for _, stacks := range all {
		for _, thread := range stacks.Threads {
			if thread.Request != nil && thread.Request.ID == id {
				stacks.Threads = stacks.Threads[:0:0]
				stacks.Threads = append(stacks.Threads, thread)
				return []Stacks{stacks}, nil
			}
		}
	}
	return nil, Refusal("no thread runs the request " + strconv.Quote(id) + ": it has ended, or waits for a thread")
}

// problem is what goes wrong.
type problem struct {
	Error string `json:"error"`
}

func answer(w http.ResponseWriter, value any, err error) {
	var refusal Refusal
	switch {
	case err == nil:
		write(w, http.StatusOK, value)
	case errors.As(err, &refusal):
		write(w, http.StatusConflict, problem{refusal.Error()})
	default:
		write(w, http.StatusServiceUnavailable, problem{err.Error()})
	}
}

func write(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(clientPatience))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client may have left
}

// unixPath is the path of an address unix:PATH.
func unixPath(address string) string { return strings.TrimPrefix(address, "unix:") }
