module github.com/gowsgi/gowsgi

go 1.26.0

require (
	github.com/BurntSushi/toml v1.6.0
	github.com/go-python/cpy3 v0.2.0
	github.com/spf13/pflag v1.0.10
	go.uber.org/goleak v1.3.0
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)
