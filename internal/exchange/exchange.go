package exchange

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/accesslog"
	"github.com/gowsgi/gowsgi/internal/compress"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/deadlines"
	"github.com/gowsgi/gowsgi/internal/forwarded"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/mounts"
	"github.com/gowsgi/gowsgi/internal/probe"
	"github.com/gowsgi/gowsgi/internal/rates"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
	"github.com/gowsgi/gowsgi/internal/spool"
	"github.com/gowsgi/gowsgi/internal/static"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// Config is what a Handler needs. Access and the hooks may be nil.
type Config struct {
	App      *embed.Application
	Settings config.Settings
	Log      *slog.Logger
	Access   *accesslog.Log
	// Draining tells whether every response is its connection's last; for
	// connections that do not know it themselves.
	Draining func() bool
	// SpoolFiles is how many temporary files there may be at once; 0: any number.
	SpoolFiles int
	Hooks
}

// Hooks are what there is to tell the owner.
type Hooks struct {
	// Replace is called, once for each of hopeless, when another worker should
	// take this one's place: reason in a few words. hopeless: it cannot finish
	// what it has.
	Replace func(reason string, hopeless bool)
	// Advise is called when the operator should hear something that holds for the
	// whole deployment: once for each event and subject of this worker. uri is that
	// of the request in which it showed.
	Advise func(event, subject, uri, message string)
	// Board has a note of every request that is with the application.
	Board *scoreboard.Board
	// Page has what the worker does and, if Counts, has done.
	Page   *tally.Page
	Counts bool
	// Rates is what all workers count clients' requests in; nil: this one counts alone.
	Rates *rates.Table
	// Metrics are those of all workers, for metrics_path.
	Metrics func(ctx context.Context, accept string) (text, mediaType string, err error)
}

// Handler answers requests with an application.
type Handler struct {
	app        *embed.Application
	settings   config.Settings
	log        *slog.Logger
	access     *accesslog.Log // nil: none
	ids        *requestIDs
	watcher    *deadlines.Watcher
	draining   func() bool
	hooks      Hooks
	advised    sync.Map // what Hooks.Advise was called for
	readings   readings
	own        *probe.Paths         // nil: none
	files      *static.Site         // nil: none
	compressor *compress.Compressor // nil: responses go out as they are
	dress
	keeper
	table   *mounts.Table
	mounts  []mount     // by number
	names   []string    // of them
	leaving atomic.Bool // no requests should be sent here any more
	shows   bool        // each request, in the log
	before  func()      // is called before a line of the access log; nil: nothing is

	forwarded      *forwarded.Reader
	contradictions logging.Ration      // records of a proxy's
	strangers      forwarded.Strangers // who were not believed
	strange        logging.Ration      // records of them

	bodies   memoryLimit    // of those that are read ahead
	spool    *spool.Spool   // for large bodies; nil: none
	spooling logging.Ration // records of what could not go there
}

// New makes a Handler. Its Watcher is to be run while it answers.
func New(c Config) (*Handler, error) {
	reader, err := newReader(&c.Settings)
	if err != nil {
		return nil, err
	}
	if c.Draining == nil {
		c.Draining = func() bool { return false }
	}
	h := &Handler{
		app: c.App, settings: c.Settings, log: c.Log, access: c.Access, ids: newRequestIDs(), forwarded: reader, draining: c.Draining, hooks: c.Hooks,
		watcher: deadlines.New(c.App, c.Settings, c.Log, c.Board, c.Replace),
		bodies:  memoryLimit{most: c.Settings.RequestMemory},
		shows:   (c.Settings.Reload || c.Settings.Debug) && c.Access == nil,
	}
	if s := &c.Settings; s.Compress {
		h.compressor = compress.New(compress.Config{Types: s.CompressTypes, MinSize: s.CompressMinSize, Level: s.CompressLevel, Cookies: s.CompressCookies})
	}
	if h.dress, err = newDress(&c.Settings, c.Log); err != nil {
		return nil, err
	}
	if err := h.openGate(c.Rates); err != nil {
		return nil, err
	}
	if err := h.openSpool(c.SpoolFiles); err != nil {
		return nil, err
	}
	h.makeMounts()
	if err := h.openFiles(); err != nil {
		return nil, err
	}
	h.own, err = h.ownPaths()
	return h, err
}

// Watcher is who looks after the requests.
func (h *Handler) Watcher() *deadlines.Watcher { return h.watcher }

// exchange is one request and its response. One goroutine works on it.
type exchange struct {
	h        *Handler
	w        Wire
	r        *http.Request
	req      *embed.Request // nil until one is acquired
	peer     address        // the other end of the connection
	server   address        // our end of it
	client   address        // whoever has sent the request: the peer, unless that is a proxy
	scheme   string         // that the client used
	port     string         // and its port of us, if a proxy says so
	prefix   string         // of the path, if a proxy has cut it off
	asked    bool           // the request's Host is what a proxy says
	mount    *mount         // nil: the request is for none
	uri      string         // the request's target, as logs may have it
	to       *Secure
	location string // of an answer of ours; empty: none
	start    time.Time
	user     string // who had a password

	status  int
	begun   bool // the response has
	written int64
	length  int64 // of the response, as it says; -1: it does not
	ran     bool  // the application did, to its end
	held    int64 // of the memory for bodies
	tallied bool  // in the figures
	streams bool  // the body is read while the application runs
	upload  *upload
	abort   bool   // the response must not look as if all was well
	ahead   *ahead // nil: it never was
	flight  deadlines.Flight
	flies   bool          // the watcher has it
	body    *countedBody  // nil: none, or nobody wants to know
	number  atomic.Uint64 // in requestID; 0: none yet
	trace   string        // its traceparent; empty: nobody wants to know
	coding
	memory
}

// memory is what an exchange leaves to the next one.
type memory struct {
	fields [][2]string
	blocks [][]byte
	made   []byte // see coding
	entry  accesslog.Entry
	line   []byte // of the access log
}

// mostKept is how many fields and blocks there is memory for afterwards.
const mostKept = 1024

// mostMade is how many bytes of what was encoded there is memory for.
const mostMade = 64 << 10

// reusable is the memory without what was in it.
func (m *memory) reusable() memory {
	if cap(m.fields) > mostKept || cap(m.blocks) > mostKept {
		return memory{line: m.line}
	}
	if cap(m.made) > mostMade {
		m.made = nil
	}
	clear(m.fields)
	clear(m.blocks)
	return memory{fields: m.fields[:0], blocks: m.blocks[:0], made: m.made, line: m.line}
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// ServeHTTP answers a request. w may be anybody's: what is not internal/http1's
// Writer is used as well as can be.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	own, ok := w.(Wire)
	if ok {
		h.exchange(own, r, nil, nil)
		return
	}
	other := newForeign(h, w, r)
	h.exchange(other, r, nil, nil)
	if other.aborted {
		panic(http.ErrAbortHandler) // net/http's way to drop a connection
	}
}

// exchange serves a request, from its beginning or from where it stands. to: it is to
// be sent to https.
func (h *Handler) exchange(w Wire, r *http.Request, begun *Begun, to *Secure) {
	x := exchanges.Get().(*exchange)
	*x = exchange{h: h, w: w, r: r, to: to, start: time.Now(), length: -1, memory: x.memory}
	x.peer.Host, x.peer.Port = w.Remote()
	x.client = x.peer
	x.server.Host, x.server.Port = w.Local()
	x.uri = accesslog.Target(r.RequestURI)
	fails := true
	defer func() {
		if fails { // the panic goes on
			x.giveUp()
		}
	}()
	if begun == nil {
		x.serve()
	} else {
		x.resume(begun)
	}
	x.leaveBody()
	if x.flight.TimedOut() {
		x.outliveBody()
		x.req = nil
		x.cloneFields() // they may be the request's memory
		h.watcher.Outlive(&x.flight)
	}
	if x.abort {
		w.Abort()
	}
	if h.access != nil {
		x.writeLine() // who has the answer finds its line
	}
	x.count()
	if h.shows {
		x.show()
	}
	if err := w.End(); err != nil && !x.abort {
		x.lose(err)
	}
	fails = false
	if x.req != nil {
		x.req.Release()
	}
	x.letGo()
	x.dropEncoder()
	if x.flight.Kept() {
		w.Keep()
		return
	}
	*x = exchange{memory: x.reusable()}
	exchanges.Put(x)
}

// giveUp lets go of the request after a fault of ours, or of whoever made the
// http.ResponseWriter.
func (x *exchange) giveUp() {
	switch {
	case x.req == nil:
	case x.flies: // Python may have it
		x.outliveBody()
		x.h.watcher.GiveUp(&x.flight)
	default:
		x.req.Release()
	}
	x.letGo()
	x.dropEncoder()
}

// cloneFields has the response's fields outlive the request.
func (x *exchange) cloneFields() {
	for i, field := range x.fields {
		x.fields[i] = [2]string{strings.Clone(field[0]), strings.Clone(field[1])}
	}
}

func (x *exchange) serve() {
	h := x.h
	if why := x.believe(); why != "" {
		x.contradict(why)
		return
	}
	if x.to != nil && x.prove(x.to) || !x.enters() {
		return
	}
	if x.r.RequestURI == "*" { // OPTIONS: RFC 9110, 9.3.7
		x.answer(http.StatusOK, "")
		return
	}
	if !h.table.Allows(x.r.Host) && !h.own.IsHealth(x.r, x.uri) {
		x.refuse(http.StatusMisdirectedRequest)
		return
	}
	if x.to != nil && x.redirect(x.to) {
		return
	}
	if other, ok := x.w.(*foreign); ok {
		if gone, _ := other.Presence(); gone { // in HTTP/2 a client may take it back at once
			x.status, x.abort = statusClientGone, true
			return
		}
		if status := checkHead(other.r, &h.settings); status != 0 {
			x.refuse(status)
			return
		}
	}
	if own, ours := h.own.Answer(x.r, x.uri, x.peer.Host); ours {
		x.answerItself(own)
		return
	}
	if !x.mayGoOn() {
		return
	}
	x.choose()
	if x.mayBeFile() && x.serveFile() {
		return
	}
	if x.mount == nil {
		x.refuseAll()
		return
	}
	if limit := x.mount.largest; limit > 0 && x.r.ContentLength > limit {
		x.refuse(http.StatusRequestEntityTooLarge)
		return
	}
	if err := x.submit(); err != nil {
		x.fail(err)
		return
	}
	x.fly()
}

// ownScheme is what the client has used, as far as the connection knows.
func (x *exchange) ownScheme() string {
	if x.r.TLS != nil {
		return "https"
	}
	return "http"
}

// fly waits for what the application has to say.
func (x *exchange) fly() {
	x.flies = true
	x.flight.Timeout = x.mount.timeout
	x.h.watcher.Add(&x.flight, x, x.req)
	x.respond()
	if !x.flight.TimedOut() {
		x.h.watcher.Remove(&x.flight)
		x.flies = false
	}
}

// submit reads the body ahead and queues the request for Python.
func (x *exchange) submit() error {
	req, err := x.h.app.Acquire()
	if err != nil {
		return err
	}
	x.req = req
	req.SetLabel(x)
	req.SetApplication(x.mount.number)
	length, err := x.readBody()
	if err != nil {
		return bodyError{err}
	}
	b, err := req.Environ()
	if err != nil {
		return err
	}
	if !x.fillEnviron(b) {
		return errOutside // not what was found when the application was chosen
	}
	setBodyLength(b, x.r, length)
	board := x.h.hooks.Board
	board.Begin(req.Index(), x.r.Method, x.uri)
	if err := req.Submit(x.r.Method == http.MethodHead); err != nil {
		board.End(req.Index())
		return err
	}
	return nil
}

// ClientLeft tells whether nobody waits for the response any more. A client that
// has only ended its own direction may well wait for it; but as long as the
// request is queued it is taken for one that has left: nearly all who do that
// close the connection, which looks the same, and a queue must not be full of
// requests that nobody waits for.
func (x *exchange) ClientLeft(queued bool) bool {
	gone, finished := x.w.Presence()
	return gone || finished && queued
}

// errOutside is a request outside of the mount.
var errOutside = errors.New("outside of the mount")

// bodyError is a request body that could not be read.
type bodyError struct{ error }

func (e bodyError) Unwrap() error { return e.error }

// fail answers a request that did not get to Python.
func (x *exchange) fail(err error) {
	var body bodyError
	switch {
	case x.upload.isLate():
		x.logLate()
		x.refuse(http.StatusRequestTimeout)
	case isFull(err):
		x.h.logSpool("a request body has no room in the folder for temporary files and gets a 507: make room there, or change spool_limit or worker_tmp_dir",
			"spool.full", err)
		x.h.countRefusal(tally.Failed)
		x.refuse(http.StatusInsufficientStorage)
	case errors.As(err, &body):
		x.LogRequest(slog.LevelInfo, "the body could not be read", "request.malformed", "error", err.Error())
		x.refuse(bodyStatus(body.error))
	case errors.Is(err, gil.ErrBusy):
		x.h.log.Warn("too many requests wait for a Python thread", "event", "request.refused",
			"backlog_requests", x.h.settings.BacklogRequests, "method", x.r.Method, "uri", x.uri, "request_id", x.requestID())
		x.h.countRefusal(tally.QueueFull)
		x.refuse(http.StatusServiceUnavailable)
	case errors.Is(err, errOutside):
		x.refuse(http.StatusNotFound)
	case errors.Is(err, gil.ErrClosed):
		x.h.countRefusal(tally.Closing)
		x.refuse(http.StatusServiceUnavailable)
	default:
		x.LogRequest(slog.LevelError, "the request could not be started", "request.failed", "error", err.Error())
		x.h.countRefusal(tally.Failed)
		x.refuse(http.StatusInternalServerError)
	}
}

// Name is the request in a few words: GET /path.
func (x *exchange) Name() string {
	const most = 200
	uri := x.uri
	if len(uri) > most {
		uri = uri[:most] + "…"
	}
	return x.r.Method + " " + uri
}

// Start is when the request came.
func (x *exchange) Start() time.Time { return x.start }

// LogRequest logs something about this request.
func (x *exchange) LogRequest(level slog.Level, message, event string, attrs ...any) {
	attrs = append(append([]any{"event", event}, x.identity()...), attrs...)
	x.h.log.Log(x.r.Context(), level, message, attrs...)
}

// identity says which request it is, in the log.
func (x *exchange) identity() []any {
	attrs := make([]any, 0, 14)
	if name := x.mountName(); name != "" {
		attrs = append(attrs, "mount", name)
	}
	attrs = append(attrs, "method", x.r.Method, "uri", x.uri, "client", x.r.RemoteAddr, "request_id", x.requestID())
	if trace := x.traceID(); trace != "" {
		attrs = append(attrs, "trace_id", trace)
	}
	return attrs
}
