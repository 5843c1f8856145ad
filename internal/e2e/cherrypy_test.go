package e2e

import "testing"

func TestCherryPy(t *testing.T) {
	startSite(t, "cherrypy_site", "CherryPy", modes[0]).check(t)
}
