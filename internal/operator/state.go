package operator

import (
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
)

// State is what a gowsgi does.
type State struct {
	Name      string    `json:"name"` // --name, or the application
	PID       int       `json:"pid"`
	Version   string    `json:"version"`
	Python    string    `json:"python"`
	Target    string    `json:"target"`
	Mount     string    `json:"mount,omitempty"`
	Mounts    []Mount   `json:"mounts,omitempty"` // where there are several
	Phase     string    `json:"phase"`            // see Phases
	Started   time.Time `json:"started"`
	Listening []string  `json:"listening"`
	// Deployment is how often the application was loaded anew, and which of
	// those times workers should be of.
	Deployment int       `json:"deployment"`
	Reloads    Reloads   `json:"reloads"`
	Nurseries  []Nursery `json:"nurseries,omitempty"`
	Workers    []Worker  `json:"workers"`
	// Certificates are when they expire, by the names inside.
	Certificates map[string]time.Time `json:"certificates,omitempty"`
}

// Mount is an application of several.
type Mount struct {
	Name    string `json:"name"` // its path, behind its host if it has one
	Target  string `json:"target"`
	Threads int    `json:"threads,omitempty"` // that it may have at once; 0: all
}

// Phases of a gowsgi.
const (
	Starting  = "starting"
	Serving   = "serving" // of a worker: it takes requests
	Reloading = "reloading"
	Upgrading = "upgrading"
	Stopping  = "stopping"
	Draining  = "draining" // of a worker: it finishes what it has
)

// Reloads is how reloads went.
type Reloads struct {
	Done   uint64  `json:"done"`
	Failed uint64  `json:"failed"`
	Last   *Reload `json:"last,omitempty"`
}

// Reload is one that is over.
type Reload struct {
	Ended   time.Time `json:"ended"`
	Seconds float64   `json:"seconds"`
	Reason  string    `json:"reason,omitempty"` // why it failed
}

// Nursery is a process that loads the application once, and is forked for each
// worker (--preload).
type Nursery struct {
	PID        int     `json:"pid"`
	Phase      string  `json:"phase"` // Starting: it loads; Serving: it forks; Draining: it ends
	Deployment int     `json:"deployment"`
	Age        float64 `json:"age"`     // seconds
	Loading    float64 `json:"loading"` // seconds that it took, or takes
	Forked     int     `json:"forked"`  // workers, since it was started
	// Ordered are workers that it was told to fork and has not; Waiting is for
	// how long the first of them has waited, in seconds.
	Ordered int     `json:"ordered,omitempty"`
	Waiting float64 `json:"waiting,omitempty"`
	RSS     int64   `json:"rss"` // bytes; 0: not known
	PSS     int64   `json:"pss"`
}

// Worker is one worker process.
type Worker struct {
	Number     int     `json:"worker"`
	PID        int     `json:"pid"`
	Phase      string  `json:"phase"`
	Deployment int     `json:"deployment"`
	Age        float64 `json:"age"` // seconds
	// Replacing: why another one is to take its place.
	Replacing string `json:"replacing,omitempty"`
	// Restarts is how often there was another worker of that number before, and
	// Cause how the last of them ended.
	Restarts int    `json:"restarts"`
	Cause    string `json:"cause,omitempty"`

	RSS int64 `json:"rss"` // bytes; 0: not known
	PSS int64 `json:"pss"`

	Requests   int64 `json:"requests"` // that the application is done with
	Threads    int64 `json:"threads"`
	Busy       int64 `json:"busy"`   // threads that run a request
	Limit      int64 `json:"limit"`  // threads that may be inside Python at once
	Queued     int64 `json:"queued"` // requests that wait for a thread
	Goroutines int64 `json:"goroutines"`
	// GILWait is how long, on average, somebody waited who asked for the GIL
	// while requests waited; GILHeld for how long nobody has got it by now.
	GILWait float64 `json:"gil_wait"` // seconds
	GILHeld float64 `json:"gil_held"` // seconds

	Connections Connections `json:"connections"`

	// Answers: it says itself what runs. If not, Running is what its scoreboard
	// shows: no stage but inside, no client.
	Answers bool              `json:"answers"`
	Running []control.Request `json:"running"` // the oldest first
}

// Connections are a worker's.
type Connections struct {
	Open int64 `json:"open"`
	Idle int64 `json:"idle"` // of them, those that wait for a request
	TLS  int64 `json:"tls"`  // of them all, those that speak TLS
}

// Stacks are where the Python threads of a worker are.
type Stacks struct {
	Worker int `json:"worker"` // 0: it is a nursery, which loads the application
	PID    int `json:"pid"`
	// Silent: the worker did not say.
	Silent bool `json:"silent,omitempty"`
	// WithoutGIL: nobody got the GIL, so they may not be exact.
	WithoutGIL bool             `json:"without_gil,omitempty"`
	Threads    []control.Thread `json:"threads"`
}

// Kinds of Order.
const (
	OrderReload   = "reload"
	OrderStop     = "stop"
	OrderUpgrade  = "upgrade"
	OrderWorkers  = "workers"
	OrderLogLevel = "log-level"
	OrderRecycle  = "recycle"
)

// Order is something to be done.
type Order struct {
	Kind   string
	Worker int    // OrderRecycle
	Count  int    // OrderWorkers: so many, or so many more
	More   bool   // OrderWorkers: Count is to be added
	Level  string // OrderLogLevel
	AtOnce bool   // OrderStop: nothing is waited for
}

// Outcome is how it ended.
type Outcome struct {
	Done    bool    `json:"done"`
	Message string  `json:"message"` // one sentence
	Seconds float64 `json:"seconds"`
}
