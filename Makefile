# PYTHON: the CPython that the cgo packages are built for and tested with.
# PYTHONS: those that gowsgi holds workers for.
PYTHON  ?= python3
PYTHONS ?= $(PYTHON)
# The machine that make wheel is for.
ARCH    ?= amd64
# How many inputs a fuzz target is tried with. Not a time: in Go 1.26 a fuzz target
# can fail with "context deadline exceeded" where its time ends (golang.org/issue/75804).
FUZZ    ?= 100000x
# The same for whole connections, each of which is made twice.
FUZZLANE ?= 3000x
FUZZFOR  ?= 600

GOFUMPT  := mvdan.cc/gofumpt@v0.12.0
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
PYTOOLS  := ruff==0.17.5 clang-format==23.1.5

# The programs without C have their heap where Go always had it: see docs/design.md, 2.
EXPERIMENT := norandomizedheapbase64

WITH    := $(PYTHON) embed/cgo_env.py
WORKERS := internal/python/workers
HEAD    := internal/bundle/build/head
TOOLS   := build/tools
VENV    := build/venvs/run
SITE    := testapps/django_site
GOSOURCE = $(shell git ls-files -co --exclude-standard '*.go')
CSOURCE := $(wildcard cmd/*/*.[ch] embed/*.[ch] embed/compat/*.h gil/*.[ch] internal/*/*.[ch])

.DEFAULT_GOAL := build
.PHONY: build run test unit race cut asan tsan fuzz fuzz-http e2e lint fmt check bench bench-reload bench-memory bench-front bench-start bench-installed test-sid wheel trees deb dist clean help

build: ## bin/gowsgi, with a worker inside for each of PYTHONS, and what bundles begin with
	@set -e; for python in $(PYTHONS); do $$python embed/cgo_env.py --name >/dev/null; done; \
	workers=; for python in $(PYTHONS); do \
		name=$$($$python embed/cgo_env.py --name); \
		echo "building the worker for CPython $$name"; \
		$$python embed/cgo_env.py --worker build/workers/gowsgi-worker-$$name; \
		workers="$$workers build/workers/gowsgi-worker-$$name"; \
	done; go run ./internal/python/pack $(WORKERS) $$workers
	@CGO_ENABLED=0 GOEXPERIMENT=$(EXPERIMENT) go build -trimpath -ldflags "-s -w -buildid=" -o build/gowsgi-head ./cmd/gowsgi-head
	@go run ./internal/python/pack $(HEAD) build/gowsgi-head
	@CGO_ENABLED=0 GOEXPERIMENT=$(EXPERIMENT) go build -trimpath -o bin/gowsgi ./cmd/gowsgi
	@bin/gowsgi --version

run: build ## the Django demo site at http://127.0.0.1:8000, as demo / demo
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install -q --disable-pip-version-check -r $(SITE)/requirements.txt
	@$(VENV)/bin/python $(SITE)/manage.py migrate -v0 && $(VENV)/bin/python $(SITE)/manage.py demo
	bin/gowsgi --venv $(VENV) --chdir $(SITE) mysite.wsgi:application

test: lint unit race asan fuzz e2e ## all of it, as .ci/run does

unit: ## Go tests of every package but the black-box suite
	$(WITH) go test ./cmd/... ./embed/... ./environ/... ./gil/... $$(go list ./internal/... | grep -v /e2e)
	GOWSGI_TEST_TLS=1 $(WITH) go test -count=1 ./internal/http1 # what was tested without is cached

race: ## the same of the concurrent packages under the race detector
	$(WITH) go test -race ./environ/... ./gil/... ./embed/... $$(go list ./internal/... | grep -v /e2e)

e2e: build ## the built program against testapps/, with real frameworks, on each of PYTHONS, two at a time
	@printf '%s\n' $(PYTHONS) | xargs -P 2 -I {} sh -c ' \
		brief=1; test {} != $(firstword $(PYTHONS)) || brief=; \
		echo "black-box tests on $$({} embed/cgo_env.py --name)"; \
		GOWSGI_TEST_BRIEF=$$brief GOWSGI_TEST_PYTHON=$$(command -v {}) go test -count=1 -timeout 60m ./internal/e2e/...'

cut: build ## the tests of the contract, with a proxy before it that cuts what clients send behind each byte
	GOWSGI_TEST_CUT=1 $(WITH) go test -count=1 -timeout 20m ./internal/e2e -run "^($$(awk \
		'/^func Test/ { split($$2, name, "(") } /\tModes\(t, / { print name[1] }' internal/e2e/*_test.go | sort -u | paste -sd '|'))$$"

asan: ## the pool and the WSGI objects under AddressSanitizer
	ASAN_OPTIONS=detect_leaks=0 $(WITH) go test -asan -count=1 ./gil/... ./embed/... ./cmd/gowsgi-worker ./internal/http1/... ./internal/lane/... ./internal/server/...

tsan: ## the C of the pool and of the lane under ThreadSanitizer (stops at the first race)
	@mkdir -p build/tsan # binaries that are kept have names of functions, for the suppressions
	CGO_CFLAGS="-O1 -g -fsanitize=thread" CGO_LDFLAGS=-fsanitize=thread TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/gil/tsan.txt" \
		$(WITH) go test -count=1 -o build/tsan/ ./gil/... ./internal/lane/... ./internal/server/...

fuzz: ## each fuzz target, with FUZZ inputs
	@set -e; for target in environ:FuzzBlock internal/config:FuzzFile internal/config:FuzzCommandLine internal/http1:FuzzHead internal/http1:FuzzChunks internal/http1:FuzzConnection embed:FuzzEnviron embed:FuzzStartResponse; do \
		$(WITH) go test ./$${target%%:*} -run '^$$' -fuzz "^$${target##*:}$$" -fuzztime $(FUZZ) -fuzzminimizetime 5x; \
	done
	$(WITH) go test ./internal/server -run '^$$' -fuzz '^FuzzLane$$' -fuzztime $(FUZZLANE) -fuzzminimizetime 5x

fuzz-http: ## those that read HTTP/1, under AddressSanitizer, FUZZFOR seconds each; what they find is kept
	PYTHON=$(PYTHON) .ci/fuzz $(FUZZFOR)

fmt: ## format Go, C and Python
	@mkdir -p $(TOOLS) && GOBIN=$(CURDIR)/$(TOOLS) go install $(GOFUMPT) && $(TOOLS)/gofumpt -w $(GOSOURCE)
	@test -x $(TOOLS)/py/bin/ruff || $(PYTHON) -m venv $(TOOLS)/py
	@$(TOOLS)/py/bin/pip install -q --disable-pip-version-check $(PYTOOLS)
	$(TOOLS)/py/bin/clang-format -i $(CSOURCE)
	$(TOOLS)/py/bin/ruff check --fix . && $(TOOLS)/py/bin/ruff format .

check: lint unit ## what to run before a commit

bench: build ## gowsgi beside its peers, an hour and a half: tables to README.md (BENCH="--quick" for twelve minutes)
	bench/install-peers.sh
	$(PYTHON) bench/run.py $(BENCH)

bench-reload: build ## requests lost while workers are replaced, beside its peers, five minutes: tables to docs/reload.md
	$(PYTHON) bench/reload.py $(BENCH)

bench-memory: build ## where a Django site's memory goes, beside its peers, a few minutes: tables to docs/memory.md
	$(PYTHON) bench/memory.py $(BENCH)

bench-front: build ## TLS, HTTP/2, static files, compression, beside nginx: twenty minutes: tables to docs/internet.md
	bench/install-peers.sh
	$(PYTHON) bench/front.py $(BENCH)

bench-start: build ## how soon a site in one file serves, beside its peers, some minutes: table to docs/deploy.md
	$(PYTHON) bench/start.py

bench-installed: build ## whether program, wheel and bundle are equally fast, six minutes (after make wheel): bench/results/installed.json
	$(PYTHON) bench/installed.py $(BENCH)

test-sid: ## build and test on Debian sid's CPythons, in a debootstrap tree (needs root)
	.ci/sid

wheel: ## dist/gowsgi_server-….whl, with workers for CPython 3.10 to 3.14 (ARCH=amd64 or arm64; needs mvn)
	$(PYTHON) internal/dist/wheel.py $(ARCH)

trees: ## try dist/….whl as README.md says, in fresh trees of Debian 11, 12 and sid (needs root; five minutes the first time)
	$(PYTHON) internal/dist/trees.py

deb: build ## dist/gowsgi_….deb, with workers for PYTHONS
	$(PYTHON) internal/dist/deb.py bin/gowsgi

dist: wheel ## all that is given away, in dist/, with checksums: wheel, Debian package, program, source
	$(PYTHON) internal/dist/artefacts.py

clean: ## forget everything that was built
	rm -rf bin build dist $(WORKERS)/*.gz $(HEAD)/*.gz

lint: ## formatting and linters, for Go, C and Python
	@mkdir -p $(TOOLS)
	GOBIN=$(CURDIR)/$(TOOLS) go install $(GOFUMPT)
	$(WITH) go run $(GOLANGCI) run ./...
	@test -z "$$($(TOOLS)/gofumpt -l $(GOSOURCE) | tee /dev/stderr)"
	@test -x $(TOOLS)/py/bin/ruff || $(PYTHON) -m venv $(TOOLS)/py
	@$(TOOLS)/py/bin/pip install -q --disable-pip-version-check $(PYTOOLS)
	$(TOOLS)/py/bin/clang-format --dry-run -Werror $(CSOURCE)
	$(TOOLS)/py/bin/ruff check . && $(TOOLS)/py/bin/ruff format --check .
	go mod tidy -diff

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 14
