// Package version holds gowsgi's version number.
package version

// Version is the version that is being built: --version and SERVER_SOFTWARE
// say it.
const Version = "0.1.0"
