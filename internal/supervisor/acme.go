package supervisor

import (
	"net"
	"strconv"
	"time"

	"github.com/gowsgi/gowsgi/internal/acme"
	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
)

// Certificates that gowsgi obtains lie in a folder, which is read as the files of
// certificates are (tls.go). What is here has them obtained, and answers workers that
// an authority looks at.

func acmeSettings(s *config.Settings) acme.Settings {
	return acme.Settings{Names: s.ServerName, Email: s.ACMEEmail, Directory: s.ACMEDirectory, Storage: s.ACMEStorage}
}

// readACME reads what has been obtained for a deployment's names.
func readACME(s *config.Settings) ([]certs.Pair, error) {
	settings := acmeSettings(s)
	return settings.Pairs()
}

// place is where workers of the present deployment accept.
func (s *supervisor) place() (place acme.Place) {
	for _, l := range s.listeners {
		host, text, err := net.SplitHostPort(l.Address)
		port, _ := strconv.Atoi(text)
		switch {
		case l.Network != "tcp" || err != nil:
		case s.redirects(l):
			place.HTTP = port
			place.Host = host
		case place.TLS == 0:
			place.TLS = port
			place.Host = host
		}
	}
	if ip := net.ParseIP(place.Host); ip != nil && ip.IsUnspecified() {
		place.Host = ""
	}
	return place
}

// moveACME has what the present deployment wants obtained, as soon as its workers can
// be looked at.
func (s *supervisor) moveACME() {
	settings, place := acmeSettings(&s.Settings), s.place()
	if client := s.secrets.acme; client != nil && len(settings.Names) > 0 && client.Is(settings, place) {
		return
	}
	s.closeACME()
	if len(settings.Names) == 0 {
		return
	}
	s.secrets.acme = acme.New(settings, place, s.Log, func() { go s.post(s.lookAtCertificates) })
	if s.started {
		s.secrets.acme.Obtain()
	}
}

// openACME is for the first deployment, when there are sockets.
func (s *supervisor) openACME() error {
	if len(s.Settings.ServerName) == 0 {
		return nil
	}
	if err := acme.Prepare(s.Settings.ACMEStorage); err != nil {
		return config.Wrong(err)
	}
	s.moveACME()
	return nil
}

// obtain begins when all workers are ready.
func (s *supervisor) obtain() {
	if s.secrets.acme != nil {
		s.secrets.acme.Obtain()
	}
}

func (s *supervisor) closeACME() {
	if s.secrets.acme != nil {
		s.secrets.acme.Close()
		s.secrets.acme = nil
	}
}

// asked answers a worker that an authority looks at.
func (s *supervisor) asked(w *worker, r control.Report) {
	client := s.secrets.acme
	go func() { // a folder may be slow
		order := control.Order{Kind: control.Proof, ID: r.ID}
		if client != nil && r.Question != nil {
			order.Proof = client.Prove(*r.Question)
		}
		w.tell(order)
	}()
}

// endingInterval is how often it is said that a certificate ends.
const endingInterval = 24 * time.Hour

// sayEnding says in good time that a certificate should have been renewed: those that
// gowsgi obtains are, when a third of their time is left.
func (s *supervisor) sayEnding(m *certs.Material) {
	now := time.Now()
	names, until := m.Ending(now)
	if until.IsZero() || now.Sub(s.secrets.ending) < endingInterval {
		return
	}
	s.secrets.ending = now
	s.Log.Error("a certificate is about to expire, and has not been renewed", "event", "tls.ending", "name", names, "until", until.UTC().Format(time.RFC3339))
}
