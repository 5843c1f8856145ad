package e2e

import "testing"

func TestFalcon(t *testing.T) {
	startSite(t, "falcon_site", "Falcon", modes[0]).check(t)
}
