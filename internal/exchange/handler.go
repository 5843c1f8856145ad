package exchange

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/gowsgi/gowsgi/embed"
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
	if err := h.makeMounts(); err != nil {
		return nil, err
	}
	if err := h.openFiles(); err != nil {
		return nil, err
	}
	h.own, err = h.ownPaths()
	return h, err
}

// Watcher is who looks after the requests.
func (h *Handler) Watcher() *deadlines.Watcher { return h.watcher }

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
