package e2e

import "testing"

func TestTurboGears(t *testing.T) {
	startSite(t, "turbogears_site", "TurboGears", modes[0]).check(t)
}
