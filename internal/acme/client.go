package acme

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// Place is where workers accept. A port of 0: they do not.
type Place struct {
	Host string
	TLS  int // where TLS is spoken
	HTTP int // where clients are sent to https from
}

// Client obtains and renews.
type Client struct {
	settings Settings
	place    Place
	log      *slog.Logger
	changed  func() // what is in the folder may have

	config *certmagic.Config
	issuer *certmagic.ACMEIssuer
	cache  *certmagic.Cache
	ctx    context.Context // nil: nothing is obtained yet
	stop   context.CancelFunc
	over   atomic.Bool

	pause  time.Duration // the first one
	mu     sync.Mutex    // guards pauses
	pauses map[string]time.Duration
}

const (
	// checkInterval is how often it is looked whether something is to be renewed. It
	// costs nothing, and certificates that live for days get their share of attempts.
	checkInterval = 30 * time.Second
	// firstPause and longestPause are between attempts where certmagic makes no more.
	firstPause   = time.Minute
	longestPause = time.Hour
)

// New makes a client, which can prove what others have begun. changed is called from
// other goroutines and is to return at once.
func New(s Settings, place Place, log *slog.Logger, changed func()) *Client {
	c := &Client{settings: s, place: place, log: log, changed: changed, pause: firstPause, pauses: map[string]time.Duration{}}
	records := zap.New(&records{log: log, over: &c.over, ended: c.ended})
	c.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return c.config, nil },
		RenewCheckInterval: checkInterval,
		Logger:             records,
	})
	c.config = certmagic.New(c.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: s.Storage},
		Logger:  records,
		OnEvent: c.happened,
		OCSP:    certmagic.OCSPConfig{DisableStapling: true}, // workers have nothing to staple; what is revoked the authority says with ARI
	})
	c.issuer = certmagic.NewACMEIssuer(c.config, certmagic.ACMEIssuer{
		CA: s.Directory, Email: s.Email, Agreed: true, NewAccountFunc: c.sayTerms,
		ListenHost: place.Host, AltTLSALPNPort: place.TLS, AltHTTPPort: place.HTTP,
		DisableTLSALPNChallenge: place.TLS == 0, DisableHTTPChallenge: place.HTTP == 0,
		Logger: records,
	})
	c.config.Issuers = []certmagic.Issuer{c.issuer}
	return c
}

// Is tells whether that is what New was given.
func (c *Client) Is(s Settings, place Place) bool { return c.settings.Equal(&s) && c.place == place }

// Obtain begins to obtain and renew, and returns at once. Workers should serve by then:
// the authority is not kept waiting, and looks at them.
func (c *Client) Obtain() {
	if c.stop != nil {
		return
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	_ = c.config.ManageAsync(c.ctx, c.settings.Names) // errors are records
}

// ended is called when certmagic will not try again by itself, or will if it has had
// the certificate before: it gives up at once if the folder cannot be written to.
func (c *Client) ended(name string) {
	if !slices.Contains(c.settings.Names, name) || c.ctx == nil || len(c.cache.AllMatchingCertificates(name)) > 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	pause := c.pauses[name]
	c.pauses[name] = min(2*pause, longestPause)
	if pause == 0 {
		pause, c.pauses[name] = c.pause, 2*c.pause
	}
	time.AfterFunc(pause, func() {
		if c.ctx.Err() == nil {
			_ = c.config.ManageAsync(c.ctx, []string{name})
		}
	})
}

// Close gives up what is under way, and does not wait for it.
func (c *Client) Close() {
	c.over.Store(true)
	if c.stop != nil {
		c.stop()
	}
	go c.cache.Stop() // it may wait for the authority
}

// Unlock lets others have what this process was about to obtain, before it ends.
func Unlock() { certmagic.CleanUpOwnLocks(context.Background(), zap.NewNop()) }

// happened is told by certmagic what it does.
func (c *Client) happened(_ context.Context, event string, about map[string]any) error {
	switch event {
	case "cert_obtaining":
		c.log.Info("obtaining a certificate", "event", "acme.obtaining", "name", about["identifier"], "authority", c.settings.Directory)
	case "cert_obtained":
		c.log.Info("a certificate was obtained", "event", "acme.obtained", "name", about["identifier"], "authority", c.settings.Directory)
		c.changed()
	case "cached_managed_cert":
		c.changed()
	}
	return nil
}

// sayTerms says what is agreed to, when an account is made: once for each folder and
// authority.
func (c *Client) sayTerms(ctx context.Context, issuer *certmagic.ACMEIssuer, account acme.Account) (acme.Account, error) {
	client := acme.Client{Directory: issuer.CA, HTTPClient: &http.Client{Timeout: certmagic.HTTPTimeout}}
	directory, err := client.GetDirectory(ctx)
	if err != nil {
		return account, err
	}
	terms := "none"
	if directory.Meta != nil && directory.Meta.TermsOfService != "" {
		terms = directory.Meta.TermsOfService
	}
	c.log.Info("an account is made with the authority, and its terms of service are agreed to",
		"event", "acme.terms", "authority", issuer.CA, "terms", terms, "email", c.settings.Email)
	return account, nil
}
