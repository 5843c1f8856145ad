package e2e

import "testing"

func TestPy4web(t *testing.T) {
	startSite(t, "py4web_site", "py4web", modes[0]).check(t)
}
