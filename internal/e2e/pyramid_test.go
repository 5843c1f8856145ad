package e2e

import "testing"

func TestPyramid(t *testing.T) {
	startSite(t, "pyramid_site", "Pyramid", modes[0]).check(t)
}
