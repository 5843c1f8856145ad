package supervisor

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/acme"
	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/listen"
	"github.com/gowsgi/gowsgi/internal/watch"
)

// TLS: its files are read here, since workers may be a user who must not. What is in
// them is part of a deployment; workers get it with their plan, and as an order when
// the files have changed. Files that are bad change nothing.

// secrets is what TLS needs beside the files.
type secrets struct {
	watcher *watch.Watcher // of the files; nil: they are looked at once a minute
	trouble string         // with the files, as it was said last; empty: none
	ending  time.Time      // when it was said last that a certificate ends
	acme    *acme.Client   // nil: nothing is obtained
	looking bool           // at the files
	again   bool           // they may have changed meanwhile
}

// lookInterval is how often files are looked at that nobody said had changed, as on
// file systems whose changes are made elsewhere; and the time for new keys of tickets.
const lookInterval = time.Minute

// readTLS reads what a deployment's settings name; nil: it speaks no TLS.
func readTLS(s *config.Settings) (*certs.Material, []error) {
	if !s.TLS() {
		return nil, nil
	}
	material, problems := certs.Read(s.CertFiles(), time.Now())
	obtained, err := readACME(s)
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		for i, problem := range problems {
			problems[i] = config.Wrong(problem)
		}
		return nil, problems
	}
	material.Names, material.Pairs = s.ServerName, append(material.Pairs, obtained...)
	return material, nil
}

// sameTLS tells whether both settings have the same certificates.
func sameTLS(a, b *config.Settings) bool {
	ours, theirs := acmeSettings(a), acmeSettings(b)
	return a.CertFiles().Equal(b.CertFiles()) && ours.Equal(&theirs)
}

// openTLS is for the first deployment.
func (s *supervisor) openTLS() error {
	if s.Tickets == nil {
		s.Tickets = certs.NewTickets(time.Now())
	}
	material, problems := readTLS(&s.Settings)
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	s.TLS = material
	go s.tick(lookInterval, func() {
		s.lookAtCertificates()
		s.rotateTickets()
	})
	s.watchCertificates()
	return nil
}

// keepTLS settles what a new deployment speaks TLS with, if its files are bad: what the
// present one has of the same files. An error is what the reload fails for.
func (s *supervisor) keepTLS(next *Deployment, problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	err := errors.Join(problems...)
	if s.TLS == nil || !sameTLS(&next.Settings, &s.Settings) {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	next.TLS = s.TLS
	s.sayKept(err)
	return nil
}

func (s *supervisor) sayKept(err error) {
	trouble := strings.ReplaceAll(err.Error(), "\n", "; ")
	if trouble == s.secrets.trouble {
		return
	}
	s.secrets.trouble = trouble
	s.Log.Error("the certificates stay as they were: there is something wrong with the files", "event", "tls.kept", "reason", trouble)
}

// watchCertificates has the files of the present deployment watched.
func (s *supervisor) watchCertificates() {
	if s.TLS == nil {
		if s.secrets.watcher != nil {
			_, _ = s.secrets.watcher.Watch(nil, nil, time.Now())
		}
		return
	}
	var err error
	if s.secrets.watcher == nil {
		if s.secrets.watcher, err = watch.New(s.Log); err == nil {
			go s.followCertificates(s.secrets.watcher)
		}
	}
	if err == nil {
		_, err = s.secrets.watcher.Watch(s.Settings.CertFiles().All(), nil, time.Now())
	}
	if err != nil {
		s.Log.Warn("certificates that change are noticed within a minute: "+err.Error(), "event", "tls.blind")
	}
}

func (s *supervisor) followCertificates(w *watch.Watcher) {
	defer w.Close()
	for {
		select {
		case <-w.Changes():
			s.post(s.lookAtCertificates)
		case <-s.done:
			return
		}
	}
}

// lookAtCertificates reads the files again. It takes another goroutine: a file system
// may be slow.
func (s *supervisor) lookAtCertificates() {
	if s.TLS == nil || s.stopping != no {
		return
	}
	if s.secrets.looking {
		s.secrets.again = true
		return
	}
	s.secrets.looking = true
	settings := s.Settings
	go func() {
		material, problems := readTLS(&settings)
		s.post(func() {
			s.secrets.looking = false
			if s.TLS != nil && sameTLS(&s.Settings, &settings) {
				s.useCertificates(material, problems)
			}
			if s.secrets.again {
				s.secrets.again = false
				s.lookAtCertificates()
			}
		})
	}()
}

func (s *supervisor) useCertificates(material *certs.Material, problems []error) {
	if len(problems) > 0 {
		s.sayKept(errors.Join(problems...))
		return
	}
	s.secrets.trouble = ""
	s.sayEnding(material)
	if material.Equal(s.TLS) {
		return
	}
	s.TLS = material
	s.Log.Info("certificates have changed", "event", "tls.loaded", "until", material.Until().UTC().Format(time.RFC3339))
	for w := range s.workers {
		if w.tls != nil && sameTLS(&w.plan.Settings, &s.Settings) {
			w.tellTLS(material, s.Tickets)
		}
	}
}

// expiries are when certificates expire, by their names. Not for the loop: keys are parsed.
func expiries(material *certs.Material) map[string]time.Time {
	if material == nil {
		return nil
	}
	return material.Expiries()
}

// rotateTickets gives workers new keys of tickets when it is time.
func (s *supervisor) rotateTickets() {
	if !s.Tickets.Rotate(time.Now()) {
		return
	}
	for w := range s.workers {
		if w.tls != nil {
			w.tellTLS(w.tls, s.Tickets)
		}
	}
}

func (w *worker) tellTLS(material *certs.Material, tickets *certs.Tickets) {
	w.tls = material
	w.tell(control.Order{Kind: control.Certificates, TLS: material.With(tickets)})
}

// redirects tells whether a listener is the one of redirect_http.
func (d *Deployment) redirects(l *listen.Listener) bool {
	if d.Settings.RedirectHTTP == 0 || l.Network != "tcp" {
		return false
	}
	_, port, err := net.SplitHostPort(l.Address)
	return err == nil && port == strconv.Itoa(d.Settings.RedirectHTTP)
}

// url is how the address of a listener is shown to people.
func (d *Deployment) url(l *listen.Listener) string {
	if d.Settings.TLS() && !d.redirects(l) {
		return l.URL("https")
	}
	return l.URL("http")
}
