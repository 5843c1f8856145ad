package e2e

import "testing"

func TestBottle(t *testing.T) {
	startSite(t, "bottle_site", "Bottle", modes[0]).check(t)
}
