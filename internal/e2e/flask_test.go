package e2e

import "testing"

func TestFlask(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		startSite(t, "flask_site", "Flask", mode).check(t)
	})
}
