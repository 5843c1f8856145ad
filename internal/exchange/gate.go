package exchange

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/environ"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/gate"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/rates"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// keeper keeps out whom the settings keep out.
type keeper struct {
	guard                              // of what is for no application
	limiter *gate.Limiter              // nil: there is no limit
	by      string                     // field of a request that has its client's name; empty: none
	opened  map[string]*gate.Passwords // by file
	realm   string

	ajar atomic.Bool // the only client is this worker itself

	denied, limited, crowded, unknown logging.Ration // records
}

// guard is who may send requests for one application.
type guard struct {
	addresses *gate.Addresses // nil: everybody
	passwords *gate.Passwords // nil: who has no password, too
}

func (g *guard) isOpen() bool { return g.addresses == nil && g.passwords == nil }

// makeGuard makes the one that settings want. Of each file of passwords there is one reader.
func (h *Handler) makeGuard(want config.Guard) (g guard, err error) {
	if g.addresses, err = gate.NewAddresses(want.Allow, want.Deny); err != nil || want.BasicAuth == "" {
		return g, err
	}
	if known := h.opened[want.BasicAuth]; known != nil {
		g.passwords = known
		return g, nil
	}
	g.passwords, err = gate.OpenPasswords(want.BasicAuth, h.notePasswords)
	if errors.Is(err, os.ErrNotExist) { // it was there when gowsgi looked; a worker that comes later keeps everybody out
		h.log.Error("the file of passwords is gone, and everybody gets a 401 until it is there: put it back", "event", "passwords.failed", "error", err.Error())
		err = nil
	}
	h.opened[want.BasicAuth] = g.passwords
	return g, config.Wrong(err)
}

// openGate makes the gate that the settings want. table is that of all workers; nil:
// this one counts alone.
func (h *Handler) openGate(table *rates.Table) (err error) {
	s, k := &h.settings, &h.keeper
	k.opened = map[string]*gate.Passwords{}
	k.realm = fmt.Sprintf(`Basic realm="%s", charset="UTF-8"`, s.BasicAuthRealm)
	if k.guard, err = h.makeGuard(s.Guard()); err != nil {
		return err
	}
	interval, err := config.ParseRate(s.LimitRate)
	if err != nil {
		return err
	}
	if interval > 0 {
		if table == nil {
			if table, err = rates.New(); err != nil {
				return err
			}
		}
		const usual = 10 * time.Second
		burst := s.LimitRateBurst
		if burst == 0 {
			burst = int(max(1, usual/interval))
		}
		k.limiter = &gate.Limiter{Table: table, Limit: rates.Limit{Interval: interval, Burst: burst}}
		k.by = http.CanonicalHeaderKey(s.LimitRateBy)
	}
	return nil
}

// guard is who may send this request.
func (x *exchange) guard() *guard {
	if x.mount == nil {
		return &x.h.guard
	}
	return &x.mount.guard
}

// WarmUp has requests pass until it is called with false: they are the worker's own,
// and nobody else can send any yet.
func (h *Handler) WarmUp(own bool) { h.ajar.Store(own) }

func (h *Handler) notePasswords(users int, err error) {
	if err != nil {
		h.log.Error("the passwords cannot be read anew, so the old ones stay", "event", "passwords.failed", "error", err.Error())
		return
	}
	h.log.Info("the passwords were read anew", "event", "passwords.reloaded", "users", users)
}

// enters tells whether requests may come from the client; else it is answered.
func (x *exchange) enters() bool {
	k := &x.h.keeper
	if x.guard().addresses.Enters(x.client.Host) || k.ajar.Load() {
		return true
	}
	x.h.countRefusal(tally.Denied)
	x.turnAway(&k.denied, "a client was kept out by allow and deny", "request.denied")
	x.refuse(http.StatusForbidden)
	return false
}

// mayGoOn tells whether the client has not sent too much, and has the password; else
// it is answered.
func (x *exchange) mayGoOn() bool {
	return x.h.ajar.Load() || x.isWithinRate() && x.isKnown()
}

func (x *exchange) isWithinRate() bool {
	k := &x.h.keeper
	if k.limiter == nil {
		return true
	}
	name := ""
	if k.by != "" && x.h.forwarded.Peers().Trusts(x.peer.Host) {
		name = first(x.r.Header, k.by)
	}
	wait, crowded := k.limiter.Take(name, x.client.Host)
	if crowded {
		x.turnAway(&k.crowded, "so many clients send requests that some are not remembered, and may send more than limit_rate", "rates.crowded")
	}
	if wait == 0 {
		return true
	}
	x.h.countRefusal(tally.RateLimited)
	x.turnAway(&k.limited, "a client sent more than limit_rate", "request.limited")
	x.refuse(http.StatusTooManyRequests, [2]string{"Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds())))})
	return false
}

func (x *exchange) isKnown() bool {
	k, passwords := &x.h.keeper, x.guard().passwords
	if passwords == nil {
		return true
	}
	user, password, has := x.r.BasicAuth()
	has = has && len(x.r.Header[authorization]) == 1 // of several, who knows which counts
	answer := gate.Wrong
	if has {
		answer = passwords.Try(x.client.Host, user, password)
	}
	switch answer {
	case gate.Right:
		x.user = user
		return true
	case gate.Busy:
		x.h.countRefusal(tally.Unauthorized)
		x.turnAway(&k.unknown, "so many passwords are tried that one was not", "request.unauthorized")
		x.refuse(http.StatusServiceUnavailable)
		return false
	}
	x.h.countRefusal(tally.Unauthorized)
	if has {
		const longest = 100
		x.turnAway(&k.unknown, "a client had a wrong name or password", "request.unauthorized", "user", scoreboard.Printable(user[:min(len(user), longest)]))
	}
	x.refuse(http.StatusUnauthorized, [2]string{"WWW-Authenticate", k.realm})
	return false
}

// turnAway logs that a client is turned away: a few in each second.
func (x *exchange) turnAway(ration *logging.Ration, message, event string, attrs ...any) {
	const each = 5
	if held, ok := ration.Pass(x.start, each); ok {
		x.LogRequest(slog.LevelInfo, message, event, append(attrs, logging.Suppressed(held)...)...)
	}
}

const authorization = "Authorization"

// sayUser tells the application who was asked for his password. Then the password is
// none of its business, as under Apache.
func (x *exchange) sayUser(b *environ.Builder) {
	if x.user != "" {
		b.Set(environ.AuthType, "Basic")
		b.Set(environ.RemoteUser, x.user)
	}
}
